"""What tests of notes are about: the families that take them differently, and a story that the user interrupts."""

from dataclasses import replace

from segue.core import events as ev
from segue.core.actions import NoteOutcome, ResumeNoted
from segue.core.options import Options, ResumeContext, ResumePolicy
from tests.core.conversation import OPTIONS, Conversation, telling

BUILT_IN = ResumeContext(ResumePolicy.BUILT_IN)
NOTED = replace(OPTIONS, resume_context=BUILT_IN)
NATIVE = replace(NOTED, model="gemini-2.5-flash-native-audio")
VERTEX = replace(NOTED, model="gemini-live-2.5-flash-native-audio")
SPOKEN_TEXT = replace(NOTED, model="gemini-3.1-flash-live-preview")
FAMILIES = (NATIVE, VERTEX, SPOKEN_TEXT, NOTED)
TOLD, LATE = ResumeNoted(NoteOutcome.TOLD), ResumeNoted(NoteOutcome.LATE)


def barge_in(call: Conversation, *, ended: bool = True) -> None:
    """Let the user begin to speak over the model, which the backend notices, and mostly says that its turn is over."""
    call.say(0.2)
    call.interrupted(by_sound=False)
    if ended:
        call.complete()


def interrupted(options: Options = NOTED) -> Conversation:
    """Return a conversation in which the user has stopped the story after 3 s of it, and the backend has ended it."""
    call = telling(options)
    call.interrupt()
    call.complete()
    call.wait(1.0)
    return call


def note(call: Conversation, text: str, *, answer: bool = False, seq: int = 0) -> None:
    call.receive(ev.NoteReceived(seq, text, answer))
