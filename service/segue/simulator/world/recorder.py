"""What the gateway of a world writes down about one session."""

import re
from collections import Counter, defaultdict
from dataclasses import fields
from functools import cache
from itertools import chain
from math import inf

from segue.core import actions as do
from segue.core.events import (
    GoingAway,
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
from segue.simulator.rules.message_rules import BETWEEN_ACTIVITIES
from segue.simulator.world.clock import Clock
from segue.simulator.world.frames import Said
from segue.simulator.world.voices import span_of

# How a note on an interruption says what was heard (core.resume_context).
_TOLD_HEARD = re.compile(r'^The user heard: "(.*)"$', re.MULTILINE)


class Recorder:
    """The gateway's record of the session of an id."""

    def __init__(self, clock: Clock, history: History, session_id: str) -> None:
        self._clock = clock
        self._history = history
        self._session_id = session_id
        # How many calls of an id, or of a function where they have none, came on a link and were not answered there.
        self._calls: dict[int, Counter[str]] = defaultdict(Counter)
        # How many nobody has cancelled, the results that a link has got the last of, and when activities ended there.
        self._called: Counter[str] = Counter()
        self._answered: Counter[tuple[int, str]] = Counter()
        # The functions that were called without an id.
        self._nameless: set[str] = set()
        self._ended_at: dict[int, float] = defaultdict(lambda: -inf)

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
            case do.SendAudio() if self._calls[action.link].total():
                self.record("audio_sent_during_call", link=action.link)
            case do.SendText() | do.SendNote() if told := _TOLD_HEARD.search(action.text):
                self.record("heard_told", link=action.link, text=told[1])
            case do.SendToolResult():
                key = action.call_id or action.name
                self._calls[action.link] -= Counter([key])
                answer = action.link, key
                if self._answered[answer] >= self._called[key]:
                    self.record("unasked_result_sent", link=action.link)
                self._answered[answer] += not action.will_continue
            case do.SendActivity(started=False):
                self._ended_at[action.link] = self._clock.now
            case do.SendActivity() if self._clock.now < self._ended_at[action.link] + BETWEEN_ACTIVITIES:
                self.record("activity_begun_too_soon", link=action.link)

    def hear(self, event: LinkEvent) -> None:
        """Write down what happens on a link, as far as it tells something."""
        match event:
            case ModelAudio():
                if span := span_of(event.audio):
                    self.record("speech_received", link=event.link, **span)
            case ToolCalled():
                key = event.call_id or event.name
                self._nameless |= set() if event.call_id else {key}
                self._calls[event.link][key] += 1
                self._called[key] += 1
                self.record("tool_call_received", link=event.link)
            case ToolCallsCancelled():
                for key in chain.from_iterable([call_id] if call_id else self._nameless for call_id in event.call_ids):
                    self._calls[event.link][key] = self._called[key] = 0
                    self._answered = Counter({answer: n for answer, n in self._answered.items() if answer[1] != key})
            case GoingAway():
                self.record("going_away_received", link=event.link, time_left=event.time_left)
            case HandleReceived():
                self.record("handle_received", link=event.link, usable=bool(event.handle))
            case LinkHeld():
                self.record("link_held", link=event.link, credential=event.credential)
            case LinkOpened():
                self.record("link_opened", link=event.link, credential=event.credential)
            case LinkLost():
                self.record(
                    "link_lost",
                    link=event.link,
                    cause=event.cause.name,
                    code=event.code,
                    message=event.message,
                    retry_delay=event.retry_delay,
                    elsewhere=event.elsewhere,
                )


@cache
def _kind_of(observation: str) -> str:
    """Return what a history calls an observation: "false_interruption_seen"."""
    if observation == do.Drop.__name__:
        return "audio_dropped"
    return re.sub(r"(?<!^)[A-Z]", r"_\g<0>", observation).lower()
