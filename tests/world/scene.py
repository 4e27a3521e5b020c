"""One session in a world in which nothing is left to chance but times: its user, its service and what goes wrong."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from segue.core.options import AudioFormat, Encoding, Options
from segue.core.policy import Policy
from segue.simulator.dialogue import Dialogue, Line
from segue.simulator.faults.plan import FaultPlan, arm_all
from segue.simulator.history import History, Record
from segue.simulator.outgoing import Stage
from segue.simulator.promises import check
from segue.simulator.promises.chronicle import Chronicle, chronicles
from segue.simulator.switches import Switches
from segue.simulator.timing import Timing
from segue.simulator.wire.schema import Flavour
from segue.simulator.world.client import Acting, Client
from segue.simulator.world.clock import Clock
from segue.simulator.world.driver import Driver
from segue.simulator.world.network import Network
from segue.simulator.world.setting import Habits, Setting
from segue.simulator.world.world import World

DEVELOPER = (
    "gemini-2.0-flash-live-001",
    "gemini-2.5-flash-native-audio-preview-12-2025",
    "gemini-3.1-flash-live-preview",
    "gemini-3.8-live",
)
NEWEST = DEVELOPER[-1]
# A microphone that is never closed, as a phone's.
OPEN_MICROPHONE = Habits(streams=True)
SMALL_TALK = Dialogue(
    utterances=(Line("It is noon, and the sun shines.", "What time is it?"),),
    further=(Line("It is still noon.", "And now?"),),
    texts=(),
    fallback=(Line("Hello. What can I do for you?"),),
    pause=0.0,
)
# An answer of some twenty seconds.
_STORY = "The boat came safely ashore at dawn. Not a sail was torn by it. " * 5
A_STORY = replace(SMALL_TALK, utterances=(Line(_STORY, "What happened?"),))


def setting(model: str = NEWEST, *, vertex: bool = False, **changes: Any) -> Setting:
    """Return a setting in which all is as it should be, but for the changes."""
    options = Options(model, input_format=AudioFormat(Encoding.LINEAR16, 16_000), output_frame_duration=0.1)
    plain = Setting(
        flavour=Flavour.VERTEX if vertex else Flavour.DEVELOPER,
        options=options,
        policy=Policy(transcripts_run_ahead=vertex),
        timing=Timing(),
        switches=Switches(),
        faults=(),
        network=Network(),
        habits=Habits(),
        calls=False,
        silences=False,
    )
    return replace(plain, **changes)


def on_the_first(*plans: FaultPlan) -> Callable[[Random, float], Sequence[Stage]]:
    """Return faults that act on the first connection only."""
    armed: list[FaultPlan] = list(plans)

    def arm(rng: Random, opened_at: float) -> Sequence[Stage]:
        here = tuple(armed)
        armed.clear()
        return arm_all(here, Switches(), rng, opened_at)

    return arm


class Scene:
    """What became of one session.

    Args:
        live: what its user does.
        fate: what happens to it meanwhile, at which moments.
        strict: the service closes also at what the real one ignores in silence.
    """

    def __init__(
        self,
        scene: Setting,
        live: Callable[[Client], Acting],
        fate: Callable[[Client, Driver], Acting] | None = None,
        *,
        seconds: float = 120.0,
        dialogue: Dialogue | None = SMALL_TALK,
        faults: Callable[[Random, float], Sequence[Stage]] | None = None,
        seed: int = 1,
        strict: bool = False,
    ) -> None:
        world = World(seed, strict=strict)
        clients: list[Client] = []

        def begin(client: Client) -> Acting:
            clients.append(client)
            return live(client)

        driver = world.add(scene, begin, dialogue, faults)
        if fate is not None:
            _happen(world.clock, fate(clients[0], driver))
        self.history: History = world.run(seconds)

    @property
    def session(self) -> Chronicle:
        return chronicles(self.history)[0]

    def check(self, *must: str) -> None:
        """Check every promise, these at the least."""
        check(self.history, must=must)

    def did(self, *kinds: str) -> list[Record]:
        """Return what the gateway did."""
        return self.session.acted(*kinds)

    def answered_after(self, number: int = -1) -> float:
        """Return how long after their end some of the user's words were answered, in seconds; inf for never."""
        words = self.session.words[number]
        reached = [self.session.reached_at(turn) for turn in self.session.answers(words)]
        return min(reached, default=float("inf")) - words.at

    def answers_to(self, number: int = -1) -> int:
        """Return how many turns answered some of the user's words, and reached the client."""
        session = self.session
        turns = [turn for turn in session.answers(session.words[number]) if not turn.goes_on]
        return sum(session.reached_at(turn) < float("inf") for turn in turns)

    def closed(self) -> Record | None:
        """Return how the session was closed, if it was."""
        return next(iter(self.session.got("closed")), None)


def until(done: Callable[[], bool]) -> Acting:
    """Wait for something, and no longer than a minute."""
    for _ in range(1200):
        if done():
            return
        yield 0.05


def _happen(clock: Clock, acting: Acting) -> None:
    seconds = next(acting, None)
    if seconds is not None:
        clock.after(seconds, lambda: _happen(clock, acting))
