"""Function calls under way: which functions may be called, which answer belongs to which call, and when it counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from segue.simulator.dialogue import Call, Line
from segue.simulator.families import Family
from segue.simulator.wire.reader import FunctionDeclaration, FunctionResponse


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A call that waits for its response.

    Attributes:
        id: what the response names; empty where the service gives no ids.
        name: the function's.
        line: the exchange that it belongs to.
        blocking: the model does nothing until it has the response.
        group: the calls that were made at once share a number.
    """

    id: str
    name: str
    line: Line
    blocking: bool
    group: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What a response brought.

    Attributes:
        call: the call that it answers.
        words: the response in words.
        scheduling: "INTERRUPT", "SILENT" or, which is the default, "WHEN_IDLE".
        complete: no call of its group waits any more, or the function said something and goes on.
    """

    call: PendingCall
    words: str
    scheduling: str
    complete: bool


class Functions:
    """The functions that the client declares, and how the family calls them."""

    def __init__(self, declarations: Iterable[FunctionDeclaration], family: Family) -> None:
        default = family.behaviors[0]
        self._behaviors = {
            function.name: function.behavior if function.behavior in family.behaviors else default
            for function in declarations
        }

    def declared(self, calls: Iterable[Call]) -> tuple[Call, ...]:
        """Return those of the calls that can be made."""
        return tuple(call for call in calls if call.name in self._behaviors)

    def block(self, calls: Iterable[Call]) -> bool:
        """Return whether the model waits for the responses of calls that are made at once."""
        return any(self._behaviors[call.name] == "BLOCKING" for call in calls)


class Calls:
    """The calls of one conversation that wait for responses."""

    def __init__(self, pending: Mapping[str, PendingCall] | None = None) -> None:
        self._pending = dict(pending or {})
        self._words: dict[int, list[str]] = {}
        self._groups = max((call.group for call in self._pending.values()), default=0)

    @property
    def pending(self) -> Mapping[str, PendingCall]:
        """The calls, by their ids."""
        return self._pending

    @property
    def blocking(self) -> bool:
        """Whether the model waits for a response before it does anything."""
        return any(call.blocking for call in self._pending.values())

    def of(self, group: int) -> list[str]:
        """Return the ids of the group's calls that wait."""
        return [call_id for call_id, call in self._pending.items() if call.group == group]

    def begin(self, calls: Iterable[Call], ids: Iterable[str], line: Line, *, blocking: bool) -> int:
        """Take calls that are made at once; return the number of their group."""
        self._groups += 1
        for call, call_id in zip(calls, ids, strict=True):
            self._pending[call_id] = PendingCall(call_id, call.name, line, blocking, self._groups)
        return self._groups

    def answer(self, response: FunctionResponse, *, by_name: bool) -> Answered | None:
        """Take a response; return what it brought, or None where no call waits for it.

        Args:
            by_name: a response without an id belongs to the oldest call of its function, as on Vertex.
        """
        call = self._find(response, by_name)
        if call is None:
            return None
        continues = response.will_continue and not call.blocking
        if not continues:
            del self._pending[call.id]
        words = self._words.setdefault(call.group, [])
        words.append(_words(response.response))
        complete = continues or not any(other.group == call.group for other in self._pending.values())
        if complete:
            del self._words[call.group]
        return Answered(call, " and ".join(filter(None, words)), response.scheduling or "WHEN_IDLE", complete)

    def cancel(self, group: int) -> list[str]:
        """Give up the calls of a group; return their ids."""
        ids = self.of(group)
        for call_id in ids:
            del self._pending[call_id]
        self._words.pop(group, None)
        return ids

    def _find(self, response: FunctionResponse, by_name: bool) -> PendingCall | None:
        if response.id or not by_name:
            return self._pending.get(response.id)
        return next((call for call in self._pending.values() if call.name == response.name), None)


def in_code(call: Call) -> str:
    """Return a call in the words of a model that explains it: `default_api.get_weather(city='Oslo')`."""
    return f"default_api.{call.name}({', '.join(f'{name}={value!r}' for name, value in call.args.items())})"


def _words(response: Any) -> str:
    """Return a response as it can be said: of a single field, the value."""
    if not isinstance(response, dict):
        return "" if response is None else str(response)
    fields = {key: value for key, value in response.items() if key != "scheduling"}
    if len(fields) == 1:
        return str(next(iter(fields.values())))
    return ", ".join(f"{key} {value}" for key, value in fields.items())
