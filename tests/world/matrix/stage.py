"""The scripted world of a cell: it brings a session to a moment, has the fault strike, and lets the talk go on."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from segue.core.options import FunctionDeclaration
from segue.core.policy import Policy
from segue.simulator.dialogue import Call, Dialogue, Line
from segue.simulator.faults.closing import TcpReset
from segue.simulator.faults.connection import GoAway
from segue.simulator.faults.fault import Lasts, Occasion, When
from segue.simulator.faults.plan import FaultPlan
from segue.simulator.history import History, Value, Witness
from segue.simulator.timing import Span, Timing
from segue.simulator.world.client import Acting, Client
from segue.simulator.world.driver import Driver
from segue.simulator.world.world import World
from tests.world.matrix.moments import SETTING_UP, Moment
from tests.world.matrix.rows import Manner, Reach, Row
from tests.world.scene import setting

MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"
# The family that takes text as realtime input, which alone is ignored.
_WRITTEN_TO = "gemini-3.1-flash-live-preview"
# Nothing is left to chance, so that two histories differ in what the fault did, and in nothing else.
_TIMING = Timing(
    setup=Span(0.15, 0.15),
    first_audio=Span(0.6, 0.6),
    generation_speed=Span(3.5, 3.5),
    chunk=Span(0.32, 0.32),
    interruption=Span(0.04, 0.04),
    activity_echo=Span(0.04, 0.04),
    input_transcription=Span(0.3, 0.3),
)
# Some four seconds of speech, the last whole sentence of which is not its end.
_STORY = "The boat came safely ashore at dawn. Not a sail was torn by it."
_ASKED = "And what then?"
# The first one blocks.
_CALLS = (Call("get_weather", {"city": "Oslo"}), Call("book_table", {"city": "Oslo"}))
# What ends a link as a part of the moment.
_LOSS, _NOTICE = FaultPlan(TcpReset), FaultPlan(GoAway)
# How long the user waits for an answer, for the rest of one that broke off, and after one, in seconds.
_PATIENCE = 30.0
_SUSPENSE = 14.0
_PAUSE = 3.0
# How soon the user speaks where nothing is awaited, in seconds.
_SOON = 1.0
_GLANCE = 0.05
# A sentence, in seconds.
_SENTENCE = 1.2
_LONGEST = 400.0


class _Watched(History):
    """A history that tells what is added to it."""

    def __init__(self) -> None:
        super().__init__()
        # By kind and session.
        self.counts: Counter[tuple[str, str]] = Counter()
        self.awaited: list[tuple[str, str, Callable[[], None]]] = []

    def add(self, at: float, by: Witness, session: str, kind: str, **fields: Value) -> None:
        super().add(at, by, session, kind, **fields)
        self.counts[kind, session] += 1
        for waiting in [waiting for waiting in self.awaited if waiting[:2] == (kind, session)]:
            self.awaited.remove(waiting)
            waiting[2]()


class Staging:
    """One session, one user, one fault or none.

    Attributes:
        struck_at: when the moment was there, and the fault struck.
    """

    def __init__(self, row: Row, moment: Moment, *, faultless: bool = False, model: str = MODEL) -> None:
        self._row = row
        self._moment = moment
        self._faultless = faultless
        self._world = World("matrix")
        self._history = self._world.history = _Watched()
        self.struck_at = float("inf")
        options = setting(_WRITTEN_TO if row.manner is Manner.WRITES else model)
        # That family's calls all block, so that the second one would wait for the first one's result.
        self._calls = _CALLS[:1] if row.manner is Manner.WRITES else _CALLS
        functions = tuple(FunctionDeclaration(call.name, blocking=call is _CALLS[0]) for call in self._calls)
        self._driver: Driver = self._world.add(
            replace(
                options,
                options=replace(options.options, functions=functions, output_frame_duration=0.2),
                policy=Policy(renewal_jitter=0.0),
                timing=_TIMING,
            ),
            self._live,
            self._dialogue(),
        )

    def play(self) -> History:
        """Return all that happened."""
        if self._moment is Moment.OPENING:
            self._strike_at("connection_opened", "call-1/1")
        return self._world.run(_LONGEST)

    def _dialogue(self) -> Dialogue:
        said = Line(_STORY, _ASKED)
        called = tuple(Line(_STORY, _ASKED, calls=(call,)) for call in self._calls)
        lines = called[:1] if self._row.manner is Manner.HAS_A_FUNCTION_CALLED else (said,)
        if self._moment is Moment.TOOL_PENDING:
            lines = (said, *reversed(called), *lines)
        return Dialogue(lines, lines[-1:], (), (said,), pause=0.0)

    # What the user does.

    def _live(self, client: Client) -> Acting:
        yield 0.01
        if self._moment is not Moment.OPENING:
            yield from self._exchange(client)
        heard = client.answers
        match self._moment:
            case Moment.OPENING:
                yield from client.speak([_SENTENCE])
            case Moment.IDLE:
                self._strike()
                yield _SOON
                yield from self._say_more(client)
            case Moment.USER_SPEAKING:
                self._world.clock.after(_SENTENCE / 2, self._strike)
                yield from client.speak([_SENTENCE])
            case Moment.MODEL_SPEAKING:
                yield from client.speak([_SENTENCE])
                yield from _until(lambda: client.answers > heard)
                yield 0.7
                self._strike()
            case Moment.PLAYING_OUT:
                self._arm_ahead()
                generated = self._count("generation_complete_sent")
                yield from client.speak([_SENTENCE])
                yield from _until(lambda: self._count("generation_complete_sent") > generated)
                yield 0.5
                self._strike()
            case Moment.TOOL_PENDING:
                client.holds_results = True
                # The one that blocks comes last.
                for number, _ in enumerate(self._calls, 1):
                    yield _SOON
                    yield from client.speak([_SENTENCE])
                    yield from _until(lambda number=number: len(client.calls) == number)  # type: ignore[misc]
                yield 0.3
                self._strike()
                yield 2.0
                heard = client.answers
                client.return_results()
            case Moment.RENEWING:
                self._strike_at("link_set_up", "call-1")
                self._inject(_NOTICE)
                yield _SOON
                yield from self._say_more(client)
            case Moment.RECOVERING:
                self._strike_at("connection_opened", "call-1/2")
                yield from client.speak([_SENTENCE])
                self._inject(_LOSS)
        yield from self._go_on(client, heard)
        client.leave()

    def _go_on(self, client: Client, heard: int) -> Acting:
        if self._row.manner is Manner.BARGES_IN:
            yield from _until(lambda: client.answers > heard)
            yield 1.0
            heard = client.answers
            yield from client.speak([_SENTENCE])
        yield from self._listen(client, heard)
        if self._moment not in (Moment.IDLE, Moment.RENEWING):
            heard = client.answers
            yield from self._say_more(client)
            yield from self._listen(client, heard)
        yield self._row.lasts
        heard = client.answers
        yield from client.speak([_SENTENCE])
        yield from self._listen(client, heard)

    def _exchange(self, client: Client) -> Acting:
        heard = client.answers
        yield from client.speak([_SENTENCE])
        yield from self._listen(client, heard)

    def _listen(self, client: Client, heard: int) -> Acting:
        """Listen until all is said, and nothing more comes."""
        while True:
            yield from client.hear_out(heard, _PATIENCE)
            heard = client.answers
            yield _PAUSE
            if client.answers == heard and self._was_cut_off:
                yield from _until(lambda: client.answers > heard, _SUSPENSE)  # noqa: B023
            if client.answers == heard:
                return

    @property
    def _was_cut_off(self) -> bool:
        """Whether the last that the user heard was no end."""
        ends = [
            record for record in self._history.of("client", "output_received") if record.fields["arm"] == "turn_ended"
        ]
        return bool(ends) and ends[-1].fields["reason"] == "INTERRUPTED" and ends[-1].fields["heard"] != 0.0

    def _say_more(self, client: Client) -> Acting:
        if self._row.manner is Manner.WRITES:
            client.write()
        else:
            yield from client.speak([_SENTENCE])

    # What goes wrong.

    def _strike_at(self, kind: str, session: str) -> None:
        """Have the fault strike as soon as this was written down."""
        self._once(kind, session, self._strike)

    def _once(self, kind: str, session: str, do: Callable[[], None]) -> None:
        # Whoever writes it down is in the middle of it.
        self._history.awaited.append((kind, session, lambda: self._soon(do)))

    def _soon(self, do: Callable[[], None]) -> None:
        self._world.clock.after(0.0, do)

    def _arm_ahead(self) -> None:
        if self._moment in self._row.ahead and not self._faultless:
            self._inject(FaultPlan(self._row.kind, When(turn=self._turn), self._row.settings))

    def _strike(self) -> None:
        self.struck_at = self._world.clock.now
        row, plan = self._row, FaultPlan(self._row.kind, When(), self._row.settings)
        if self._faultless or self._moment in row.ahead:
            return
        if row.reach is Reach.SETUP and self._moment not in SETTING_UP:
            following = f"call-1/{self._driver.session.link + 1}"
            self._once("connection_opened", following, lambda: self._inject(plan))
            self._inject(_LOSS)
            return
        if row.kind.occasion is Occasion.TURN and row.kind.lasts is Lasts.TURN:
            beyond = self._under_way and (
                row.reach is Reach.TURN or (row.reach is Reach.SPEECH and self._moment is Moment.PLAYING_OUT)
            )
            if beyond or not self._under_way:
                plan = replace(plan, when=When(turn=self._turn + beyond))
        self._inject(plan)

    def _inject(self, plan: FaultPlan) -> None:
        if not self._driver.over:
            self._driver.strike(plan)

    @property
    def _turn(self) -> int:
        """The model's turn under way on the link that counts, or the next one."""
        return self._count("turn_complete_sent") + 1

    @property
    def _under_way(self) -> bool:
        return self._count("turn_begun") >= self._turn

    def _count(self, kind: str) -> int:
        return self._history.counts[kind, f"call-1/{self._driver.session.link}"]


def _until(done: Callable[[], bool], at_most: float = _PATIENCE) -> Acting:
    for _ in range(round(at_most / _GLANCE)):
        if done():
            return
        yield _GLANCE
