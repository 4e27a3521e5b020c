"""What tests of wedges look for, and the models that they look at."""

from dataclasses import replace

from segue.core.actions import Sign, Wedged
from tests.core.conversation import OPTIONS, Conversation

# No family of these may stay silent where it is addressed; the first has slots for everything.
NATIVE = replace(OPTIONS, model="gemini-2.5-flash-native-audio")
THINKING = replace(OPTIONS, model="gemini-3.8-live-extended-thinking")


def wedged_after(call: Conversation, seconds: float = 60.0) -> float | None:
    """Return how long from now it takes until the link is found wedged, None where it is not."""
    begin, before = call.now, len(call.did(Wedged))
    call.wait(seconds)
    times = call.when(Wedged)[before:]
    return times[0] - begin if times else None


def signs(call: Conversation) -> list[Sign]:
    return [wedged.sign for wedged in call.did(Wedged)]


def empty_turn(call: Conversation) -> None:
    call.say(0.6)
    call.understand("What time is it?")
    call.wait(2.0)
    call.complete()
