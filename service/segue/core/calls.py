"""The model's calls of the client's functions, from the call until the model has answered with its result."""

from dataclasses import dataclass
from math import inf

from segue.core.options import Options, Scheduling

# More calls than this are not remembered: the oldest are forgotten.
_MOST = 64


@dataclass(slots=True, eq=False)
class Call:
    """One call. `blocking` tells whether the model waits for its result, `known` whether the present link remembers it.

    `response` is the result, a JSON object as text, once the client gave it; `given_at` is when this link got it.
    """

    id: str
    name: str
    arguments: str
    turn: int
    at: float
    blocking: bool
    known: bool = True
    response: str | None = None
    scheduling: Scheduling | None = None
    will_continue: bool = False
    given_at: float = inf

    @property
    def given(self) -> bool:
        """Return whether the present link has the result."""
        return self.given_at < inf


class Calls:
    """The calls of one session that matter still, oldest first."""

    def __init__(self, options: Options, *, wait: bool) -> None:
        """Take a session's options, and whether its model waits for results unless a function says otherwise."""
        self._blocking = {function.name: function.blocking for function in options.functions}
        self._wait = wait
        self._calls: dict[str, Call] = {}

    @property
    def pending(self) -> bool:
        """Return whether the client owes a result."""
        return any(call.response is None or call.will_continue for call in self._calls.values())

    @property
    def unanswered(self) -> bool:
        """Return whether the model has results that it has not answered."""
        return any(call.given for call in self._calls.values())

    @property
    def waiting(self) -> bool:
        """Return whether the model, as this link has it, waits for a result and does nothing else."""
        return any(call.blocking and call.known and not call.given for call in self._calls.values())

    def add(self, call_id: str, name: str, arguments: str, turn: int, now: float) -> None:
        """Take a call of the model's. For what it calls beside a function that blocks it waits as well."""
        call = Call(call_id, name, arguments, turn, now, blocking=self._blocks(name))
        self._calls[call_id] = call
        beside = [other for other in self._calls.values() if other.turn == turn and other.known]
        if any(other.blocking for other in beside):
            for other in beside:
                other.blocking = True
        while len(self._calls) > _MOST:
            del self._calls[next(iter(self._calls))]

    def find(self, call_id: str) -> Call | None:
        """Return a call whose result is awaited; None where there is none of this id."""
        call = self._calls.get(call_id)
        return call if call is not None and (call.response is None or call.will_continue) else None

    def of(self, turn: int) -> bool:
        """Return whether this turn waits for results, or for the model to go on with them."""
        return any(call.turn == turn for call in self._calls.values())

    def end(self, turn: int) -> None:
        """Take it that the model ended this turn: it does not wait for what does not block of itself."""
        for call in self._calls.values():
            if call.turn == turn:
                call.blocking = self._blocks(call.name)

    def cancel(self, call_id: str) -> bool:
        """Forget a call. Returns whether its result was awaited."""
        awaited = self.find(call_id) is not None
        self._calls.pop(call_id, None)
        return awaited

    def answer(self) -> bool:
        """Forget the calls whose results the model has answered. Returns whether there were any."""
        done = [call.id for call in self._calls.values() if call.given and not call.will_continue]
        for call_id in done:
            del self._calls[call_id]
        return bool(done)

    def move(self, since: float) -> None:
        """Go over to a link that remembers what was before this time, and nothing after it.

        A result that it remembers and never spoke of is given anew, in other words.
        """
        for call in self._calls.values():
            call.known = call.known and call.at < since <= call.given_at
            call.given_at = inf

    def unspoken(self, turn: int) -> list[Call]:
        """Return the calls whose results this turn waited for and did not speak of."""
        return [c for c in self._calls.values() if c.turn == turn and c.blocking and c.given and c.known]

    def to_give(self) -> list[Call]:
        """Return the calls whose results this link does not have and can be given.

        What is given as a text interrupts, so that waits for the last result of its turn.
        """
        owing = {call.turn for call in self._calls.values() if call.response is None and not call.known}
        results = [call for call in self._calls.values() if call.response is not None and not call.given]
        return [call for call in results if call.known or call.turn not in owing]

    def _blocks(self, name: str) -> bool:
        blocking = self._blocking.get(name)
        return self._wait if blocking is None else blocking
