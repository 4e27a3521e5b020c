"""What a driver does for each action of its session, and what it counts: the session is scripted."""

from collections.abc import Iterable
from typing import Any, cast

import pytest

from segue.core import actions as act
from segue.core import events as ev
from segue.core import outputs as out
from segue.core.events import LossCause
from segue.core.options import Modality, Options, Scheduling, ServerDetection, Update
from segue.core.profiles import PROFILES, NoteSlot, Profile, TextSlot
from segue.core.session import Session, State
from segue.node.driver import Driver
from segue.node.judge import Judge
from segue.telemetry.metrics import Metrics
from tests.node.ear import Ear
from tests.scripted_backend import Activity, Image, Note, ScriptedBackend, ToolResult

SETUP = act.Setup("gemini-3.8-live", "", "", "", Modality.AUDIO, ServerDetection(), None)
RESUMING = act.Setup("gemini-3.8-live", "", "", "", Modality.AUDIO, ServerDetection(), None, handle="h")


class ScriptedSession:
    """Asks for what the test says, whatever it is fed."""

    session_id = "scripted"
    state = State.NEW

    def __init__(self) -> None:
        self.asks: list[act.Action] = []
        self.fed: list[ev.Event] = []

    def receive(self, event: ev.Event, now: float) -> list[act.Action]:
        self.fed.append(event)
        asked, self.asks = self.asks, []
        return asked

    def deadline(self) -> float:
        return float("inf")


class Clock:
    """The part of an event loop that a driver without timers needs."""

    now = 100.0

    def time(self) -> float:
        return self.now


class Driven:
    """A driver between a scripted session and a scripted backend."""

    def __init__(self, profiles: tuple[Profile, ...] = PROFILES) -> None:
        self.session = ScriptedSession()
        self.backend = ScriptedBackend(opens=False)
        self.metrics = Metrics()
        self.clock = Clock()
        self.ended = 0
        self.driver = Driver(
            cast(Session, self.session),
            self.backend,
            self.metrics,
            Judge(),
            profiles,
            Ear(),
            self._end,
        )
        self.driver._loop = cast(Any, self.clock)

    def _end(self, driver: Driver, closed: out.Closed | None) -> None:
        self.ended += 1

    def ask(self, *actions: act.Action) -> None:
        self.session.asks = list(actions)
        self.driver.feed(ev.Tick())

    def pull(self, *outputs: out.Output) -> None:
        self.session.asks = [act.Send(1, output) for output in outputs]
        assert len(self.driver.pull(64, 65_536)) == len(outputs)

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"segue_{name}", labels)


@pytest.fixture
async def driven() -> Driven:
    return Driven()


async def test_each_action_goes_to_its_link(driven: Driven) -> None:
    driven.ask(
        act.Dial(1, SETUP, act.Purpose.RECOVERY),
        act.Dial(2, SETUP, act.Purpose.RENEWAL, hold=True, credential="mine"),
    )
    first, second = driven.backend.links
    assert [link.credential for link in (first, second)] == ["", "mine"]
    assert (first.purpose, first.held) == (act.Purpose.RECOVERY, False)
    assert (second.purpose, second.held) == (act.Purpose.RENEWAL, True)
    driven.ask(
        act.SendAudio(1, b"\x00\x01", 16_000),
        act.SendText(1, "Hi", TextSlot.CONTENT),
        act.SendNote(1, "Note", NoteSlot.SYSTEM),
        act.SendImage(1, b"png", "image/png"),
        act.SendUpdate(2, "Be brief.", (), None),
        act.SendActivity(2, True),
        act.SendToolResult(2, "call", "f", "{}", Scheduling.SILENT, True),
        act.SetUp(2, RESUMING),
    )
    assert first.sent == [b"\x00\x01", "Hi", Note("Note", NoteSlot.SYSTEM), Image(b"png", "image/png")]
    assert second.sent == [
        Update("Be brief.", (), None),
        Activity(True),
        ToolResult("call", "f", "{}", Scheduling.SILENT, True),
    ]
    assert second.setup is RESUMING
    driven.ask(act.HangUp(1))
    assert (first.hung_up, second.hung_up) == (True, False)


async def test_both_links_of_a_renewal_are_counted(driven: Driven) -> None:
    driven.ask(act.Dial(1, SETUP))
    driven.backend.links[0].open()
    driven.ask(act.Dial(2, SETUP, act.Purpose.RENEWAL, hold=True))
    assert driven.value("links_active") == driven.driver.remains["links"] == 2
    driven.backend.links[1].hold()
    assert driven.session.fed[-1] == ev.LinkHeld(2)
    driven.ask(act.HangUp(1), act.SetUp(2, RESUMING))
    assert driven.value("links_active") == driven.driver.remains["links"] == 1
    driven.backend.links[1].open()
    assert driven.value("link_dials_total", outcome="opened") == 2.0
    assert driven.value("link_dials_total", outcome="abandoned") is None


async def test_a_setup_takes_from_the_dial_or_from_when_a_held_link_is_set_up(driven: Driven) -> None:
    driven.ask(act.Dial(1, SETUP))
    driven.clock.now += 0.25
    driven.backend.links[0].open()
    assert driven.value("link_setup_seconds_sum") == pytest.approx(0.25)
    driven.ask(act.Dial(2, SETUP, hold=True))
    driven.clock.now += 0.5
    driven.backend.links[1].hold()
    driven.clock.now += 15.0
    driven.ask(act.SetUp(2, RESUMING))
    driven.clock.now += 0.125
    driven.backend.links[1].open()
    assert driven.value("link_setup_seconds_sum") == pytest.approx(0.375)
    assert driven.value("link_setup_seconds_count") == 2.0


async def test_a_held_link_that_is_not_used_was_abandoned(driven: Driven) -> None:
    driven.ask(act.Dial(1, SETUP, hold=True))
    driven.backend.links[0].hold()
    driven.ask(act.HangUp(1))
    assert driven.value("link_dials_total", outcome="abandoned") == 1.0
    assert driven.value("link_closed_total", code="none") is None


async def test_a_held_link_that_is_lost_counts_as_a_dial_that_failed(driven: Driven) -> None:
    driven.ask(act.Dial(1, SETUP, hold=True))
    driven.backend.links[0].hold()
    driven.backend.links[0].lose(LossCause.TRANSIENT)
    assert driven.value("link_dials_total", outcome="transient") == 1.0
    assert driven.value("links_active") == 0.0


@pytest.mark.parametrize(
    ("code", "label"),
    [(1000, "1000"), (1006, "1006"), (1011, "1011"), (1004, "other"), (4999, "other"), (-1, "other"), (0, "none")],
)
async def test_losses_are_counted_by_the_code_of_the_close(driven: Driven, code: int, label: str) -> None:
    driven.ask(act.Dial(1, SETUP))
    driven.backend.links[0].say(ev.LinkLost(1, LossCause.TRANSIENT, "gone", code=code))
    assert driven.value("link_closed_total", code=label) == 1.0


async def test_what_the_session_observes_is_counted_in_its_order(driven: Driven) -> None:
    driven.ask(act.Drop("interrupted", 1.5), act.Wedged(act.Sign.SILENCE), act.InputReplayed(2.5))
    assert driven.value("audio_dropped_seconds_total", reason="interrupted") == 1.5
    assert driven.value("wedges_total", sign="silence") == 1.0
    assert driven.value("input_replayed_seconds_total") == 2.5


async def test_images_that_nobody_was_shown_are_counted(driven: Driven) -> None:
    driven.ask(act.ImageDropped(), act.ImageDropped())
    assert driven.value("images_dropped_total") == 2.0


async def test_a_family_is_named_as_the_settings_name_it() -> None:
    driven = Driven((Profile("mine", ("gemini-mine",)), *PROFILES))
    driven.driver.feed(ev.OpenReceived(0, Options(model="gemini-mine-1")))
    driven.pull(out.TurnEnded(1, out.EndReason.COMPLETED, "", "", 0, 0, None, None, ""))
    assert driven.value("turns_total", family="mine", outcome="completed") == 1.0


async def test_an_odd_turn_is_counted_with_its_family(driven: Driven) -> None:
    driven.driver.feed(ev.OpenReceived(0, Options(model="gemini-3.8-live")))
    driven.ask(act.OddTurn(act.OddKind.FAINT))
    assert driven.value("turns_total", family="3.8-live", outcome="faint") == 1.0


def result(call_id: str, will_continue: bool = False) -> ev.ToolResultReceived:
    return ev.ToolResultReceived(0, call_id, "{}", None, will_continue)


class TestToolCalls:
    def outcomes(self, driven: Driven) -> dict[str, float]:
        values = {
            name: driven.value("tool_calls_total", outcome=name)
            for name in ("answered", "cancelled", "timed_out", "unanswered")
        }
        return {name: value for name, value in values.items() if value is not None}

    def call(self, driven: Driven, call_ids: Iterable[str]) -> None:
        driven.pull(*(out.ToolCall(1, call_id, "f", "{}") for call_id in call_ids))

    async def test_an_answer_counts_once_with_the_time_of_its_last_part(self, driven: Driven) -> None:
        self.call(driven, ["a", "b"])
        driven.clock.now += 1.0
        driven.driver.feed(result("a"))
        driven.driver.feed(result("a"))
        driven.driver.feed(result("b", will_continue=True))
        assert self.outcomes(driven) == {"answered": 1.0}
        driven.clock.now += 1.0
        driven.driver.feed(result("b"))
        assert self.outcomes(driven) == {"answered": 2.0}
        assert driven.value("tool_call_seconds_sum") == pytest.approx(3.0)
        assert driven.value("tool_call_seconds_count") == 2.0

    async def test_a_result_of_no_call_counts_nothing(self, driven: Driven) -> None:
        driven.driver.feed(result("never"))
        assert self.outcomes(driven) == {}
        assert [type(event) for event in driven.session.fed] == [ev.ToolResultReceived]

    async def test_a_cancelled_call_is_no_longer_answered(self, driven: Driven) -> None:
        self.call(driven, ["a"])
        driven.pull(out.ToolCallCancelled("a"), out.ToolCallCancelled("never"))
        driven.driver.feed(result("a"))
        assert self.outcomes(driven) == {"cancelled": 1.0}
        assert driven.value("tool_call_seconds_count") == 0.0

    async def test_a_call_that_took_too_long_is_no_longer_answered(self, driven: Driven) -> None:
        self.call(driven, ["a"])
        driven.pull(out.ToolCallCancelled("a", timed_out=True))
        driven.driver.feed(result("a"))
        assert self.outcomes(driven) == {"timed_out": 1.0}

    async def test_what_is_open_at_the_end_was_not_answered(self, driven: Driven) -> None:
        self.call(driven, ["a", "b", "c"])
        driven.driver.feed(result("b"))
        driven.ask(act.End())
        assert driven.ended == 1
        assert self.outcomes(driven) == {"answered": 1.0, "unanswered": 2.0}
        driven.driver.feed(result("a"))
        assert self.outcomes(driven) == {"answered": 1.0, "unanswered": 2.0}
