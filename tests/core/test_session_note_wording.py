"""What the note on an interruption says, in whose words, and whether it is said at all."""

from dataclasses import replace

from segue.core import events as ev
from segue.core.actions import ResumeNoted
from segue.core.options import ResumeContext, ResumePolicy
from segue.core.outputs import TurnEnded
from tests.core.conversation import POLICY, Conversation, telling
from tests.core.noting import NATIVE, barge_in, interrupted

# What it says.


def test_the_users_words_are_told_where_they_are_known() -> None:
    call = telling(NATIVE)
    barge_in(call, ended=False)
    call.say(0.6)
    call.understand(" Wait,")
    call.understand(" st")
    call.understand("op.")
    call.complete()
    [note] = call.notes()
    assert 'words when interrupting: "Wait, stop."' in note


def test_what_was_said_before_is_told() -> None:
    call = Conversation.opened(replace(NATIVE, resume_context=ResumeContext(ResumePolicy.BUILT_IN, history_turns=1)))
    call.exchange("How are you?", "Fine.")
    call.exchange("What time is it?", "Noon.")
    call.answer(4.0, "Once upon a time.")
    call.wait(1.0)
    barge_in(call)
    call.say(0.6)
    [note] = call.notes()
    assert 'User: "What time is it?"\nYou: "Noon."' in note
    assert "Fine." not in note


def test_what_the_note_says_was_heard_is_final() -> None:
    call = telling(NATIVE)
    barge_in(call)
    call.say(0.2)
    assert len(call.notes()) == 1
    # There is nothing to wait for any more.
    ended = call.assert_turn_ended(1)
    call.report_heard(1, 1.0)
    call.wait(1.0)
    assert call.got(TurnEnded) == [ended]
    assert ended.heard_text == "Once upon a "
    assert f'heard: "{ended.heard_text.strip()}"' in call.notes()[0]
    assert f'not hear: "{ended.unheard_text}"' in call.notes()[0]


def test_what_the_client_says_was_heard_is_what_the_note_says() -> None:
    call = telling(NATIVE)
    barge_in(call)
    call.report_heard(1, 1.0)
    call.say(0.6)
    [note] = call.notes()
    assert 'The user heard: "Once"' in note
    assert call.assert_turn_ended(1).heard_text == "Once "


# Policies.


def test_the_clients_own_wording() -> None:
    wording = ResumeContext(ResumePolicy.TEMPLATE, "They missed {unheard}. Go on with {sentence}.")
    call = interrupted(replace(NATIVE, resume_context=wording))
    call.say(0.6)
    [note] = call.notes()
    assert 'They missed "time there was a king and queen.". Go on with "Once upon a time there was a king' in note


def test_the_servers_own_wording() -> None:
    call = Conversation.opened(NATIVE, replace(POLICY, resume_template="Missed: {unheard}"))
    call.answer(4.0, "Once upon a time.")
    call.wait(1.0)
    barge_in(call)
    call.say(0.6)
    assert [note.partition("user. ")[2] for note in call.notes()] == ['Missed: "Once upon a time." End of the note.]']


def test_a_client_that_wants_to_tells_the_model_itself() -> None:
    call = telling(replace(NATIVE, resume_context=ResumeContext(ResumePolicy.CLIENT)))
    barge_in(call)
    call.receive(ev.NoteReceived(0, "They only heard: Once upon a.", answer=False))
    call.say(0.6)
    [note] = call.notes()
    assert "They only heard" in note
    assert call.did(ResumeNoted) == []


def test_a_model_that_is_to_know_nothing_is_told_nothing() -> None:
    call = interrupted(replace(NATIVE, resume_context=ResumeContext(ResumePolicy.OFF)))
    call.say(0.6)
    call.write("Go on.")
    assert call.notes() == []
    assert call.texts() == ["Go on."]
