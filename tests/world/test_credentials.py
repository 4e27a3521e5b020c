"""Sessions of a gateway with two credentials, of which one fails: they go on with the other, and no promise breaks."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from segue.simulator.faults.closing import CloseConnection, Quota
from segue.simulator.faults.fault import When
from segue.simulator.faults.plan import FaultPlan, arm_all
from segue.simulator.outgoing import Stage
from segue.simulator.promises import check
from segue.simulator.service import no_faults
from segue.simulator.switches import Switches
from segue.simulator.timing import Timing
from segue.simulator.world.world import Faults, World
from tests.world.scene import SMALL_TALK, setting

_SECONDS = 150.0
# When the credential fails.
_FAILS_AT = 40.0


def failing(cause: str) -> Faults:
    """Return what happens with a credential that all is lost with at some time, and that is refused from then on."""

    def faults(rng: Random, opened_at: float) -> Sequence[Stage]:
        if opened_at < _FAILS_AT:
            plan = FaultPlan(CloseConnection, When(second=_FAILS_AT - opened_at), {"cause": cause})
        elif cause == "quota":
            plan = FaultPlan(Quota)
        else:
            plan = FaultPlan(CloseConnection, When(second=0.0), {"cause": cause})
        return arm_all([plan], Switches(), rng, opened_at)

    return faults


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("cause", ["quota", "api_key_invalid"])
def test_sessions_go_on_with_the_other_credential(cause: str, seed: int) -> None:
    world = World(seed, credentials={"first": failing(cause), "second": no_faults})
    for _ in range(4):
        world.add(setting(), lambda client: client.talk(_SECONDS), SMALL_TALK)
    history = world.run(_SECONDS)
    report = check(history, must=("Ordered", "Gapless", "Unique", "Recovering", "Clean", "Legal"))
    assert report.checked
    moved = [record for record in history.of("gateway", "link_lost") if record.fields["elsewhere"]]
    # Those of the first: sessions were dealt out by turns.
    assert len({record.session for record in moved}) == 2
    assert not [record for record in history.of("gateway", "link_lost") if record.fields["cause"] == "HANDLE"]
    after = [record for record in history.of("gateway", "link_opened") if record.at > _FAILS_AT]
    assert {record.fields["credential"] for record in after} == {"second"}
    recovered = history.of("gateway", "recovered")
    assert {record.fields["outcome"] for record in recovered} == {"FRESH"}
    assert all(float(str(record.fields["seconds"])) < 1.0 for record in recovered)


def test_a_renewal_goes_on_with_the_other_credential_where_its_own_is_refused() -> None:
    # Those that are up live on; what is dialled is refused.
    def refused(rng: Random, opened_at: float) -> Sequence[Stage]:
        plan = FaultPlan(CloseConnection, When(second=0.0), {"cause": "api_key_invalid"})
        return arm_all([plan], Switches(), rng, opened_at) if opened_at > _FAILS_AT else ()

    world = World(1, credentials={"first": refused, "second": no_faults})
    scene = replace(setting(), timing=replace(Timing(), go_away_after=60.0, close_after=100.0))
    world.add(scene, lambda client: client.talk(_SECONDS), SMALL_TALK)
    history = world.run(_SECONDS)
    check(history, must=("Seamless", "Clean", "Legal"))
    opened = [record.fields["credential"] for record in history.of("gateway", "link_opened")]
    assert opened[:2] == ["first", "second"]
    (renewed,) = history.of("gateway", "renewed")[:1]
    assert renewed.fields["resumed"] is False
