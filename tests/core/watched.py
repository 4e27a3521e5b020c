"""A conversation that is watched: whatever happens in it, a session keeps these invariants."""

from dataclasses import dataclass, field, replace
from math import inf
from typing import cast

from segue.core import events as ev
from segue.core.actions import (
    Action,
    Dial,
    End,
    HangUp,
    Renewed,
    Send,
    SendActivity,
    SendAudio,
    SendNote,
    SendText,
    SendToolResult,
    SetUp,
)
from segue.core.downlink import HELD_LIMIT
from segue.core.options import Mode, Options
from segue.core.outputs import (
    UNNUMBERED,
    Audio,
    Closed,
    CutCause,
    EndReason,
    InputAck,
    Interrupted,
    Notice,
    Opened,
    Output,
    Speaker,
    Text,
    ToolCall,
    ToolCallCancelled,
    Transcript,
    TurnEnded,
)
from segue.core.policy import Policy
from segue.core.profiles import TextSlot, profile_of
from tests.core.conversation import OPTIONS, POLICY, Conversation

# What a session may keep: audio to be released, 30 s of audio that waits for a link at 16 kHz, and the journal.
KEPT = HELD_LIMIT * 48_000 + 960_000 + 1_000_000

# An activity that begins sooner after the end of another one may be dropped, in seconds.
ACTIVITY_GAP = 0.5

# The link that an event is of, where it depends on what the session does.
THE_LINK, NEXT_LINK = 0, -1


@dataclass
class Known:
    """A link as the service knows it: a connection, a setup, and the calls that the model remembers on it."""

    number: int
    held: bool
    setup_sent: bool
    up: bool = False
    calls: set[str] = field(default_factory=set)
    # Of these, the ones for whose result it waits and hears nothing meanwhile.
    waits: set[str] = field(default_factory=set)
    # The client's activity, where it detects speech: whether one is open, holds anything, and when the last one ended.
    active: bool = False
    content: bool = False
    ended_at: float = -inf


class Watched(Conversation):
    """Asserts after every event that what was done may be done after what was done before."""

    def __init__(self, options: Options = OPTIONS, policy: Policy = POLICY) -> None:
        super().__init__(options, policy)
        self.profile = profile_of(options.model, policy.profiles)
        self.numbered = 0
        self.closed = False
        self.ended = False
        self.acknowledged = 0
        # Turns by what the client knows of them, and the seconds of audio and the words it got of each.
        self.played: dict[int, float] = {}
        self.said: dict[int, str] = {}
        self.cut_turns: set[int] = set()
        self.ended_turns: set[int] = set()
        # Links that are dialled, and the number of the last one.
        self.links: dict[int, Known] = {}
        self.last_link = 0
        # What the model remembers that resumes by a handle.
        self.remembered: dict[str, tuple[set[str], set[str]]] = {"": (set(), set())}
        self.blocking = {function.name: function.blocking for function in options.functions}
        self.calls_told: set[str] = set()

    def addressed(self, event: ev.Event) -> ev.Event:
        """Return an event of the link that counts, or of the next one, with its number."""
        named = getattr(event, "link", None)
        if named not in (THE_LINK, NEXT_LINK):
            return event
        return replace(cast("ev.LinkEvent", event), link=self.link if named == THE_LINK else self.last_link)

    def may_happen(self, event: ev.Event) -> bool:
        """Return whether a link keeps its word: it is held where that was asked, and opens once it was set up."""
        known = self.links.get(getattr(event, "link", -1))
        if isinstance(event, ev.LinkHeld):
            return known is None or (not known.setup_sent and not known.held)
        if isinstance(event, ev.LinkOpened):
            return known is None or (known.setup_sent and not known.up)
        if isinstance(event, ev.HandleReceived):
            # While it waits for a call's result the service hands out none.
            return known is None or not known.waits
        # A writer that was not woken does not ask.
        return not isinstance(event, ev.StreamReady)

    def step(self, event: ev.Event) -> list[Action]:
        known = self.links.get(getattr(event, "link", -1))
        if known is not None:
            self._hear(known, event)
        actions = super().step(event)
        for action in actions:
            self._watch(action)
        assert len(self.links) <= 2
        assert self.session.held_bytes <= KEPT
        if self.ended:
            self.assert_nothing_remains()
        return actions

    def assert_nothing_remains(self) -> None:
        assert self.ended
        assert not self.links
        assert self.session.deadline() == inf
        assert self.link == 0

    def _hear(self, known: Known, event: ev.Event) -> None:
        match event:
            case ev.LinkHeld():
                known.held = True
            case ev.LinkOpened():
                known.up = True
            case ev.LinkLost():
                del self.links[known.number]
            case ev.HandleReceived() if known.up and event.handle:
                self.remembered[event.handle] = set(known.calls), set(known.waits)
            case ev.ToolCalled() if known.up:
                known.calls.add(event.call_id)
                blocking = self.blocking.get(event.name)
                if self.profile.gates_calls and (self.profile.calls_wait if blocking is None else blocking):
                    known.waits.add(event.call_id)
            case ev.ToolCallsCancelled() if known.up:
                known.calls -= set(event.call_ids)
                known.waits -= set(event.call_ids)

    def _watch(self, action: Action) -> None:
        assert not self.ended, f"{type(action).__name__} after the end"
        match action:
            case Dial():
                assert not self.closed
                assert action.link == self.last_link + 1
                self.last_link = action.link
                self.links[action.link] = Known(action.link, False, not action.hold)
                self._remember(action)
            case SetUp():
                known = self.links[action.link]
                assert known.held, "a setup for a link that is not held"
                assert not known.setup_sent, "a second setup"
                known.setup_sent = True
                self._remember(action)
            case SendActivity():
                known = self.links[action.link]
                assert known.up, "an activity on a link that is not up"
                self._watch_activity(action, known)
            case SendAudio() | SendText() | SendNote() | SendToolResult():
                known = self.links[action.link]
                assert known.up, f"{type(action).__name__} to a link that is not up"
                self._watch_content(action, known)
            case HangUp():
                del self.links[action.link]
            case Renewed():
                assert action.gap >= 0.0
            case Send():
                self._watch_number(action)
                self._watch_output(action.output)
            case End():
                self.ended = True

    def _remember(self, action: Dial | SetUp) -> None:
        assert action.setup.handle in self.remembered, "a handle that nobody gave"
        calls, waits = self.remembered[action.setup.handle]
        known = self.links[action.link]
        known.calls, known.waits = set(calls), set(waits)

    def _watch_content(self, action: SendAudio | SendText | SendNote | SendToolResult, known: Known) -> None:
        detects = self.options.mode is Mode.SERVER
        match action:
            case SendAudio():
                assert action.audio
                assert len(action.audio) % 2 == 0
                assert known.active or detects, "audio outside an activity"
                assert not known.waits, "audio during a call"
                known.content = True
            case SendText(slot=TextSlot.REALTIME):
                assert action.text.strip()
                assert known.active or detects, "text outside an activity"
                known.content = True
            case SendText() | SendNote():
                assert action.text.strip()
            case SendToolResult():
                assert action.call_id in known.calls, f"{action} for a call that this link does not know"
                known.waits.discard(action.call_id)

    def _watch_activity(self, action: SendActivity, known: Known) -> None:
        assert self.options.mode.signals, "an activity where the model detects speech itself"
        assert action.started is not known.active, "an activity within an activity, or the end of none"
        if action.started:
            assert self.now >= known.ended_at + ACTIVITY_GAP - 1e-6, "an activity that the service would drop"
            known.content = False
        else:
            assert known.content, "an activity without content"
            known.ended_at = self.now
        known.active = action.started

    def _watch_number(self, send: Send) -> None:
        if isinstance(send.output, UNNUMBERED):
            assert send.seq == 0
        else:
            self.numbered += 1
            assert send.seq == self.numbered

    def _watch_output(self, output: Output) -> None:
        assert not self.closed, f"{type(output).__name__} after the session closed"
        match output:
            case Opened():
                assert len(self.got(Opened)) == 1
            case Interrupted(cause=CutCause.NONE):
                return
            case InputAck():
                assert output.input_seq >= self.acknowledged
                self.acknowledged = output.input_seq
            case Notice():
                assert self.options.notices
            case ToolCall():
                self.calls_told.add(output.call_id)
            case ToolCallCancelled():
                assert output.call_id in self.calls_told, "a call is taken back that the client does not know"
            case Closed():
                self.closed = True
                assert set(self.played) == self.ended_turns, "a turn without an end"
        turn = getattr(output, "turn", 0)
        if turn:
            assert turn not in self.ended_turns, f"{type(output).__name__} after turn {turn} ended"
            self._watch_turn(turn, output)

    def _watch_turn(self, turn: int, output: Output) -> None:
        played = self.played.setdefault(turn, 0.0)
        match output:
            case Audio():
                assert turn not in self.cut_turns, f"audio of turn {turn} after its Interrupted"
                assert output.audio
                assert len(output.audio) % 2 == 0
                self.played[turn] += len(output.audio) / 48_000
            case Transcript(speaker=Speaker.MODEL) | Text():
                self.said[turn] = self.said.get(turn, "") + output.text
            case Interrupted():
                assert turn not in self.cut_turns, f"turn {turn} is interrupted twice"
                self.cut_turns.add(turn)
            case TurnEnded():
                self.ended_turns.add(turn)
                assert 0.0 <= output.heard <= output.audio
                assert (output.reason is EndReason.INTERRUPTED) is (turn in self.cut_turns)
                assert (output.heard_text + output.unheard_text).startswith(self.said.get(turn, ""))
                # Half a sample may have been left over.
                assert played <= output.audio + 1e-6
