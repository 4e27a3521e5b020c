"""A model that is given the result of its call and calls again, without a word of it: how often, and what then."""

from dataclasses import replace

import pytest

from segue.core.actions import Dial, SendText, Wedged
from segue.core.options import FunctionDeclaration, Options
from segue.core.outputs import CloseReason, ToolCall
from tests.core.conversation import OPTIONS, Conversation

FUNCTIONS = (FunctionDeclaration("weather"),)
# This family waits for its results; the other one goes on, and asks for no answer of its own accord.
WAITING = replace(OPTIONS, model="gemini-3.1-flash-live-preview", functions=FUNCTIONS)
FREE = replace(OPTIONS, functions=FUNCTIONS)
WEATHER = '{"degrees": 7}'


class Forgetful(Conversation):
    """A model that calls whenever it is asked, and never speaks of the result. It may say that it looks."""

    calls = 0
    says = ""
    generates = False

    def look(self) -> None:
        """Call, and let the client give the result."""
        self.calls += 1
        if self.says:
            self.answer(0.5, self.says)
        if self.generates:
            self.finish_generation()
        self.call(f"c{self.calls}", "weather", '{"city": "Bonn"}')
        self.wait(0.5)
        self.respond(f"c{self.calls}", WEATHER)

    def go_on(self, *, ends_turns: bool) -> None:
        """Answer every text with a call, for two minutes. `ends_turns` tells whether the result ends the turn."""
        asked, dials = 0, 1
        until = self.now + 120.0
        while self.now < until:
            if len(self.did(Dial)) > dials:
                dials += 1
                self.wait(0.3)
                self.link_up()
            if len(self.did(SendText)) > asked:
                asked = len(self.did(SendText))
                self.wait(0.5)
                self.look()
                self.wait(1.0)
                if ends_turns:
                    self.finish_generation()
                    self.complete()
            self.wait(0.5)


def asking(options: Options) -> Forgetful:
    call = Forgetful(options)
    call.open()
    call.link_up()
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.wait(1.0)
    call.write("What is the weather in Bonn?")
    return call


@pytest.mark.parametrize(
    ("says", "generates"), [("", False), ("Let me look.", False), ("Let me look.", True)], ids=["", "says", "generates"]
)
@pytest.mark.parametrize(
    ("options", "ends_turns"), [(WAITING, True), (FREE, True), (WAITING, False)], ids=["empty", "free", "silent"]
)
def test_calls_for_results_that_were_given_again_go_on_for_no_longer_than_links_are_tried(
    options: Options, ends_turns: bool, says: str, generates: bool
) -> None:
    call = asking(options)
    call.says, call.generates = says, generates
    call.go_on(ends_turns=ends_turns)
    assert len(call.did(Wedged)) == 3
    call.assert_closed(CloseReason.BACKEND_WEDGED)
    # Whoever calls is answered each time: the model decides what it needs to know.
    assert call.calls <= 4
    assert len(call.got(ToolCall)) == call.calls


def test_a_result_is_given_again_once_and_then_it_is_the_link_that_is_to_blame() -> None:
    call = asking(WAITING)
    for _ in range(2):
        call.look()
        call.complete()
        call.wait(0.1)
    assert len([text for text in call.texts(1) if WEATHER in text]) == 1
    # It resumes from before anything was odd.
    assert call.did(Dial)[-1].setup.handle == "h1"
    call.link_up()
    call.wait(0.5)
    assert len([text for text in call.texts(2) if WEATHER in text]) == 1


def test_a_model_that_calls_again_and_then_speaks_has_answered() -> None:
    call = asking(WAITING)
    for _ in range(4):
        call.look()
        call.complete()
        call.wait(0.1)
        call.look()
        call.answer(1.0, "It is cold.")
        call.finish_generation()
        call.complete()
        call.wait(3.0)
        call.write("And now?")
    assert call.did(Wedged) == []
    assert len([text for text in call.texts(1) if WEATHER in text]) == 4
    call.assert_open()


def test_links_are_tried_anew_once_a_result_that_was_given_again_was_answered() -> None:
    call = asking(FREE)
    for link in range(2, 7):
        call.look()
        call.complete()
        call.wait(9.0)
        call.link_up(link)
        call.wait(0.5)
        call.look()
        call.answer(1.0, "It is cold.")
        call.finish_generation()
        call.complete()
        call.wait(3.0)
        call.write("And now?")
    assert len(call.did(Wedged)) == 5
    call.assert_open()


def test_a_user_who_breaks_into_the_answer_to_a_result_that_was_given_again_had_one() -> None:
    call = asking(WAITING)
    for _ in range(4):
        call.look()
        call.complete()
        call.wait(0.1)
        call.answer(2.0, "It is cold.")
        call.wait(1.0)
        call.say(0.5)
        call.interrupted()
        call.complete()
        call.wait(0.5)
        call.write("And now?")
    assert call.did(Wedged) == []
    assert len([text for text in call.texts(1) if WEATHER in text]) == 4


def test_an_answer_to_a_result_clears_the_service_of_the_wedge_before_it() -> None:
    call = asking(FREE)
    call.call("c1")
    call.answer(0.5, "Let me look.")
    call.finish_generation()
    call.complete()
    call.wait(2.0)
    call.respond("c1", WEATHER)
    call.wait(9.0)
    call.link_up(2)
    call.wait(0.5)
    call.answer(1.0, "It is cold.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    call.write("And now?")
    for link in (3, 4):
        call.wait(9.0)
        call.link_up(link)
    assert len(call.did(Wedged)) == 3
    call.assert_open()
