"""How a session takes turns, as chance will have it: drawn beside the rest, so that the rest stays as it is without.

Most sessions have one of these features or none, beside the note that tells a model what was heard of an interrupted
turn: that is the rule.
"""

from dataclasses import replace
from math import inf
from random import Random
from typing import Any

from segue.core.options import Mode, Options, ResumeContext, ResumePolicy
from segue.simulator.world.setting import Habits, Setting

_TEMPLATE = "Heard: {heard}. Cut: {sentence}. Not heard: {unheard}. Said: {said}. Before: {history}"
_POLICIES = (*[ResumePolicy.BUILT_IN] * 6, ResumePolicy.TEMPLATE, ResumePolicy.CLIENT, *[ResumePolicy.OFF] * 2)


def with_turn_taking(setting: Setting, rng: Random) -> Setting:
    """Draw how a session takes turns."""
    options, habits = _detecting(setting.options, setting.habits, rng)
    options = replace(options, resume_context=_resume_context(rng))
    habits = replace(habits, reports_cuts=rng.random() < 0.8)
    if rng.random() < 0.1:
        options = replace(options, first_turn=rng.choice(["", "Say what the weather is."]))
        habits = replace(habits, greeted=rng.random() < 0.7)
    if rng.random() < 0.1:
        options = replace(options, barge_in_after=rng.choice([inf, inf, 0.5, 2.0, 10.0]))
    rates: dict[str, Any] = {
        name: rng.choice([1.0, 4.0]) for name in ("notes", "demands", "images", "updates") if rng.random() < 0.1
    }
    return replace(setting, options=options, habits=replace(habits, **rates))


def with_writing(setting: Setting, rng: Random) -> Setting:
    """Draw whether the user writes while speaking, where Segue or the client says when an utterance begins and ends."""
    if not setting.options.mode.signals or rng.random() >= 0.3:
        return setting
    return replace(setting, habits=replace(setting.habits, adds=rng.choice([0.2, 0.5])))


def with_pressing_notes(setting: Setting, rng: Random) -> Setting:
    """Draw whether notes that are to be answered wait until the user is silent, beside the rest as well."""
    return replace(setting, habits=replace(setting.habits, presses=rng.random() < 0.5))


def _detecting(options: Options, habits: Habits, rng: Random) -> tuple[Options, Habits]:
    if rng.random() >= 0.2:
        return options, habits
    # A short sound may be a word yet; of a longer one the detector's model says that it is none.
    return replace(options, mode=Mode.GATEWAY), replace(habits, cough_seconds=rng.choice([0.2, 0.2, 0.5, 1.0]))


def _resume_context(rng: Random) -> ResumeContext:
    policy = rng.choice(_POLICIES)
    template = _TEMPLATE if policy is ResumePolicy.TEMPLATE else ""
    return ResumeContext(policy, template, rng.choice([4, 4, 0, 1, 16]))
