"""The links of a world end, begin and wait as those of the gateway do."""

from random import Random

import pytest

from segue.simulator.faults.connection import SetupNotFirst, StalledReads
from segue.simulator.faults.fault import When
from segue.simulator.faults.plan import FaultPlan
from segue.simulator.world.network import Network, Obstacle
from segue.simulator.world.world import World
from tests.world.scene import Scene, on_the_first, setting


def test_what_comes_before_the_setup_is_accepted_is_left_out() -> None:
    scene = Scene(setting(), lambda client: client.quiet(20.0), faults=on_the_first(FaultPlan(SetupNotFirst)))
    assert [record.fields["fault"] for record in scene.history.of("simulator", "fault_struck")] == ["setup_not_first"]
    assert not scene.did("link_lost")
    assert scene.did("link_opened")[0].fields["link"] == 1


def test_a_service_that_stops_reading_again_reads_everything_in_its_order() -> None:
    stalls = [FaultPlan(StalledReads, When(second=second), {"seconds": 1.0}) for second in (2.0, 2.5)]
    scene = Scene(setting(), lambda client: client.speak([5.0]), faults=on_the_first(*stalls), seconds=20.0)
    assert len(scene.history.of("simulator", "fault_struck")) == 2
    assert scene.history.of("simulator", "activity_ended")[0].fields["stamps"] == "0-249"
    assert not scene.history.of("simulator", "audio_lost", "audio_repeated")


def test_no_session_is_dialled_for_while_dial_after_dial_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Network, "obstacle", lambda self, rng: Obstacle.REFUSED)
    world = World(1)
    for _ in range(6):
        world.add(setting(), lambda client: client.quiet(30.0))
    history = world.run(30.0)
    lost = history.of("gateway", "link_lost")
    held_off = [record for record in lost if str(record.fields["message"]).startswith("One dial after another failed")]
    # Those met nobody.
    assert len(held_off) > 6
    assert len(history.of("simulator", "dial_obstructed")) == len(lost) - len(held_off)


@pytest.mark.parametrize("seconds", ["1", "20"])
def test_the_service_says_when_to_try_again(seconds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Network, "obstacle", lambda self, rng: Obstacle.OVERLOADED)
    monkeypatch.setattr(Network, "advice", lambda self, rng: {"Retry-After": seconds})
    scene = Scene(setting(), lambda client: client.quiet(30.0))
    assert scene.did("link_lost")[0].fields["retry_delay"] == float(seconds)


def test_some_services_say_when_and_some_do_not() -> None:
    drawn = [Network().advice(Random(seed)) for seed in range(20)]
    assert {} in drawn
    assert {"Retry-After": "1"} in drawn
