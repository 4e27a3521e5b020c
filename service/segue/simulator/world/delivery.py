"""How a session's output is delivered, and how its streams break: drawn beside the rest, which stays as it is without.

Most sessions are delivered to as they would be without.
"""

from dataclasses import replace
from random import Random

from segue.core.options import Options
from segue.simulator.world.acknowledging import Acknowledging, Manner
from segue.simulator.world.setting import Habits, Setting
from segue.simulator.world.stream import Breaking

_CHANCE = 0.15
# Of audio, in seconds: how much may be on its way to a client that acknowledges. What is less than a frame is a frame.
_WINDOWS = (0.0, 0.2, 1.0, 5.0, 40.0)


def with_delivery(setting: Setting, rng: Random) -> Setting:
    """Draw how a session's output is paced and cut into frames, and how its client acknowledges it."""
    options, habits = setting.options, setting.habits
    if rng.random() < _CHANCE:
        options = replace(options, output_frame_duration=rng.choice([0.01, 0.02, 0.5, 1.0]))
    if rng.random() < _CHANCE:
        options = replace(options, lead=rng.choice([0.1, 0.1, 2.0, 60.0]))
    if rng.random() < 2 * _CHANCE:
        options, habits = _acknowledged(options, habits, rng)
    return replace(setting, options=options, habits=habits)


def with_breaking_streams(setting: Setting, rng: Random) -> Setting:
    """Draw whether a session's client loses its stream now and then, and comes back."""
    if rng.random() >= _CHANCE:
        return setting
    every, away = rng.choice([10.0, 30.0, 60.0]), rng.choice([0.5, 3.0, 3.0, 9.0, 25.0])
    breaking = Breaking(every, away, rng.choice([0.0, 0.1, 1.0, 5.0]))
    options = replace(setting.options, resume_window=rng.choice([10.0, 30.0, 120.0, 120.0]))
    # Who does not number the input may lose some of it.
    habits = replace(setting.habits, breaking=breaking, numbered=True)
    return replace(setting, options=options, habits=habits)


def _acknowledged(options: Options, habits: Habits, rng: Random) -> tuple[Options, Habits]:
    manner = rng.choice([manner for manner in Manner if manner is not Manner.NOW_AND_THEN])
    how = Acknowledging(manner, rng.choice([0.2, 1.0, 3.0]))
    window = round(rng.choice(_WINDOWS) * options.output_format.bytes_per_second)
    limit = max(window, options.frame_bytes) if window else 0
    habits = replace(habits, acknowledges=True, acknowledging=how)
    return replace(options, max_unacked_bytes=limit), habits
