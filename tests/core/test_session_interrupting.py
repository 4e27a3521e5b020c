"""Interrupting: by the user's voice, by the client, by the backend's word; and what was heard."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Wedged
from segue.core.options import Modality
from segue.core.outputs import Audio, CloseReason, CutCause, EndReason, Interrupted, Text, TurnEnded, Usage
from tests.core.conversation import OPTIONS, OTHER_VOICE, Conversation, acquainted, recover, telling, told


def test_what_the_backend_interrupts_is_cut_at_once() -> None:
    call = telling()
    call.interrupted()
    cut = call.assert_interrupted(1)
    assert cut.cause is CutCause.USER
    assert cut.heard == pytest.approx(3.0)
    assert (cut.heard_text, cut.unheard_text) == ("Once upon a ", "time there was a king and queen.")
    assert call.dropped("interrupted") == pytest.approx(10.0 - call.heard(1))


def test_the_end_of_a_cut_turn_is_said_when_no_more_is_awaited() -> None:
    call = telling()
    at = call.now
    call.interrupted()
    call.wait(5.0)
    ended = call.assert_turn_ended(1)
    assert (ended.reason, ended.heard_text) == (EndReason.INTERRUPTED, "Once upon a ")
    [said] = [time for time, send in call.sent if isinstance(send.output, TurnEnded)]
    assert said - at == pytest.approx(0.5)


def test_the_last_word_of_the_client_on_what_was_heard_is_final() -> None:
    call = telling()
    call.interrupted()
    call.report_heard(1, 2.2)
    ended = call.assert_turn_ended(1)
    assert ended.heard == pytest.approx(2.2)
    assert (ended.heard_text, ended.unheard_text) == ("Once upon ", "a time there was a king and queen.")


def test_a_report_that_left_before_the_interruption_arrived_is_not_the_last_word() -> None:
    call = telling()
    before = max(send.seq for _, send in call.sent)
    call.interrupted()
    call.report_heard(1, 0.1, output_seq=before)
    call.wait(1.0)
    assert call.assert_turn_ended(1).heard > 1.0


@pytest.mark.parametrize(("reported", "heard"), [(99.0, 10.0), (-1.0, 0.0)])
def test_nobody_hears_more_than_was_said_or_less_than_nothing(reported: float, heard: float) -> None:
    call = telling()
    call.interrupted()
    call.report_heard(1, reported)
    assert call.assert_turn_ended(1).heard == pytest.approx(heard)


def test_reports_of_what_was_played_change_nothing_while_nothing_was_cut() -> None:
    call = telling()
    call.report_heard(1, 0.5)
    call.report_heard(7, 0.5)
    call.receive(ev.AckReceived(1, 1, None))
    call.complete()
    call.wait(10.0)
    assert call.assert_turn_ended(1).heard == pytest.approx(10.0)


def test_an_interrupted_cuts_what_the_client_still_plays_of_a_turn_that_is_complete() -> None:
    call = told()
    call.interrupted()
    call.complete()
    call.answer(1.0)
    call.wait(1.0)
    assert call.assert_interrupted(1).heard == pytest.approx(3.0)
    assert call.heard(2) == pytest.approx(1.0)


def test_voice_cuts_what_the_client_still_plays_of_a_turn_that_is_complete() -> None:
    call = told()
    call.say(0.14)
    assert call.got(Interrupted) == []
    call.say(0.02)
    assert call.assert_interrupted(1).heard == pytest.approx(3.14)
    call.say(0.5)
    call.assert_interrupted(1)


def test_voice_cuts_nothing_of_a_written_turn_that_is_complete() -> None:
    call = Conversation.opened(replace(OPTIONS, model="gemini-2.0-flash-live-001", modality=Modality.TEXT))
    call.reading = False
    call.receive(ev.ModelText(1, "Good day."))
    call.finish_generation()
    call.complete()
    call.say(0.3)
    call.reading = True
    call.read()
    assert [text.text for text in call.got(Text)] == ["Good day."]
    assert call.assert_turn_ended(1).reason is EndReason.COMPLETED


def written(*, read: str, waiting: str) -> Conversation:
    """Return a conversation with a reply of which the client has read the first words, and the others wait for it."""
    call = Conversation.opened(replace(OPTIONS, model="gemini-2.0-flash-live-001", modality=Modality.TEXT))
    for words in filter(None, read.split("/")):
        call.receive(ev.ModelText(1, words))
    call.reading = False
    for words in filter(None, waiting.split("/")):
        call.receive(ev.ModelText(1, words))
    return call


@pytest.mark.parametrize("by_client", [True, False])
@pytest.mark.parametrize(("read", "waiting"), [("Good /day. ", "How /are you?"), ("Good day.", ""), ("", "Good day.")])
def test_of_a_written_turn_that_is_cut_nobody_has_read_what_was_thrown_away(
    read: str, waiting: str, by_client: bool
) -> None:
    call = written(read=read, waiting=waiting)
    if by_client:
        call.receive(ev.InterruptReceived(0, 0, None))
    else:
        call.interrupted()
        call.complete()
    call.reading = True
    call.read()
    call.wait(1.0)
    assert [text.text for text in call.got(Text)] == list(filter(None, read.split("/")))
    expected = read.replace("/", ""), waiting.replace("/", "")
    cut, ended = call.assert_interrupted(1), call.assert_turn_ended(1)
    assert (cut.heard_text, cut.unheard_text) == expected
    assert (ended.heard_text, ended.unheard_text) == expected


def test_of_a_written_turn_that_ends_with_its_session_nobody_has_read_what_was_thrown_away() -> None:
    call = written(read="Good day. ", waiting="How are you?")
    call.receive(ev.CloseReceived(0, finish_turn=False))
    call.reading = True
    call.read()
    ended = call.assert_turn_ended(1)
    assert (ended.heard_text, ended.unheard_text) == ("Good day. ", "How are you?")


def test_of_a_written_turn_of_which_nothing_but_its_number_was_told_nobody_has_read_anything() -> None:
    call = written(read="", waiting="Good day.")
    call.receive(ev.UserTranscribed(1, "Hello."))
    call.lose_link()
    call.reading = True
    call.read()
    ended = call.assert_turn_ended(1)
    assert (ended.heard_text, ended.unheard_text) == ("", "Good day.")


def test_noise_below_the_floor_cuts_nothing() -> None:
    call = told()
    call.say(2.0, voiced=False)
    assert call.got(Interrupted) == []


def test_voice_leaves_it_to_the_backend_to_cut_a_turn_in_the_making() -> None:
    call = telling()
    call.say(0.5)
    assert call.got(Interrupted) == []


@pytest.mark.parametrize(
    "evidence",
    [ev.TextReceived(0, "Stop."), ev.UserTranscribed(1, "Stop."), ev.UserActivityDetected(1, True)],
)
def test_every_sign_of_the_user_cuts_what_plays_of_a_turn_that_is_complete(evidence: ev.Event) -> None:
    call = told()
    call.receive(evidence)
    assert call.assert_interrupted(1).cause is CutCause.USER


def test_the_client_cuts_what_is_going_on() -> None:
    call = telling()
    call.interrupt()
    assert call.assert_interrupted(1).cause is CutCause.CLIENT
    call.wait(1.0)
    assert call.assert_turn_ended(1).reason is EndReason.INTERRUPTED


def test_the_client_may_say_what_was_heard() -> None:
    call = telling()
    call.interrupt(1, heard=2.2)
    assert call.assert_interrupted(1).heard_text == "Once upon "
    call.wait(1.0)
    assert call.assert_turn_ended(1).heard == 2.2


def test_an_interrupt_that_cuts_nothing_is_answered_and_changes_nothing() -> None:
    call = Conversation.opened()
    call.interrupt()
    call.interrupt(7)
    assert call.got(Interrupted) == [Interrupted(0, CutCause.NONE), Interrupted(7, CutCause.NONE)]
    call.answer(1.0)
    call.complete()
    call.wait(2.0)
    assert call.assert_turn_ended(1).reason is EndReason.COMPLETED


def test_the_answer_to_an_interrupt_that_cut_nothing_says_nothing_of_a_turn_that_comes_later() -> None:
    call = Conversation.opened()
    call.reading = False
    call.interrupt(1)
    call.answer(3.0, "Once upon a time.")
    call.reading = True
    call.read()
    assert call.got(Interrupted) == [Interrupted(1, CutCause.NONE)]
    call.wait(1.0)
    call.interrupt(1)
    assert [cut.cause for cut in call.got(Interrupted)] == [CutCause.NONE, CutCause.CLIENT]


def test_a_second_interrupt_does_not_take_the_clients_word_back() -> None:
    call = telling()
    call.interrupt(1)
    call.interrupt(1)
    first = next(send.seq for _, send in call.sent if isinstance(send.output, Interrupted))
    call.report_heard(1, 2.2, output_seq=first)
    assert call.assert_turn_ended(1).heard == pytest.approx(2.2)


def test_a_turn_is_cut_once() -> None:
    call = telling()
    call.interrupt(1)
    call.interrupt(1)
    call.interrupt()
    assert [cut.cause for cut in call.got(Interrupted)] == [CutCause.CLIENT, CutCause.NONE, CutCause.NONE]


def test_a_turn_that_is_over_is_not_cut() -> None:
    call = Conversation.opened()
    call.answer(0.5)
    call.complete()
    call.wait(2.0)
    call.interrupt(1)
    assert call.got(Interrupted) == [Interrupted(1, CutCause.NONE)]


def test_a_turn_that_waits_is_cut_while_the_one_before_it_plays_on() -> None:
    call = told()
    call.answer(5.03, "The end.")
    call.interrupt(2)
    call.complete()
    call.answer(1.0)
    call.complete()
    call.wait(20.0)
    assert call.heard(1) == pytest.approx(10.0)
    assert call.assert_turn_ended(1).reason is EndReason.COMPLETED
    assert call.assert_interrupted(2).heard == 0.0
    assert call.heard(2) == 0.0
    assert call.heard(3) == pytest.approx(1.0)


def test_a_turn_that_plays_is_cut_while_the_one_after_it_is_kept_whole() -> None:
    call = told()
    call.receive(ev.ModelAudio(1, b"\x07\x08" * 100))
    call.interrupt(1)
    call.complete()
    call.wait(5.0)
    assert b"".join(audio.audio for audio in call.got(Audio) if audio.turn == 2) == b"\x07\x08" * 100


def test_all_that_plays_or_waits_is_cut_at_once_and_only_the_first_was_heard() -> None:
    call = told()
    call.answer(5.0, "The end.")
    call.interrupt(heard=2.5)
    assert [(cut.turn, cut.heard) for cut in call.got(Interrupted)] == [(1, 2.5), (2, 0.0)]
    call.wait(1.0)
    call.assert_turn_ended(1)
    assert call.assert_turn_ended(2).unheard_text == "The end."


def test_usage_of_a_cut_turn_goes_with_its_end_where_it_comes_in_time() -> None:
    call = telling()
    call.interrupted()
    call.complete(usage=Usage(1, 2, 3))
    call.wait(1.0)
    assert call.assert_turn_ended(1).usage == Usage(1, 2, 3)


def test_usage_that_comes_after_the_end_of_a_cut_turn_counts_in_the_sums() -> None:
    call = telling()
    call.interrupted()
    call.wait(1.0)
    call.complete(usage=Usage(1, 2, 3))
    assert call.assert_turn_ended(1).usage is None
    call.receive(ev.CloseReceived(0, False))
    totals = call.assert_closed(CloseReason.COMPLETED).totals
    assert totals is not None
    assert totals.usage == Usage(1, 2, 3)
    assert (totals.turns, totals.interruptions) == (1, 1)


def test_without_pace_all_that_was_given_and_not_yet_played_was_not_heard() -> None:
    call = telling(replace(OPTIONS, unpaced=True))
    call.interrupted()
    cut = call.assert_interrupted(1)
    assert cut.heard == pytest.approx(3.0)
    assert cut.heard_text == "Once upon a "
    assert call.dropped("interrupted") == 0.0


def test_a_client_that_does_not_read_has_heard_nothing() -> None:
    call = Conversation.opened()
    call.reading = False
    call.answer(5.0, "Hello")
    call.wait(3.0)
    call.interrupted()
    call.reading = True
    call.read()
    cut = call.assert_interrupted(1)
    assert (cut.heard, cut.heard_text, call.heard(1)) == (0.0, "", 0.0)


def test_an_overflowing_turn_can_be_cut() -> None:
    call = Conversation.opened()
    call.answer(200.0)
    call.interrupted()
    call.complete()
    call.wait(1.0)
    assert call.assert_turn_ended(1).reason is EndReason.INTERRUPTED
    assert call.heard(1) + call.dropped("interrupted") + call.dropped("overflow") == pytest.approx(200.0)


def test_who_interrupts_waits_no_more_for_an_answer_that_a_sound_cut_before_its_first_word() -> None:
    call = Conversation.opened()
    call.say(1.0)
    call.understand("What time is it?")
    call.wait(1.0)
    call.interrupted()
    call.complete()
    call.wait(1.0)
    call.interrupt()
    call.wait(60.0)
    assert [cut.cause for cut in call.got(Interrupted)] == [CutCause.USER, CutCause.NONE]
    assert not call.did(Wedged)


def test_who_interrupts_nothing_before_the_model_has_taken_the_words_is_answered_on_another_link() -> None:
    call = acquainted()
    call.say(1.0, sample=OTHER_VOICE)
    call.wait(1.0)
    call.interrupt()
    assert [cut.cause for cut in call.got(Interrupted)] == [CutCause.NONE]
    recover(call)
    call.wait(2.0)
    assert call.given_seconds(call.link, OTHER_VOICE) == pytest.approx(1.0)


def test_who_interrupts_nothing_while_speaking_is_answered_all_the_same() -> None:
    call = Conversation.opened()
    call.say(1.0)
    call.interrupt()
    call.wait(60.0)
    assert call.did(Wedged)
