"""Wedges: a link that looks alive and gives no answer is replaced, and the user need not repeat anything."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Dial, OddKind, OddTurn, Outcome, Recovered, Sign, Wedged
from segue.core.options import FunctionDeclaration, Options, ServerDetection
from segue.core.outputs import CloseReason, EndReason, Next, Notice, NoticeKind, TurnEnded
from segue.core.policy import Policy
from segue.core.profiles import PROFILES
from segue.core.session import State
from tests.core.conversation import OPTIONS, OTHER_VOICE, POLICY, Conversation, speech

SILENCE = 0.8
# No family of these may stay silent where it is addressed; the first has slots for everything.
NATIVE = replace(OPTIONS, model="gemini-2.5-flash-native-audio")
THINKING = replace(OPTIONS, model="gemini-3.8-live-extended-thinking")


def strict(**limits: float) -> Policy:
    """Return a policy under which a sign that is only counted usually makes a wedge."""
    return replace(POLICY, profiles=tuple(replace(profile, **limits) for profile in PROFILES))  # type: ignore[arg-type]


def acquainted(options: Options = OPTIONS, policy: Policy = POLICY) -> Conversation:
    """Return a conversation of one exchange, which its handle h1 covers."""
    call = Conversation.opened(options, policy)
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.wait(1.0)
    return call


def wedged_after(call: Conversation, seconds: float = 60.0) -> float | None:
    """Return how long from now it takes until the link is found wedged, None where it is not."""
    begin, before = call.now, len(call.did(Wedged))
    call.wait(seconds)
    times = call.when(Wedged)[before:]
    return times[0] - begin if times else None


def signs(call: Conversation) -> list[Sign]:
    return [wedged.sign for wedged in call.did(Wedged)]


# (a) Nothing comes.


def test_a_text_without_an_answer_for_8_seconds_is_a_wedge() -> None:
    call = acquainted()
    call.write("What time is it?")
    assert wedged_after(call) == pytest.approx(8.0)
    assert signs(call)[0] is Sign.SILENCE


def test_words_without_an_answer_are_a_wedge_8_seconds_after_the_detector_hears_their_end() -> None:
    call = acquainted()
    call.say(1.0)
    assert wedged_after(call) == pytest.approx(SILENCE + 8.0, abs=0.03)


def test_the_detectors_silence_is_that_of_the_session() -> None:
    call = acquainted(replace(OPTIONS, detection=ServerDetection(silence_ms=2000)))
    call.say(1.0)
    assert wedged_after(call) == pytest.approx(2.0 + 8.0, abs=0.03)


def test_words_that_were_only_understood_count_as_well() -> None:
    call = acquainted()
    call.say(0.1)
    call.wait(0.2)
    call.understand("Yes.")
    assert wedged_after(call) == pytest.approx(SILENCE + 8.0, abs=1.0)


def test_a_sound_without_words_is_owed_no_answer() -> None:
    call = acquainted()
    call.say(0.2)
    assert wedged_after(call) is None


def test_silence_is_owed_no_answer() -> None:
    call = acquainted()
    call.say(5.0, voiced=False)
    assert wedged_after(call) is None


def test_who_speaks_again_starts_the_allowance_anew() -> None:
    call = acquainted()
    call.say(1.0)
    call.wait(6.0)
    call.say(1.0)
    assert wedged_after(call) == pytest.approx(SILENCE + 8.0, abs=0.03)


def test_a_model_that_thinks_may_take_longer() -> None:
    call = acquainted(THINKING)
    call.write("What is the meaning of life?")
    after = wedged_after(call)
    assert after is not None
    assert after > 8.0


@pytest.mark.parametrize(
    "sign",
    [
        ev.ModelAudio(1, speech(0.04)),
        ev.ModelTranscribed(1, "Well"),
        ev.ToolCalled(1, "c1", "weather", "{}"),
        ev.InputAwaited(1),
        ev.TurnCompleted(1, ""),
        ev.TurnCompleted(1, "NO_SPEECH"),
    ],
)
def test_whatever_shows_that_the_model_has_the_words_settles_it(sign: ev.Event) -> None:
    call = acquainted()
    call.write("What time is it?")
    call.wait(7.0)
    call.receive(sign)
    call.wait(4.0)
    assert call.did(Wedged) == []


@pytest.mark.parametrize(
    "event",
    [
        ev.UserTranscribed(1, "What time is it?"),
        ev.HandleReceived(1, "h2"),
        ev.UserActivityDetected(1, False),
    ],
)
def test_what_says_nothing_of_an_answer_settles_nothing(event: ev.Event) -> None:
    call = acquainted()
    call.say(1.0)
    call.wait(2.0)
    call.receive(event)
    after = wedged_after(call)
    assert after is not None
    assert after <= 8.0


def test_work_that_is_said_to_go_on_is_waited_for_30_seconds_at_most() -> None:
    call = acquainted(THINKING)
    call.write("Book a table.")
    call.work(idle=False)
    assert wedged_after(call, 120.0) == pytest.approx(30.0)


def test_work_that_is_said_to_be_over_gets_the_allowance_again() -> None:
    call = acquainted(THINKING)
    call.write("Book a table.")
    call.work(idle=False)
    call.wait(20.0)
    call.work(idle=True)
    assert wedged_after(call) is not None


def test_nothing_is_owed_while_a_call_that_the_model_waits_for_is_under_way() -> None:
    call = acquainted(replace(NATIVE, functions=(FunctionDeclaration("weather", timeout=600.0),)))
    call.write("What is the weather?")
    call.call("c1")
    assert wedged_after(call) is None
    call.respond("c1")
    assert wedged_after(call) == pytest.approx(8.0)


def test_an_answer_that_the_client_stopped_is_not_owed() -> None:
    call = acquainted()
    call.write("What time is it?")
    call.interrupt()
    assert wedged_after(call) is None


def test_words_that_interrupt_are_owed_an_answer() -> None:
    call = acquainted()
    call.answer(10.0, "Once upon a time.")
    call.wait(1.0)
    call.say(1.2)
    call.receive(ev.ModelInterrupted(1))
    call.complete()
    assert wedged_after(call) == pytest.approx(SILENCE + 8.0, abs=0.03)


def test_an_answer_that_was_stopped_by_a_sound_alone_is_not_owed() -> None:
    call = acquainted()
    call.write("Tell me a story.")
    call.answer(10.0, "Once upon a time.")
    call.wait(1.0)
    call.say(0.1)
    call.receive(ev.ModelInterrupted(1))
    call.complete()
    assert wedged_after(call) is None


def test_a_link_that_was_recovered_has_3_seconds() -> None:
    call = acquainted()
    call.lose_link()
    call.link_up()
    call.write("What time is it?")
    assert wedged_after(call) == pytest.approx(3.0)


def test_a_link_that_was_recovered_and_answered_has_8_seconds() -> None:
    call = acquainted()
    call.lose_link()
    call.link_up()
    call.exchange("And you?", "Me too.")
    call.write("What time is it?")
    assert wedged_after(call) == pytest.approx(8.0)


def test_a_link_that_was_renewed_is_not_suspect() -> None:
    call = acquainted()
    call.go_away(50.0)
    call.renew()
    call.write("What time is it?")
    assert wedged_after(call) == pytest.approx(8.0)


def test_a_link_with_a_phantom_interruption_has_3_seconds() -> None:
    call = acquainted()
    call.answer(1.0, "By the way.")
    call.finish_generation()
    call.interrupted(by_sound=False)
    call.complete()
    call.wait(3.0)
    call.write("What time is it?")
    assert wedged_after(call) == pytest.approx(3.0)


def test_a_replay_has_its_allowance_from_its_end_on() -> None:
    call = acquainted()
    call.say(6.0, sample=OTHER_VOICE)
    call.wait(0.5)
    call.lose_link()
    call.link_up()
    # 6 s of speech and what ends them, at three times their pace, and 3 s for the answer.
    after = wedged_after(call)
    assert after is not None
    assert 2.0 + 3.0 <= after <= 2.0 + 1.0 + 3.0


def test_a_sound_that_may_be_no_words_is_given_to_another_link_once_and_then_let_be() -> None:
    call = acquainted()
    call.say(0.6, sample=OTHER_VOICE)
    call.wait(9.0)
    assert signs(call) == [Sign.SILENCE]
    call.link_up()
    call.wait(60.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(0.6)
    assert signs(call) == [Sign.SILENCE]
    call.assert_open()
    # It is over: the next answer is to the next words.
    call.lose_link()
    call.wait(2.0)
    call.link_up()
    assert call.link == 3
    call.wait(3.0)
    assert call.given_seconds(3, OTHER_VOICE) == 0.0


def test_a_sound_that_may_be_no_words_costs_no_link_that_is_dear() -> None:
    call = acquainted()
    for _ in range(6):
        call.lose_link()
        call.wait(5.0)
        call.link_up()
    call.say(0.6)
    assert wedged_after(call) is None
    call.say(1.2)
    assert wedged_after(call) is not None


# (b) Turns without output.


def empty_turn(call: Conversation) -> None:
    call.say(0.6)
    call.understand("What time is it?")
    call.wait(2.0)
    call.complete()


def test_two_empty_turns_in_a_row_are_a_wedge() -> None:
    call = acquainted(NATIVE)
    empty_turn(call)
    call.wait(3.0)
    assert call.did(Wedged) == []
    empty_turn(call)
    assert signs(call) == [Sign.EMPTY_TURNS]


def test_an_empty_turn_is_counted() -> None:
    call = acquainted(NATIVE)
    empty_turn(call)
    assert call.did(OddTurn) == [OddTurn(OddKind.EMPTY)]


@pytest.mark.parametrize(("later", "counts"), [(0.2, False), (0.3, True)])
def test_what_ends_right_after_the_words_answers_something_before_them(later: float, counts: bool) -> None:
    call = acquainted(NATIVE)
    call.write("What time is it?")
    call.wait(later)
    call.complete()
    assert (call.did(OddTurn) != []) is counts


def test_a_proactive_model_may_be_silent_twice() -> None:
    call = acquainted()
    empty_turn(call)
    empty_turn(call)
    assert call.did(Wedged) == []
    empty_turn(call)
    assert signs(call) == [Sign.EMPTY_TURNS]


def test_a_wedge_of_one_link_is_none_of_the_next() -> None:
    call = acquainted(NATIVE)
    empty_turn(call)
    empty_turn(call)
    call.link_up()
    call.hand_over("h2")
    call.exchange("Hello?", "Hello.")
    assert signs(call) == [Sign.EMPTY_TURNS]


def test_what_one_link_waited_for_excuses_no_empty_turn_on_the_next() -> None:
    call = acquainted(NATIVE)
    call.say(1.2)
    call.understand("I would like a pizza.")
    call.wait(2.0)
    call.await_input()
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(2) == pytest.approx(1.2)
    call.complete()
    assert signs(call) == [Sign.EMPTY_TURNS]


def test_one_empty_turn_on_a_suspect_link_is_a_wedge() -> None:
    call = acquainted(NATIVE)
    call.lose_link()
    call.link_up()
    empty_turn(call)
    assert signs(call) == [Sign.EMPTY_TURNS]


def test_empty_turns_with_an_answer_between_them_are_not_in_a_row() -> None:
    call = acquainted(NATIVE)
    for _ in range(3):
        empty_turn(call)
        call.exchange("Hello?", "Hello.")
    assert call.did(Wedged) == []


@pytest.mark.parametrize("reason", ["NO_SPEECH", "PROHIBITED_CONTENT"])
def test_an_empty_turn_with_a_reason_is_no_sign(reason: str) -> None:
    call = acquainted(NATIVE)
    for _ in range(3):
        call.say(0.6)
        call.understand("What time is it?")
        call.wait(2.0)
        call.complete(reason)
    assert call.did(Wedged) == []


def test_an_empty_turn_of_a_model_that_waits_for_more_words_is_no_sign() -> None:
    call = acquainted(NATIVE)
    for _ in range(3):
        call.say(0.6)
        call.understand("I would like")
        call.wait(2.0)
        call.await_input()
        call.complete()
    assert call.did(Wedged) == []


def test_a_model_that_waits_for_more_words_may_understand_the_first_ones_late() -> None:
    call = acquainted(NATIVE)
    for _ in range(3):
        call.say(0.6)
        call.wait(2.0)
        call.await_input()
        call.understand("I would like")
        call.wait(0.5)
        call.complete()
    assert call.did(Wedged) == []


def test_more_words_end_the_wait_for_more_words() -> None:
    call = acquainted(NATIVE)
    for _ in range(2):
        call.say(0.6)
        call.understand("I would like")
        call.wait(2.0)
        call.await_input()
        call.say(0.6)
        call.understand("a pizza.")
        call.wait(2.0)
        # An end without an answer, though nothing is waited for.
        call.complete()
    assert signs(call) == [Sign.EMPTY_TURNS]


def test_an_empty_turn_without_words_is_no_sign() -> None:
    call = acquainted(NATIVE)
    for _ in range(3):
        call.say(0.2)
        call.wait(2.0)
        call.complete()
    assert call.did(Wedged) == []


def test_an_empty_turn_that_was_interrupted_is_no_sign() -> None:
    call = acquainted(NATIVE)
    for _ in range(3):
        call.say(0.6)
        call.understand("What time")
        call.wait(0.3)
        call.say(0.3)
        call.receive(ev.ModelInterrupted(call.link))
        call.complete()
        call.exchange("is it?", "Noon.")
    assert call.did(Wedged) == []


def test_the_words_before_an_empty_turn_are_given_again() -> None:
    call = acquainted(NATIVE)
    empty_turn(call)
    call.say(0.6, sample=OTHER_VOICE)
    call.understand("Hello?")
    call.wait(2.0)
    call.complete()
    call.link_up()
    call.wait(3.0)
    assert call.given_seconds(call.link, OTHER_VOICE) == pytest.approx(0.6)


# (c) A turn that stops.


def test_a_turn_that_neither_goes_on_nor_ends_is_a_wedge() -> None:
    call = acquainted()
    call.answer(2.0, "It is. And then ")
    # Counted from when all that there is was played.
    assert wedged_after(call) == pytest.approx(2.0 + 8.0, abs=0.1)
    assert signs(call)[0] is Sign.STOPPED


def test_a_turn_that_stopped_ends_and_is_gone_on_with() -> None:
    call = acquainted()
    call.answer(2.0, "It is so. ")
    call.answer(1.0, "And then ")
    call.wait(12.0)
    call.link_up()
    [request] = call.texts(2)
    assert "And then" in request
    call.answer(1.0, "it ends.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(2).reason is EndReason.INTERRUPTED
    assert call.assert_turn_ended(3).heard_text == "it ends."


def test_a_turn_that_was_generated_and_never_ends_is_taken_to_have_ended() -> None:
    call = acquainted()
    call.answer(2.0, "It is noon.")
    call.finish_generation()
    begin = call.now
    call.wait(30.0)
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
    [at] = [at for at, send in call.sent if isinstance(send.output, TurnEnded) and send.output.turn == 2]
    assert at - begin == pytest.approx(2.0 + 8.0, abs=0.1)
    # Nothing was lost by it.
    assert call.did(Wedged) == []
    call.exchange("Thanks.", "You are welcome.")
    assert call.assert_turn_ended(3).heard_text == "You are welcome."


def test_a_turn_that_pauses_and_goes_on_is_none() -> None:
    call = acquainted()
    for _ in range(4):
        call.answer(1.0, "And then. ")
        call.wait(7.0)
    call.complete()
    call.wait(5.0)
    assert call.did(Wedged) == []
    assert call.heard(2) == pytest.approx(4.0)


def test_a_turn_of_a_model_that_says_that_it_works_may_pause() -> None:
    call = acquainted(THINKING)
    call.answer(1.0, "Let me see. ")
    call.work(idle=False)
    assert wedged_after(call, 25.0) is None
    call.answer(1.0, "Here it is.")
    call.work(idle=True)
    call.finish_generation()
    call.complete()
    call.wait(5.0)
    assert call.did(Wedged) == []


def test_a_model_that_says_for_ever_that_it_works_is_given_up() -> None:
    call = acquainted(THINKING)
    call.answer(1.0, "Let me see. ")
    call.work(idle=False)
    assert wedged_after(call, 120.0) is not None


def test_a_turn_that_was_generated_while_the_model_works_ends_in_the_end() -> None:
    call = acquainted(THINKING)
    call.answer(1.0, "Let me see. ")
    call.work(idle=False)
    call.finish_generation()
    call.wait(60.0)
    assert call.assert_turn_ended(2).heard_text == "Let me see. "
    assert call.did(Wedged) == []
    call.exchange("Well?", "Here it is.")
    assert call.assert_turn_ended(3).heard_text == "Here it is."


def test_an_end_that_one_link_put_off_is_none_on_the_next() -> None:
    call = acquainted(THINKING)
    call.write("Book a table.")
    call.answer(1.0, "Let me see. ")
    call.work(idle=False)
    call.complete()
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.answer(1.0, "It is ")
    call.work(idle=True)
    call.answer(1.0, "done.")
    call.wait(4.0)
    assert [ended.turn for ended in call.got(TurnEnded)] == [1, 2]
    call.complete()
    call.wait(1.0)
    assert call.assert_turn_ended(3).heard_text == "It is done."


def test_a_turn_that_was_taken_to_have_ended_does_not_end_again() -> None:
    call = acquainted(THINKING)
    call.answer(1.0, "Let me see. ")
    call.work(idle=False)
    call.finish_generation()
    call.complete()
    call.wait(60.0)
    call.assert_turn_ended(2)
    call.answer(1.0, "Here ")
    call.work(idle=True)
    call.answer(1.0, "it is.")
    call.wait(3.0)
    assert [ended.turn for ended in call.got(TurnEnded)] == [1, 2]
    call.complete()
    call.wait(1.0)
    assert call.assert_turn_ended(3).heard_text == "Here it is."


def test_an_end_of_a_turn_is_none_while_the_model_says_that_it_works() -> None:
    call = acquainted(THINKING)
    call.write("Book a table.")
    call.answer(1.0, "Let me see. ")
    call.work(idle=False)
    call.complete()
    call.wait(3.0)
    assert [ended.turn for ended in call.got(TurnEnded)] == [1]
    call.answer(1.0, "Done.")
    call.complete()
    call.work(idle=True)
    call.wait(3.0)
    assert call.assert_turn_ended(2).heard_text == "Let me see. Done."


# (d) The connection is dead.


def test_a_connection_that_takes_no_more_is_a_wedge() -> None:
    call = acquainted()
    call.say(1.0, sample=OTHER_VOICE)
    call.lose_link(ev.LossCause.STALLED)
    assert signs(call) == [Sign.DEAD_SOCKET]
    assert call.link == 2
    call.link_up()
    call.wait(3.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.0)


# Signs that are counted, and can be made to count.


def faint(call: Conversation, seconds: float) -> None:
    for _ in range(round(seconds / 0.25)):
        call.receive(ev.ModelAudio(call.link, speech(0.25), faint=True))


def test_faint_audio_is_counted_and_no_wedge_by_itself() -> None:
    call = acquainted()
    faint(call, 20.0)
    call.complete()
    assert OddTurn(OddKind.FAINT) in call.did(OddTurn)
    call.wait(25.0)
    assert call.did(Wedged) == []


def test_faint_audio_in_a_row_can_be_made_a_wedge() -> None:
    call = acquainted(policy=strict(faint_audio_limit=5.0))
    faint(call, 4.75)
    call.receive(ev.ModelAudio(1, speech(0.25)))
    faint(call, 4.75)
    assert call.did(Wedged) == []
    faint(call, 0.25)
    assert signs(call) == [Sign.FAINT_AUDIO]


def reject(call: Conversation, count: int) -> None:
    for _ in range(count):
        call.write("Tell me a joke.")
        call.wait(0.5)
        call.complete("RESPONSE_REJECTED")


def test_rejected_replies_are_counted_and_no_wedge_by_themselves() -> None:
    call = acquainted()
    reject(call, 10)
    assert call.did(OddTurn) == [OddTurn(OddKind.REJECTED)] * 10
    assert call.did(Wedged) == []


def test_rejected_replies_in_a_row_can_be_made_a_wedge() -> None:
    call = acquainted(policy=strict(rejections_limit=3))
    reject(call, 2)
    call.exchange("How are you?", "Fine.")
    reject(call, 2)
    assert call.did(Wedged) == []
    reject(call, 1)
    assert signs(call) == [Sign.REJECTIONS]


# What is done about it.


def test_a_wedged_link_is_replaced_by_one_with_a_handle_from_before_the_trouble() -> None:
    call = acquainted()
    call.write("What time is it?")
    call.wait(1.0)
    # What the service hands out while it does not answer may hold the trouble.
    call.hand_over("h2")
    call.wait(8.0)
    dial = call.did(Dial)[-1]
    assert (dial.link, dial.setup.handle) == (2, "h1")
    call.link_up()
    assert call.texts(2) == ["What time is it?"]


def test_empty_turns_are_trouble_from_the_first_one_on() -> None:
    call = acquainted(NATIVE)
    empty_turn(call)
    call.hand_over("h2")
    call.wait(1.0)
    empty_turn(call)
    assert call.did(Dial)[-1].setup.handle == "h1"


def test_the_ladder_resumes_then_begins_afresh_then_closes_with_a_reason() -> None:
    call = acquainted()
    call.say(1.0, sample=OTHER_VOICE)
    call.understand("What time is it?")
    begin = call.now
    call.wait(9.0)
    assert call.did(Dial)[-1].setup.handle == "h1"
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.0)
    call.wait(3.0)
    dial = call.did(Dial)[-1]
    assert (dial.link, dial.setup.handle) == (3, "")
    assert "Fine." in dial.setup.system_instruction
    call.link_up()
    call.wait(1.0)
    # The same words.
    call.wait(1.0)
    assert call.given_seconds(3, OTHER_VOICE) == pytest.approx(1.0)
    call.wait(4.0)
    closed = call.assert_closed(CloseReason.BACKEND_WEDGED)
    assert closed.next is Next.OPEN_AGAIN
    assert closed.message
    assert [recovered.outcome for recovered in call.did(Recovered)] == [Outcome.RESUMED, Outcome.FRESH, Outcome.FAILED]
    assert call.when(Wedged)[-1] - begin <= 0.8 + 8.0 + 1.0 + 3.0 + 2.0 + 3.0


def test_a_wedge_that_an_answer_follows_is_forgotten() -> None:
    call = acquainted()
    for number in range(4):
        call.write(f"Question {number}?")
        call.wait(8.5)
        call.link_up()
        assert call.texts(call.link)[-1] == f"Question {number}?"
        call.answer(1.0, f"Answer {number}.")
        call.finish_generation()
        call.complete()
        call.hand_over(f"h{number + 2}")
        call.wait(3.0)
    call.assert_open()
    assert [recovered.outcome for recovered in call.did(Recovered)] == [Outcome.RESUMED] * 4
    assert [ended.heard_text for ended in call.got(TurnEnded)][1:] == [f"Answer {number}." for number in range(4)]


def test_an_answer_that_comes_after_the_link_was_given_up_means_nothing() -> None:
    call = acquainted()
    call.write("What time is it?")
    call.wait(8.5)
    assert call.receive(ev.ModelAudio(1, speech(1.0))) == []
    call.link_up()
    call.answer(1.0, "Noon.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert [ended.heard_text for ended in call.got(TurnEnded)] == ["Fine.", "Noon."]


def test_who_asks_for_it_is_told_of_a_wedge() -> None:
    call = acquainted(replace(OPTIONS, notices=True))
    call.write("What time is it?")
    call.wait(8.5)
    assert [notice.kind for notice in call.got(Notice)] == [NoticeKind.WEDGED]
    call.link_up()
    kinds = [notice.kind for notice in call.got(Notice)]
    assert kinds == [NoticeKind.WEDGED, NoticeKind.RECOVERED, NoticeKind.INPUT_REPLAYED]


def test_a_session_that_finishes_notices_a_wedge_as_well() -> None:
    call = acquainted()
    call.write("What time is it?")
    call.end_input()
    assert call.session.state is State.FINISHING
    call.wait(8.5)
    call.link_up()
    assert call.texts(2) == ["What time is it?"]
    call.answer(1.0, "Noon.")
    call.finish_generation()
    call.complete()
    call.wait()
    call.assert_turn_ended(2)
    call.assert_closed(CloseReason.COMPLETED)


def test_an_answer_that_stops_before_anybody_has_heard_of_it_is_owed_still() -> None:
    call = Conversation.opened(replace(OPTIONS, output_frame_duration=0.2))
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.say(1.2, sample=OTHER_VOICE)
    call.understand("What time is it?")
    call.wait(1.0)
    call.answer(0.1)
    # This handle knows the question.
    call.hand_over("h2")
    call.wait(9.0)
    assert call.setups[-1].setup.handle
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.2, abs=0.05)
    assert call.assert_turn_ended(1).heard_text == "Fine."


def test_words_that_interrupt_a_model_that_works_are_owed_an_answer() -> None:
    call = acquainted(THINKING)
    call.hand_over("h1")
    call.write("Book a table.")
    call.answer(0.8, "Let me see. ")
    call.work(idle=False)
    call.finish_generation()
    call.complete()
    call.wait(2.0)
    call.say(1.2, sample=OTHER_VOICE)
    # The service reads it late.
    call.wait(2.0)
    call.receive(ev.UserActivityDetected(call.link, True))
    call.receive(ev.ModelInterrupted(call.link))
    call.work(idle=True)
    call.complete()
    call.hand_over("h2")
    call.go_away(0.5)
    call.wait(1.0)
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(call.link, OTHER_VOICE) == pytest.approx(1.2, abs=0.05)


def test_a_model_that_refuses_does_not_go_on_though_it_said_that_it_would() -> None:
    call = acquainted(THINKING)
    call.say(1.0)
    call.wait(2.0)
    call.work(idle=False)
    call.complete()
    call.complete("RESPONSE_REJECTED")
    call.wait(120.0)
    assert not call.did(Wedged)
