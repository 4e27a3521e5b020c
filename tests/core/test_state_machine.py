"""Every event in every state."""

from collections.abc import Callable
from itertools import product
from typing import get_args

import pytest

from segue.core import events as ev
from segue.core.actions import Action, Send, Wake
from segue.core.options import Update
from segue.core.outputs import Closed, CloseReason, Next, Rejection, Usage
from segue.core.session import REACTIONS, State
from tests.core.conversation import OPTIONS, Conversation, speech, voice

EVENTS: tuple[ev.Event, ...] = (
    ev.OpenReceived(0, OPTIONS),
    ev.OpenRefused(0, CloseReason.INVALID_OPEN, "no"),
    ev.AudioReceived(0, voice(0.02), True),
    ev.SpeechJudged(1, 0.5),
    ev.NoteReceived(0, "The user's name is Ann.", answer=False),
    ev.ImageReceived(0, b"png", "image/png"),
    ev.UpdateReceived(0, Update(system_instruction="Be brief.")),
    ev.TextReceived(0, "hello"),
    ev.ActivityReceived(0, True),
    ev.ToolResultReceived(0, "c1", "{}"),
    ev.InterruptReceived(0, 0, None),
    ev.AckReceived(1, 1, 0.5),
    ev.InputRefused(0, Rejection.UNIMPLEMENTED, "not yet"),
    ev.CloseReceived(0, False),
    ev.ResumeReceived(0),
    ev.InputEnded(),
    ev.StreamLost(),
    ev.StreamReady(64, 256 * 1024),
    ev.ShutdownRequested(),
    ev.QuotaReached(Closed(CloseReason.QUOTA, "no more today", Next.OPEN_AGAIN, retry_delay=60.0)),
    ev.Tick(),
    ev.LinkHeld(1),
    ev.LinkOpened(1),
    ev.LinkLost(1, ev.LossCause.TRANSIENT, "gone"),
    ev.GoingAway(1, 50.0),
    ev.HandleReceived(1, "h1"),
    ev.ModelAudio(1, speech(0.04)),
    ev.ModelText(1, "hello"),
    ev.ModelTranscribed(1, "hello"),
    ev.UserTranscribed(1, "hello"),
    ev.UserActivityDetected(1, True),
    ev.GenerationCompleted(1),
    ev.ModelInterrupted(1),
    ev.TurnCompleted(1, ""),
    ev.InputAwaited(1),
    ev.InteractionChanged(1, True),
    ev.ToolCalled(1, "c1", "weather", "{}"),
    ev.ToolCallsCancelled(1, ("c1",)),
    ev.UsageReported(1, Usage(1)),
)


def opening() -> Conversation:
    call = Conversation()
    call.open()
    return call


def conversing() -> Conversation:
    """The model is 1 s into an answer of 3 s."""
    call = Conversation.opened()
    call.answer(3.0, "A short answer.")
    call.wait(1.0)
    return call


def finishing() -> Conversation:
    call = conversing()
    call.end_input()
    return call


def closing() -> Conversation:
    """The client has not read the last outputs."""
    call = conversing()
    call.reading = False
    call.receive(ev.CloseReceived(0, False))
    return call


def over() -> Conversation:
    call = closing()
    call.read()
    return call


IN: dict[State, Callable[[], Conversation]] = {
    State.NEW: Conversation,
    State.OPENING: opening,
    State.OPEN: conversing,
    State.FINISHING: finishing,
    State.CLOSING: closing,
    State.ENDED: over,
}

# What an event leads to in NEW, OPENING, OPEN, FINISHING, CLOSING and ENDED: the state, what is done, and what a client
# gets that reads at once; a dash where the event is dropped. In CLOSING the client has not read.
TABLE: dict[type[ev.Event], tuple[str, str, str, str, str, str]] = {
    ev.OpenReceived: (
        "OPENING Dial",
        "OPENING InputRejected",
        "OPEN InputRejected",
        "FINISHING InputRejected",
        "-",
        "-",
    ),
    ev.OpenRefused: (
        "ENDED Closed End",
        "OPENING InputRejected",
        "OPEN InputRejected",
        "FINISHING InputRejected",
        "-",
        "-",
    ),
    ev.AudioReceived: ("-", "OPENING", "OPEN SendAudio", "FINISHING Drop InputRejected", "-", "-"),
    ev.TextReceived: ("-", "OPENING", "OPEN SendText", "FINISHING InputRejected", "-", "-"),
    ev.SpeechJudged: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    ev.NoteReceived: ("-", "OPENING", "OPEN", "FINISHING InputRejected", "-", "-"),
    ev.ImageReceived: ("-", "OPENING", "OPEN SendImage", "FINISHING InputRejected", "-", "-"),
    ev.UpdateReceived: ("-", "OPENING", "OPEN SendUpdate", "FINISHING SendUpdate", "-", "-"),
    ev.ActivityReceived: (
        "-",
        "OPENING InputRejected",
        "OPEN InputRejected",
        "FINISHING InputRejected",
        "-",
        "-",
    ),
    ev.ToolResultReceived: (
        "-",
        "OPENING InputRejected",
        "OPEN InputRejected",
        "FINISHING InputRejected",
        "-",
        "-",
    ),
    ev.InterruptReceived: ("-", "OPENING Interrupted", "OPEN Drop Interrupted", "FINISHING Drop Interrupted", "-", "-"),
    ev.AckReceived: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    ev.InputRefused: ("-", "OPENING InputRejected", "OPEN InputRejected", "FINISHING InputRejected", "-", "-"),
    ev.CloseReceived: (
        "-",
        "ENDED HangUp Closed End",
        "ENDED HangUp TurnEnded Closed End",
        "ENDED HangUp TurnEnded Closed End",
        "-",
        "-",
    ),
    ev.ResumeReceived: ("-", "OPENING Resumed", "OPEN Resumed", "FINISHING Resumed", "-", "-"),
    ev.InputEnded: ("-", "FINISHING", "FINISHING", "FINISHING", "-", "-"),
    ev.StreamLost: ("ENDED End", "ENDED HangUp End", "ENDED HangUp End", "ENDED HangUp End", "ENDED End", "-"),
    ev.StreamReady: ("NEW", "OPENING", "OPEN", "FINISHING", "ENDED TurnEnded Closed End", "-"),
    ev.ShutdownRequested: ("-", "FINISHING", "FINISHING", "FINISHING", "-", "-"),
    ev.QuotaReached: ("-", "FINISHING", "FINISHING", "FINISHING", "-", "-"),
    ev.Tick: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    # A link that is dialled says nothing but this; one that is up was opened before.
    ev.LinkHeld: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    ev.LinkOpened: ("-", "OPEN Opened", "OPEN", "FINISHING", "-", "-"),
    ev.LinkLost: ("-", "OPENING Dial", "OPEN Dial", "FINISHING Dial", "-", "-"),
    ev.GoingAway: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    ev.HandleReceived: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    ev.ModelAudio: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    ev.ModelText: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    ev.ModelTranscribed: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    ev.UserTranscribed: ("-", "OPENING", "OPEN Transcript", "FINISHING Transcript", "-", "-"),
    ev.UserActivityDetected: ("-", "OPENING", "OPEN UserActivity", "FINISHING UserActivity", "-", "-"),
    ev.GenerationCompleted: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    # Nobody made a sound: it is in doubt.
    ev.ModelInterrupted: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    ev.TurnCompleted: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    ev.InputAwaited: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    ev.InteractionChanged: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    ev.ToolCalled: ("-", "OPENING", "OPEN ToolCall", "FINISHING ToolCall", "-", "-"),
    ev.ToolCallsCancelled: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    ev.UsageReported: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
}


def described(state: State, actions: list[Action]) -> str:
    names = [type(action.output if isinstance(action, Send) else action).__name__ for action in actions]
    return " ".join([state.name, *(name for name in names if name != Wake.__name__)])


@pytest.mark.parametrize(
    ("state", "event"), list(product(State, EVENTS)), ids=lambda value: getattr(value, "name", type(value).__name__)
)
def test_every_event_in_every_state(state: State, event: ev.Event) -> None:
    call = IN[state]()
    assert call.session.state is state
    actions = call.receive(event)
    expected = TABLE[type(event)][list(State).index(state)]
    if expected == "-":
        assert type(event) not in REACTIONS[state]
        expected = state.name
    assert described(call.session.state, actions) == expected


def test_every_event_has_its_row() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(ev.Event)) == set(TABLE)
