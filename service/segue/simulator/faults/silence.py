"""Models that say nothing, in all the ways in which they were seen to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from segue.simulator.faults.fault import Fault, Lasts, Occasion, turn_complete
from segue.simulator.faults.interruptions import silenced
from segue.simulator.outgoing import Message, Planned
from segue.simulator.wire.reader import ClientMessage, RealtimeInput, ToolResponse


@dataclass
class Wedge(Fault):
    """The model hears and transcribes, and never answers again (gemini-live-api-examples#52, #54)."""

    name = "wedge"
    lasts = Lasts.CONNECTION

    def change(self, message: Message, now: float) -> Iterable[Planned]:
        """Drop whatever is of a turn."""
        return () if message.turn else ((now, message),)


@dataclass
class EmptyTurn(Fault):
    """A turn is complete with nothing in it (python-genai#2117)."""

    name = "empty_turn"

    def change(self, message: Message, now: float) -> Iterable[Planned]:
        """Leave the end of the turn only."""
        return () if silenced(message) else ((now, message),)


@dataclass
class TotalSilence(Fault):
    """Nothing comes any more, and the connection stays open (tau2-bench#461)."""

    name = "total_silence"
    lasts = Lasts.CONNECTION

    def change(self, message: Message, now: float) -> Iterable[Planned]:  # noqa: ARG002
        """Drop everything."""
        return ()


@dataclass
class ResponseRejected(Fault):
    """A turn ends with the reason RESPONSE_REJECTED and nothing else; 27 in a row were seen (examples#40)."""

    name = "response_rejected"
    _over: bool = field(default=False, init=False)

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Put the refusal in the place of the turn."""
        if not message.turn:
            yield now, message
        elif not self._over:
            self._over = True
            yield now, turn_complete(message.turn, "RESPONSE_REJECTED")


@dataclass
class EmptyReplyToTool(Fault):
    """After a tool's result: an empty transcript, the end of the turn, no audio (google-genai's tests, Vertex 2.5)."""

    name = "empty_reply_to_tool"
    occasion = Occasion.CLIENT_MESSAGE
    _begun: bool = field(default=False, init=False)

    @classmethod
    def provoked_by(cls, message: ClientMessage) -> bool:
        """Return whether it is the result of a tool."""
        return isinstance(message, ToolResponse)

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Put one empty transcript in the place of the answer."""
        if message.says("generationComplete") or not silenced(message):
            yield now, message
        elif not self._begun:
            self._begun = True
            yield now, Message({"serverContent": {"outputTranscription": {}}}, turn=message.turn)


@dataclass
class TextIgnored(Fault):
    """A realtime text is not answered, about one in twenty (cookbook#1226)."""

    name = "text_ignored"
    occasion = Occasion.CLIENT_MESSAGE
    lasts = Lasts.MOMENT

    @classmethod
    def provoked_by(cls, message: ClientMessage) -> bool:
        """Return whether it is a realtime text."""
        return isinstance(message, RealtimeInput) and bool(message.text)

    def hear(self, message: ClientMessage) -> ClientMessage:
        """Have the model take no notice of it."""
        return replace(message, text_ignored=True) if isinstance(message, RealtimeInput) else message
