"""One world: a seed's sessions from their first word to their last, and the history of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from itertools import count
from math import inf
from random import Random
from typing import TypeAlias

from segue.core.profiles import profile_of
from segue.core.session import Session
from segue.simulator.dialogue import Dialogue
from segue.simulator.faults.plan import arm_all
from segue.simulator.history import History, Value
from segue.simulator.outgoing import Stage
from segue.simulator.script import LiveScript
from segue.simulator.service import Service, no_faults
from segue.simulator.wire.schema import Flavour
from segue.simulator.wire.upgrade import Upgrade
from segue.simulator.world.client import Acting, Client
from segue.simulator.world.clock import Clock
from segue.simulator.world.delivery import with_breaking_streams, with_delivery
from segue.simulator.world.dialogues import draw_dialogue
from segue.simulator.world.driver import Driver
from segue.simulator.world.gate import Gates
from segue.simulator.world.setting import Setting, draw_setting, with_nameless_calls
from segue.simulator.world.turn_taking import with_pressing_notes, with_turn_taking, with_writing
from segue.simulator.world.voices import NumberedVoice

_UPGRADES = {
    Flavour.DEVELOPER: Upgrade(
        "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
        Flavour.DEVELOPER,
        "v1beta",
        "simulated",
    ),
    Flavour.VERTEX: Upgrade(
        "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent",
        Flavour.VERTEX,
        "v1beta1",
        "simulated",
        bearer=True,
    ),
}
Faults: TypeAlias = Callable[[Random, float], Sequence[Stage]]
# A session that was left must be over, and its connections be closed, after so many seconds more, unless it still gives
# its client what was said.
_AFTERMATH = 300.0
_WEIGHED_EVERY = 5.0


class World:
    """A world with one gateway.

    Args:
        seed: where all that is random comes from.
        strict: its services close also at what the real one ignores in silence.
        credentials: what goes wrong on the connections with each of the gateway's credentials, beside what goes wrong
            on all.
    """

    def __init__(
        self, seed: int | str, *, strict: bool = False, credentials: Mapping[str, Faults] | None = None
    ) -> None:
        self.clock = Clock()
        self.history = History()
        self._faults = credentials or {"simulated": no_faults}
        self._gates = Gates(self.clock, list(self._faults))
        self._seed = seed
        self._strict = strict
        self._blocks = count(1)
        self._drivers: list[Driver] = []

    def add(
        self,
        setting: Setting,
        live: Callable[[Client], Acting],
        dialogue: Dialogue | None = None,
        faults: Faults | None = None,
    ) -> Driver:
        """Begin a session.

        Args:
            live: what its user does.
            dialogue: what is said; None draws one.
            faults: what goes wrong on a connection; None leaves it to the setting.
        """
        name = f"call-{len(self._drivers) + 1}"
        rng = partial(self._rng, name)
        said = dialogue or draw_dialogue(rng("dialogue"), calls=setting.calls, silences=setting.silences)
        service = Service(
            said,
            NumberedVoice(self._blocks, partial(self._record_plan, name)),
            setting.timing,
            switches=setting.switches,
            faults=faults or partial(arm_all, setting.faults, setting.switches),
            strict=self._strict,
        )
        writing = rng("writer")
        client: Client
        driver = Driver(
            self.clock,
            Session(name, setting.policy, rng("session").random),
            self.history,
            self._gates,
            setting.network,
            rng("network"),
            partial(self._connect, service, _UPGRADES[setting.flavour]),
            lambda sends: client.take(sends),
            lambda closed: client.part(closed),
            lambda: writing.uniform(0.0, setting.habits.write_delay),
            vertex=setting.flavour is Flavour.VERTEX,
        )
        profile = profile_of(setting.options.model, setting.policy.profiles)
        driver.record(
            "profile_chosen",
            age_deadline=profile.age_deadline,
            note_slot=profile.note_slot.name,
            compresses=setting.options.compression is not None,
        )
        options, habits = setting.options, setting.habits
        client = Client(
            self.clock,
            name,
            options,
            habits,
            rng("client"),
            self.history,
            driver,
            rng("beside the user"),
            rng("breaking streams"),
        )
        self._drivers.append(driver)
        client.live(live(client))
        self._weigh(driver)
        return driver

    def run(self, seconds: float) -> History:
        """Let so many seconds pass, and so many more that all may end; return what happened."""
        self.clock.run(self.clock.now + seconds)
        self._let_end()
        held = inf
        # What was said is given to a client that acknowledges it slowly for as long as there is less and less of it.
        while self._held < held:
            held = self._held
            self._let_end()
        # What was cut is forgotten by the service only after a while.
        self.clock.run(self.clock.now + 60.0)
        alive = sum(not driver.over for driver in self._drivers)
        self.history.add(self.clock.now, "gateway", "", "stopped", sessions=alive)
        return self.history

    @property
    def _held(self) -> int:
        """The size of the audio that is kept for sessions that are not over."""
        return sum(driver.session.held_bytes for driver in self._drivers if not driver.over)

    def _let_end(self) -> None:
        late = self.clock.now + _AFTERMATH
        while self.clock.now < late and not all(driver.over for driver in self._drivers):
            self.clock.run(self.clock.now + 5.0)

    def _weigh(self, driver: Driver) -> None:
        if not driver.over:
            driver.weigh()
            self.clock.after(_WEIGHED_EVERY, partial(self._weigh, driver))

    def _connect(self, service: Service, upgrade: Upgrade, name: str, credential: str) -> LiveScript:
        voice = NumberedVoice(self._blocks, partial(self._record_plan, name))
        own = self._faults[credential]

        def faults(rng: Random, opened_at: float) -> Sequence[Stage]:
            return [*service.faults(rng, opened_at), *own(rng, opened_at)]

        # The same service, with a voice of its own on each connection.
        speaking = replace(service, voice=voice, faults=faults)
        asked = replace(upgrade, credential=credential)
        return LiveScript(speaking, asked, self._rng(name, "service"), self.clock.now, self.history, name)

    def _record_plan(self, connection: str, first: int, last: int, sentence: str) -> None:
        span: dict[str, Value] = {"first": first, "last": last, "text": sentence}
        self.history.add(self.clock.now, "simulator", connection, "speech_planned", **span)

    def _rng(self, name: str, what: str) -> Random:
        return Random(f"{self._seed}/{name}/{what}")


def world_of(seed: int | str, minutes: float, *, troubled: bool | None = None, turn_taking: bool = True) -> World:
    """Return the world of a seed, to run for so many minutes.

    Args:
        troubled: as for `draw_setting`.
        turn_taking: how its sessions take turns is drawn, too, how what is said is delivered, and whether calls have
            ids; nothing else of them depends on it.
    """
    world = World(seed)
    streams = ("world", "turn taking", "delivery", "nameless calls", "writing", "pressing notes", "breaking streams")
    chance, taking, delivery, nameless, writing, pressing, breaking = (Random(f"{seed}/{what}") for what in streams)
    for _ in range(chance.choice([1, 1, 1, 2])):
        setting = draw_setting(chance, minutes=minutes, troubled=troubled)
        if turn_taking:
            setting = with_delivery(with_turn_taking(setting, taking), delivery)
            setting = with_writing(with_nameless_calls(setting, nameless), writing)
            setting = with_breaking_streams(with_pressing_notes(setting, pressing), breaking)
        world.add(setting, lambda client: client.talk(minutes * 60.0))
    return world


def run_world(seed: int | str, minutes: float, *, troubled: bool | None = None, turn_taking: bool = True) -> History:
    """Return the history of the world of a seed, as of `world_of`; the same seed tells the same one."""
    return world_of(seed, minutes, troubled=troubled, turn_taking=turn_taking).run(minutes * 60.0)


def digest(history: History) -> str:
    """Return what tells one history from another, in hexadecimal."""
    told = ((record.at, record.by, record.session, record.kind, *record.fields.items()) for record in history)
    return sha256("\n".join(map(repr, told)).encode()).hexdigest()
