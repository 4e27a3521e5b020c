"""What tests of slow calls are about: a model that waits for its call, and what it is told meanwhile."""

import json
from dataclasses import replace

from segue.core.options import FunctionDeclaration, Options
from segue.core.outputs import InputRejected, Rejection
from tests.core.conversation import OPTIONS, Conversation

FUNCTIONS = (
    FunctionDeclaration("weather", timeout=5.0),
    FunctionDeclaration("book", blocking=True),
    FunctionDeclaration("remind", blocking=False, timeout=5.0),
)
# This family goes on while a call is under way; the next ones wait, and the last closes the link on audio meanwhile.
FREE = replace(OPTIONS, functions=FUNCTIONS)
BLOCKING = replace(OPTIONS, model="gemini-3.1-flash-live-preview", functions=FUNCTIONS[:2])
GATED = replace(OPTIONS, model="gemini-2.5-flash-native-audio", functions=FUNCTIONS)
WEATHER = '{"degrees": 7}'
INTERIM_AFTER = 1.5


def bridging(options: Options = BLOCKING) -> Options:
    return replace(options, interim_after=INTERIM_AFTER)


def asked(options: Options, name: str = "weather", *, others: tuple[str, ...] = ()) -> Conversation:
    """Return a conversation in which the model calls a function to answer a text, and others beside it."""
    call = Conversation.opened(options)
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.wait(1.0)
    call.write("What is the weather in Bonn?")
    call.wait(0.5)
    call.call("c1", name, '{"city": "Bonn"}')
    for number, other in enumerate(others, 2):
        call.call(f"c{number}", other)
    return call


def put_off(options: Options | None = None, name: str = "book") -> Conversation:
    """Return one in which the model got an interim answer and speaks on it, in the turn that called."""
    call = asked(options or bridging(), name)
    call.wait(INTERIM_AFTER + 0.1)
    call.answer(2.0, "I am on it.")
    return call


def speak(call: Conversation, words: str = "It is cold.") -> None:
    """Let the model say something and end its turn, and the client hear it."""
    call.answer(1.0, words)
    call.finish_generation()
    call.complete()
    call.wait(3.0)


def statuses(call: Conversation) -> list[str]:
    """Return the interim answers that the model was given."""
    responses = [json.loads(result.response) for result in call.results()]
    return [response["status"] for response in responses if "status" in response]


def last_rejection(call: Conversation) -> tuple[Rejection, str]:
    rejected = call.got(InputRejected)[-1]
    return rejected.reason, rejected.message
