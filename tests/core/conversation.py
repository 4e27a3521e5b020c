"""A session under a virtual clock, with a client, a writer and a model that do as the test says."""

from collections.abc import Callable
from math import inf
from typing import TypeVar

from segue.core import events as ev
from segue.core.actions import (
    Action,
    Dial,
    Drop,
    End,
    Send,
    SendAudio,
    SendNote,
    SendText,
    SendToolResult,
    SetUp,
    Wake,
)
from segue.core.options import AudioFormat, Encoding, Options, Scheduling
from segue.core.outputs import Audio, Closed, CloseReason, Interrupted, Output, TurnEnded, Usage
from segue.core.policy import FalseInterruption, Policy
from segue.core.session import Session, State

T = TypeVar("T")

TELEPHONE = AudioFormat(Encoding.LINEAR16, 16_000)
OPTIONS = Options("gemini-3.8-live", input_format=TELEPHONE)
# A sound without words stays what it is.
POLICY = Policy(false_interruption=FalseInterruption.WAIT)
# What one chunk of the Live API holds, in seconds.
CHUNK = 0.25
# What the user's samples look like where there is a voice in them, where there is another one, and where there is none.
VOICE, OTHER_VOICE, HUSH = b"\x03\x04", b"\x05\x06", b"\x07\x08"


def speech(seconds: float) -> bytes:
    """Return so much of the model's speech, which nobody takes for silence."""
    return b"\x01\x02" * round(seconds * 24_000)


def voice(seconds: float, sample: bytes = VOICE) -> bytes:
    """Return so much of the user's audio."""
    return sample * round(seconds * 16_000)


class Conversation:
    """Drives a session: `now` moves with `wait` alone, and deadlines that pass meanwhile get their ticks.

    The client reads all that it is woken for at once; while `reading` is False it reads when told to.
    """

    def __init__(
        self,
        options: Options = OPTIONS,
        policy: Policy = POLICY,
        draw: Callable[[], float] = lambda: 0.5,
        resume_token: str = "",
    ) -> None:
        self.options = options
        self.session = Session("call-1", policy, draw, resume_token)
        self.now = 1000.0
        self.reading = True
        self.woken = False
        self.actions: list[Action] = []
        # The same, each with its time.
        self.timeline: list[tuple[float, Action]] = []
        # When each output reached the client.
        self.sent: list[tuple[float, Send]] = []

    @classmethod
    def opened(
        cls, options: Options = OPTIONS, policy: Policy = POLICY, draw: Callable[[], float] = lambda: 0.5
    ) -> "Conversation":
        """Return a conversation whose link is up."""
        conversation = cls(options, policy, draw)
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
        self.timeline += [(self.now, action) for action in actions]
        self.sent += [(self.now, action) for action in actions if isinstance(action, Send)]
        return actions

    def read(self, max_events: int = 64, max_bytes: int = 256 * 1024) -> list[Action]:
        """Let the client read one message, and more while it is reading."""
        self.woken = False
        return self.receive(ev.StreamReady(max_events, max_bytes))

    def wait(self, seconds: float = inf) -> None:
        """Let time pass; without end, until the session waits for nothing more."""
        until = self.now + seconds
        ticks = idle = 0
        while (deadline := self.session.deadline()) <= until and deadline < inf:
            ticks = 0 if deadline > self.now else ticks + 1
            assert ticks < 1000, "ticks without end, and no time passes"
            self.now = max(self.now, deadline)
            actions = self.receive(ev.Tick())
            # What a tick lets go of may be what something else waited for, which the next one does.
            idle = 0 if actions or self.session.deadline() > self.now else idle + 1
            assert idle < 3, "ticks that come to nothing come again at once"
        if until < inf:
            self.now = until

    # The client.

    def open(self, seq: int = 0) -> list[Action]:
        return self.receive(ev.OpenReceived(seq, self.options))

    def say(self, seconds: float, *, voiced: bool = True, seq: int = 0, sample: bytes = VOICE) -> None:
        """Speak in frames of 20 ms, at the pace of speech."""
        frame = voice(0.02, sample if voiced else HUSH)
        for _ in range(round(seconds / 0.02)):
            self.receive(ev.AudioReceived(seq, frame, voiced))
            self.wait(0.02)
            seq += bool(seq)

    def write(self, text: str, seq: int = 0) -> list[Action]:
        return self.receive(ev.TextReceived(seq, text))

    def press(self) -> list[Action]:
        """Say that the user begins to speak."""
        return self.receive(ev.ActivityReceived(0, True))

    def release(self) -> list[Action]:
        """Say that the user has finished."""
        return self.receive(ev.ActivityReceived(0, False))

    def interrupt(self, turn: int = 0, heard: float | None = None) -> None:
        self.receive(ev.InterruptReceived(0, turn, heard))

    def report_heard(self, turn: int, heard: float, output_seq: int | None = None) -> None:
        """Acknowledge all output so far, or up to a number, and tell what was played."""
        seqs = [send.seq for _, send in self.sent]
        self.receive(ev.AckReceived(max(seqs, default=0) if output_seq is None else output_seq, turn, heard))

    @property
    def last_seq(self) -> int:
        """The number of the last output that was sent."""
        return max((send.seq for _, send in self.sent), default=0)

    def lose_stream(self) -> None:
        """Lose the client's stream."""
        self.receive(ev.StreamLost())
        self.woken = False

    def resume(self, last_seq: int | None = None, turn: int = 0, heard: float | None = None) -> None:
        """Come back on another stream, with all output or that up to a number."""
        self.receive(ev.ResumeReceived(self.last_seq if last_seq is None else last_seq, turn, heard))

    def end_input(self) -> None:
        self.receive(ev.InputEnded())

    def respond(
        self,
        call_id: str,
        response: str = '{"degrees": 7}',
        scheduling: Scheduling | None = None,
        *,
        will_continue: bool = False,
    ) -> list[Action]:
        """Give the result of a call."""
        return self.receive(ev.ToolResultReceived(0, call_id, response, scheduling, will_continue))

    # The links.

    @property
    def link(self) -> int:
        return self.session.link

    @property
    def next_link(self) -> int:
        """The link that was dialled last."""
        return self.did(Dial)[-1].link

    def link_up(self, link: int | None = None, credential: str = "") -> list[Action]:
        return self.receive(ev.LinkOpened(self.link if link is None else link, credential))

    def lose_link(
        self,
        cause: ev.LossCause = ev.LossCause.TRANSIENT,
        *,
        link: int | None = None,
        retry_delay: float | None = None,
        elsewhere: bool = False,
    ) -> list[Action]:
        """Lose the link that counts, or another."""
        number = self.link if link is None else link
        return self.receive(ev.LinkLost(number, cause, "connection closed", retry_delay, elsewhere=elsewhere))

    def hold(self, credential: str = "") -> list[Action]:
        """Let the link that was dialled last wait for its setup."""
        return self.receive(ev.LinkHeld(self.next_link, credential))

    def hand_over(self, handle: str, consumed: int | None = None) -> None:
        """Let the service give a handle."""
        self.receive(ev.HandleReceived(self.link, handle, consumed))

    def go_away(self, time_left: float) -> None:
        """Let the service say that it ends the link, and give the session the time to do at once what it will."""
        self.receive(ev.GoingAway(self.link, time_left))
        self.wait(0.0)

    def renew(self) -> None:
        """Have the link be replaced by the one that was dialled to be held, as soon as it is quiet."""
        self.hold()
        self.wait(1.5)
        self.link_up()

    # The model.

    def exchange(self, question: str, answer: str, seconds: float = 1.0, sample: bytes = VOICE) -> None:
        """Let the user ask by voice, and the model answer; all of it is played, and a second more passes."""
        self.say(0.6, sample=sample)
        self.understand(question)
        self.wait(1.0)
        self.answer(seconds, answer)
        self.finish_generation()
        self.complete()
        self.wait(seconds + 1.0)

    def understand(self, words: str) -> None:
        self.receive(ev.UserTranscribed(self.session.link, words))

    def answer(self, seconds: float, words: str = "") -> None:
        """Let the model speak, in chunks that all come at once, the words behind their audio."""
        whole, rest = divmod(round(seconds * 1000), round(CHUNK * 1000))
        for piece in [CHUNK] * whole + [rest / 1000] * bool(rest):
            self.receive(ev.ModelAudio(self.session.link, speech(piece)))
        if words:
            self.receive(ev.ModelTranscribed(self.session.link, words))

    def finish_generation(self) -> None:
        self.receive(ev.GenerationCompleted(self.session.link))

    def interrupted(self, *, by_sound: bool = True) -> None:
        """Let the backend say that its turn was interrupted, by a short sound or by nothing that anybody heard."""
        if by_sound and self.options.input_format is not None:
            self.receive(ev.AudioReceived(0, voice(0.02), voiced=True))
        self.receive(ev.ModelInterrupted(self.session.link))

    def call(self, call_id: str, name: str = "weather", arguments: str = "{}") -> None:
        """Let the model call a function."""
        self.receive(ev.ToolCalled(self.link, call_id, name, arguments))

    def cancel_calls(self, *call_ids: str) -> None:
        self.receive(ev.ToolCallsCancelled(self.link, call_ids))

    def work(self, *, idle: bool) -> None:
        """Let the model say whether it goes on working."""
        self.receive(ev.InteractionChanged(self.link, idle))

    def await_input(self) -> None:
        self.receive(ev.InputAwaited(self.link))

    def complete(self, reason: str = "", usage: Usage | None = None) -> None:
        """End the model's turn."""
        if usage is not None:
            self.receive(ev.UsageReported(self.session.link, usage))
        self.receive(ev.TurnCompleted(self.session.link, reason))

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

    def given(self, link: int | None = None) -> list[bytes | str]:
        """Return the user's input that the model was given, in order; on one link where that is named."""
        given = [action for action in self.actions if isinstance(action, SendAudio | SendText)]
        return [
            action.audio if isinstance(action, SendAudio) else action.text
            for action in given
            if link in (None, action.link)
        ]

    def given_audio(self, link: int | None = None) -> bytes:
        """Return the audio that the model was given, as one."""
        return b"".join(piece for piece in self.given(link) if isinstance(piece, bytes))

    def given_seconds(self, link: int | None = None, sample: bytes = VOICE) -> float:
        """Return how many seconds of such samples the model was given."""
        return self.given_audio(link).count(sample) / 16_000

    def texts(self, link: int | None = None) -> list[str]:
        """Return the texts that the model was given and is to answer."""
        return [piece for piece in self.given(link) if isinstance(piece, str)]

    def notes(self, link: int | None = None) -> list[str]:
        """Return the texts that the model was given and is not to answer."""
        return [note.text for note in self.did(SendNote) if link in (None, note.link)]

    def results(self, link: int | None = None) -> list[SendToolResult]:
        return [result for result in self.did(SendToolResult) if link in (None, result.link)]

    @property
    def setups(self) -> list[SetUp | Dial]:
        """What the links were set up with, in order; of a link that was held, with what it was then."""
        return [
            action
            for action in self.actions
            if isinstance(action, SetUp) or (isinstance(action, Dial) and not action.hold)
        ]

    def when(self, kind: type[Action]) -> list[float]:
        """Return when the session did something of a kind."""
        return [at for at, action in self.timeline if isinstance(action, kind)]

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
        assert self.actions[-1] == End(closings[0])
        assert self.session.state is State.ENDED
        return closings[0]

    def assert_open(self) -> None:
        assert not self.got(Closed)
        assert self.session.state is State.OPEN


def acquainted(options: Options = OPTIONS, policy: Policy = POLICY) -> Conversation:
    """Return a conversation of one exchange, which its handle h1 covers."""
    call = Conversation.opened(options, policy)
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.wait(1.0)
    return call


def recover(call: Conversation, after: float = 0.3) -> None:
    """Lose the link, and have the next one up some time later."""
    call.lose_link()
    call.wait(after)
    call.link_up()


def telling(options: Options = OPTIONS, policy: Policy = POLICY) -> Conversation:
    """Return a conversation in which the model is 3 s into a story of 10 s that the backend has not ended."""
    call = Conversation.opened(options, policy)
    for words in ("Once ", "upon ", "a ", "time ", "there ", "was ", "a ", "king ", "and ", "queen."):
        call.answer(1.0, words)
    call.wait(3.0)
    return call


def told(options: Options = OPTIONS) -> Conversation:
    """Return one in which the backend has ended that story, and the client is 3 s into it."""
    call = telling(options)
    call.finish_generation()
    call.complete()
    return call
