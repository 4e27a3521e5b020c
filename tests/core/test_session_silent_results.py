"""A result that the model is not to speak of, and whose call the next link does not remember."""

import pytest

from segue.core.actions import Wedged
from segue.core.options import Options, Scheduling
from segue.core.outputs import EndReason, InputRejected, TurnEnded
from tests.core.calling import BLOCKING, FREE, GATED, WEATHER, asked
from tests.core.conversation import Conversation, recover


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


def test_a_result_that_more_will_follow_is_told_once_to_the_link_after_the_next() -> None:
    call = lost()
    call.respond("c1", WEATHER, Scheduling.SILENT, will_continue=True)
    recover(call)
    call.write("And what is 6 times 7?")
    (told,) = [text for text in call.texts(3) + call.notes(3) if WEATHER in text]
    assert told.count(WEATHER) == 1
    call.answer(1.0, "42.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    recover(call)
    call.write("And 6 times 8?")
    assert "6 times 8" in call.texts(4)[-1]
    assert [text for text in call.texts(4) + call.notes(4) if WEATHER in text] == []
    # The last result is told as the first was.
    call.respond("c1", '{"degrees": 8}', Scheduling.SILENT)
    call.write("And 6 times 9?")
    assert '{"degrees": 8}' in call.texts(4)[-1]


@pytest.mark.parametrize("will_continue", [False, True])
def test_what_a_link_remembers_and_is_not_to_speak_of_it_is_not_told_again(will_continue: bool) -> None:
    call = asked()
    call.finish_generation()
    call.complete()
    call.hand_over("h2")
    call.wait(1.0)
    call.respond("c1", WEATHER, Scheduling.SILENT, will_continue=will_continue)
    call.wait(1.0)
    call.hand_over("h3")
    call.wait(1.0)
    recover(call)
    assert call.setups[-1].setup.handle == "h3"
    call.write("And what is 6 times 7?")
    assert silently_told(call) == []
    assert call.results(2) == []
    # More of it goes to the call that the link remembers.
    call.respond("c1", '{"degrees": 8}', Scheduling.SILENT)
    assert [result.response for result in call.results(2)] == ['{"degrees": 8}'] * will_continue


def test_what_no_link_remembers_and_none_was_to_speak_of_is_told_to_the_next() -> None:
    call = asked()
    call.finish_generation()
    call.complete()
    call.hand_over("h2")
    call.wait(1.0)
    call.respond("c1", WEATHER, Scheduling.SILENT, will_continue=True)
    call.wait(1.0)
    recover(call)
    assert [result.response for result in call.results(2)] == [WEATHER]


def test_a_result_that_was_answered_is_not_given_again_while_more_of_it_is_to_come() -> None:
    call = asked()
    call.finish_generation()
    call.complete()
    call.hand_over("h2")
    call.wait(1.0)
    call.respond("c1", WEATHER, Scheduling.WHEN_IDLE, will_continue=True)
    call.answer(1.0, "It is cold so far.")
    call.finish_generation()
    call.complete()
    call.hand_over("h3")
    call.wait(3.0)
    recover(call)
    call.wait(20.0)
    assert silently_told(call) == []
    assert call.results(2) == []
    assert call.did(Wedged) == []
    call.respond("c1", '{"degrees": 8}', Scheduling.WHEN_IDLE)
    assert [result.response for result in call.results(2)] == ['{"degrees": 8}']


def test_a_turn_of_which_the_model_says_nothing_more_ends_on_a_link_that_remembers_the_call_as_well() -> None:
    call = asked()
    call.hand_over("h2")
    recover(call)
    call.respond("c1", WEATHER, Scheduling.SILENT)
    assert [result.call_id for result in call.results(2)] == ["c1"]
    call.wait(60.0)
    assert call.did(Wedged) == []
    assert call.assert_turn_ended(2).reason is EndReason.COMPLETED
