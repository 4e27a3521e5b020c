"""Renewals cost nothing, and the checker of Seamless notices each thing that one could cost: mutations of the code."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import pytest

from segue.core.journal import Journal
from segue.core.links import Links
from segue.core.patience import Patience
from segue.core.policy import Policy
from segue.core.uplink import Uplink
from segue.simulator.dialogue import Dialogue, Line
from segue.simulator.promises import Broke, seamless
from segue.simulator.world.client import Acting, Client
from tests.world.scene import DEVELOPER, OPEN_MICROPHONE, SMALL_TALK, Scene, setting

Mutate: TypeAlias = Callable[[pytest.MonkeyPatch], None]
Live: TypeAlias = Callable[[Client], Acting]

MODEL = DEVELOPER[1]
# Links are renewed from this age on, and at this one whatever goes on, in seconds.
AGE_LIMIT = 8.0
DEADLINE = 16.0
LONG_STORY = Dialogue(
    utterances=(Line("It is noon, and the sun shines over the sea and the boats. " * 6, "What time is it?"),),
    further=(Line("It is still noon. " * 20, "And now?"),),
    texts=(),
    fallback=(Line("Hello."),),
    pause=0.0,
)


def scene(live: Live, dialogue: Dialogue = SMALL_TALK, model: str = MODEL) -> Scene:
    """Return a session whose link is renewed while its user does something."""
    policy = Policy(renewal_jitter=0.0)
    profiles = tuple(replace(it, age_limit=AGE_LIMIT, age_deadline=DEADLINE) for it in policy.profiles)
    there = setting(model, policy=replace(policy, profiles=profiles), habits=OPEN_MICROPHONE)
    return Scene(there, live, seconds=60.0, dialogue=dialogue)


def asks(seconds: float, at: float) -> Live:
    """Return a user who begins to ask at a time, takes so long for it, and hears the answer out."""

    def live(client: Client) -> Acting:
        yield from client.quiet(at)
        answers = client.answers
        yield from client.speak([seconds])
        yield from client.hear_out(answers, 30.0)
        yield from client.quiet(3.0)
        client.leave()

    return live


# The first is answered before the link is renewed; the second is being answered at the age limit; the third is said
# across that and is being answered at the deadline; the fourth is still being said then.
early, late, long, across = asks(1.5, 1.0), asks(1.5, 4.0), asks(8.0, 4.0), asks(14.0, 4.0)


def then_quiet(client: Client) -> Acting:
    """Ask early, and stay."""
    answers = client.answers
    yield from client.quiet(1.0)
    yield from client.speak([1.5])
    yield from client.hear_out(answers, 30.0)
    yield from client.quiet(30.0 - 5.0)
    client.leave()


def forget_what_is_said_during_a_swap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal, "since", lambda self, serial: [])


def wait_for_no_quiet_and_tell_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    wait_for_no_quiet(monkeypatch)
    tell_nobody(monkeypatch)


def tell_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    swap = Links.swap
    monkeypatch.setattr(Links, "swap", lambda self, now, *, cuts: swap(self, now, cuts=False))


def wait_for_no_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Patience, "quiet_at", lambda self: float("-inf"))


def wait_for_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Patience, "quiet_at", lambda self: float("inf"))


def never_resume(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Links, "_next_handle", lambda self: None)


def hold_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    swap = Links.swap

    def unprepared(self: Links, now: float, *, cuts: bool) -> None:
        self._hang_up_next()
        swap(self, now, cuts=cuts)

    monkeypatch.setattr(Links, "swap", unprepared)


def catch_up_late(monkeypatch: pytest.MonkeyPatch) -> None:
    tick, deadline = Uplink.tick, Uplink.deadline

    def slow(self: Uplink, now: float) -> None:
        if self._links.opened < 2 or now >= self._links._up_since + 0.3:
            tick(self, now)

    def later(self: Uplink) -> float:
        at = deadline(self)
        return at if self._links.opened < 2 else max(at, self._links._up_since + 0.3)

    monkeypatch.setattr(Uplink, "tick", slow)
    monkeypatch.setattr(Uplink, "deadline", later)


@pytest.mark.parametrize("model", DEVELOPER)
@pytest.mark.parametrize(
    ("live", "dialogue", "cut"),
    [
        (then_quiet, SMALL_TALK, False),
        (early, SMALL_TALK, False),
        (late, LONG_STORY, False),
        (long, LONG_STORY, True),
        (across, SMALL_TALK, False),
    ],
)
def test_a_renewal_costs_what_it_must(live: Live, dialogue: Dialogue, cut: bool, model: str) -> None:
    seen = scene(live, dialogue, model)
    seen.check("Seamless", "Clean", "Legal")
    assert seen.did("renewed")[0].fields["cut"] is cut


@pytest.mark.parametrize(
    ("mutate", "live", "dialogue", "how"),
    [
        (forget_what_is_said_during_a_swap, across, SMALL_TALK, r"on connection call-1/2, .* from stamp 0 lost"),
        (wait_for_no_quiet_and_tell_nobody, late, LONG_STORY, "cut turn 1 of link 1 and did not say so"),
        (tell_nobody, long, LONG_STORY, "cut turn 1 of link 1 and did not say so"),
        (wait_for_no_quiet, late, LONG_STORY, "did not wait for its deadline at .* to cut a turn"),
        (wait_for_no_quiet, asks(4.0, 6.0), SMALL_TALK, "nor until the user had finished speaking"),
        (wait_for_the_deadline, then_quiet, SMALL_TALK, "waited for its deadline, though nobody said anything"),
        (never_resume, then_quiet, SMALL_TALK, "began afresh, though there was a handle"),
        (hold_no_link, then_quiet, SMALL_TALK, "left a gap of .* with a setup of"),
        (catch_up_late, across, SMALL_TALK, "held the user's audio up for"),
    ],
)
def test_what_a_renewal_must_not_cost_is_noticed(
    mutate: Mutate, live: Live, dialogue: Dialogue, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(monkeypatch)
    history = scene(live, dialogue).history
    with pytest.raises(Broke, match=how):
        seamless(history)
