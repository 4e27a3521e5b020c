"""The file of `segue simulate --faults`: switches, and faults that strike on every connection.

[switches]                    # see `segue simulate --list`
resume_while_open = true

[[faults]]
fault = "late_chunks"         # its name; then its settings, and when it strikes
chunks = 3
probability = 0.1             # of each time that the rest allows

[[faults]]
fault = "close"
cause = "unavailable"
second = 30.0                 # after the connection was opened; or `turn`, `chunk`, `turns`
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from segue.simulator.faults.plan import FaultPlan, read_fault
from segue.simulator.switches import Switches
from segue.simulator.values import SettingError, known


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """What such a file says."""

    switches: Switches = field(default_factory=Switches)
    faults: tuple[FaultPlan, ...] = ()


def load_settings(path: Path) -> SimulatorSettings:
    """Read a file.

    Raises:
        SettingError: it cannot be read or used.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{path}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{path}: not TOML: {error}") from error
    try:
        return _read(table)
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from error


def read_switches(assignments: Iterable[str], switches: Switches) -> Switches:
    """Return the switches with some set as `name=value` says, values as in TOML.

    Raises:
        SettingError: it says nothing of the kind.
    """
    values: dict[str, object] = {}
    for assignment in assignments:
        name, _, text = assignment.partition("=")
        try:
            [values[name.strip()]] = tomllib.loads(f"value = {text}").values()
        except ValueError:
            raise SettingError(f"{assignment}: must be name=value, with true, false or a number") from None
    return switches.with_values(values)


def _read(table: Mapping[str, object]) -> SimulatorSettings:
    for section in table:
        known(section, ["switches", "faults"], "the sections")
    switches, faults = table.get("switches", {}), table.get("faults", [])
    if not isinstance(switches, dict):
        raise SettingError("switches must be a table, [switches]")
    if not isinstance(faults, list) or not all(isinstance(fault, dict) for fault in faults):
        raise SettingError("faults must be a list of tables, [[faults]]")
    return SimulatorSettings(
        Switches().with_values(switches), tuple(map(_read_fault, range(1, len(faults) + 1), faults))
    )


def _read_fault(number: int, table: Mapping[str, object]) -> FaultPlan:
    try:
        return read_fault(table)
    except SettingError as error:
        raise SettingError(f"faults {number}: {error}") from error
