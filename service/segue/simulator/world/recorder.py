"""What the gateway of a world writes down about one session."""

import re
from collections import defaultdict
from dataclasses import fields
from functools import cache

from segue.core import actions as do
from segue.core.events import (
    HandleReceived,
    LinkEvent,
    LinkHeld,
    LinkLost,
    LinkOpened,
    ModelAudio,
    ToolCalled,
    ToolCallsCancelled,
)
from segue.simulator.history import History, Value
from segue.simulator.world.clock import Clock
from segue.simulator.world.frames import Said
from segue.simulator.world.voices import span_of


class Recorder:
    """The gateway's record of the session of an id."""

    def __init__(self, clock: Clock, history: History, session_id: str) -> None:
        self._clock = clock
        self._history = history
        self._session_id = session_id
        # The calls that came, by the number of their link, and that were not answered there.
        self._calls: dict[int, set[str]] = defaultdict(set)

    def record(self, kind: str, **values: Value) -> None:
        """Write something down."""
        self._history.add(self._clock.now, "gateway", self._session_id, kind, **values)

    def observe(self, observation: do.Observation) -> None:
        """Write down what the session has noticed."""
        values = {name.name: getattr(observation, name.name) for name in fields(observation)}
        # A record has a kind of its own.
        told = {name.replace("kind", "what"): getattr(value, "name", value) for name, value in values.items()}
        self.record(_kind_of(type(observation).__name__), **told)

    def say(self, action: Said) -> None:
        """Write down what a link is to say, as far as it tells something."""
        match action:
            case do.SendAudio() if self._calls[action.link]:
                self.record("audio_sent_during_call", link=action.link)
            case do.SendToolResult():
                self._calls[action.link].discard(action.call_id)

    def hear(self, event: LinkEvent) -> None:
        """Write down what happens on a link, as far as it tells something."""
        match event:
            case ModelAudio():
                if span := span_of(event.audio):
                    self.record("speech_received", link=event.link, **span)
            case ToolCalled():
                self._calls[event.link].add(event.call_id)
                self.record("tool_call_received", link=event.link)
            case ToolCallsCancelled():
                self._calls[event.link].difference_update(event.call_ids)
            case HandleReceived():
                self.record("handle_received", link=event.link, usable=bool(event.handle))
            case LinkHeld():
                self.record("link_held", link=event.link)
            case LinkOpened():
                self.record("link_opened", link=event.link)
            case LinkLost():
                self.record(
                    "link_lost",
                    link=event.link,
                    cause=event.cause.name,
                    code=event.code,
                    message=event.message,
                    retry_delay=event.retry_delay,
                )


@cache
def _kind_of(observation: str) -> str:
    """Return what a history calls an observation: "false_interruption_seen"."""
    if observation == do.Drop.__name__:
        return "audio_dropped"
    return re.sub(r"(?<!^)[A-Z]", r"_\g<0>", observation).lower()
