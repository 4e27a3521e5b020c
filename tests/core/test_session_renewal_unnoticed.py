"""Nobody notices a renewal: no word is lost, none is said twice, and the next link knows what the last one did."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Renewed, SendAudio
from segue.core.outputs import Audio, Interrupted, Notice, NoticeKind, TurnEnded
from segue.core.profiles import profile_of
from tests.core.conversation import OPTIONS, OTHER_VOICE, POLICY, VOICE, Conversation, voice
from tests.core.renewing import due, gap_of


def test_the_extra_fields_of_the_setup_go_over_to_every_link() -> None:
    call = due(replace(OPTIONS, backend_options='{"proactivity":{"proactiveAudio":true}}'))
    call.renew()
    call.lose_link()
    call.wait(0.1)
    extras = [setup.setup.extra for setup in call.setups]
    assert extras == ['{"proactivity":{"proactiveAudio":true}}'] * 3


def test_nothing_is_said_of_a_renewal() -> None:
    call = due()
    before = len(call.outputs)
    call.renew()
    call.wait(1.0)
    assert call.outputs[before:] == []
    call.assert_open()


def test_who_asks_for_it_is_told_of_a_renewal() -> None:
    call = due(replace(OPTIONS, notices=True))
    call.renew()
    [notice] = call.got(Notice)
    assert notice.kind is NoticeKind.RENEWED
    assert notice.took == gap_of(call)


def test_the_gap_is_the_time_of_the_setup() -> None:
    call = due()
    call.wait(2.0)
    call.hold()
    call.wait(0.3)
    call.link_up()
    [renewed] = call.did(Renewed)
    assert renewed.gap == pytest.approx(0.3)
    assert (renewed.resumed, renewed.cut) == (True, False)


def test_no_word_is_lost_or_repeated_when_the_user_speaks_during_the_setup() -> None:
    call = due()
    call.wait(2.0)
    call.hold()
    call.wait(0.01)
    assert call.link == 2
    call.say(0.4, sample=OTHER_VOICE)
    assert call.given_seconds(2) == 0.0
    call.link_up()
    call.say(0.6, sample=OTHER_VOICE)
    call.wait(2.0)
    assert call.given_seconds(1, OTHER_VOICE) == 0.0
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.0)
    # What the model has answered is not repeated.
    assert call.given_seconds(2) == 0.0


def test_a_text_that_comes_during_the_setup_is_given_once() -> None:
    call = due()
    call.wait(2.0)
    call.hold()
    call.wait(0.01)
    call.write("And you?")
    call.link_up()
    call.wait(1.0)
    assert call.texts() == ["And you?"]
    assert call.texts(2) == ["And you?"]


def test_words_that_are_given_late_go_out_at_three_times_the_pace_of_speech_in_messages_of_100_ms() -> None:
    call = due()
    call.wait(2.0)
    call.hold()
    call.wait(0.01)
    call.say(3.0)
    call.link_up()
    begin = call.now
    call.wait(5.0)
    sent = [(at, action.audio.count(VOICE) / 16_000) for at, action in call.timeline if isinstance(action, SendAudio)]
    late = [(at, seconds) for at, seconds in sent if at >= begin and seconds]
    assert max(seconds for _, seconds in late) <= 0.1 + 1e-9
    given = 0.0
    for at, seconds in late:
        assert given <= 3.0 * (at - begin) + 1e-6
        given += seconds
    # Caught up with after 3 s / 3.
    assert sum(seconds for at, seconds in late if at <= begin + 1.01) >= 3.0 - 0.1


def test_a_family_may_want_its_words_at_the_pace_of_speech() -> None:
    profile = replace(profile_of(OPTIONS.model), replay_speed=1.0)
    call = due(policy=replace(POLICY, profiles=(profile,)))
    call.wait(2.0)
    call.hold()
    call.wait(0.01)
    call.say(3.0)
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(2) == pytest.approx(2.1, abs=0.11)
    call.wait(1.0)
    assert call.given_seconds(2) == pytest.approx(3.0)


def test_what_is_said_while_it_catches_up_comes_behind_it() -> None:
    call = due()
    call.wait(2.0)
    call.hold()
    call.wait(0.01)
    call.say(1.0)
    call.link_up()
    call.say(1.0, sample=OTHER_VOICE)
    call.wait(1.0)
    audio = call.given_audio(2)
    assert audio.rfind(voice(0.02)) < audio.find(voice(0.02, OTHER_VOICE))
    assert call.given_seconds(2) == pytest.approx(1.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.0)


def test_what_the_old_link_still_says_means_nothing() -> None:
    call = due()
    call.hold()
    call.wait(2.0)
    assert call.receive(ev.ModelAudio(1, b"\x01\x02" * 24_000)) == []
    assert call.receive(ev.LinkLost(1, ev.LossCause.TRANSIENT, "closed")) == []
    call.link_up()
    assert call.receive(ev.ModelAudio(1, b"\x01\x02" * 24_000)) == []
    assert [audio for audio in call.got(Audio) if audio.turn == 2] == []


def test_the_answer_comes_from_the_next_link() -> None:
    call = due()
    call.renew()
    call.exchange("What time is it?", "Noon.")
    assert call.assert_turn_ended(2).heard_text == "Noon."
    assert call.got(Interrupted) == []


def test_a_turn_that_ended_after_the_handle_is_told_to_the_next_link_as_a_note() -> None:
    call = Conversation.opened(replace(OPTIONS, model="gemini-2.5-flash-native-audio"))
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.exchange("What time is it?", "Noon.")
    call.go_away(40.0)
    call.renew()
    call.wait(1.0)
    assert call.setups[-1].setup.handle == "h1"
    [note] = call.notes(2)
    assert "What time is it?" in note
    assert "Noon." in note
    assert "Fine." not in note
    # The user's words are answered: they are not given again.
    assert call.given_seconds(2) == 0.0
    assert call.got(TurnEnded)[-1].turn == 2
