"""Faults in virtual time: when they strike, that they come again from their seed, and that they combine."""

import json
from random import Random
from typing import Any

import pytest

from segue.simulator.faults import ALL_FAULTS
from segue.simulator.faults.plan import arm_all, read_fault
from segue.simulator.history import History, Value
from segue.simulator.outgoing import Output
from segue.simulator.script import LiveScript
from segue.simulator.service import Service
from segue.simulator.switches import Switches
from segue.simulator.timing import Timing
from segue.simulator.values import SettingError
from segue.simulator.wire.upgrade import read_upgrade
from tests.simulator.live_client import LEGACY, LiveClient, manual
from tests.simulator.socket_client import AT_ONCE, DIALOGUE, ECHOING, PATH, TOOL, VOICE


def service(*faults: dict[str, Any]) -> Service:
    """Return a service with faults."""
    plans = [read_fault(fault) for fault in faults]

    def arm(rng: Random, now: float) -> Any:
        return arm_all(plans, Switches(), rng, now)

    return Service(DIALOGUE, VOICE, Timing(setup=AT_ONCE), faults=arm)


def play(seed: int, *faults: dict[str, Any], history: History | None = None) -> list[tuple[float, Output]]:
    """Hold a short conversation in virtual time; return every output with its time."""
    upgrade = read_upgrade(PATH, {})
    assert upgrade
    script = LiveScript(service(*faults), upgrade, Random(seed), 0.0, history)
    said: list[tuple[float, object]] = [
        (0.0, {"setup": {"model": ECHOING, "inputAudioTranscription": {}, "tools": [TOOL]}}),
        (0.1, {"realtimeInput": {"text": "Well?"}}),
        (3.0, {"realtimeInput": {"text": "A story!"}}),
        (5.0, {"realtimeInput": {"text": "Stop."}}),
        (9.0, {"toolResponse": {"functionResponses": [{"id": "none", "response": {}}]}}),
        (9.1, {"realtimeInput": {"text": "Well?"}}),
    ]
    outputs: list[tuple[float, Output]] = []
    for at, message in [*said, (60.0, None)]:
        while (deadline := script.deadline()) <= at:
            outputs += ((deadline, output) for output in script.tick(deadline))
        if message:
            outputs += ((at, output) for output in script.receive(json.dumps(message), at))
    return outputs


@pytest.mark.parametrize("name", [kind.name for kind in ALL_FAULTS])
def test_fault_comes_again_from_its_seed(name: str) -> None:
    fault = {"fault": name, "probability": 0.5}
    runs = [play(seed, fault) for seed in range(8)]
    assert runs == [play(seed, fault) for seed in range(8)]
    # It strikes under some of the seeds, and where it does not, nothing is otherwise.
    assert {run == play(seed) for seed, run in enumerate(runs)} == {True, False}


def test_faults_combine() -> None:
    faults = [{"fault": "near_silent_audio"}, {"fault": "slow_audio"}, {"fault": "phantom_after_turn"}]
    alone = [play(1, fault) for fault in faults]
    together = play(1, *faults)
    assert together not in alone
    assert together == play(1, *faults)


def strikes(*faults: dict[str, Any], seed: int = 1) -> list[float]:
    """Return when the faults struck in a conversation of four turns, the second of them interrupted."""
    history = History()
    play(seed, *faults, history=history)
    return [record.at for record in history.of("simulator", "fault_struck")]


def turns_begun() -> list[float]:
    history = History()
    play(1, history=history)
    first: dict[Value, float] = {}
    for record in history.of("simulator", "audio_sent"):
        first.setdefault(record.fields["turn"], record.at)
    return list(first.values())


def test_fault_strikes_at_every_turn() -> None:
    assert strikes({"fault": "empty_message"}) == turns_begun()


def test_fault_strikes_at_a_turn() -> None:
    assert strikes({"fault": "empty_message", "turn": 2}) == turns_begun()[1:2]


def test_fault_strikes_in_turns_in_a_row() -> None:
    assert strikes({"fault": "response_rejected", "turn": 2, "turns": 2}) == turns_begun()[1:3]


def test_fault_strikes_before_a_chunk() -> None:
    history = History()
    play(1, {"fault": "empty_message", "turn": 2, "chunk": 3}, history=history)
    kinds = [record.kind for record in history if record.fields.get("turn") == 2 or record.kind == "fault_struck"]
    audio = [kind for kind in kinds[: kinds.index("fault_struck")] if kind == "audio_sent"]
    assert len(audio) == 2


def test_fault_strikes_at_a_second_once() -> None:
    assert strikes({"fault": "empty_message", "second": 4.5}) == [4.5]


def test_fault_of_the_connection_strikes_as_it_opens() -> None:
    assert strikes({"fault": "slow_pongs"}) == [0.0]


def test_fault_strikes_by_its_probability() -> None:
    fault = {"fault": "empty_message", "probability": 0.5}
    counts = [len(strikes(fault, seed=seed)) for seed in range(50)]
    everywhere = len(turns_begun()) * 50
    assert 0.4 * everywhere < sum(counts) < 0.6 * everywhere


@pytest.mark.parametrize("texts", [1, 2])
def test_an_activity_with_a_text_that_is_ignored_is_not_empty(texts: int) -> None:
    client = LiveClient(service({"fault": "text_ignored"}))
    client.send({"setup": {"model": LEGACY, **manual()}})
    client.signal("activityStart")
    for _ in range(texts):
        client.text("Well?")
    client.signal("activityEnd")
    client.wait(5.0)
    assert client.close is None
    assert "activity_end_received" in [record.kind for record in client.history]
    assert "turn_begun" not in [record.kind for record in client.history]


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({}, "fault is missing: it names the fault"),
        ({"fault": "gremlin"}, "gremlin is unknown: faults are phantom_after_generation"),
        ({"fault": "wedge", "chunks": 1}, "chunks is unknown: the settings of wedge are probability"),
        ({"fault": "late_chunks", "chunks": 1.5}, "chunks must be a whole number, not 1.5"),
        ({"fault": "late_chunks", "chunks": -1}, "chunks must not be negative"),
        ({"fault": "late_chunks", "chunks": True}, "chunks must be a whole number, not True"),
        ({"fault": "slow_audio", "speed": "fast"}, "speed must be a number, not 'fast'"),
        ({"fault": "slow_audio", "speed": 0}, "speed must be over 0"),
        ({"fault": "slow_audio", "speed": float("nan")}, "speed must be a number, not nan"),
        ({"fault": "early_turn_complete", "truncates": 1}, "truncates must be true or false, not 1"),
        ({"fault": "close", "reason": 1}, "reason must be a text, not 1"),
        ({"fault": "close", "code": 1006}, "1006 is no close code"),
        ({"fault": "close", "cause": "boredom"}, "cause must be one of api_key_invalid"),
        ({"fault": "go_away_then_close", "cause": "boredom"}, "cause must be one of api_key_invalid"),
        ({"fault": "wedge", "probability": 2}, "probability must be from 0 to 1"),
        ({"fault": "wedge", "turn": 0}, "turn, chunk and turns count from 1"),
        ({"fault": "text_ignored", "second": 1}, "text_ignored strikes at what the client sends, with no second"),
        ({"fault": "wedge", "second": 1, "turn": 1}, "second goes with no turn, chunk or turns"),
    ],
)
def test_fault_that_cannot_be_is_refused(table: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingError) as refused:
        read_fault(table)
    assert str(refused.value).startswith(complaint)
