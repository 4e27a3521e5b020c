"""The switches and the file of `segue simulate --faults`: what can be set, and what is refused."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from segue.simulator.settings import SimulatorSettings, load_settings, read_switches
from segue.simulator.switches import Switches
from segue.simulator.values import SettingError

# What is not the default, for each type that a switch can have.
OTHER: dict[type, Any] = {bool: lambda default: not default, int: lambda _: 4096, float: lambda _: 90.5}


def _other(default: object) -> Any:
    return OTHER[type(default)](default)


@pytest.mark.parametrize(("name", "default"), [(name, default) for name, default, *_ in Switches.describe()])
def test_switch_is_set_from_a_file_and_from_the_command_line(name: str, default: object, tmp_path: Path) -> None:
    other = _other(default)
    text = str(other).lower()
    path = tmp_path / "faults.toml"
    path.write_text(f"[switches]\n{name} = {text}\n")
    expected = Switches(**{name: other})
    assert load_settings(path) == SimulatorSettings(switches=expected)
    assert read_switches([f"{name}={text}"], Switches()) == expected
    # The command line goes before the file.
    assert read_switches([f"{name}={str(default).lower()}"], expected) == Switches()


def test_every_switch_says_what_it_decides_and_who_says_so() -> None:
    described = Switches.describe()
    assert [name for name, *_ in described] == [switch.name for switch in fields(Switches)]
    assert all(what and source for _, _, what, source in described)


def test_whole_number_is_good_for_seconds() -> None:
    assert read_switches(["handle_lifetime = 60"], Switches()).handle_lifetime == 60.0


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("warp=true", "warp is unknown: the switches are long_connections"),
        ("resume_while_open=1", "resume_while_open must be true or false, not 1"),
        ("resume_while_open=yes", "resume_while_open=yes: must be name=value, with true, false or a number"),
        ("resume_while_open", "resume_while_open: must be name=value"),
        ("handle_lifetime=-1", "handle_lifetime must not be negative"),
        ('handle_lifetime="long"', "handle_lifetime must be a number, not 'long'"),
        ("max_frame_bytes=1.5", "max_frame_bytes must be a whole number, not 1.5"),
        ("max_frame_bytes=1\nx=2", "max_frame_bytes=1\nx=2: must be name=value"),
    ],
)
def test_switch_that_cannot_be_is_refused(assignment: str, complaint: str) -> None:
    with pytest.raises(SettingError) as refused:
        read_switches([assignment], Switches())
    assert str(refused.value).startswith(complaint)


def test_file_holds_faults(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('[[faults]]\nfault = "wedge"\nturn = 3\n[[faults]]\nfault = "late_chunks"\nchunks = 5\n')
    first, second = load_settings(path).faults
    assert (first.kind.name, first.when.turn, dict(first.settings)) == ("wedge", 3, {})
    assert (second.kind.name, second.when.turn, dict(second.settings)) == ("late_chunks", None, {"chunks": 5})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nothing = [", "not TOML: "),
        ("[timing]\n", "timing is unknown: the sections are switches, faults"),
        ("switches = 1\n", "switches must be a table, [switches]"),
        ("faults = 1\n", "faults must be a list of tables, [[faults]]"),
        ("faults = [1]\n", "faults must be a list of tables, [[faults]]"),
        ("[switches]\nwarp = true\n", "warp is unknown: the switches are"),
        ('[[faults]]\nfault = "wedge"\n[[faults]]\nfault = "gremlin"\n', "faults 2: gremlin is unknown"),
    ],
)
def test_file_that_cannot_be_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(text)
    with pytest.raises(SettingError) as refused:
        load_settings(path)
    assert str(refused.value).startswith(f"{path}: {complaint}")


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_file_that_cannot_be_read_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingError, match="cannot be read"):
        load_settings(path)
