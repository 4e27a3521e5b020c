"""Heard, over many interruptions in every mode: what is said to be heard is what was, to one fragment of the words."""

from dataclasses import replace
from random import Random

import pytest

from segue.core.options import Modality, Mode
from segue.simulator.promises import Broke, heard
from segue.simulator.wire.schema import Flavour
from segue.simulator.world.setting import Setting, draw_setting
from segue.simulator.world.turn_taking import with_turn_taking
from segue.simulator.world.world import World

SEEDS = range(1, 11)
MINUTES = 2.0
# So many interruptions must have been judged of each kind.
ENOUGH = 30


def judge(mode: Mode, flavour: Flavour, *, knows: bool = True) -> int:
    """Return how many interruptions were judged in the worlds of the seeds, whatever else they draw.

    With `knows`, Segue knows where transcripts run ahead of the speech.
    """
    judged = 0
    for seed in SEEDS:
        setting = _setting(seed, mode, flavour)
        world = World(seed)
        if not knows:
            setting = replace(setting, policy=replace(setting.policy, transcripts_run_ahead=False))
        world.add(setting, lambda client: client.talk(MINUTES * 60.0))
        judged += heard(world.run(MINUTES * 60.0)).judged
    return judged


def _setting(seed: int, mode: Mode, flavour: Flavour) -> Setting:
    rng = Random(f"{seed}/heard")
    drawn = (with_turn_taking(draw_setting(rng, minutes=MINUTES), rng) for _ in range(100))
    setting = next(setting for setting in drawn if setting.flavour is flavour)
    return replace(
        setting,
        options=replace(setting.options, mode=mode, modality=Modality.AUDIO),
        habits=replace(setting.habits, barges_in=0.6, interrupts=0.3, ending="half-close"),
    )


@pytest.mark.parametrize("flavour", Flavour)
@pytest.mark.parametrize("mode", Mode)
def test_words_are_split_where_they_were_cut(mode: Mode, flavour: Flavour) -> None:
    assert judge(mode, flavour) >= ENOUGH


def test_a_core_that_takes_words_for_spoken_that_run_ahead_is_caught() -> None:
    with pytest.raises(Broke, match="is said to be heard to"):
        judge(Mode.SERVER, Flavour.VERTEX, knows=False)
