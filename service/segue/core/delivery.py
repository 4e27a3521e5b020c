"""What goes to the client, and in which order: numbered as it leaves, and once more to a client that came back."""

from math import inf

from segue.core import events as ev
from segue.core.actions import Action, Send
from segue.core.attachment import Attachment
from segue.core.numbers import Numbers
from segue.core.options import Options
from segue.core.outputs import Audio, CutCause, InputAck, Interrupted, Resumed
from segue.core.playback import Playback


class Delivery:
    """One session's. Actions that follow are appended to `actions`."""

    def __init__(self, options: Options, numbers: Numbers, playback: Playback, actions: list[Action]) -> None:
        self.attachment = Attachment(options.resume_window)
        self._numbers = numbers
        self._playback = playback
        self._outbox = playback.outbox
        self._actions = actions
        # What a client that came back is told before anything else.
        self._resumed: Resumed | None = None

    @property
    def held_bytes(self) -> int:
        """The size of what is kept, to be released or to be sent again."""
        return self._outbox.held_bytes + self.attachment.held_bytes

    def ready_at(self) -> float:
        """Return when there is something to pull: -inf for at once, inf for not before something happens."""
        if self.attachment.detached:
            return inf
        if self._resumed is not None or self.attachment.resends:
            return -inf
        return min(self._outbox.ready_at(), self._numbers.ack_at)

    def give(self, event: ev.StreamReady, covered: float, now: float) -> None:
        """Say what may leave now; input before the serial `covered` of the journal need not be sent again."""
        max_events = event.max_events
        if self._resumed is not None:
            self._actions.append(Send(0, self._resumed))
            self._resumed = None
            max_events -= 1
        if self.attachment.resends:
            again = self.attachment.again(max_events, event.max_bytes)
            self._actions += [Send(seq, output, again=True) for seq, output in again]
            return
        if self._numbers.ack_at <= now and (acknowledged := self._numbers.acknowledge(covered, now)):
            self._outbox.put_urgent(InputAck(acknowledged))
        for output in self._playback.take(now, max_events, event.max_bytes):
            seq = self._numbers.number(output)
            if isinstance(output, Audio):
                self._outbox.window.release(seq, len(output.audio))
            elif isinstance(output, Interrupted) and output.cause is not CutCause.NONE:
                self._playback.note_cut_seq(output.turn, seq)
            if seq:
                self.attachment.keep(seq, output, now)
            self._actions.append(Send(seq, output))

    def acknowledge(self, event: ev.AckReceived, now: float) -> None:
        """Take the client's word on what it has, and on what was played."""
        self._outbox.window.acknowledge(event.output_seq)
        self.attachment.acknowledge(event.output_seq, now)
        self._hear(event.turn, event.heard, event.output_seq, now)

    def expect_no_acknowledgement(self) -> None:
        """Take it that the client has ended its side of the stream: it is given the rest all the same."""
        self._outbox.window.expect_none()
        self.attachment.expect_none()

    def detach(self, now: float) -> None:
        """Take it that the client's stream is gone: what it was about to hear waits."""
        self._resumed = None
        self.attachment.detach(now)
        self._outbox.player.pause(now)

    def reattach(self, event: ev.ResumeReceived, now: float) -> None:
        """Take it that the client is back, and go on after what it has."""
        lost = self.attachment.reattach(event.last_seq, now)
        self._resumed = Resumed(self._numbers.resume(), lost)
        self._outbox.window.forget(event.last_seq)
        # What did not reach it is still to be played, whatever it says of the rest.
        unheard = self.attachment.unheard(event.last_seq) / self._playback.bytes_per_second
        ahead = self._outbox.player.ahead(now)
        playing = self._playback.turns.find(event.turn)
        if event.heard is not None and playing is not None and not playing.cut:
            ahead = playing.released - event.heard
        self._outbox.player.go_on(max(unheard, ahead), now)
        self._hear(event.turn, event.heard, event.last_seq, now)

    def _hear(self, turn: int, heard: float | None, output_seq: int, now: float) -> None:
        if heard is not None:
            self._playback.report_heard(turn, heard, output_seq)
            self._playback.settle(now)
