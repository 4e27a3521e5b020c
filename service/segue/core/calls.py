"""The model's calls of the client's functions, from the call until the model has answered with its result."""

from dataclasses import dataclass
from itertools import takewhile
from math import inf

from segue.core.options import CALL_TIMEOUT, FunctionDeclaration, Options, Scheduling

# More calls than this are not remembered: the oldest are forgotten.
_MOST = 64
# What the ids begin with that Segue gives to calls of a service that gives none.
_OWN = "segue-"


@dataclass(slots=True, eq=False)
class Call:
    """One call. `blocking` tells whether the model waits for its result, `known` whether the present link remembers it.

    From `remembered_at` on a link that resumes remembers it: when the first handle came after it.
    `response` is the result, a JSON object as text, once the client gave it; `given_at` is when this link got it.
    `put_off_at` is when this link got an interim answer in its place, which ends the call for the model: the result
    follows as a text. `bridged` tells that the model has spoken on it. At `due_at` the client has had its time,
    which is `timeout` seconds. `spent` tells that a result which more will follow goes to no other link: the model has
    answered it, or it waits among the notes.
    """

    id: str
    name: str
    arguments: str
    turn: int
    at: float
    blocking: bool
    timeout: float = CALL_TIMEOUT
    due_at: float = inf
    remembered_at: float = inf
    known: bool = True
    response: str | None = None
    scheduling: Scheduling | None = None
    will_continue: bool = False
    given_at: float = inf
    put_off_at: float = inf
    bridged: bool = False
    spent: bool = False

    def respond(self, response: str, scheduling: Scheduling | None = None, *, will_continue: bool = False) -> None:
        """Take a result, which no link has."""
        self.response, self.scheduling, self.will_continue = response, scheduling, will_continue
        self.given_at, self.spent = inf, False

    @property
    def anonymous(self) -> bool:
        """Return whether the service gave it no id, and takes an answer for that of its function's oldest call."""
        return self.id.startswith(_OWN)

    @property
    def awaited(self) -> bool:
        """Return whether the client owes a result."""
        return self.response is None or self.will_continue

    @property
    def given(self) -> bool:
        """Return whether the present link has the result."""
        return self.given_at < inf

    @property
    def silent(self) -> bool:
        """Return whether the model is to say nothing of the result; one that waited for it goes on all the same."""
        return self.scheduling is Scheduling.SILENT and not (self.blocking and self.answerable)

    @property
    def settled(self) -> bool:
        """Return whether the present link has the result and the model is to say nothing of it."""
        return self.given and self.silent and not self.will_continue

    @property
    def put_off(self) -> bool:
        """Return whether the present link has an interim answer."""
        return self.put_off_at < inf

    @property
    def owed(self) -> bool:
        """Return whether the present link has the result, or an interim answer, and has not answered it."""
        return (self.given and not self.spent) or (self.put_off and not self.bridged)

    @property
    def answerable(self) -> bool:
        """Return whether the present link takes the result by the call's id."""
        return self.known and not self.put_off


class Calls:
    """The calls of one session that matter still, oldest first."""

    def __init__(self, options: Options, *, wait: bool) -> None:
        """Take a session's options, and whether its model waits for results unless a function says otherwise."""
        self._declared: dict[str, FunctionDeclaration] = {}
        self.declare(options)
        self._interim_after = options.interim_after
        self._wait = wait
        self._calls: dict[str, Call] = {}
        # How many were given an id.
        self._named = 0

    def declare(self, options: Options) -> None:
        """Take the functions that can be called from here on; the model may call one of those before for a while."""
        declared = {function.name: function for function in options.functions}
        self._functions = self._declared | declared
        self._declared = declared

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._calls)

    @property
    def pending(self) -> bool:
        """Return whether the client owes a result."""
        return any(call.awaited for call in self._calls.values())

    @property
    def holding(self) -> bool:
        """Return whether the client owes a result that nothing was given in place of."""
        return any(call.awaited and not call.put_off for call in self._calls.values())

    @property
    def unanswered(self) -> bool:
        """Return whether the model has results, or interim answers, that it has not answered."""
        return any(call.owed for call in self._calls.values())

    def unanswered_from(self, at: float) -> bool:
        """Return whether the model got results, or interim answers, before this time, and has not answered them."""
        return any(call.owed and min(call.given_at, call.put_off_at) < at for call in self._calls.values())

    @property
    def told(self) -> bool:
        """Return whether the model was told results as texts that it has not answered."""
        return any(call.given and not (call.answerable or call.spent) for call in self._calls.values())

    @property
    def waiting(self) -> bool:
        """Return whether the model, as this link has it, waits for a result and does nothing else."""
        return any(call.blocking and call.answerable and not call.given for call in self._calls.values())

    def new_id(self) -> str:
        """Return an id for a call to which the service gave none."""
        self._named += 1
        return f"{_OWN}{self._named}"

    def named(self, call_id: str) -> list[str]:
        """Return the ids of the calls that the service names by this one: without one, all that it gave none."""
        return [call_id] if call_id else [call.id for call in self._calls.values() if call.anonymous]

    def add(self, call_id: str, name: str, arguments: str, turn: int, now: float) -> None:
        """Take a call of the model's. For what it calls beside a function that blocks it waits as well."""
        function = self._functions.get(name)
        timeout = CALL_TIMEOUT if function is None else function.timeout
        call = Call(call_id, name, arguments, turn, now, self._blocks(name), timeout, now + timeout)
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
        return call if call is not None and call.awaited else None

    def overdue(self, now: float) -> list[Call]:
        """Return the calls whose results are awaited and did not come in time."""
        return [call for call in self._calls.values() if call.awaited and call.due_at <= now]

    def slow(self, now: float) -> list[Call]:
        """Return the calls that the model has waited on for so long that it is to have an interim answer."""
        return [call for call in self._calls.values() if self._interim_at(call) <= now]

    def due_at(self) -> float:
        """Return when a result that is awaited is overdue; inf for never."""
        return min((call.due_at for call in self._calls.values() if call.awaited), default=inf)

    def slow_at(self) -> float:
        """Return when the model has waited for too long without an interim answer; inf for never."""
        return min(map(self._interim_at, self._calls.values()), default=inf)

    def of(self, turn: int) -> bool:
        """Return whether this turn waits for results, or for the model to go on with them."""
        return any(call.turn == turn and not (call.bridged or call.settled) for call in self._calls.values())

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

    def answer(self, at: float) -> bool:
        """Forget the calls whose results the model has answered, with what it began to say at this time.

        Interim answers it answers as well. Returns whether there were any of either.
        """
        done = [call for call in self._calls.values() if call.given_at <= at and not call.spent]
        for call in done:
            call.spent = True
            if not call.will_continue:
                del self._calls[call.id]
        bridged = [call for call in self._calls.values() if call.put_off_at <= at and not call.bridged]
        for call in bridged:
            call.bridged = True
        return bool(done or bridged)

    def remember(self, now: float) -> None:
        """Take it that a handle has come, which covers the calls so far."""
        for call in self._calls.values():
            call.remembered_at = min(call.remembered_at, now)

    def move(self, since: float) -> None:
        """Go over to a link that remembers what was before this time, and nothing after it.

        A result that it remembers and never spoke of is given anew, in other words, unless it was not to; an interim
        answer is not.
        """
        for call in self._calls.values():
            bridged = call.bridged and call.put_off_at < since
            has_result = call.given_at < since
            unspoken = (has_result and not (call.silent or call.spent)) or (call.put_off_at < since and not bridged)
            call.known = call.known and call.remembered_at <= since and not unspoken
            if not (has_result and call.silent):
                call.given_at = inf
            if not bridged:
                call.put_off_at, call.bridged = inf, False

    def unspoken(self, turn: int) -> list[Call]:
        """Return the calls whose results, or interim answers, this turn waited for and did not speak of."""
        waited = [call for call in self._calls.values() if call.turn == turn and call.blocking and call.known]
        return [call for call in waited if call.owed]

    def to_give(self) -> list[Call]:
        """Return the calls whose results this link does not have and can be given.

        What is given as a text interrupts, so that waits for the last result of its turn.
        """
        owing = {call.turn for call in self._calls.values() if call.response is None and not call.answerable}
        results = (call for call in self._calls.values() if call.response is not None)
        lacking = (call for call in results if not (call.given or call.spent))
        return [call for call in lacking if (self._is_next(call) if call.answerable else call.turn not in owing)]

    def _is_next(self, call: Call) -> bool:
        """Return whether the service takes an answer for that of this call, and not of an older one of its function."""
        older = takewhile(lambda other: other is not call, self._calls.values())
        alike = (other for other in older if other.anonymous and other.name == call.name)
        return not (call.anonymous and any(other.answerable and other.awaited for other in alike))

    def _interim_at(self, call: Call) -> float:
        waits = call.blocking and call.answerable and call.response is None and self._is_next(call)
        return call.at + self._interim_after if waits else inf

    def _blocks(self, name: str) -> bool:
        function = self._functions.get(name)
        return self._wait if function is None or function.blocking is None else function.blocking
