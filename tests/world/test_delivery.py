"""Output reaches clients of every kind: of small frames and long ones, and those that acknowledge soon or late."""

from dataclasses import replace
from random import Random

import pytest

from segue.core.actions import Action, Send
from segue.core.events import AckReceived, Event, OpenReceived
from segue.core.outputs import Audio
from segue.core.session import Session
from segue.simulator.world.acknowledging import Acknowledging, Manner
from segue.simulator.world.client import Acting, Client
from segue.simulator.world.delivery import with_delivery
from segue.simulator.world.setting import Habits, draw_setting
from tests.world.scene import A_STORY, Scene, setting

# Of 100 ms each (scene.setting).
_FRAME_BYTES = 4800


class Unacknowledged:
    """The audio that was released in each session and not acknowledged, as a client counts it.

    Attributes:
        most: of any session that has a window, in windows, from its first acknowledgement on.
    """

    def __init__(self) -> None:
        self.most = 0.0
        self._limits: dict[Session, int] = {}
        self._acked: dict[Session, int] = {}
        self._released: dict[Session, list[tuple[int, int]]] = {}

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Look at what every session gets and says."""
        receive = Session.receive

        def watched(session: Session, event: Event, now: float) -> list[Action]:
            actions = receive(session, event, now)
            self._see(session, event, actions)
            return actions

        monkeypatch.setattr(Session, "receive", watched)

    def _see(self, session: Session, event: Event, actions: list[Action]) -> None:
        if isinstance(event, OpenReceived):
            self._limits[session] = event.options.max_unacked_bytes
        elif isinstance(event, AckReceived):
            self._acked[session] = max(event.output_seq, self._acked.get(session, 0))
        released = self._released.setdefault(session, [])
        for action in actions:
            if not (isinstance(action, Send) and isinstance(action.output, Audio)):
                continue
            released.append((action.seq, len(action.output.audio)))
            limit, acked = self._limits[session], self._acked.get(session)
            if limit and acked is not None:
                unacked = sum(size for seq, size in released if seq > acked)
                self.most = max(self.most, unacked / limit)


def test_it_is_drawn_beside_all_else_and_for_few() -> None:
    settings = [draw_setting(Random(seed), minutes=3.0) for seed in range(300)]
    drawn = [with_delivery(setting, Random(f"{seed}/delivery")) for seed, setting in enumerate(settings)]
    for before, after in zip(settings, drawn, strict=True):
        assert replace(after, options=before.options, habits=before.habits) == before
    assert sum(before == after for before, after in zip(settings, drawn, strict=True)) >= 0.4 * len(settings)
    assert {setting.options.output_frame_duration for setting in drawn} >= {0.01, 0.02, 0.5, 1.0}
    assert {setting.options.lead for setting in drawn} >= {0.1, 2.0, 60.0}
    assert {setting.habits.acknowledging.manner for setting in drawn} == set(Manner)
    limits = {setting.options.max_unacked_bytes for setting in drawn}
    assert len(limits) >= 5
    assert all(each.habits.acknowledges for each in drawn if each.options.max_unacked_bytes)


def be_told_a_story(client: Client) -> Acting:
    yield 1.0
    yield from client.speak([1.5])
    yield from client.hear_out(client.answers, 200.0)
    # Who half-closes can acknowledge no more.
    client.leave("finish")


def leave_in_the_middle_of_a_story(client: Client) -> Acting:
    yield 1.0
    yield from client.speak([1.5])
    yield 1.0
    client.leave("finish")


@pytest.mark.parametrize("frames", [1, 30])
@pytest.mark.parametrize("manner", [manner for manner in Manner if manner is not Manner.NOW_AND_THEN])
def test_a_client_gets_all_of_an_answer_however_late_it_says_that_it_got_it(
    manner: Manner, frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    unacknowledged = Unacknowledged()
    unacknowledged.watch(monkeypatch)
    scene = setting(habits=Habits(acknowledging=Acknowledging(manner, 2.0)))
    scene = replace(scene, options=replace(scene.options, max_unacked_bytes=frames * _FRAME_BYTES, lead=5.0))
    told = Scene(scene, be_told_a_story, dialogue=A_STORY, seconds=800.0)
    told.check("Ordered", "Gapless", "Unique", "Clean")
    [end] = told.session.got("turn_ended")
    assert end.fields["reason"] == "COMPLETED"
    assert not end.fields["unheard_text"]
    # No more was on its way than the client asked for; a client that is quick enough is never held up.
    assert unacknowledged.most <= 1.0
    assert unacknowledged.most == 1.0 or (manner is Manner.AT_ONCE and frames > 1)


def test_a_session_that_was_left_ends_once_its_client_has_all_however_little_it_takes_at_a_time() -> None:
    scene = setting(habits=Habits(acknowledging=Acknowledging(Manner.IN_BATCHES, 3.0)))
    scene = replace(scene, options=replace(scene.options, max_unacked_bytes=_FRAME_BYTES))
    told = Scene(scene, leave_in_the_middle_of_a_story, dialogue=A_STORY, seconds=10.0)
    told.check("Clean")
    [end] = told.session.got("turn_ended")
    assert end.fields["reason"] == "COMPLETED"
    assert end.at > 400.0


def test_a_session_keeps_little_of_what_is_on_its_way_to_a_client_that_plays_it_first() -> None:
    scene = setting(habits=Habits(acknowledging=Acknowledging(Manner.AS_PLAYED)))
    # All of the answer is on its way at once, in small frames.
    delivery = replace(scene.options, output_frame_duration=0.01, unpaced=True, max_unacked_bytes=40 * 48_000)
    told = Scene(replace(scene, options=delivery), be_told_a_story, dialogue=A_STORY)
    told.check("Frugal", "Clean")
