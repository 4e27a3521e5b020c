"""Resumption handles: what the service remembers of a conversation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Handle:
    """A resumption handle, when it came, and what it covers: input before `serial`, the turns up to `turn`."""

    token: str
    at: float
    serial: int
    turn: int
