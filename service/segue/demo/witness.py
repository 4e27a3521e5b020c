"""The client's part of the recorded history."""

from segue.simulator.history import History, Value
from segue.talk.clock import Clock
from segue_client.segue.v1.server_event_pb2 import Interrupted, ServerEvent, Transcript, TurnEnded
from segue_client.wire import enum_name


class Witness:
    """Records what the client gets, as it comes off the stream, and roughly what it says."""

    def __init__(self, history: History, clock: Clock) -> None:
        """Add to `history`, whose other witnesses use the same clock."""
        self._history = history
        self._clock = clock
        self._session = ""

    def received(self, event: ServerEvent) -> None:
        """Record an output: its numbers, its kind, and how much audio it holds."""
        arm = event.WhichOneof("output")
        if arm == "opened":
            self._session = event.opened.session_id
        fields = {"seq": event.seq, "turn": event.turn, "arm": arm or "unknown", **_particulars(event)}
        self._history.add(self._clock.now(), "client", self._session, "output_received", **fields)

    def said(self, what: str, utterance: str) -> None:
        """Record that an utterance began or ended."""
        self._history.add(self._clock.now(), "client", self._session, "input_sent", what=what, utterance=utterance)


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
        case _:
            return {}
