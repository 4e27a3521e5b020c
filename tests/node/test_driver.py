"""One session, driven: its links, its timer, and what is counted of it."""

import asyncio
from dataclasses import replace
from functools import partial
from math import inf

import pytest
import structlog
import uvloop

from segue.core import events as ev
from segue.core.actions import Action
from segue.core.options import AudioFormat, Encoding, Options
from segue.core.outputs import Audio, Closed, CloseReason, Opened
from segue.core.policy import Policy
from segue.core.profiles import PROFILES
from segue.core.session import Session
from segue.node.driver import Driver
from segue.node.judge import Judge
from segue.node.registry import Registry
from segue.telemetry.metrics import Metrics
from tests.node.ear import Ear
from tests.scripted_backend import ScriptedBackend
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("no_task_left")

OPTIONS = Options(model="gemini-3.8-live", input_format=AudioFormat(Encoding.LINEAR16, 16_000))


class Client:
    """A session's client: notes the calls of its driver."""

    def __init__(self, backend: ScriptedBackend, options: Options = OPTIONS) -> None:
        self.metrics = Metrics()
        self.registry = Registry(backend, self.metrics, Policy())
        self.wakes = 0
        self.ends = 0
        self.driver: Driver = self.registry.open(self)
        self.driver.feed(ev.OpenReceived(0, options))

    def wake(self) -> None:
        self.wakes += 1

    def part(self, closed: Closed) -> None:
        raise AssertionError("nobody else has the session")

    def ended(self) -> None:
        self.ends += 1

    async def closed(self) -> Closed:
        """Pull whenever there is output, until the session has closed."""
        while True:
            await wait_until(lambda: self.wakes)
            self.wakes = 0
            for send in self.driver.pull(64, 65_536):
                if isinstance(send.output, Closed):
                    return send.output

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"segue_{name}", labels)


async def test_a_wake_comes_once_until_all_was_pulled(backend: ScriptedBackend) -> None:
    client = Client(backend)
    await wait_until(lambda: client.wakes)
    backend.links[0].say(ev.UserTranscribed(1, "Hello"))
    backend.links[0].say(ev.UserTranscribed(1, " there."))
    assert client.wakes == 1
    assert len(client.driver.pull(64, 65_536)) == 3
    assert client.driver.pull(64, 65_536) == []
    backend.links[0].say(ev.UserTranscribed(1, " You."))
    assert client.wakes == 2
    client.driver.feed(ev.StreamLost())


async def test_more_than_one_message_takes_wakes_again(backend: ScriptedBackend) -> None:
    client = Client(backend)
    await wait_until(lambda: client.wakes)
    for _ in range(4):
        backend.links[0].say(ev.UserTranscribed(1, "word "))
    assert len(client.driver.pull(3, 65_536)) == 3
    assert client.wakes == 2
    client.driver.feed(ev.StreamLost())


async def test_paced_audio_is_released_when_its_time_comes(backend: ScriptedBackend) -> None:
    client = Client(backend, replace(OPTIONS, lead=0.1))
    await wait_until(lambda: client.wakes)
    assert isinstance(client.driver.pull(64, 65_536)[0].output, Opened)
    backend.links[0].speak(0.4)
    loop = asyncio.get_running_loop()
    started = loop.time()
    released = 0.0
    while released < 0.399:
        before = client.wakes
        outputs = [send.output for send in client.driver.pull(64, 65_536)]
        released += sum(len(output.audio) for output in outputs if isinstance(output, Audio)) / 48_000
        assert released <= loop.time() - started + 0.1 + 0.001
        if released < 0.399:
            await wait_until(partial(lambda before: client.wakes > before, before))
    client.driver.feed(ev.StreamLost())


def test_timers_between_two_milliseconds_do_not_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = 0
    tick = Driver._tick

    def count(driver: Driver) -> None:
        nonlocal ticks
        ticks += 1
        tick(driver)

    monkeypatch.setattr(Driver, "_tick", count)

    async def drive() -> None:
        backend = ScriptedBackend()
        clients = [Client(backend, replace(OPTIONS, idle_timeout=0.1 + number * 0.0011)) for number in range(20)]
        for closed in await asyncio.gather(*(client.closed() for client in clients)):
            assert closed.reason is CloseReason.IDLE_TIMEOUT

    uvloop.run(drive())
    assert ticks <= 60


class Overdue(Session):
    """A session whose deadline is now until a tick came."""

    ticks = 0

    def receive(self, event: ev.Event, now: float) -> list[Action]:
        self.ticks += isinstance(event, ev.Tick)
        return []

    def deadline(self) -> float:
        return inf if self.ticks else 0.0


def test_what_is_due_at_once_is_timed_though_its_timer_does_not_know_when() -> None:
    """uvloop's `call_at` returns a handle without `when` for what is due in under half a millisecond."""

    async def drive() -> None:
        session = Overdue("overdue")
        driver = Driver(session, ScriptedBackend(), Metrics(), Judge(), PROFILES, Ear(), lambda *_: None)
        for _ in range(100):
            driver.feed(ev.StreamLost())
        assert driver.remains["timers"] == 1
        await wait_until(lambda: session.ticks)
        assert (session.ticks, driver.remains["timers"]) == (1, 0)

    uvloop.run(drive())


async def test_audio_that_is_passed_on_asks_for_no_new_deadline(
    backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(backend)
    await wait_until(lambda: client.wakes)
    client.driver.pull(64, 65_536)
    deadline, asked = Session.deadline, 0

    def counted(session: Session) -> float:
        nonlocal asked
        asked += 1
        return deadline(session)

    monkeypatch.setattr(Session, "deadline", counted)
    for _ in range(10):
        client.driver.feed(ev.AudioReceived(0, bytes(640), voiced=False))
    # The first frame sets the timer that feeds silence once the audio pauses.
    assert asked == 1
    assert len(backend.links[0].sent) == 10


async def test_a_session_that_ends_lets_go_of_its_link_and_its_timer(backend: ScriptedBackend) -> None:
    client = Client(backend)
    await wait_until(lambda: client.wakes)
    assert client.driver._timer is not None
    client.driver.feed(ev.StreamLost())
    assert client.driver._timer is None
    assert backend.links[0].hung_up
    assert client.ends == 1
    assert len(client.registry) == 0
    client.driver.feed(ev.StreamLost())
    assert client.driver.pull(64, 65_536) == []
    assert client.ends == 1


async def test_links_are_counted_by_their_outcome(backend: ScriptedBackend) -> None:
    backend.opens = False
    client = Client(backend)
    assert client.value("links_active") == 1.0
    backend.links[0].lose(ev.LossCause.QUOTA)
    assert client.value("links_active") == 0.0
    assert client.value("link_dials_total", outcome="quota") == 1.0
    assert client.value("link_setup_seconds_count") == 0.0
    client.driver.pull(64, 65_536)
    assert client.value("sessions_closed_total", reason="backend_quota") == 1.0
    assert client.ends == 1


async def test_a_link_that_is_hung_up_before_its_setup_was_abandoned(backend: ScriptedBackend) -> None:
    backend.opens = False
    client = Client(backend)
    client.driver.feed(ev.StreamLost())
    assert client.value("link_dials_total", outcome="abandoned") == 1.0
    assert client.value("links_active") == 0.0


@pytest.mark.parametrize(
    ("event", "reason"), [(ev.StreamLost(), "stream_lost"), (ev.CloseReceived(0, False), "completed")]
)
async def test_the_end_of_a_session_is_logged_with_its_reason(
    backend: ScriptedBackend, event: ev.Event, reason: str
) -> None:
    with structlog.testing.capture_logs() as logged:
        client = Client(backend)
        client.driver.feed(event)
        client.driver.pull(64, 65_536)
    (closed,) = [line for line in logged if line["event"] == "session_closed"]
    assert (closed["reason"], closed["session"]) == (reason, client.driver.session.session_id)
    assert closed["message"]


async def test_a_link_that_is_lost_later_was_still_opened(backend: ScriptedBackend) -> None:
    client = Client(backend)
    await wait_until(lambda: client.wakes)
    backend.links[0].lose(ev.LossCause.TRANSIENT)
    assert client.value("link_dials_total", outcome="opened") == 1.0
    assert client.value("link_dials_total", outcome="transient") is None
    assert client.value("link_setup_seconds_count") == 1.0
    client.driver.pull(64, 65_536)


async def test_a_shutdown_ends_the_sessions_and_waits_for_the_last(backend: ScriptedBackend) -> None:
    client = Client(backend)
    await wait_until(lambda: client.wakes)
    client.driver.pull(64, 65_536)
    finishing = asyncio.create_task(client.registry.finish())
    await wait_until(lambda: client.wakes > 1)
    assert not finishing.done()
    (closed,) = [send.output for send in client.driver.pull(64, 65_536)]
    assert isinstance(closed, Closed)
    assert closed.reason is CloseReason.SHUTTING_DOWN
    await asyncio.wait_for(finishing, 5)


async def test_a_registry_without_sessions_has_finished(backend: ScriptedBackend) -> None:
    await asyncio.wait_for(Registry(backend, Metrics(), Policy()).finish(), 5)
