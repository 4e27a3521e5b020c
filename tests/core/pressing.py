"""What tests of manual turn detection are about: a client that says when the user speaks."""

from dataclasses import replace

from segue.core.actions import Action, SendActivity, SendAudio, SendNote, SendText
from segue.core.options import Mode, Options
from tests.core.conversation import OPTIONS, VOICE, Conversation

MANUAL = replace(OPTIONS, mode=Mode.MANUAL)
# Text is a part of what the user says there.
SPOKEN_TEXT = replace(MANUAL, model="gemini-3.1-flash-live-preview")


def speak(call: Conversation, seconds: float = 0.6, sample: bytes = VOICE) -> None:
    """Press, speak, and release."""
    call.press()
    call.say(seconds, sample=sample)
    call.release()


def answer(call: Conversation, words: str = "Fine.") -> None:
    """Let the model answer; all of it is played, and a second more passes."""
    call.answer(1.0, words)
    call.finish_generation()
    call.complete()
    call.wait(2.0)


def acquainted(options: Options = MANUAL) -> Conversation:
    """Return a conversation of one exchange, which its handle h1 covers."""
    call = Conversation.opened(options)
    speak(call)
    call.understand("How are you?")
    call.wait(0.5)
    answer(call)
    call.hand_over("h1")
    call.wait(1.0)
    return call


def shape(call: Conversation, link: int) -> list[str]:
    """Return what a link was given: edges, and whatever came between them."""
    given: list[str] = []
    for action in call.actions:
        if getattr(action, "link", 0) != link:
            continue
        kind = named(action)
        if kind and given[-1:] != [kind]:
            given.append(kind)
    return given


def named(action: Action) -> str:
    match action:
        case SendActivity():
            return "start" if action.started else "end"
        case SendAudio():
            return "audio"
        case SendText():
            return "text"
        case SendNote():
            return "note"
    return ""
