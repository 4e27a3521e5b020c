"""Protobuf's durations, read and checked."""

from collections.abc import Iterator

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message


def seconds_of(duration: Duration) -> float:
    """Return a protobuf duration in seconds."""
    return float(duration.seconds + duration.nanos / 1e9)


def seconds(message: Message, name: str, default: float) -> float:
    """Return a field that is a duration in seconds, or the default where it is not set."""
    return seconds_of(getattr(message, name)) if message.HasField(name) else default


def out_of_range(message: Message, name: str, least: float, most: float) -> Iterator[str]:
    """Say where a field that is a duration is set to fewer or more seconds than it may have."""
    if message.HasField(name) and not least <= seconds_of(getattr(message, name)) <= most:
        yield f"{name} is {seconds_of(getattr(message, name)):g} s: it must be from {least:g} to {most:g} s"
