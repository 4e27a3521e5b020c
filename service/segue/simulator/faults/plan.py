"""Faults as they are asked for, in a file or over the control endpoint, and armed on a connection."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from random import Random

from segue.simulator.faults import ALL_FAULTS
from segue.simulator.faults.armed import ArmedFault
from segue.simulator.faults.fault import Fault, Occasion, When
from segue.simulator.switches import Switches
from segue.simulator.values import SettingError, checked, known

_WHEN = {"probability": float, "second": float, "turn": int, "chunk": int, "turns": int}


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """A fault with its settings and the time to strike.

    Raises:
        SettingError: the fault cannot be set so.
    """

    kind: type[Fault]
    when: When = field(default_factory=When)
    settings: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        when = self.when
        if self.kind.occasion is Occasion.CLIENT_MESSAGE and (when.second, when.chunk, when.turns) != (None, None, 1):
            raise SettingError(f"{self.kind.name} strikes at what the client sends, with no second, chunk or turns")
        self.make(Switches())

    def make(self, switches: Switches) -> Fault:
        """Return the fault, to begin now."""
        return self.kind(**self.settings, switches=switches)

    def arm(self, rng: Random, began_at: float, switches: Switches, *, by_hand: bool = False) -> ArmedFault:
        """Return the fault waiting for its time; for the arguments see there."""
        return ArmedFault(self.kind, partial(self.make, switches), self.when, rng, began_at, by_hand=by_hand)


def arm_all(plans: Sequence[FaultPlan], switches: Switches, rng: Random, opened_at: float) -> list[ArmedFault]:
    """Arm the faults of a new connection, each with draws of its own."""
    return [plan.arm(Random(rng.getrandbits(64)), opened_at, switches) for plan in plans]


def read_fault(table: Mapping[str, object]) -> FaultPlan:
    """Read a fault: its name as `fault`, then its settings and those of `When`, each where it differs.

    Raises:
        SettingError: the table describes no fault.
    """
    if "fault" not in table:
        raise SettingError("fault is missing: it names the fault")
    kinds = {kind.name: kind for kind in ALL_FAULTS}
    kind = kinds[known(str(table["fault"]), list(kinds), "faults")]
    types = _WHEN | {name: type(default) for name, default in fault_settings(kind).items()}
    given = {name: value for name, value in table.items() if name != "fault"}
    values = {
        name: checked(name, value, types[known(name, list(types), f"the settings of {kind.name}")])
        for name, value in given.items()
    }
    when = When(**{name: value for name, value in values.items() if name in _WHEN})
    return FaultPlan(kind, when, {name: value for name, value in values.items() if name not in _WHEN})


def fault_settings(kind: type[Fault]) -> dict[str, object]:
    """Return the settings of a fault with their defaults."""
    return {setting.name: setting.default for setting in fields(kind) if setting.init and setting.name != "switches"}


def describe(kind: type[Fault]) -> str:
    """Return what a fault imitates."""
    return " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
