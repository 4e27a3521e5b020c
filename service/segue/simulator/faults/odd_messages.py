"""Messages that no client expects: of kinds to come, ill-formed, or out of their time."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from segue.simulator.faults.fault import Fault, Lasts, Occasion
from segue.simulator.outgoing import Message, Planned


class _Extra(Fault):
    """Sends one message more."""

    lasts = Lasts.MOMENT
    extra: ClassVar[Message]

    def strike(self, now: float) -> Iterable[Planned]:
        """Send it."""
        return ((now, self.extra),)


@dataclass
class UnknownField(Fault):
    """A field that no client knows stands at the top of known messages (any future version of the API)."""

    name = "unknown_field"

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Add the field."""
        content = message.content
        if isinstance(content, dict):
            content = content | {"futureField": {"value": 1}}
        yield now, replace(message, content=content)


@dataclass
class UnknownMessage(_Extra):
    """A message of which no field is known to google-genai, which raises TypeError at it."""

    name = "unknown_message"
    extra = Message({"interactionStatus": "IDLE"})


@dataclass
class ErrorMessage(_Extra):
    """A message with an `error`, which google-genai does not know either."""

    name = "error_message"
    extra = Message({"error": {"code": 500, "message": "Internal error encountered.", "status": "INTERNAL"}})


@dataclass
class EmptyMessage(_Extra):
    """`{}`, which google-genai takes for a message without content."""

    name = "empty_message"
    extra = Message({})


@dataclass
class NullValue(_Extra):
    """A field that is null, at which google-genai raises TypeError."""

    name = "null_value"
    extra = Message({"serverContent": None})


@dataclass
class NotJson(_Extra):
    """A frame that is no JSON."""

    name = "not_json"
    extra = Message(b"upstream connect error\n")


@dataclass
class UsageOnly(_Extra):
    """A message with usage and an empty `serverContent` (livekit/agents#5251, model 3.1)."""

    name = "usage_only"
    extra = Message({"serverContent": {}, "usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 1}})


@dataclass
class SnakeCase(Fault):
    """The messages of a turn name their top fields in snake case, as generative_service.proto does."""

    name = "snake_case"

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Rename the fields."""
        content = message.content
        if isinstance(content, dict):
            snake = {re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name): content[name] for name in content}
            content = (json.dumps(snake, indent=2) + "\n").encode()
        yield now, replace(message, content=content)


@dataclass
class LateTranscription(Fault):
    """Transcripts of the user come late, and so among or after the answer (generative_service.proto: in no order).

    Attributes:
        seconds: how late.
    """

    name = "late_transcription"
    occasion = Occasion.CONNECTION
    lasts = Lasts.CONNECTION
    seconds: float = 2.0

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Hold them back, and nothing else."""
        yield now + (self.seconds if message.says("inputTranscription") else 0.0), message


@dataclass
class DuplicateTranscription(Fault):
    """Every transcript comes twice (cookbook#1346, model 3.1)."""

    name = "duplicate_transcription"
    occasion = Occasion.CONNECTION
    lasts = Lasts.CONNECTION

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Repeat what is a transcript alone."""
        yield now, message
        if not message.chunk and (message.says("inputTranscription") or message.says("outputTranscription")):
            yield now, message
