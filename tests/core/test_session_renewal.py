"""Renewal: a link is replaced before the service ends it, at a quiet moment, and nobody notices."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Dial, FalseInterruptionSeen, HangUp, Purpose, Renewed, SendAudio, SetUp, Trigger
from segue.core.options import Compression, FunctionDeclaration, Modality, Options
from segue.core.outputs import Audio, CutCause, EndReason, Interrupted, Notice, NoticeKind, TurnEnded, Usage
from segue.core.policy import Policy
from segue.core.profiles import profile_of
from tests.core.conversation import OPTIONS, OTHER_VOICE, POLICY, VOICE, Conversation, speech, voice

AGE_LIMIT, JITTER = 480.0, 60.0
# The session's own numbers are all one half here.
AGE = AGE_LIMIT - JITTER / 2
OVERLAP = replace(POLICY, overlap=True)


def due(options: Options = OPTIONS, policy: Policy = POLICY) -> Conversation:
    """Return a conversation whose link is to be replaced, and whose next link is dialled; it has the handle h1."""
    call = Conversation.opened(options, policy)
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.go_away(50.0)
    return call


def gap_of(call: Conversation) -> float:
    [renewed] = call.did(Renewed)
    return renewed.gap


# When.


@pytest.mark.parametrize(("drawn", "age"), [(0.0, 480.0), (0.5, 450.0), (0.99, 420.6)])
def test_a_link_is_renewed_at_eight_minutes_less_the_sessions_own_jitter(drawn: float, age: float) -> None:
    call = Conversation.opened(draw=lambda: drawn)
    begin = call.now
    call.wait(age - 0.1)
    assert len(call.did(Dial)) == 1
    call.wait(0.2)
    dial = call.did(Dial)[-1]
    assert (dial.link, dial.purpose, dial.hold) == (2, Purpose.RENEWAL, True)
    assert call.when(Dial)[-1] - begin == pytest.approx(age)


def test_each_link_has_an_age_of_its_own() -> None:
    call = Conversation.opened(replace(OPTIONS, idle_timeout=3600.0))
    for link in (2, 3):
        call.wait(AGE + 0.1)
        assert call.next_link == link
        call.renew()
    assert [renewed.trigger for renewed in call.did(Renewed)] == [Trigger.AGE, Trigger.AGE]


def test_a_link_that_is_to_end_is_renewed_at_once() -> None:
    call = Conversation.opened()
    call.go_away(50.0)
    dial = call.did(Dial)[-1]
    assert (dial.link, dial.purpose, dial.hold) == (2, Purpose.RENEWAL, True)
    call.renew()
    assert call.link == 2
    assert [renewed.trigger for renewed in call.did(Renewed)] == [Trigger.GO_AWAY]


def test_a_second_go_away_changes_nothing() -> None:
    call = due()
    call.go_away(30.0)
    call.renew()
    call.wait(60.0)
    assert len(call.did(Dial)) == 2
    assert len(call.did(Renewed)) == 1


def test_a_link_whose_window_fills_up_and_lets_nothing_go_is_replaced_by_a_fresh_one() -> None:
    call = Conversation.opened(replace(OPTIONS, compression=None))
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.receive(ev.UsageReported(1, Usage(total_tokens=125_000)))
    call.receive(ev.UsageReported(1, Usage(total_tokens=126_000)))
    call.wait(0.1)
    call.renew()
    assert [renewed.trigger for renewed in call.did(Renewed)] == [Trigger.CONTEXT]
    assert call.setups[-1].setup.handle == ""
    assert "Fine." in call.setups[-1].setup.system_instruction


def test_a_link_that_was_replaced_because_of_its_window_is_not_resumed_later() -> None:
    call = Conversation.opened(replace(OPTIONS, compression=None, model="gemini-2.5-flash-native-audio"))
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.receive(ev.UsageReported(1, Usage(total_tokens=125_000)))
    call.wait(0.1)
    call.renew()
    call.lose_link()
    assert call.setups[-1].setup.handle == ""


def test_a_window_that_is_not_nearly_full_is_no_reason_to_renew() -> None:
    call = Conversation.opened(replace(OPTIONS, compression=None))
    call.receive(ev.UsageReported(1, Usage(total_tokens=100_000)))
    call.wait(10.0)
    assert len(call.did(Dial)) == 1


def test_a_window_that_lets_old_context_go_is_no_reason_to_renew() -> None:
    call = Conversation.opened(replace(OPTIONS, compression=Compression()))
    call.receive(ev.UsageReported(1, Usage(total_tokens=125_000)))
    call.wait(10.0)
    assert len(call.did(Dial)) == 1


# The quiet moment.


def test_a_quiet_moment_is_used() -> None:
    call = due()
    call.wait(3.0)
    at = call.now
    call.hold()
    call.wait(0.01)
    assert call.did(SetUp)[0].link == 2
    assert call.when(SetUp) == [pytest.approx(at, abs=0.011)]


def test_the_old_link_is_hung_up_before_the_next_one_is_set_up() -> None:
    call = due()
    call.hold()
    call.wait(2.0)
    order = [action for action in call.actions if isinstance(action, HangUp | SetUp)]
    assert [(type(action), action.link) for action in order] == [(HangUp, 1), (SetUp, 2)]


def test_the_next_link_is_not_set_up_before_it_is_held() -> None:
    call = due()
    call.wait(20.0)
    assert call.did(SetUp) == []
    assert call.did(HangUp) == []


def test_no_moment_is_quiet_until_a_second_after_the_users_voice() -> None:
    call = due()
    call.hold()
    call.receive(ev.AudioReceived(0, voice(0.02), voiced=True))
    spoke = call.now
    call.wait(40.0)
    [at] = call.when(SetUp)
    assert at - spoke >= 1.0


def test_no_moment_is_quiet_while_the_user_speaks() -> None:
    call = due()
    call.say(0.5)
    call.hold()
    call.say(10.0)
    assert call.did(SetUp) == []


def test_no_moment_is_quiet_while_a_reply_is_expected() -> None:
    call = due()
    call.write("And you?")
    call.hold()
    call.wait(5.0)
    assert call.did(SetUp) == []
    call.answer(1.0, "Me too.")
    call.finish_generation()
    call.complete()
    call.hand_over("h2")
    call.wait(0.05)
    assert call.setups[-1].setup.handle == "h2"


def test_no_moment_is_quiet_while_a_turn_is_being_made() -> None:
    call = due()
    call.answer(1.0, "By the way,")
    call.hold()
    call.wait(5.0)
    assert call.did(SetUp) == []


def test_a_turn_that_still_plays_and_is_complete_is_quiet_once_its_handle_came() -> None:
    call = due()
    call.hold()
    call.answer(10.0, "A story.")
    call.finish_generation()
    call.complete()
    assert call.did(SetUp) == []
    call.hand_over("h2")
    call.wait(0.01)
    assert call.setups[-1].setup.handle == "h2"
    call.link_up()
    call.wait(15.0)
    assert call.heard(2) == pytest.approx(10.0)
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
    assert call.got(Interrupted) == []


def test_the_handle_of_a_turn_is_waited_for_a_second_at_most() -> None:
    call = due()
    call.answer(10.0, "A story.")
    call.hold()
    call.wait(0.5)
    call.finish_generation()
    call.complete()
    at = call.now
    call.wait(5.0)
    assert call.when(SetUp) == [pytest.approx(at + 1.0)]
    assert call.setups[-1].setup.handle == "h1"


@pytest.mark.parametrize("told", [True, False])
def test_no_moment_is_quiet_before_the_answer_to_a_text_that_interrupted_what_had_just_begun(told: bool) -> None:
    call = due()
    call.hold()
    call.write("And you?")
    call.wait(0.8)
    call.write("Hello?")
    call.wait(0.1)
    call.reading = told
    call.answer(0.4, "Me")
    call.wait(0.1)
    call.interrupted(by_sound=False)
    call.complete()
    call.reading = True
    call.wait(5.0)
    assert call.assert_interrupted(2).cause is CutCause.USER
    assert call.did(FalseInterruptionSeen) == []
    assert call.did(SetUp) == []
    call.answer(1.0, "Good day.")
    call.finish_generation()
    call.complete()
    call.wait(2.0)
    assert len(call.did(SetUp)) == 1


@pytest.mark.parametrize("blocking", [True, False])
def test_no_moment_is_quiet_while_a_call_waits_for_its_result(blocking: bool) -> None:
    call = due(replace(OPTIONS, functions=(FunctionDeclaration("weather", blocking=blocking),)))
    call.call("c1")
    call.complete()
    call.hold()
    call.wait(10.0)
    assert call.did(SetUp) == []


def test_no_moment_is_quiet_while_the_model_says_that_it_goes_on_working() -> None:
    call = due(replace(OPTIONS, model="gemini-3.8-live-extended-thinking"))
    call.hold()
    call.work(idle=False)
    call.wait(10.0)
    assert call.did(SetUp) == []
    call.work(idle=True)
    call.wait(2.0)
    assert len(call.did(SetUp)) == 1


# Nobody notices.


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


# The handle.


def test_the_newest_handle_goes_into_the_setup() -> None:
    call = due()
    assert call.did(Dial)[-1].setup.handle == "h1"
    call.hand_over("h2")
    call.hold()
    call.wait(2.0)
    assert call.did(SetUp)[0].setup.handle == "h2"


def test_an_empty_handle_replaces_no_good_one() -> None:
    call = due()
    call.hand_over("")
    call.renew()
    assert call.setups[-1].setup.handle == "h1"


def test_a_setup_differs_from_the_first_in_its_handle_alone() -> None:
    call = due(replace(OPTIONS, system_instruction="Be brief.", voice="Kore"))
    call.renew()
    first, last = call.setups[0].setup, call.setups[-1].setup
    assert replace(last, handle="") == first


# The deadline.


def telling(policy: Policy = POLICY) -> Conversation:
    """Return a conversation whose link is to be replaced, in which the model is to speak 60 s in sentences of 2 s."""
    call = due(policy=policy)
    call.hold()
    call.understand("Tell me a story.")
    for number in range(30):
        call.answer(2.0, f"Sentence {number}. ")
    return call


def test_a_link_is_replaced_before_the_service_ends_it_even_in_mid_turn() -> None:
    call = Conversation.opened()
    call.hand_over("h1")
    call.go_away(10.0)
    begin = call.now
    call.hold()
    for number in range(30):
        call.answer(2.0, f"Sentence {number}. ")
    call.wait(10.0)
    [at] = call.when(SetUp)
    # What `goAway` announces, less a margin.
    assert 0.0 < at - begin < 10.0


def talk_for_ever(call: Conversation, *, hold: bool) -> None:
    """Have the model talk without a pause for up to 700 s, or until its link is replaced."""
    begin, held = call.now, 0
    while call.link == 1 and call.now < begin + 700.0:
        call.answer(1.0, "And so on. ")
        call.wait(1.0)
        if hold and call.next_link not in (1, held):
            held = call.next_link
            call.hold()


def test_a_link_of_an_age_is_replaced_before_ten_minutes_even_in_mid_turn() -> None:
    call = Conversation.opened(replace(OPTIONS, unpaced=True))
    begin = call.now
    talk_for_ever(call, hold=True)
    assert 480.0 < call.now - begin < 600.0
    assert len(call.did(SetUp)) == 1


def test_a_link_of_an_age_works_on_while_there_is_no_other() -> None:
    call = Conversation.opened(replace(OPTIONS, unpaced=True))
    talk_for_ever(call, hold=False)
    assert call.link == 1
    assert call.got(Interrupted) == []


def test_a_turn_that_the_deadline_cuts_plays_to_its_last_whole_sentence() -> None:
    call = telling()
    call.wait(60.0)
    call.link_up()
    call.wait(60.0)
    cut = call.assert_interrupted(2)
    assert cut.cause is CutCause.RECOVERY
    assert cut.heard_text.endswith(". ")
    assert cut.heard_text + cut.unheard_text == "".join(f"Sentence {number}. " for number in range(30))
    ended = call.assert_turn_ended(2)
    assert (ended.reason, ended.heard_text) == (EndReason.INTERRUPTED, cut.heard_text)
    assert call.heard(2) == pytest.approx(ended.heard)
    assert [renewed.cut for renewed in call.did(Renewed)] == [True]


@pytest.mark.parametrize("written", [True, False])
def test_what_comes_behind_a_turn_that_nobody_ended_is_cut_by_the_deadline(written: bool) -> None:
    call = due(replace(OPTIONS, model="gemini-2.0-flash-live-001", modality=Modality.TEXT) if written else OPTIONS)
    call.go_away(10.0)
    call.hold()
    said = ev.ModelText(1, "A story.") if written else ev.ModelAudio(1, speech(1.0))
    call.receive(said)
    call.finish_generation()
    call.receive(said)
    call.wait(6.0)
    call.link_up()
    assert [renewed.cut for renewed in call.did(Renewed)] == [True]


def test_a_turn_that_the_deadline_cuts_goes_on_in_a_new_turn() -> None:
    call = telling()
    call.wait(60.0)
    call.link_up()
    [request] = call.texts(call.link)
    assert "Tell me a story." in request
    call.answer(2.0, "The end.")
    call.finish_generation()
    call.complete()
    call.wait(90.0)
    cut = call.got(Interrupted)
    assert [interrupted.turn for interrupted in cut] == [2]
    assert cut[0].heard_text.strip().splitlines()[-1][-12:] in request
    assert call.assert_turn_ended(3).heard_text == "The end."
    # Asked once.
    assert len(call.texts()) == 1


def test_words_that_the_deadline_cuts_in_two_are_given_whole_to_the_next_link() -> None:
    call = Conversation.opened()
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.wait(1.0)
    call.go_away(10.0)
    call.hold()
    call.say(7.0, sample=OTHER_VOICE)
    assert call.link == 2
    call.link_up()
    call.say(3.0, sample=OTHER_VOICE)
    call.wait(4.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(10.0)
    # In one piece.
    assert OTHER_VOICE * 160_000 in call.given_audio(2)
    assert [renewed.cut for renewed in call.did(Renewed)] == [False]


def test_a_question_whose_answer_the_deadline_came_before_is_answered_by_the_next_link() -> None:
    call = Conversation.opened()
    call.go_away(10.0)
    call.hold()
    call.wait(0.0)
    call.write("What time is it?")
    call.wait(6.0)
    assert call.link == 2
    call.link_up()
    assert call.texts(2) == ["What time is it?"]
    call.answer(1.0, "Noon.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(1).heard_text == "Noon."


def test_no_handle_at_the_deadline_begins_afresh_with_what_was_said() -> None:
    call = Conversation.opened(replace(OPTIONS, system_instruction="Be brief."))
    call.exchange("Who are you?", "Your guide.")
    call.go_away(10.0)
    call.renew()
    setup = call.setups[-1].setup
    assert setup.handle == ""
    assert setup.system_instruction.startswith("Be brief.")
    assert "Who are you?" in setup.system_instruction
    assert "Your guide." in setup.system_instruction
    [renewed] = call.did(Renewed)
    assert not renewed.resumed


# The held connection.


def test_a_connection_that_was_held_for_20_seconds_is_dialled_anew() -> None:
    call = due()
    call.write("And you?")
    call.hold()
    held = call.now
    call.answer(60.0, "Well, ")
    call.wait(19.9)
    assert call.did(HangUp) == []
    call.wait(0.2)
    assert call.did(HangUp) == [HangUp(2)]
    assert call.when(HangUp) == [pytest.approx(held + 20.0)]
    assert (call.next_link, call.did(Dial)[-1].hold) == (3, True)
    call.finish_generation()
    call.complete()
    call.hand_over("h2")
    call.renew()
    assert call.link == 3


def test_a_next_link_that_is_lost_is_dialled_anew_and_the_old_one_works_on() -> None:
    call = due()
    call.lose_link(ev.LossCause.UNAVAILABLE, link=2)
    call.exchange("What time is it?", "Noon.")
    assert call.assert_turn_ended(2).heard_text == "Noon."
    assert (call.next_link, call.did(Dial)[-1].purpose, call.did(Dial)[-1].hold) == (3, Purpose.RENEWAL, True)
    assert call.link == 1


def test_a_deadline_without_a_connection_dials_one() -> None:
    call = due()
    call.wait(49.9)
    assert call.link == 3
    dial = call.did(Dial)[-1]
    assert (dial.link, dial.purpose, dial.hold, dial.setup.handle) == (3, Purpose.RECOVERY, False, "h1")
    assert call.did(HangUp) == [HangUp(1), HangUp(2)]
    call.link_up()
    assert call.link == 3


def test_a_deadline_waits_for_a_connection_that_is_being_dialled() -> None:
    call = due()
    call.wait(46.0)
    assert call.did(HangUp) == []
    call.hold()
    call.wait(0.0)
    assert (call.did(HangUp), call.did(SetUp)[0].link) == ([HangUp(1)], 2)


def test_a_link_that_is_lost_while_the_next_one_is_held_is_recovered() -> None:
    call = due()
    call.hold()
    call.lose_link()
    call.wait(0.5)
    call.link_up()
    call.exchange("What time is it?", "Noon.")
    assert call.assert_turn_ended(2).heard_text == "Noon."


def test_a_renewal_that_fails_is_recovered() -> None:
    call = due()
    call.hold()
    call.wait(2.0)
    call.lose_link(link=2)
    call.wait(1.0)
    dial = call.did(Dial)[-1]
    assert (dial.link, dial.purpose) == (3, Purpose.RECOVERY)
    call.link_up()
    call.exchange("What time is it?", "Noon.")
    assert call.assert_turn_ended(2).heard_text == "Noon."


# Overlapping.


def test_links_may_overlap_until_the_next_one_is_up() -> None:
    call = due(policy=OVERLAP)
    call.wait(2.0)
    call.hold()
    call.wait(0.01)
    assert call.did(HangUp) == []
    assert call.did(SetUp)[0].link == 2
    call.link_up(2)
    assert call.did(HangUp) == [HangUp(1)]
    assert call.link == 2
    assert gap_of(call) == 0.0


def test_words_that_the_old_link_got_while_they_overlapped_are_given_to_the_next_one() -> None:
    call = due(policy=OVERLAP)
    call.wait(2.0)
    call.hold()
    call.wait(0.01)
    call.say(0.6, sample=OTHER_VOICE)
    assert call.given_seconds(1, OTHER_VOICE) == pytest.approx(0.6)
    call.link_up(2)
    call.say(0.4, sample=OTHER_VOICE)
    call.wait(2.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.0)


def test_a_link_that_was_held_for_long_has_time_for_its_setup_all_the_same() -> None:
    call = due(policy=OVERLAP)
    call.write("And you?")
    call.hold()
    call.answer(1.0, "Well, ")
    call.wait(7.0)
    call.answer(1.0, "I am ")
    call.wait(7.0)
    # It plays for longer than the connection is held.
    call.answer(20.0, "fine.")
    call.wait(5.5)
    call.finish_generation()
    call.complete()
    call.hand_over("h2")
    call.wait(0.1)
    # 19.6 s after it was held.
    assert call.did(SetUp)[0].link == 2
    call.wait(2.0)
    assert call.did(HangUp) == []
    call.link_up(2)
    assert call.link == 2
    assert len(call.did(Renewed)) == 1


def test_an_overlapping_link_that_is_lost_leaves_the_old_one_as_it_was() -> None:
    call = due(policy=OVERLAP)
    call.wait(2.0)
    call.hold()
    call.wait(0.01)
    call.lose_link(link=2)
    call.exchange("What time is it?", "Noon.")
    assert call.assert_turn_ended(2).heard_text == "Noon."
    assert call.got(Interrupted) == []
    # It is tried again.
    assert call.next_link == 3


def test_a_turn_of_the_old_link_that_has_begun_when_the_next_one_is_up_goes_on_there() -> None:
    call = due(policy=OVERLAP)
    call.wait(2.0)
    call.hold()
    call.wait(0.01)
    call.answer(2.0, "By the way, ")
    call.wait(0.1)
    call.link_up(2)
    assert len(call.texts(2)) == 1
    call.wait(5.0)
    assert call.assert_interrupted(2).cause is CutCause.RECOVERY


@pytest.mark.parametrize("time_left", [0.0, 1.0, 5.0])
def test_a_service_that_ends_each_link_as_soon_as_it_is_up_is_not_dialled_all_the_time(time_left: float) -> None:
    call = Conversation.opened()
    begin = call.now
    while call.now < begin + 60.0:
        link = call.link
        call.go_away(time_left)
        while call.link == link and call.now < begin + 60.0:
            call.wait(0.1)
            if call.next_link:
                call.hold()
        call.wait(0.1)
        if call.link != link:
            call.link_up()
    assert 5 <= len(call.did(Dial)) <= 8


def test_links_that_end_early_now_and_then_are_followed_at_once() -> None:
    call = Conversation.opened()
    for link in range(1, 6):
        call.wait(20.0 + 20.0 * (link % 2))
        call.go_away(10.0)
        assert call.next_link == link + 1
        call.renew()


# What the next link missed.


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
