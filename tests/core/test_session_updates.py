"""Changes to a running session."""

from dataclasses import replace
from math import inf

import pytest

from segue.core import events as ev
from segue.core.actions import Renewed, SendUpdate, Trigger
from segue.core.options import FunctionDeclaration, Options, Update
from segue.core.outputs import Audio, InputRejected, Interrupted, Rejection
from segue.core.profiles import PROFILES, NoteSlot
from tests.core.conversation import OPTIONS, POLICY, Conversation, acquainted, telling, told

NATIVE = replace(OPTIONS, model="gemini-2.5-flash-native-audio")
WEATHER = FunctionDeclaration("weather", blocking=True)


def update(call: Conversation, **changes: object) -> None:
    call.receive(ev.UpdateReceived(0, Update(**changes)))  # type: ignore[arg-type]


def replaced(call: Conversation) -> None:
    """Have the link be lost, and another one follow."""
    call.lose_link()
    call.wait(1.0)
    call.link_up()


def test_an_instruction_is_given_to_the_model_and_to_every_link_that_follows() -> None:
    call = Conversation.opened()
    update(call, system_instruction="Be brief.")
    assert call.did(SendUpdate) == [SendUpdate(1, "Be brief.", None, None)]
    replaced(call)
    assert call.setups[-1].setup.system_instruction == "Be brief."
    # One that resumes may remember the old one, and one that was set up before does not know the new one.
    assert call.did(SendUpdate)[1:] == [SendUpdate(2, "Be brief.", None, None)]


def test_tools_are_given_to_the_model_and_to_every_link_that_follows() -> None:
    call = Conversation.opened()
    update(call, functions=(WEATHER,), built_in_tools=("googleSearch",))
    assert call.did(SendUpdate) == [SendUpdate(1, None, (WEATHER,), ("googleSearch",))]
    replaced(call)
    setup = call.setups[-1].setup
    assert (setup.functions, setup.built_in_tools) == ((WEATHER,), ("googleSearch",))
    update(call, functions=(), built_in_tools=())
    assert call.did(SendUpdate)[-1] == SendUpdate(2, None, (), ())


def test_a_function_that_is_declared_anew_blocks_as_it_says_now() -> None:
    call = Conversation.opened()
    update(call, functions=(WEATHER,), built_in_tools=())
    call.write("What is the weather?")
    call.call("c1")
    assert call.session._line.tools._calls.waiting


def test_a_function_that_is_taken_back_blocks_as_it_did_while_the_model_may_still_call_it() -> None:
    call = Conversation.opened(replace(OPTIONS, functions=(WEATHER,)))
    update(call, functions=())
    call.write("What is the weather?")
    call.call("c1")
    assert call.session._line.tools._calls.waiting
    call.respond("c1")
    # It was taken back long ago by then.
    update(call, functions=())
    call.call("c2")
    assert not call.session._line.tools._calls.waiting


def test_what_is_changed_before_there_is_a_link_is_told_when_there_is_one() -> None:
    call = Conversation()
    call.open()
    update(call, system_instruction="Be brief.")
    update(call, functions=(WEATHER,), built_in_tools=())
    assert call.did(SendUpdate) == []
    call.link_up()
    assert call.did(SendUpdate) == [SendUpdate(1, "Be brief.", (WEATHER,), ())]


def test_what_may_have_been_invalid_is_not_told_again() -> None:
    call = Conversation.opened()
    update(call, system_instruction="Be brief.")
    call.lose_link(ev.LossCause.INVALID)
    call.wait(1.0)
    call.link_up()
    assert len(call.did(SendUpdate)) == 1
    assert call.setups[-1].setup.system_instruction == "Be brief."


def refused(cause: ev.LossCause = ev.LossCause.UPDATE, seconds: float = 0.1) -> Conversation:
    """Return a session whose service did not take a change, some time after it was told, and that can be resumed."""
    call = acquainted()
    update(call, system_instruction="Be brief.")
    call.wait(seconds)
    call.lose_link(cause)
    return call


@pytest.mark.parametrize("cause", [ev.LossCause.UPDATE, ev.LossCause.INVALID])
def test_a_change_that_is_refused_is_what_the_next_link_begins_with(cause: ev.LossCause) -> None:
    call = refused(cause)
    # One that resumes may remember the old instruction.
    assert call.setups[-1].setup.handle == ""
    assert call.setups[-1].setup.system_instruction.startswith("Be brief.")
    assert "How are you?" in call.setups[-1].setup.system_instruction
    call.link_up()
    assert len(call.did(SendUpdate)) == 1


def test_what_is_invalid_long_after_a_change_was_told_is_not_the_change() -> None:
    call = refused(ev.LossCause.INVALID, seconds=6.0)
    assert call.setups[-1].setup.handle == "h1"


def test_a_service_that_refused_a_change_is_told_of_no_other_but_by_a_fresh_link() -> None:
    call = refused()
    call.link_up()
    call.wait(1.0)
    call.hand_over("h2")
    update(call, functions=(WEATHER,), built_in_tools=())
    call.wait(1.0)
    # It is dialled at once.
    call.renew()
    assert len(call.did(SendUpdate)) == 1
    assert call.setups[-1].setup.handle == ""
    assert call.setups[-1].setup.functions == (WEATHER,)
    [renewed] = call.did(Renewed)
    assert (renewed.trigger, renewed.resumed, renewed.cut) == (Trigger.UPDATE, False, False)


def test_a_change_while_no_link_is_up_is_what_the_next_one_begins_with_or_the_one_after_it() -> None:
    call = refused()
    # This link is being set up without it.
    update(call, system_instruction="Be long.")
    call.link_up()
    call.wait(0.1)
    call.renew()
    assert call.setups[-1].setup.system_instruction.startswith("Be long.")
    call.hand_over("h2")
    call.lose_link(ev.LossCause.UNAVAILABLE)
    call.lose_link(ev.LossCause.UNAVAILABLE)
    update(call, system_instruction="Be loud.")
    call.wait(1.0)
    assert call.setups[-1].setup.handle == ""
    assert call.setups[-1].setup.system_instruction.startswith("Be loud.")
    call.link_up()
    call.wait(2.0)
    assert call.session._line.links.next == 0
    assert len(call.did(SendUpdate)) == 1


def test_where_changes_are_refused_so_are_notes_that_go_in_them() -> None:
    profiles = tuple(replace(profile, note_slot=NoteSlot.UPDATE) for profile in PROFILES)
    call = acquainted(OPTIONS, replace(POLICY, profiles=profiles))
    call.receive(ev.NoteReceived(0, "It rains.", False))
    call.say(0.6)
    assert len(call.notes()) == 1
    call.lose_link(ev.LossCause.UPDATE)
    call.wait(1.0)
    call.link_up()
    call.exchange("And you?", "Fine.")
    assert len(call.notes()) == 1
    call.write("What is it like?")
    assert "It rains." in call.texts()[-1]


def test_a_new_instruction_keeps_what_the_model_was_told_of_the_conversation() -> None:
    call = Conversation.opened()
    call.exchange("How are you?", "Fine.")
    replaced(call)
    begun = call.setups[-1].setup.system_instruction
    assert "How are you?" in begun
    update(call, system_instruction="Be brief.")
    (told,) = call.did(SendUpdate)
    assert told.system_instruction is not None
    assert told.system_instruction.startswith("Be brief.")
    assert "How are you?" in told.system_instruction


def test_a_note_that_replaces_the_instruction_holds_the_new_one() -> None:
    profiles = tuple(replace(profile, note_slot=NoteSlot.UPDATE) for profile in PROFILES)
    call = Conversation.opened(OPTIONS, replace(POLICY, profiles=profiles))
    update(call, system_instruction="Be brief.")
    call.receive(ev.NoteReceived(0, "It rains.", False))
    call.say(0.6)
    assert [note.startswith("Be brief.") for note in call.notes()] == [True]


@pytest.mark.parametrize("changes", [{"system_instruction": "Be brief."}, {"functions": (WEATHER,)}])
def test_a_model_that_cannot_be_changed_stays_as_it_is_and_the_session_too(changes: dict[str, object]) -> None:
    call = telling(NATIVE)
    update(call, barge_in_after=inf, **changes)
    (rejected,) = call.got(InputRejected)
    assert rejected.reason is Rejection.UNSUPPORTED_BY_MODEL
    assert "open another session" in rejected.message
    assert call.did(SendUpdate) == []
    call.say(0.4)
    assert call.given_seconds() == pytest.approx(0.4)


@pytest.mark.parametrize("options", [OPTIONS, NATIVE])
def test_whether_the_user_may_interrupt_changes_at_once(options: Options) -> None:
    call = told(options)
    update(call, barge_in_after=inf)
    call.say(0.4)
    assert call.got(Interrupted) == []
    assert call.given_seconds() == 0.0
    update(call, barge_in_after=0.0)
    call.wait(1.0)
    call.assert_interrupted(1)
    assert call.given_seconds() == pytest.approx(0.4)


def test_the_model_is_not_told_whether_the_user_may_interrupt() -> None:
    call = Conversation.opened()
    update(call, barge_in_after=inf)
    replaced(call)
    assert call.did(SendUpdate) == []


def test_output_is_paced_anew_at_once() -> None:
    call = telling()
    assert call.heard(1) == pytest.approx(4.0, abs=0.2)
    update(call, lead=3.0, unpaced=False, max_unacked_bytes=0)
    call.wait(0.1)
    assert call.heard(1) == pytest.approx(6.0, abs=0.4)
    update(call, lead=1.0, unpaced=True, max_unacked_bytes=0)
    assert call.heard(1) == pytest.approx(10.0)


def test_the_window_changes_at_once_and_holds_an_audio_event() -> None:
    call = Conversation.opened(replace(OPTIONS, unpaced=True))
    update(call, lead=1.0, unpaced=True, max_unacked_bytes=1919)
    assert [rejected.reason for rejected in call.got(InputRejected)] == [Rejection.INVALID_FIELD]
    update(call, lead=1.0, unpaced=True, max_unacked_bytes=1920)
    call.receive(ev.AckReceived(0, 0, None))
    call.answer(1.0)
    assert len(call.got(Audio)) == 1
    update(call, lead=1.0, unpaced=True, max_unacked_bytes=0)
    assert len(call.got(Audio)) == 25


def test_a_repeated_update_changes_nothing() -> None:
    call = Conversation.opened()
    for instruction in ("Be brief.", "Be long."):
        call.receive(ev.UpdateReceived(1, Update(system_instruction=instruction)))
    assert [sent.system_instruction for sent in call.did(SendUpdate)] == ["Be brief."]


def test_functions_that_are_to_wait_where_the_model_never_does_are_rejected() -> None:
    call = Conversation.opened(replace(OPTIONS, model="gemini-3.8-live-extended-thinking"))
    update(call, functions=(WEATHER,), built_in_tools=())
    (rejected,) = call.got(InputRejected)
    assert rejected.reason is Rejection.UNSUPPORTED_BY_MODEL
    assert "never waits for results" in rejected.message
    assert call.did(SendUpdate) == []
