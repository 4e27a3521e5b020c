"""The client's part of the recorded history."""

from collections.abc import Iterator
from contextlib import contextmanager

from segue.demo.numbered import numbers_in
from segue.simulator.conversation.stamps import StampReader, stamp
from segue.simulator.history import History, Value
from segue.talk.clock import Clock
from segue.talk.voice import FRAME_BYTES
from segue.talk.wav import Utterance
from segue_client.segue.v1.server_event_pb2 import Interrupted, Notice, ServerEvent, Transcript, TurnEnded
from segue_client.wire import enum_name


class Witness:
    """Records what the client gets, as it comes off the stream, and what its user says.

    Attributes:
        session: the session's id, once it is open.
    """

    def __init__(self, history: History, clock: Clock, *, simulated: bool) -> None:
        """Add to `history`, whose other witnesses use the same clock; `simulated`: the simulator is one of them."""
        self.session = ""
        self._history = history
        self._clock = clock
        self._simulated = simulated
        # The user's speech is numbered, and so is the simulator's.
        self._numbers = 0
        self._reader = StampReader()

    def received(self, event: ServerEvent) -> None:
        """Record an output: its numbers, its kind, and how much audio it holds."""
        arm = event.WhichOneof("output")
        if arm == "opened":
            self.session = event.opened.session_id
        fields = {"seq": event.seq, "turn": event.turn, "arm": arm or "unknown", **_particulars(event)}
        if arm == "audio":
            fields |= numbers_in(self._reader, event.audio)
        self._history.add(self._clock.now(), "client", self.session, "output_received", **fields)

    @contextmanager
    def saying(self, utterance: Utterance) -> Iterator[Utterance]:
        """Yield the utterance as the user is to say it, and record when they begin and end to."""
        first = self._numbers
        self._numbers += len(utterance.pcm) // FRAME_BYTES
        self._record("utterance_begun", utterance, first=first)
        # Far too faint to be heard, the numbers show the simulator what of it arrives.
        yield Utterance(utterance.name, stamp(utterance.pcm, first))
        self._record("utterance_ended", utterance, first=first, last=self._numbers - 1)

    def _record(self, kind: str, utterance: Utterance, **numbers: int) -> None:
        fields: dict[str, Value] = {"utterance": utterance.name, **numbers}
        if not self._simulated:
            # Nobody records what became of it, so that no checker may ask.
            kind, fields = "input_sent", {"what": kind, "utterance": utterance.name}
        self._history.add(self._clock.now(), "client", self.session, kind, **fields)


def _particulars(event: ServerEvent) -> dict[str, Value]:
    match event.WhichOneof("output"):
        case "audio":
            return {"bytes": len(event.audio)}
        case "transcript":
            return {"speaker": enum_name(Transcript.Speaker, event.transcript.speaker), "text": event.transcript.text}
        case "interrupted":
            cut = event.interrupted
            cause = enum_name(Interrupted.Cause, cut.cause)
            return {"cause": cause, "heard_text": cut.heard_text, "unheard_text": cut.unheard_text}
        case "turn_ended":
            return {"reason": enum_name(TurnEnded.Reason, event.turn_ended.reason)}
        case "notice":
            notice = event.notice
            took = notice.took.ToTimedelta().total_seconds() if notice.HasField("took") else None
            return {"notice": enum_name(Notice.Kind, notice.kind), "message": notice.message, "took": took}
        case _:
            return {}
