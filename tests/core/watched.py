"""A conversation that is watched: whatever happens in it, a session keeps these invariants."""

from segue.core import events as ev
from segue.core.actions import Action, Dial, End, HangUp, Send, SendAudio, SendText
from segue.core.downlink import HELD_LIMIT, MODEL_EVENTS
from segue.core.options import Options
from segue.core.outputs import UNNUMBERED, Audio, Closed, CutCause, Interrupted, Opened, Output, TurnEnded
from tests.core.conversation import OPTIONS, Conversation


class Watched(Conversation):
    """Asserts after every event that what was done may be done after what was done before."""

    def __init__(self, options: Options = OPTIONS) -> None:
        super().__init__(options)
        self.last_seq = 0
        self.closed = False
        self.ended = False
        # Turns by what the client knows of them, and the seconds of audio it got of each.
        self.played: dict[int, float] = {}
        self.cut_turns: set[int] = set()
        self.ended_turns: set[int] = set()
        # Links that are dialled, and of these the ones that are up.
        self.dialled: set[int] = set()
        self.up: set[int] = set()

    def may_happen(self, event: ev.Event) -> bool:
        """Return whether a link keeps its word: it opens once, and says nothing before."""
        if isinstance(event, ev.LinkOpened):
            return event.link not in self.up
        if type(event) in MODEL_EVENTS:
            return getattr(event, "link", 0) not in self.dialled - self.up
        # A writer that was not woken does not ask.
        return not isinstance(event, ev.StreamReady)

    def step(self, event: ev.Event) -> list[Action]:
        if isinstance(event, ev.LinkOpened):
            self.up |= self.dialled & {event.link}
        if isinstance(event, ev.LinkLost):
            self._forget_link(event.link)
        actions = super().step(event)
        for action in actions:
            self._watch(action)
        assert self.session._downlink.outbox.held <= HELD_LIMIT + 1e-6
        return actions

    def assert_nothing_remains(self) -> None:
        assert self.ended
        assert not self.dialled
        assert self.session.deadline() == float("inf")

    def _watch(self, action: Action) -> None:
        assert not self.ended, f"{action} after the end"
        match action:
            case Dial():
                assert not self.dialled
                self.dialled.add(action.link)
            case SendAudio() | SendText():
                assert action.link in self.up, f"{action} to a link that is not up"
            case HangUp():
                assert action.link in self.dialled
                self._forget_link(action.link)
            case Send():
                self._watch_number(action)
                self._watch_output(action.output)
            case End():
                self.ended = True

    def _forget_link(self, link: int) -> None:
        self.dialled.discard(link)
        self.up.discard(link)

    def _watch_number(self, send: Send) -> None:
        if isinstance(send.output, UNNUMBERED):
            assert send.seq == 0
        else:
            self.last_seq += 1
            assert send.seq == self.last_seq

    def _watch_output(self, output: Output) -> None:
        assert not self.closed, f"{output} after the session closed"
        match output:
            case Opened():
                assert len(self.got(Opened)) == 1
            case Interrupted(cause=CutCause.NONE):
                return
            case Closed():
                self.closed = True
                assert set(self.played) == self.ended_turns, "a turn without an end"
        turn = getattr(output, "turn", 0)
        if turn:
            assert turn not in self.ended_turns, f"{output} after its turn ended"
            self._watch_turn(turn, output)

    def _watch_turn(self, turn: int, output: Output) -> None:
        played = self.played.setdefault(turn, 0.0)
        match output:
            case Audio():
                assert turn not in self.cut_turns, f"audio of turn {turn} after its Interrupted"
                assert output.audio
                assert len(output.audio) % 2 == 0
                self.played[turn] += len(output.audio) / 48_000
            case Interrupted():
                assert turn not in self.cut_turns
                self.cut_turns.add(turn)
            case TurnEnded():
                self.ended_turns.add(turn)
                assert 0.0 <= output.heard <= output.audio
                # Half a sample may have been left over.
                assert played <= output.audio + 1e-6
