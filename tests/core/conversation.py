"""A session under a virtual clock, with a client, a writer and a model that do as the test says."""

from math import inf
from typing import TypeVar

from segue.core import events as ev
from segue.core.actions import Action, Drop, End, Send, SendAudio, SendText, Wake
from segue.core.options import AudioFormat, Encoding, Options
from segue.core.outputs import Audio, Closed, CloseReason, Interrupted, Output, TurnEnded, Usage
from segue.core.session import Session, State

T = TypeVar("T")

TELEPHONE = AudioFormat(Encoding.LINEAR16, 16_000)
OPTIONS = Options("gemini-3.8-live", input_format=TELEPHONE)
# What one chunk of the Live API holds, in seconds.
CHUNK = 0.25


def speech(seconds: float) -> bytes:
    """Return so much of the model's speech, which nobody takes for silence."""
    return b"\x01\x02" * round(seconds * 24_000)


def voice(seconds: float) -> bytes:
    """Return so much of the user's audio."""
    return b"\x03\x04" * round(seconds * 16_000)


class Conversation:
    """Drives a session: `now` moves with `wait` alone, and deadlines that pass meanwhile get their ticks.

    The client reads all that it is woken for at once; while `reading` is False it reads when told to.
    """

    def __init__(self, options: Options = OPTIONS) -> None:
        self.options = options
        self.session = Session("call-1")
        self.now = 1000.0
        self.reading = True
        self.woken = False
        self.actions: list[Action] = []
        # When each output reached the client.
        self.sent: list[tuple[float, Send]] = []

    @classmethod
    def opened(cls, options: Options = OPTIONS) -> "Conversation":
        """Return a conversation whose link is up."""
        conversation = cls(options)
        conversation.open()
        conversation.link_up()
        return conversation

    def receive(self, event: ev.Event) -> list[Action]:
        """Give the session an event, and let the client read. Returns what the session did."""
        actions = self.step(event)
        self.woken |= Wake() in actions
        if self.reading and self.woken:
            actions += self.read()
        return actions

    def step(self, event: ev.Event) -> list[Action]:
        """Give the session one event and nothing else. Who watches a conversation, watches here."""
        actions = self.session.receive(event, self.now)
        self.actions += actions
        self.sent += [(self.now, action) for action in actions if isinstance(action, Send)]
        return actions

    def read(self, max_events: int = 64, max_bytes: int = 256 * 1024) -> list[Action]:
        """Let the client read one message, and more while it is reading."""
        self.woken = False
        return self.receive(ev.StreamReady(max_events, max_bytes))

    def wait(self, seconds: float = inf) -> None:
        """Let time pass; without end, until the session waits for nothing more."""
        until = self.now + seconds
        while (deadline := self.session.deadline()) <= until and deadline < inf:
            self.now = max(self.now, deadline)
            actions = self.receive(ev.Tick())
            assert actions or self.session.deadline() > self.now, "a tick that came to nothing comes again at once"
        if until < inf:
            self.now = until

    # The client.

    def open(self, seq: int = 0) -> list[Action]:
        return self.receive(ev.OpenReceived(seq, self.options))

    def say(self, seconds: float, *, voiced: bool = True, seq: int = 0) -> None:
        """Speak in frames of 20 ms, at the pace of speech."""
        for _ in range(round(seconds / 0.02)):
            self.receive(ev.AudioReceived(seq, voice(0.02), voiced))
            self.wait(0.02)
            seq += bool(seq)

    def write(self, text: str, seq: int = 0) -> list[Action]:
        return self.receive(ev.TextReceived(seq, text))

    def interrupt(self, turn: int = 0, heard: float | None = None) -> None:
        self.receive(ev.InterruptReceived(0, turn, heard))

    def report_heard(self, turn: int, heard: float, output_seq: int | None = None) -> None:
        """Acknowledge all output so far, or up to a number, and tell what was played."""
        seqs = [send.seq for _, send in self.sent]
        self.receive(ev.AckReceived(max(seqs, default=0) if output_seq is None else output_seq, turn, heard))

    def end_input(self) -> None:
        self.receive(ev.InputEnded())

    # The link.

    def link_up(self) -> list[Action]:
        return self.receive(ev.LinkOpened(1))

    def lose_link(self, cause: ev.LossCause = ev.LossCause.TRANSIENT) -> None:
        self.receive(ev.LinkLost(1, cause, "connection closed"))

    def understand(self, words: str) -> None:
        self.receive(ev.UserTranscribed(1, words))

    def answer(self, seconds: float, words: str = "") -> None:
        """Let the model speak, in chunks that all come at once, the words behind their audio."""
        whole, rest = divmod(round(seconds * 1000), round(CHUNK * 1000))
        for piece in [CHUNK] * whole + [rest / 1000] * bool(rest):
            self.receive(ev.ModelAudio(1, speech(piece)))
        if words:
            self.receive(ev.ModelTranscribed(1, words))

    def finish_generation(self) -> None:
        self.receive(ev.GenerationCompleted(1))

    def interrupted(self) -> None:
        self.receive(ev.ModelInterrupted(1))

    def complete(self, reason: str = "", usage: Usage | None = None) -> None:
        """End the model's turn."""
        if usage is not None:
            self.receive(ev.UsageReported(1, usage))
        self.receive(ev.TurnCompleted(1, reason))

    # What came of it.

    def did(self, kind: type[T]) -> list[T]:
        return [action for action in self.actions if isinstance(action, kind)]

    @property
    def outputs(self) -> list[Output]:
        return [send.output for _, send in self.sent]

    def got(self, kind: type[T]) -> list[T]:
        """Return the client's outputs of a kind."""
        return [output for output in self.outputs if isinstance(output, kind)]

    def heard(self, turn: int) -> float:
        """Return the seconds of a turn's audio that the client got."""
        return sum(len(audio.audio) for audio in self.got(Audio) if audio.turn == turn) / 48_000

    def dropped(self, reason: str) -> float:
        return sum(drop.seconds for drop in self.did(Drop) if drop.reason == reason)

    def given(self) -> list[bytes | str]:
        """Return what the model was given, in order."""
        given = [action for action in self.actions if isinstance(action, SendAudio | SendText)]
        return [action.audio if isinstance(action, SendAudio) else action.text for action in given]

    # What must have come of it.

    def assert_interrupted(self, turn: int) -> Interrupted:
        """Assert that the turn was cut once, and that not a byte of it came afterwards."""
        cuts = [index for index, output in enumerate(self.outputs) if isinstance(output, Interrupted)]
        cuts = [index for index in cuts if getattr(self.outputs[index], "turn", None) == turn]
        assert len(cuts) == 1, f"turn {turn} was cut {len(cuts)} times"
        late = [output for output in self.outputs[cuts[0] :] if isinstance(output, Audio) and output.turn == turn]
        assert not late, f"audio of turn {turn} after its Interrupted"
        cut = self.outputs[cuts[0]]
        assert isinstance(cut, Interrupted)
        return cut

    def assert_turn_ended(self, turn: int) -> TurnEnded:
        """Assert that the turn ended once, and that nothing of it came afterwards."""
        of_turn = [output for output in self.outputs if getattr(output, "turn", None) == turn]
        ends = [output for output in of_turn if isinstance(output, TurnEnded)]
        assert len(ends) == 1, f"turn {turn} ended {len(ends)} times"
        assert of_turn[-1] is ends[0], f"{of_turn[-1]} after the end of turn {turn}"
        return ends[0]

    def assert_closed(self, reason: CloseReason) -> Closed:
        """Assert that the session closed for this reason, said so last, and is over."""
        closings = self.got(Closed)
        assert [closing.reason for closing in closings] == [reason]
        assert self.outputs[-1] is closings[0]
        assert self.actions[-1] == End()
        assert self.session.state is State.ENDED
        return closings[0]

    def assert_open(self) -> None:
        assert not self.got(Closed)
        assert self.session.state is State.OPEN


def telling(options: Options = OPTIONS) -> Conversation:
    """Return a conversation in which the model is 3 s into a story of 10 s that the backend has not ended."""
    call = Conversation.opened(options)
    for words in ("Once ", "upon ", "a ", "time ", "there ", "was ", "a ", "king ", "and ", "queen."):
        call.answer(1.0, words)
    call.wait(3.0)
    return call


def told() -> Conversation:
    """Return one in which the backend has ended that story, and the client is 3 s into it."""
    call = telling()
    call.finish_generation()
    call.complete()
    return call
