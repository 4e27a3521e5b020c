"""Any events in any order: what a session keeps to, whatever its peers do. `Watched` knows what that is."""

from collections.abc import Callable
from dataclasses import replace
from math import inf
from random import Random

import pytest

from segue.core import events as ev
from segue.core.options import Compression, FunctionDeclaration, Mode, Options, Scheduling, Update
from segue.core.outputs import Usage
from segue.core.policy import FalseInterruption, Policy
from segue.core.profiles import PROFILES
from segue.core.session import State
from tests.core.conversation import OPTIONS, speech, voice
from tests.core.test_state_machine import EVENTS
from tests.core.watched import NEXT_LINK, THE_LINK, Watched

STORIES, STEPS = 400, 120
# What ends a session ends the story, so it is rare.
ENDINGS = (ev.StreamLost, ev.CloseReceived, ev.InputEnded, ev.ShutdownRequested, ev.QuotaReached, ev.StreamReady)
LIVELY = [event for event in EVENTS if not isinstance(event, ENDINGS)]
CAUSES = [*ev.LossCause, *[ev.LossCause.TRANSIENT] * 20]
TEXTS = ["", "yes", "What about it? "]


def any_options(chance: Random) -> Options:
    return replace(
        OPTIONS,
        model=chance.choice(PROFILES).prefixes[0],
        mode=chance.choice(list(Mode)),
        functions=(FunctionDeclaration("weather"), FunctionDeclaration("book", blocking=True)),
        compression=chance.choice([None, Compression()]),
        barge_in_after=chance.choice([0.0, 0.0, 2.0, inf]),
        lead=chance.choice([0.1, 0.25, 1.0, 60.0]),
        max_unacked_bytes=chance.choice([0, 0, 96_000]),
        unpaced=chance.random() < 0.3,
        output_frame_duration=chance.choice([0.01, 0.04, 1.0]),
        idle_timeout=chance.choice([600.0, 600.0, 20.0]),
        max_duration=chance.choice([14_400.0, 14_400.0, 60.0]),
        notices=chance.random() < 0.5,
    )


def any_policy(chance: Random) -> Policy:
    # Links that are renewed early are renewed in a short conversation, too; each sign of a wedge counts.
    soon = chance.random() < 0.5
    profiles = tuple(
        replace(
            profile,
            age_limit=1.0 if soon else profile.age_limit,
            age_deadline=5.0 if soon else profile.age_deadline,
            faint_audio_limit=2.0,
            rejections_limit=2,
        )
        for profile in PROFILES
    )
    return Policy(
        profiles,
        transparent=chance.random() < 0.5,
        overlap=chance.random() < 0.5,
        renewal_jitter=0.0,
        false_interruption=chance.choice(list(FalseInterruption)),
    )


def any_update(chance: Random) -> Update:
    """Return a change, which seldom is one of what the model has to be told."""
    return Update(
        system_instruction=chance.choice([None, None, None, "Be brief."]),
        barge_in_after=chance.choice([None, 0.0, 2.0, inf]),
        lead=chance.choice([None, 0.1, 1.0]),
        max_unacked_bytes=chance.choice([None, 0, 96_000]),
    )


def any_event(chance: Random) -> ev.Event:
    """Return an event as a peer may send it: in sequence or not, of a link that counts or of another."""
    flip = chance.random() < 0.5
    seq = chance.choice([0] * 12 + [1, 2, 3])
    link = chance.choice([THE_LINK] * 6 + [NEXT_LINK, 1, 2])
    text, call_id = chance.choice(TEXTS), chance.choice(["a", "b"])
    heard = chance.choice([None, 0.5, 3.0])
    events: list[Callable[[], ev.Event]] = [
        # The client.
        lambda: ev.AudioReceived(seq, chance.choice([b"", voice(0.02), voice(0.02), voice(0.5)]), flip),
        lambda: ev.AudioReceived(0, voice(0.5), True),
        lambda: ev.TextReceived(seq, text),
        lambda: ev.ImageReceived(seq, b"png", "image/png"),
        lambda: ev.UpdateReceived(seq, any_update(chance)),
        lambda: ev.ActivityReceived(0, flip),
        lambda: ev.ActivityReceived(seq, flip),
        lambda: ev.InterruptReceived(seq, chance.randrange(4), heard),
        lambda: ev.AckReceived(chance.randrange(99), chance.randrange(5), heard),
        lambda: ev.ToolResultReceived(seq, call_id, "{}", chance.choice([None, *Scheduling]), chance.random() < 0.3),
        # The links, so often that there is one to talk on.
        lambda: ev.LinkHeld(NEXT_LINK),
        lambda: ev.LinkHeld(NEXT_LINK),
        lambda: ev.LinkOpened(THE_LINK),
        lambda: ev.LinkOpened(THE_LINK),
        lambda: ev.LinkOpened(NEXT_LINK),
        lambda: ev.LinkOpened(NEXT_LINK),
        lambda: ev.LinkLost(link, chance.choice(CAUSES), "gone", chance.choice([None, 0.5])),
        lambda: ev.GoingAway(link, chance.choice([0.0, 1.0, 10.0, 50.0])),
        lambda: ev.HandleReceived(link, chance.choice(["", "h1", "h2", "h3"]), chance.choice([None, 0, 3, 99])),
        # The model.
        lambda: ev.ModelAudio(link, speech(chance.choice([0.001, 0.5, 3.0])), chance.random() < 0.2),
        lambda: ev.ModelAudio(link, bytes(chance.randrange(1, 9999))),
        lambda: ev.ModelAudio(link, speech(40.0)) if chance.random() < 0.1 else ev.ModelAudio(link, speech(0.5)),
        lambda: ev.ModelText(link, text),
        lambda: ev.ModelTranscribed(link, chance.choice(["It is so. ", "And then", "x!"])),
        lambda: ev.UserTranscribed(link, text),
        lambda: ev.UserActivityDetected(link, flip),
        lambda: ev.GenerationCompleted(link),
        lambda: ev.ModelInterrupted(link),
        lambda: ev.TurnCompleted(link, chance.choice(["", "", "", "NO_SPEECH", "RESPONSE_REJECTED"])),
        lambda: ev.TurnCompleted(link, ""),
        lambda: ev.InputAwaited(link),
        lambda: ev.InteractionChanged(link, flip),
        lambda: ev.ToolCalled(link, call_id, chance.choice(["weather", "book"]), "{}"),
        lambda: ev.ToolCallsCancelled(link, (call_id,)),
        lambda: ev.UsageReported(link, Usage(total_tokens=chance.choice([9, 130_000]))),
        # Anything.
        lambda: chance.choice(LIVELY if chance.random() < 0.9 else EVENTS),
    ]
    return chance.choice(events)()


def tell(seed: int) -> None:
    """Tell a story, and close its session or leave it alone; the same seed tells the same story."""
    chance = Random(seed)
    call = Watched(any_options(chance), any_policy(chance))
    if chance.random() < 0.9:
        call.open()
        call.link_up()
    for _ in range(STEPS):
        call.wait(chance.choice([0.001, 0.001, 0.001, 0.001, 0.02, 0.3, 0.7, 1.2, 3.1, 15.0]))
        # A client reads, or reads a little, or does not read.
        luck = chance.randrange(10)
        call.reading = luck > 1
        if not call.reading and call.woken:
            call.read(max_events=luck, max_bytes=luck * 100_000)
        event = call.addressed(any_event(chance))
        if isinstance(event, ev.OpenReceived):
            event = replace(event, options=call.options)
        if call.may_happen(event):
            call.receive(event)
    call.reading = True
    if call.woken:
        call.read()
    if chance.random() < 0.5 or call.session.state is State.NEW:
        call.receive(ev.CloseReceived(0, False))
        call.receive(ev.StreamLost())
    # Else no dial is answered any more, and nobody says anything.
    call.wait()
    call.assert_nothing_remains()


@pytest.mark.parametrize("first", range(0, STORIES, 50))
def test_whatever_happens_a_session_is_sound_and_comes_to_an_end(first: int) -> None:
    for seed in range(first, first + 50):
        try:
            tell(seed)
        except AssertionError as error:
            raise AssertionError(f"story {seed}: {error}") from error
