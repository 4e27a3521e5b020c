"""Compares a recording with what the simulator would have sent, point by point.

A point is structural (which messages, in which order, with which fields, how it ended) or a timing. Structural points
are the same or differ; timings lie within what the simulator does, or outside. Words are never compared.

The simulator answers with a given dialogue, or else with one made from the recording, so that an answer is interrupted
where it was. It is run several times, since it varies; a structural point is the same if one of the runs agrees.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from segue.record.measures import Turn, audio_formats, kinds_of, messages, plain, resumption_updates, shape_of, turns_of
from segue.record.mirror import answers_of, begin_of, delay_of, mirror
from segue.record.recording import Connection, Recording
from segue.record.replay import replay, sessions_of
from segue.record.timings import TIMINGS_OF_TURNS, closed_after, go_away_after, interruption_latencies, setup_latency
from segue.simulator.dialogue import Dialogue
from segue.simulator.service import Service
from segue.simulator.speech import Voice
from segue.simulator.timing import Timing

_RUNS = 5
# The room around what the simulator was seen to do: a few runs do not show all of it, and networks add to it.
_RELATIVE_ROOM = 0.25
_ROOM = 0.1
_BAD_KEY = "API key not valid"


class Verdict(Enum):
    """What a comparison says of one point."""

    SAME = "same"
    DIFFERS = "differs"
    WITHIN = "within"
    OUTSIDE = "outside"
    ONLY_RECORDED = "only recorded"
    ONLY_SIMULATED = "only simulated"


@dataclass(frozen=True, slots=True)
class Point:
    """One point of one connection.

    Attributes:
        connection: the number of the connection.
        name: what was compared.
        structural: whether a difference counts; timings inform.
        recorded: names in the order that matters or sorted, or, of a timing, every value; its unit is in the name.
        simulated: the same of the simulator; of a timing, of all runs.
    """

    connection: int
    name: str
    structural: bool
    verdict: Verdict
    recorded: tuple[str | float, ...]
    simulated: tuple[str | float, ...]

    @property
    def agrees(self) -> bool:
        """Nothing structural differs here."""
        return not self.structural or self.verdict is Verdict.SAME


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every point of a recording."""

    points: tuple[Point, ...]

    @property
    def agrees(self) -> bool:
        """Nothing structural differs."""
        return all(point.agrees for point in self.points)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        points = [asdict(point) | {"verdict": point.verdict.value} for point in self.points]
        return {"agrees": self.agrees, "points": points}


def compare(recording: Recording, said: tuple[Dialogue, Voice] | None = None, seed: int = 0) -> Comparison:
    """Compare a recording with the simulator.

    Args:
        said: what the simulated model says and how it sounds; None for answers as long and as late as the recorded.
        seed: where all that the simulator varies comes from.
    """
    points: list[Point] = []
    for session in sessions_of(recording.connections):
        answers = answers_of(session)
        prompted = _prompted_at(session, seed)
        delays = [delay_of(answer, at) for answer, at in zip(answers, prompted, strict=False)]
        dialogue, voice = said or mirror(answers, delays)
        runs = [replay(session, _service(session, dialogue, voice), seed + run) for run in range(_RUNS)]
        for index, connection in enumerate(session):
            latencies = [
                answer.begins_at - at
                for answer, at in zip(answers, prompted, strict=False)
                if answer.connection == connection.number and answer.cut_off_at is None
            ]
            points += _Points(connection, [run[index] for run in runs]).of(latencies)
    return Comparison(tuple(points))


def _prompted_at(session: list[Connection], seed: int) -> list[float]:
    """Return when the simulator takes each of the user's turns to have ended: it answers at once when told to."""
    answers = answers_of(session)
    undelayed = replay(session, _service(session, *mirror(answers)), seed)
    prompted: list[float] = []
    for connection in undelayed:
        count = sum(answer.connection == connection.number for answer in answers)
        times = [begin_of(turn) for turn in turns_of(connection)][:count]
        # Where it answered less often the rest cannot be told from the recording either.
        rest = [answer.begins_at for answer in answers if answer.connection == connection.number][len(times) :]
        prompted += times + rest
    return prompted


def _service(session: list[Connection], dialogue: Dialogue, voice: Voice) -> Service:
    """Return a service that takes the client's key for as good or bad as it was: pseudonyms do not tell."""
    refused = any(connection.closed and connection.closed.reason.startswith(_BAD_KEY) for connection in session)
    return Service(dialogue, voice, valid_credential=lambda _: not refused)


class _Points:
    """Collects the points of one connection."""

    def __init__(self, recorded: Connection, runs: list[Connection]) -> None:
        self._recorded = recorded
        self._runs = runs
        self._turns = turns_of(recorded)
        self._runs_turns = [turns_of(run) for run in runs]
        self._points: list[Point] = []

    def of(self, latencies: list[float]) -> list[Point]:
        """Return all points; `latencies` are those of the recorded answers, in seconds from their prompts."""
        self._order("handshake", _handshake)
        self._timing("setup latency (s)", setup_latency)
        self._set("opcodes of the server", lambda connection: {frame.opcode for frame, _ in messages(connection)})
        self._set("kinds of messages", lambda connection: {_kind(message) for _, message in messages(connection)})
        self._turn_orders()
        self._shapes()
        self._set("audio formats", audio_formats)
        self._set("fields of usageMetadata", _usage_fields)
        self._set("messages with usageMetadata", _usage_carriers)
        self._set("resumption updates", resumption_updates)
        self._order("voice activity", _voice_activity)
        expected = Timing().first_audio
        simulated = (expected.low, expected.high)
        self._add_timing("first output after the user's turn (s)", tuple(latencies), simulated)
        for name, measure in TIMINGS_OF_TURNS.items():
            self._timing_of_turns(name, measure)
        self._timing("interruption latency (s)", interruption_latencies)
        self._timing("goAway after the handshake (s)", go_away_after)
        self._order("close", _close)
        self._timing("close by the server after the handshake (s)", closed_after)
        return self._points

    def _turn_orders(self) -> None:
        """Compare the messages of each turn; of a turn that the end of the recording cut off, those that came."""
        count = max(len(self._turns), *(len(turns) for turns in self._runs_turns))
        for index in range(count):
            recorded = _turn_order(self._turns, index)
            simulated = [_turn_order(turns, index) for turns in self._runs_turns]
            if recorded and not self._turns[index].complete:
                simulated = [order[: len(recorded)] for order in simulated]
            self._add(f"order of turn {index + 1}", recorded, simulated)

    def _shapes(self) -> None:
        """Compare the fields of each kind of message that both sent."""
        recorded = _shapes_by_kind(self._recorded)
        runs = [_shapes_by_kind(run) for run in self._runs]
        for kind in sorted(recorded):
            simulated = [shapes[kind] for shapes in runs if kind in shapes]
            if simulated:
                self._add_set(f"fields of {kind}", recorded[kind], simulated)

    def _order(self, name: str, measure: Callable[[Connection], Iterable[str]]) -> None:
        self._add(name, tuple(measure(self._recorded)), [tuple(measure(run)) for run in self._runs])

    def _add(self, name: str, recorded: tuple[str, ...], simulated: list[tuple[str, ...]]) -> None:
        agreeing = next((order for order in simulated if order == recorded), simulated[0])
        if recorded or agreeing:
            self._point(name, recorded, agreeing, same=recorded == agreeing)

    def _set(self, name: str, measure: Callable[[Connection], Iterable[str]]) -> None:
        self._add_set(name, set(measure(self._recorded)), [set(measure(run)) for run in self._runs])

    def _add_set(self, name: str, recorded: set[str], simulated: list[set[str]]) -> None:
        """Compare with what all runs have, which must be there, and with what any has, which may be."""
        every, some = set.intersection(*simulated), set.union(*simulated)
        if recorded or some:
            self._point(name, tuple(sorted(recorded)), tuple(sorted(some)), same=every <= recorded <= some)

    def _point(self, name: str, recorded: tuple[str, ...], simulated: tuple[str, ...], *, same: bool) -> None:
        verdict = Verdict.SAME if same else _only(recorded, simulated) or Verdict.DIFFERS
        self._points.append(Point(self._recorded.number, name, True, verdict, recorded, simulated))

    def _timing(self, name: str, measure: Callable[[Connection], list[float]]) -> None:
        simulated = tuple(value for run in self._runs for value in measure(run))
        self._add_timing(name, tuple(measure(self._recorded)), simulated)

    def _timing_of_turns(self, name: str, measure: Callable[[Turn], list[float]]) -> None:
        recorded = tuple(value for turn in self._turns for value in measure(turn))
        simulated = tuple(value for turns in self._runs_turns for turn in turns for value in measure(turn))
        self._add_timing(name, recorded, simulated)

    def _add_timing(self, name: str, recorded: tuple[float, ...], simulated: tuple[float, ...]) -> None:
        if not recorded and not simulated:
            return
        verdict = _only(recorded, simulated)
        if verdict is None:
            low, high = min(simulated), max(simulated)
            least = low - _ROOM - _RELATIVE_ROOM * abs(low)
            most = high + _ROOM + _RELATIVE_ROOM * abs(high)
            within = all(least <= value <= most for value in recorded)
            verdict = Verdict.WITHIN if within else Verdict.OUTSIDE
        self._points.append(Point(self._recorded.number, name, False, verdict, _rounded(recorded), _rounded(simulated)))


def _only(recorded: tuple[Any, ...], simulated: tuple[Any, ...]) -> Verdict | None:
    if recorded and simulated:
        return None
    return Verdict.ONLY_RECORDED if recorded else Verdict.ONLY_SIMULATED


def _rounded(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(value, 3) + 0.0 for value in values)


def _turn_order(turns: list[Turn], index: int) -> tuple[str, ...]:
    return tuple(turns[index].order) if index < len(turns) else ()


def _handshake(connection: Connection) -> list[str]:
    return [f"rejected with {connection.rejected}" if connection.rejected else "accepted"]


def _kind(message: dict[str, Any]) -> str:
    return "+".join(kinds_of(message))


def _shapes_by_kind(connection: Connection) -> dict[str, set[str]]:
    """Return the fields of each kind of message; usage, whose fields depend on what was used, is a point of its own."""
    shapes: dict[str, set[str]] = {}
    for _, message in messages(connection):
        fields = shapes.setdefault(_kind(message), set())
        for key, value in message.items():
            fields.update([key] if key == "usageMetadata" else shape_of(value, key))
    return shapes


def _usage_fields(connection: Connection) -> set[str]:
    found: set[str] = set()
    for _, message in messages(connection):
        found.update(shape_of(message.get("usageMetadata", []), "usageMetadata"))
    return found


def _usage_carriers(connection: Connection) -> set[str]:
    return {_kind(message) for _, message in messages(connection) if "usagemetadata" in plain(message)}


def _voice_activity(connection: Connection) -> list[str]:
    activities = (plain(plain(message).get("voiceactivity")) for _, message in messages(connection))
    return [str(activity.get("type")) for activity in activities if activity]


def _close(connection: Connection) -> list[str]:
    closed = connection.closed
    return [f"{closed.by} {closed.code} {closed.reason}".rstrip()] if closed else []
