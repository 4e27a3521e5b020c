"""What tests of calls are about: the families that take them differently, and a model that calls."""

from dataclasses import replace

from segue.core.options import FunctionDeclaration, Options
from tests.core.conversation import OPTIONS, Conversation

FUNCTIONS = (
    FunctionDeclaration("weather"),
    FunctionDeclaration("book", blocking=True),
    FunctionDeclaration("remind", blocking=False),
)
# This family goes on while a call is under way; the next waits, and closes the link on audio meanwhile.
FREE = replace(OPTIONS, functions=FUNCTIONS)
GATED = replace(OPTIONS, model="gemini-2.5-flash-native-audio", functions=FUNCTIONS)
BLOCKING = replace(OPTIONS, model="gemini-3.1-flash-live-preview", functions=FUNCTIONS[:2])
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
