"""Tools: calls go to the client, results to the model, and neither is lost with a link."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Dial, OddKind, OddTurn, SendActivity, SendAudio, SendText, SendToolResult, Wedged
from segue.core.options import FunctionDeclaration, Mode, Options, Scheduling
from segue.core.outputs import (
    Audio,
    CloseReason,
    CutCause,
    EndReason,
    InputRejected,
    Interrupted,
    Rejection,
    ToolCall,
    ToolCallCancelled,
    TurnEnded,
)
from tests.core.conversation import OPTIONS, OTHER_VOICE, VOICE, Conversation, recover, voice

FUNCTIONS = (
    FunctionDeclaration("weather"),
    FunctionDeclaration("book", blocking=True),
    FunctionDeclaration("remind", blocking=False),
)
# This family goes on while a call is under way; the next waits, and closes the link on audio meanwhile.
FREE = replace(OPTIONS, functions=FUNCTIONS)
GATED = replace(OPTIONS, model="gemini-2.5-flash-native-audio", functions=FUNCTIONS)
BLOCKING = replace(OPTIONS, model="gemini-3.1-flash-live-preview", functions=FUNCTIONS[:2])
# This one calls behind the end of its turn, and says that it goes on.
THINKING = replace(OPTIONS, model="gemini-3.8-live-extended-thinking", functions=FUNCTIONS[:1])
WEATHER = '{"degrees": 7}'


def acquainted(options: Options = FREE) -> Conversation:
    """Return a conversation of one exchange, which its handle h1 covers."""
    call = Conversation.opened(options)
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.wait(1.0)
    return call


def asked(options: Options = FREE) -> Conversation:
    """Return a conversation in which the model calls for the weather to answer a text."""
    call = acquainted(options)
    call.write("What is the weather in Bonn?")
    call.call("c1", "weather", '{"city": "Bonn"}')
    call.wait(0.1)
    return call


def test_the_functions_go_into_the_setup() -> None:
    call = Conversation.opened(replace(FREE, built_in_tools=("google_search",)))
    setup = call.did(Dial)[0].setup
    assert setup.functions == FUNCTIONS
    assert setup.built_in_tools == ("google_search",)


def test_a_call_goes_to_the_client_and_its_result_to_the_model() -> None:
    call = asked()
    assert call.got(ToolCall) == [ToolCall(2, "c1", "weather", '{"city": "Bonn"}')]
    call.respond("c1", WEATHER, Scheduling.WHEN_IDLE)
    assert call.results() == [SendToolResult(1, "c1", "weather", WEATHER, Scheduling.WHEN_IDLE, False)]
    call.answer(1.0, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(2).heard_text == "It is cold."
    assert call.got(InputRejected) == []


def test_a_call_overtakes_the_speech_before_it() -> None:
    call = acquainted()
    call.answer(10.0, "Let me see.")
    call.call("c1")
    assert call.got(ToolCall) != []
    assert call.heard(2) < 2.0


def test_parallel_calls_are_answered_in_any_order() -> None:
    call = acquainted()
    call.write("What is the weather in Bonn and Ulm?")
    call.call("c1")
    call.call("c2")
    call.respond("c2")
    call.respond("c1")
    assert [result.call_id for result in call.results()] == ["c2", "c1"]


@pytest.mark.parametrize("call_id", ["c1", "c9", ""])
def test_a_result_that_nobody_waits_for_is_rejected_and_changes_nothing(call_id: str) -> None:
    call = asked()
    call.respond("c1")
    call.respond(call_id)
    assert [rejected.reason for rejected in call.got(InputRejected)] == [Rejection.UNKNOWN_CALL]
    assert call.got(InputRejected)[0].message
    assert len(call.results()) == 1
    call.assert_open()


def test_a_result_may_come_in_parts() -> None:
    call = asked()
    call.respond("c1", '{"progress": 0.5}', will_continue=True)
    call.respond("c1", WEATHER)
    assert [result.will_continue for result in call.results()] == [True, False]
    call.respond("c1", WEATHER)
    assert [rejected.reason for rejected in call.got(InputRejected)] == [Rejection.UNKNOWN_CALL]


def test_a_call_that_the_model_takes_back_is_taken_back_from_the_client() -> None:
    call = asked()
    call.cancel_calls("c1", "c7")
    assert call.got(ToolCallCancelled) == [ToolCallCancelled("c1")]
    call.respond("c1")
    assert call.results() == []
    assert [rejected.reason for rejected in call.got(InputRejected)] == [Rejection.UNKNOWN_CALL]


def test_a_call_that_was_answered_is_not_taken_back() -> None:
    call = asked()
    call.respond("c1")
    call.cancel_calls("c1")
    assert call.got(ToolCallCancelled) == []


def test_a_call_of_a_turn_that_was_cut_stays_away() -> None:
    call = acquainted()
    call.answer(5.0, "Let me see.")
    call.wait(1.0)
    call.interrupt()
    call.call("c1")
    assert call.got(ToolCall) == []


@pytest.mark.parametrize("options", [BLOCKING, GATED])
def test_a_model_that_calls_in_a_turn_that_was_cut_is_not_left_waiting(options: Options) -> None:
    call = acquainted(options)
    call.answer(5.0, "Let me see.")
    call.wait(1.0)
    call.interrupt()
    call.call("c1")
    # It would hear none of the user's next words, and some models close the link on them.
    call.say(0.6, sample=OTHER_VOICE)
    assert [result.call_id for result in call.results()] == ["c1"]
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)
    given = [type(action) for action in call.actions if isinstance(action, SendToolResult | SendAudio)]
    assert given.index(SendToolResult) < len(given) - 20


def test_a_finishing_session_takes_the_results_of_its_calls() -> None:
    call = asked()
    call.end_input()
    call.wait(5.0)
    call.respond("c1")
    assert len(call.results()) == 1
    call.answer(1.0, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait()
    assert call.assert_turn_ended(2).heard_text == "It is cold."
    call.assert_closed(CloseReason.COMPLETED)


# While the model waits.


def test_audio_is_held_back_while_a_call_is_under_way_where_it_would_close_the_link() -> None:
    call = asked(GATED)
    call.say(1.0, sample=OTHER_VOICE)
    assert call.given_seconds(sample=OTHER_VOICE) == 0.0
    call.respond("c1")
    call.wait(3.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(1.0)
    first = next(index for index, action in enumerate(call.actions) if isinstance(action, SendToolResult))
    late = [action.audio for action in call.actions[first:] if isinstance(action, SendAudio)]
    assert b"".join(late).count(OTHER_VOICE) == 16_000


def test_silence_is_neither_fed_nor_kept_meanwhile() -> None:
    call = asked(GATED)
    call.say(2.0, voiced=False)
    before = len(call.did(SendAudio))
    call.wait(3.0)
    assert len(call.did(SendAudio)) == before


def test_the_gate_of_a_call_lifts_when_the_call_is_taken_back() -> None:
    call = asked(GATED)
    call.say(0.6, sample=OTHER_VOICE)
    call.cancel_calls("c1")
    call.say(0.6, sample=OTHER_VOICE)
    call.wait(3.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(1.2)


def test_an_interrupt_throws_away_nothing_that_a_call_holds_back() -> None:
    call = asked(GATED)
    call.say(0.6, sample=OTHER_VOICE)
    call.wait(1.0)
    call.interrupt()
    call.cancel_calls("c1")
    call.wait(3.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_the_gate_stays_until_the_last_of_parallel_results() -> None:
    call = asked(GATED)
    call.call("c2", "book")
    call.respond("c1")
    call.say(0.6, sample=OTHER_VOICE)
    assert call.given_seconds(sample=OTHER_VOICE) == 0.0
    call.respond("c2")
    call.wait(3.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_activities_that_a_call_holds_back_keep_their_edges() -> None:
    call = Conversation.opened(replace(GATED, mode=Mode.MANUAL))
    call.write("What is the weather in Bonn?")
    call.call("c1")
    for sample in (VOICE, OTHER_VOICE):
        call.press()
        call.say(0.6, sample=sample)
        call.release()
    call.respond("c1", WEATHER)
    call.wait(3.0)
    edges = [action.started for action in call.did(SendActivity)]
    assert edges == [True, False, True, False]
    assert call.given_seconds() == pytest.approx(0.6)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_a_call_that_does_not_block_holds_nothing_back() -> None:
    call = acquainted(GATED)
    call.write("Remind me.")
    call.call("c1", "remind")
    call.say(0.6, sample=OTHER_VOICE)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


@pytest.mark.parametrize("names", [("book", "remind"), ("remind", "book")])
def test_the_gate_stays_for_what_was_called_beside_a_function_that_blocks(names: tuple[str, str]) -> None:
    call = acquainted(GATED)
    call.write("Book a table and remind me.")
    for name in names:
        call.call(name, name)
    call.respond("book")
    call.say(0.6, sample=OTHER_VOICE)
    # The model waits for both, so that nothing is owed either.
    call.wait(20.0)
    assert call.given_seconds(sample=OTHER_VOICE) == 0.0
    assert len(call.did(Dial)) == 1
    call.respond("remind")
    call.wait(3.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_a_turn_that_ends_shows_that_the_model_does_not_wait_for_what_does_not_block() -> None:
    call = acquainted(GATED)
    call.write("Book a table and remind me.")
    call.call("c1", "book")
    call.call("c2", "remind")
    call.respond("c1")
    call.say(0.6, sample=OTHER_VOICE)
    call.answer(1.0, "It is booked.")
    assert call.given_seconds(sample=OTHER_VOICE) == 0.0
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_audio_goes_on_while_a_call_is_under_way_where_the_model_takes_it() -> None:
    call = asked(BLOCKING)
    call.say(0.6, sample=OTHER_VOICE)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


# A reply is expected after the last of parallel results.


@pytest.mark.parametrize(
    ("scheduling", "owed"), [(None, True), (Scheduling.WHEN_IDLE, True), (Scheduling.SILENT, False)]
)
def test_a_reply_is_expected_after_a_result_that_asks_for_one(scheduling: Scheduling | None, owed: bool) -> None:
    call = asked(BLOCKING)
    call.respond("c1", WEATHER, scheduling)
    if not owed:
        # The model has nothing to say, and says so.
        call.complete()
    call.wait(8.5)
    assert (call.did(Dial)[-1].link == 2) is owed


@pytest.mark.parametrize("scheduling", [None, Scheduling.WHEN_IDLE, Scheduling.SILENT])
def test_a_turn_that_did_not_wait_for_its_result_may_end_behind_it(scheduling: Scheduling | None) -> None:
    call = acquainted(FREE)
    call.write("Remind me.")
    call.call("c1", "remind")
    call.respond("c1", WEATHER, scheduling)
    call.wait(0.05)
    # The end of the turn that called was under way when the result came.
    call.complete()
    call.wait(0.5)
    assert len(call.results()) == 1
    assert call.texts() == ["Remind me."]
    assert call.did(OddTurn) == []


def test_a_turn_that_waited_for_its_result_and_does_not_speak_of_it_is_asked_again() -> None:
    call = asked(BLOCKING)
    call.respond("c1", WEATHER)
    call.wait(1.0)
    call.complete()
    call.wait(1.0)
    assert WEATHER in call.texts()[-1]
    assert call.did(OddTurn) == [OddTurn(OddKind.EMPTY)]
    call.answer(1.0, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.got(TurnEnded)[-1].heard_text == "It is cold."


def test_no_reply_is_expected_before_the_last_of_parallel_results() -> None:
    call = asked(BLOCKING)
    call.call("c2", "book")
    call.respond("c1")
    call.wait(20.0)
    assert len(call.did(Dial)) == 1
    call.respond("c2")
    call.wait(8.5)
    assert len(call.did(Dial)) == 2


# Calls outlive their links.


@pytest.mark.parametrize("options", [FREE, GATED, BLOCKING])
def test_a_call_that_the_handle_postdates_is_answered_by_its_id_on_the_next_link(options: Options) -> None:
    call = asked(options)
    call.hand_over("h2")
    call.lose_link()
    assert call.did(Dial)[-1].setup.handle == "h2"
    call.wait(0.3)
    call.link_up()
    call.respond("c1", WEATHER)
    assert [(result.link, result.call_id) for result in call.results()] == [(2, "c1")]


def test_a_call_that_the_handle_does_not_know_is_answered_as_text() -> None:
    call = asked()
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.respond("c1", WEATHER)
    assert call.results() == []
    text = call.did(SendText)[-1].text
    for words in ("weather", "Bonn", WEATHER):
        assert words in text


def test_a_result_that_was_given_as_text_and_answered_is_not_given_again() -> None:
    call = asked()
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.respond("c1", WEATHER)
    call.answer(1.0, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    call.lose_link()
    call.wait(2.0)
    call.link_up()
    call.wait(1.0)
    assert call.link == 3
    assert call.texts(3) == []


@pytest.mark.parametrize("handle", ["h2", ""])
def test_a_result_that_comes_while_the_link_is_lost_is_given_to_the_next_one(handle: str) -> None:
    call = asked(BLOCKING)
    call.hand_over(handle)
    call.lose_link()
    call.respond("c1", WEATHER)
    call.wait(0.3)
    call.link_up()
    call.wait(0.5)
    if handle:
        assert [(result.link, result.call_id) for result in call.results()] == [(2, "c1")]
    else:
        assert any(WEATHER in text for text in call.texts(2))


def test_a_result_that_the_lost_link_had_and_did_not_answer_is_given_again() -> None:
    call = asked(BLOCKING)
    call.hand_over("h2")
    call.respond("c1", WEATHER)
    call.wait(0.5)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    assert [(result.link, result.call_id) for result in call.results()] == [(1, "c1"), (2, "c1")]


def test_a_result_that_the_handle_covers_and_the_model_never_spoke_of_is_given_in_other_words() -> None:
    call = asked(BLOCKING)
    call.respond("c1", WEATHER)
    call.wait(0.1)
    call.hand_over("h2")
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(0.5)
    assert [(result.link, result.call_id) for result in call.results()] == [(1, "c1")]
    assert any(WEATHER in text for text in call.texts(2))


def test_what_was_made_before_a_result_came_and_heard_after_it_is_no_answer_to_it() -> None:
    call = asked()
    call.complete()
    call.hand_over("h2")
    call.reading = False
    call.answer(1.0, "One moment.")
    call.finish_generation()
    call.complete()
    call.wait(0.1)
    call.respond("c1", WEATHER)
    call.reading = True
    call.read()
    call.wait(1.0)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    assert any(WEATHER in text for text in call.texts(2))


def test_a_result_that_was_answered_is_not_given_again() -> None:
    call = asked()
    call.respond("c1", WEATHER)
    call.answer(1.0, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.wait(1.0)
    assert len(call.results()) == 1
    assert call.texts(2) == []


def test_the_turn_of_a_call_that_is_under_way_survives_its_link() -> None:
    call = asked(BLOCKING)
    call.hand_over("h2")
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.respond("c1", WEATHER)
    call.answer(1.0, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
    assert call.got(Interrupted) == []
    assert call.got(ToolCall) == [ToolCall(2, "c1", "weather", '{"city": "Bonn"}')]


def test_a_call_is_answered_by_its_id_after_a_renewal_that_its_deadline_forced() -> None:
    call = asked(BLOCKING)
    call.hand_over("h2")
    call.go_away(20.0)
    call.hold()
    call.wait(19.0)
    assert call.link == 2
    call.link_up()
    call.respond("c1", WEATHER)
    assert [(result.link, result.call_id) for result in call.results()] == [(2, "c1")]


def test_words_behind_a_call_that_was_lost_are_not_swallowed() -> None:
    call = asked(GATED)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.say(0.6, sample=OTHER_VOICE)
    call.respond("c1", WEATHER)
    call.wait(3.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(0.6)
    # They are answered before the model is told, which would interrupt it.
    assert not any(WEATHER in text for text in call.texts(2))
    call.answer(0.5, "I am listening.")
    call.finish_generation()
    call.complete()
    call.wait(1.0)
    assert any(WEATHER in text for text in call.texts(2))


def test_words_that_are_given_again_are_answered_before_the_result_of_a_call_that_was_lost_is_told() -> None:
    call = asked(GATED)
    call.lose_link()
    call.respond("c1", WEATHER)
    call.say(1.0, sample=OTHER_VOICE)
    call.wait(1.0)
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(1.0)
    assert call.texts(2) == []
    call.answer(0.5, "I am listening.")
    call.finish_generation()
    call.complete()
    call.wait(1.0)
    [told] = call.texts(2)
    assert WEATHER in told


def test_words_that_a_handle_covers_are_given_again_where_the_result_of_a_lost_call_waits_for_their_answer() -> None:
    call = asked(GATED)
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.say(1.0, sample=OTHER_VOICE)
    call.understand("What time is it?")
    call.wait(1.0)
    call.hand_over("h3", consumed=10_000)
    call.lose_link()
    call.respond("c1", WEATHER)
    call.wait(1.0)
    call.link_up()
    call.wait(2.0)
    assert call.given_seconds(3, OTHER_VOICE) == pytest.approx(1.0)


@pytest.mark.parametrize("begun", [False, True], ids=["before its first word", "in its middle"])
def test_the_result_of_a_call_that_was_lost_does_not_cut_the_answer_to_another_one(begun: bool) -> None:
    call = asked()
    call.finish_generation()
    call.complete()
    call.write("And book a table.")
    call.call("c2", "book")
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.respond("c1", WEATHER)
    if begun:
        call.answer(0.5, "It is cold.")
    call.respond("c2", '{"table": 4}')
    call.wait(1.0)
    assert not any("table" in text for text in call.texts(2)[1:])
    [told] = [text for text in call.texts(2) if WEATHER in text]
    call.answer(0.5, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(1.0)
    assert '{"table": 4}' in call.texts(2)[-1] != told
    call.answer(1.0, "And you have a table.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.got(Interrupted) == []
    assert call.results() == []


def test_a_call_that_is_taken_back_while_the_link_is_lost_stays_taken_back() -> None:
    call = asked()
    call.cancel_calls("c1")
    call.lose_link()
    call.wait(0.3)
    call.link_up()
    call.respond("c1")
    assert call.results() == []
    assert [rejected.reason for rejected in call.got(InputRejected)] == [Rejection.UNKNOWN_CALL]


def test_more_calls_than_anybody_makes_are_not_remembered_for_ever() -> None:
    call = acquainted()
    for number in range(200):
        call.call(f"c{number}")
    call.respond("c0")
    call.respond("c199")
    assert [result.call_id for result in call.results()] == ["c199"]


def test_voice_during_a_gated_call_is_kept_for_10_seconds_at_least() -> None:
    call = asked(GATED)
    call.say(9.0, sample=OTHER_VOICE)
    call.respond("c1")
    call.wait(6.0)
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(9.0)
    assert call.given_seconds(sample=VOICE) == pytest.approx(0.6)
    assert [audio for audio in call.got(Audio) if audio.turn == 2] == []
    assert call.got(TurnEnded)[-1].turn == 1
    assert voice(0.02, OTHER_VOICE) in call.given_audio()


def test_an_unknown_function_goes_to_the_client_all_the_same() -> None:
    call = acquainted(replace(FREE, functions=()))
    call.call("c1", "surprise")
    assert call.got(ToolCall) == [ToolCall(2, "c1", "surprise", "{}")]


def test_a_call_without_output_is_an_answer() -> None:
    call = acquainted(BLOCKING)
    call.say(0.6, sample=OTHER_VOICE)
    call.understand("What is the weather?")
    call.wait(1.0)
    call.call("c1")
    call.hand_over("h2")
    call.lose_link()
    call.link_up()
    call.wait(2.0)
    # The words have caused a call: they are answered, and not given again.
    assert call.given_seconds(2, OTHER_VOICE) == 0.0
    assert call.receive(ev.ToolResultReceived(0, "c1", WEATHER)) != []


# A result that the model is not to speak of, and whose call the next link does not remember.


def lost(options: Options = FREE) -> Conversation:
    """Return a conversation in which the link is lost with a call that the next one knows nothing of."""
    call = asked(options)
    recover(call)
    return call


def silently_told(call: Conversation) -> list[str]:
    return [text for text in call.texts(2) + call.notes(2) if WEATHER in text]


def test_it_waits_for_the_users_next_words_and_is_told_with_them() -> None:
    call = lost()
    before = call.texts()
    call.respond("c1", WEATHER, Scheduling.SILENT)
    call.wait(1.0)
    assert call.results() == []
    assert call.texts() == before
    assert call.got(InputRejected) == []
    call.write("And what is 6 times 7?")
    (told,) = silently_told(call)
    assert "Answer the user now." not in told
    assert told.index("Bonn") < told.index(WEATHER) < told.index("6 times 7")


@pytest.mark.parametrize("options", [BLOCKING, GATED])
def test_it_is_told_while_the_user_speaks_where_the_model_takes_notes(options: Options) -> None:
    call = lost(options)
    call.respond("c1", WEATHER, Scheduling.SILENT)
    call.wait(2.0)
    assert silently_told(call) == []
    call.say(0.6)
    assert len(silently_told(call)) == 1
    assert any(WEATHER in note for note in call.notes(2))


@pytest.mark.parametrize("options", [FREE, BLOCKING, GATED])
def test_the_turn_that_waited_for_it_ends_and_nobody_waits_for_words_of_it(options: Options) -> None:
    call = lost(options)
    call.respond("c1", WEATHER, Scheduling.SILENT)
    call.wait(60.0)
    assert call.did(Wedged) == []
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
    call.assert_open()


def test_a_turn_that_waits_for_another_result_does_not_end_with_it() -> None:
    call = asked()
    call.call("c2", "remind")
    recover(call)
    call.respond("c1", WEATHER, Scheduling.SILENT)
    call.wait(1.0)
    assert [ended.turn for ended in call.got(TurnEnded)] == [1]
    call.respond("c2", '{"reminded": true}')
    call.answer(1.0, "I shall remind you.")
    call.finish_generation()
    call.complete()
    call.wait(2.0)
    assert call.assert_turn_ended(2).heard_text == "I shall remind you."


def test_of_several_results_of_one_call_each_is_told() -> None:
    call = lost()
    call.respond("c1", '{"degrees": 6}', Scheduling.SILENT, will_continue=True)
    call.wait(9.0)
    call.respond("c1", WEATHER, Scheduling.SILENT)
    call.write("And what is 6 times 7?")
    (told,) = silently_told(call)
    assert '{"degrees": 6}' in told
    call.wait(0.5)
    assert call.respond("c1", WEATHER, Scheduling.SILENT)
    assert len(call.got(InputRejected)) == 1


def test_it_is_told_to_the_link_after_the_next_once() -> None:
    call = lost()
    call.respond("c1", WEATHER, Scheduling.SILENT)
    recover(call)
    call.write("And what is 6 times 7?")
    (told,) = [text for text in call.texts(3) if WEATHER in text]
    assert told.count(WEATHER) == 1


def test_a_turn_of_which_the_model_says_nothing_more_ends_on_a_link_that_remembers_the_call_as_well() -> None:
    call = asked()
    call.hand_over("h2")
    recover(call)
    call.respond("c1", WEATHER, Scheduling.SILENT)
    assert [result.call_id for result in call.results(2)] == ["c1"]
    call.wait(60.0)
    assert call.did(Wedged) == []
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED


def test_a_result_that_interrupts_a_turn_which_began_before_it_arrived_is_owed_an_answer_still() -> None:
    call = acquainted()
    call.write("What is the weather in Bonn?")
    call.answer(0.5, "Let me look.")
    call.call("c1")
    call.finish_generation()
    call.complete()
    call.hand_over("h2")
    call.wait(2.0)
    call.write("Tell me a story.")
    call.wait(1.0)
    call.respond("c1", WEATHER, Scheduling.INTERRUPT)
    # The story has begun when that arrives.
    call.wait(0.2)
    call.answer(0.25, "Once ")
    call.wait(0.1)
    call.interrupted(by_sound=False)
    call.complete()
    assert call.assert_interrupted(3).cause is CutCause.TOOL
    call.go_away(50.0)
    call.hold()
    call.wait(3.0)
    assert call.link == 1
    call.answer(0.5, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(4).heard_text == "It is cold."
    assert call.link == 2


@pytest.mark.parametrize("ends_again", [False, True])
def test_a_call_behind_a_turn_that_is_interrupted_once_it_has_ended_is_no_part_of_it(ends_again: bool) -> None:
    call = acquainted(THINKING)
    call.write("What is the weather in Bonn?")
    call.answer(0.5, "Let me look.")
    call.finish_generation()
    call.work(idle=False)
    call.wait(0.4)
    call.complete()
    call.interrupted(by_sound=False)
    if ends_again:
        call.complete()
    call.call("c1")
    call.wait(0.5)
    call.respond("c1", WEATHER)
    call.answer(0.5, "It is cold.")
    call.finish_generation()
    call.complete()
    call.work(idle=True)
    call.wait(3.0)
    assert [result.response for result in call.results()] == [WEATHER]
    call.assert_interrupted(2)
    assert call.assert_turn_ended(3).heard_text == "It is cold."


def test_words_that_are_answered_while_a_call_behind_its_turn_is_under_way_are_answered() -> None:
    call = acquainted(THINKING)
    call.write("What is the weather in Bonn?")
    call.finish_generation()
    call.work(idle=False)
    call.complete()
    call.call("c1")
    call.wait(0.5)
    call.say(0.6, sample=OTHER_VOICE)
    call.understand("And in Ulm?")
    call.wait(1.0)
    call.answer(0.5, "Let me look.")
    call.wait(0.1)
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
    assert call.heard(3) > 0.0
    call.lose_link()
    call.link_up()
    call.respond("c1")
    call.wait(2.0)
    assert OTHER_VOICE not in call.given_audio(2)
    # The result is told with what it was asked for, and with nothing that was said later.
    [result] = [text for text in call.texts(2) if WEATHER in text]
    assert "Bonn" in result
    assert "Ulm" not in result


def test_words_that_came_while_the_model_told_a_result_are_answered_in_the_turn_behind_it() -> None:
    call = acquainted(THINKING)
    call.write("What is the weather in Bonn?")
    call.finish_generation()
    call.work(idle=False)
    call.complete()
    call.call("c1")
    call.say(0.6, sample=OTHER_VOICE)
    call.respond("c1", WEATHER)
    call.say(0.3, sample=OTHER_VOICE)
    call.answer(0.5, "It is cold.")
    call.say(0.3, sample=OTHER_VOICE)
    call.finish_generation()
    call.wait(0.8)
    call.understand("And in Ulm?")
    # The model goes on, because it has heard that meanwhile.
    call.work(idle=False)
    call.complete()
    call.answer(0.5, "It is warm.")
    call.finish_generation()
    call.wait(0.6)
    assert call.assert_turn_ended(3).heard_text == "It is cold."
    assert call.heard(4) == pytest.approx(0.5)
    call.lose_link()
    call.link_up()
    call.wait(2.0)
    assert OTHER_VOICE not in call.given_audio(2)
