"""Every event in every state, and any events in any order."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.core import events as ev
from segue.core.actions import Action, Send, Wake
from segue.core.options import Options
from segue.core.outputs import CloseReason, Rejection, Usage
from segue.core.session import REACTIONS, State
from tests.core.conversation import OPTIONS, Conversation, speech, voice
from tests.core.watched import Watched

EVENTS: tuple[ev.Event, ...] = (
    ev.OpenReceived(0, OPTIONS),
    ev.OpenRefused(0, CloseReason.INVALID_OPEN, "no"),
    ev.AudioReceived(0, voice(0.02), True),
    ev.TextReceived(0, "hello"),
    ev.InterruptReceived(0, 0, None),
    ev.AckReceived(1, 1, 0.5),
    ev.InputRefused(0, Rejection.UNIMPLEMENTED, "not yet"),
    ev.CloseReceived(0, False),
    ev.InputEnded(),
    ev.StreamLost(),
    ev.StreamReady(64, 256 * 1024),
    ev.ShutdownRequested(),
    ev.Tick(),
    ev.LinkOpened(1),
    ev.LinkLost(1, ev.LossCause.TRANSIENT, "gone"),
    ev.ModelAudio(1, speech(0.04)),
    ev.ModelText(1, "hello"),
    ev.ModelTranscribed(1, "hello"),
    ev.UserTranscribed(1, "hello"),
    ev.UserActivityDetected(1, True),
    ev.GenerationCompleted(1),
    ev.ModelInterrupted(1),
    ev.TurnCompleted(1, ""),
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
    ev.InputEnded: ("-", "FINISHING", "FINISHING", "FINISHING", "-", "-"),
    ev.StreamLost: ("ENDED End", "ENDED HangUp End", "ENDED HangUp End", "ENDED HangUp End", "ENDED End", "-"),
    ev.StreamReady: ("NEW", "OPENING", "OPEN", "FINISHING", "ENDED TurnEnded Closed End", "-"),
    ev.ShutdownRequested: ("-", "FINISHING", "FINISHING", "FINISHING", "-", "-"),
    ev.Tick: ("-", "OPENING", "OPEN", "FINISHING", "-", "-"),
    ev.LinkOpened: ("-", "OPEN Opened", "-", "FINISHING Opened", "-", "-"),
    ev.LinkLost: ("-", "ENDED Closed End", "FINISHING", "FINISHING", "-", "-"),
    ev.ModelAudio: ("-", "-", "OPEN", "FINISHING", "-", "-"),
    ev.ModelText: ("-", "-", "OPEN", "FINISHING", "-", "-"),
    ev.ModelTranscribed: ("-", "-", "OPEN", "FINISHING", "-", "-"),
    ev.UserTranscribed: ("-", "-", "OPEN Transcript", "FINISHING Transcript", "-", "-"),
    ev.UserActivityDetected: ("-", "-", "OPEN UserActivity", "FINISHING UserActivity", "-", "-"),
    ev.GenerationCompleted: ("-", "-", "OPEN", "FINISHING", "-", "-"),
    ev.ModelInterrupted: ("-", "-", "OPEN Drop Interrupted", "FINISHING Drop Interrupted", "-", "-"),
    ev.TurnCompleted: ("-", "-", "OPEN", "FINISHING", "-", "-"),
    ev.UsageReported: ("-", "-", "OPEN", "FINISHING", "-", "-"),
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


def any_events() -> st.SearchStrategy[ev.Event]:
    """Return events as peers send them: of links that are up and of others, in sequence and not."""
    seq = st.sampled_from([0, 0, 0, 0, 1, 2, 3])
    turn = st.integers(0, 4)
    heard = st.none() | st.floats(0.0, 10.0)
    link = st.sampled_from([1, 1, 1, 1, 2])
    text = st.sampled_from(["", "yes", "What about it? "])
    return st.one_of(
        st.builds(ev.AudioReceived, seq, st.sampled_from([b"", b"\x01", voice(0.02), voice(0.5)]), st.booleans()),
        st.builds(ev.TextReceived, seq, text),
        st.builds(ev.InterruptReceived, seq, turn, heard),
        st.builds(ev.AckReceived, st.integers(0, 99), turn, heard),
        st.builds(ev.ModelAudio, link, st.integers(1, 100_000).map(lambda size: bytes(size))),
        st.builds(ev.ModelAudio, link, st.just(speech(40.0))),
        st.builds(ev.ModelText, link, text),
        st.builds(ev.ModelTranscribed, link, text),
        st.builds(ev.UserTranscribed, link, text),
        st.builds(ev.UserActivityDetected, link, st.booleans()),
        st.builds(ev.GenerationCompleted, link),
        st.builds(ev.ModelInterrupted, link),
        st.builds(ev.TurnCompleted, link, st.sampled_from(["", "", "NO_SPEECH"])),
        st.builds(ev.UsageReported, link, st.builds(Usage, st.integers(0, 9))),
        st.sampled_from(EVENTS),
    )


@st.composite
def options(draw: st.DrawFn) -> Options:
    return replace(
        OPTIONS,
        lead=draw(st.sampled_from([0.1, 0.25, 1.0, 60.0])),
        unpaced=draw(st.booleans()),
        output_frame_duration=draw(st.sampled_from([0.01, 0.04, 1.0])),
        idle_timeout=draw(st.sampled_from([1.0, 20.0, 600.0])),
        max_duration=draw(st.sampled_from([60.0, 14_400.0])),
    )


PAUSES = st.sampled_from([0.0, 0.0, 0.0, 0.02, 0.3, 0.7, 3.1, 15.0])


@settings(max_examples=300)
@given(options(), st.booleans(), st.lists(st.tuples(PAUSES, any_events(), st.integers(0, 9)), max_size=40))
def test_any_events_in_any_order_keep_a_session_sound(
    options: Options, opened: bool, steps: list[tuple[float, ev.Event, int]]
) -> None:
    call = Watched(options)
    if opened:
        call.open()
        call.link_up()
    for pause, event, luck in steps:
        call.wait(pause)
        # A client reads, or reads a little, or does not read.
        call.reading = luck > 2
        if not call.reading and call.woken:
            call.read(max_events=luck, max_bytes=luck * 100_000)
        if call.may_happen(event):
            call.receive(event)
    call.reading = True
    if call.woken:
        call.read()
    call.receive(ev.CloseReceived(0, False))
    call.receive(ev.StreamLost())
    call.assert_nothing_remains()
