"""How a conversation begins: the model speaks first where it is to, and knows what was said before."""

from dataclasses import replace

import pytest

from segue.core.options import Mode, Options
from tests.core.conversation import OPTIONS, Conversation, telling
from tests.core.noting import FAMILIES, NATIVE, barge_in
from tests.core.watched import Watched


@pytest.mark.parametrize(("prompt", "words"), [("", "Greet the user"), ("Say that you are Ann.", "you are Ann.")])
@pytest.mark.parametrize("options", FAMILIES)
@pytest.mark.parametrize("mode", Mode)
def test_the_model_speaks_first(options: Options, mode: Mode, prompt: str, words: str) -> None:
    call = Watched(replace(options, mode=mode, first_turn=prompt))
    call.open()
    assert call.texts() == []
    call.link_up()
    call.wait(0.5)
    [text] = call.texts()
    assert words in text
    call.answer(1.0, "Hello.")
    call.complete()
    call.wait(20.0)
    assert len(call.texts()) == 1
    assert call.assert_turn_ended(1).heard_text == "Hello."


@pytest.mark.parametrize("was_up", [False, True])
def test_the_first_turn_outlives_a_link(was_up: bool) -> None:
    call = Conversation(replace(OPTIONS, first_turn=""))
    call.open()
    if was_up:
        call.link_up()
    call.lose_link()
    call.wait(1.0)
    call.link_up()
    assert len(call.texts(2)) == 1
    call.answer(1.0, "Hello.")
    call.complete()
    call.wait(2.0)
    call.lose_link()
    call.wait(1.0)
    call.link_up()
    assert call.texts(3) == []


def test_a_first_turn_that_does_not_come_is_asked_for_on_another_link() -> None:
    call = Conversation.opened(replace(OPTIONS, first_turn=""))
    call.wait(9.0)
    call.link_up()
    assert len(call.texts(2)) == 1


@pytest.mark.parametrize("written", [False, True])
def test_nobody_is_greeted_who_speaks_first(written: bool) -> None:
    call = Conversation(replace(OPTIONS, first_turn=""))
    call.open()
    if written:
        call.write("Hello.")
    else:
        call.say(0.6)
    call.link_up()
    call.wait(0.5)
    assert call.texts() == (["Hello."] if written else [])


def test_what_was_said_before_is_in_the_instruction() -> None:
    before = (("My name is Ann.", "Hello, Ann."), ("", "Still there?"))
    call = Conversation.opened(replace(OPTIONS, system_instruction="Be brief.", initial_history=before))
    said = 'User: "My name is Ann."\nYou: "Hello, Ann."\nYou: "Still there?"'
    assert call.setups[0].setup.system_instruction.startswith("Be brief.\n\n")
    assert said in call.setups[0].setup.system_instruction
    call.exchange("How are you?", "Fine.")
    call.lose_link()
    instruction = call.setups[-1].setup.system_instruction
    assert said in instruction
    assert instruction.index("Still there?") < instruction.index("How are you?")


def test_what_was_said_before_is_not_told_to_a_link_that_remembers_it() -> None:
    call = Conversation.opened(replace(NATIVE, initial_history=(("My name is Ann.", "Hello, Ann."),)))
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.lose_link()
    setup = call.setups[-1].setup
    assert (setup.handle, setup.system_instruction) == ("h1", "")
    call.link_up()
    assert call.notes() == []


def test_the_interruption_knows_what_was_said_before_the_session() -> None:
    call = telling(replace(NATIVE, initial_history=(("My name is Ann.", "Hello, Ann."),)))
    barge_in(call)
    call.say(0.6)
    assert 'User: "My name is Ann."\nYou: "Hello, Ann."' in call.notes()[0]
