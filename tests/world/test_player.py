"""What a client of the world plays, and what it takes to have been heard."""

from random import Random

import pytest

from segue.core import events as ev
from segue.core.actions import Send
from segue.core.outputs import Audio, Closed, CutCause, Interrupted
from segue.simulator.history import History
from segue.simulator.world.client import Client
from segue.simulator.world.clock import Clock
from segue.simulator.world.player import Player
from segue.simulator.world.setting import Habits
from tests.world.scene import setting

SECOND = bytes(48_000)


def test_what_was_thrown_away_was_not_heard_however_often() -> None:
    clock = Clock()
    player = Player(clock)
    player.play(1, SECOND)
    clock.run(0.4)
    for until in (0.4, 0.6, 0.8):
        clock.run(until)
        player.stop()
        assert player.played(1) == pytest.approx(0.4)
        assert not player.playing
    player.play(1, SECOND)
    clock.run(1.0)
    assert player.played(1) == pytest.approx(0.6)


class Deaf:
    """A gateway to which nobody listens."""

    def feed(self, event: ev.ClientEvent) -> None:
        pass

    def resume(self, event: ev.ResumeReceived) -> Closed | None:
        raise AssertionError("nobody comes back")


def test_a_turn_plays_on_that_is_not_cut() -> None:
    clock, history = Clock(), History()
    habits = Habits(acknowledges=True)
    client = Client(clock, "call-1", setting().options, habits, Random(1), history, Deaf(), Random(2), Random(3))
    client.take([Send(1, Audio(2, SECOND))])
    clock.run(habits.latency + 0.4)
    client.take([Send(2, Interrupted(1, CutCause.NONE))])
    clock.run(habits.latency * 2 + 0.7)
    client.take([Send(3, Interrupted(2, CutCause.USER))])
    clock.run(2.0)
    cuts = [record for record in history if record.fields.get("arm") == "interrupted"]
    assert [cut.fields["played"] for cut in cuts] == [None, pytest.approx(habits.latency * 2 + 0.7)]
    assert "reported_at" not in cuts[0].fields
