"""Silent, measured in virtual time: how soon nothing more is released of a turn that the user interrupts."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from segue.core import detection
from segue.core.actions import Action, Send
from segue.core.events import AudioReceived, Event, ModelInterrupted, StreamReady
from segue.core.options import Modality, Mode
from segue.core.outbox import Outbox
from segue.core.outputs import Audio
from segue.core.session import Session
from segue.simulator.promises import silent
from segue.simulator.world.setting import draw_setting
from segue.simulator.world.voices import FRAME
from segue.simulator.world.world import World

SEEDS = range(1, 26)
MINUTES = 2.0
# Speech is taken for speech after so long, in seconds.
ONSET = 0.1
# So many interruptions must have been measured in each mode.
ENOUGH = 30


@dataclass
class Measured:
    """What was released of turns that were interrupted.

    Attributes:
        messages: by session and turn, the messages with its audio after the backend had said that it was interrupted.
        voiced: by session and the time at which the user began to speak over the model, how long the user had spoken
            when the last audio of that was released, in seconds; 0 for none.
    """

    messages: dict[tuple[str, int], int] = field(default_factory=dict)
    voiced: dict[tuple[str, float], float] = field(default_factory=dict)


@dataclass
class _Speech:
    """Of one session: since when the user speaks, for how long, and the last turn that had begun by then."""

    began_at: float = 0.0
    seconds: float = 0.0
    turn: int = 0


def measure(mode: Mode, monkeypatch: pytest.MonkeyPatch, *, keeps: bool = True) -> Measured:
    """Measure every interruption in the worlds of the seeds, whatever they draw; Silent is kept, or not looked at."""
    measured, speeches = Measured(), defaultdict[str, _Speech](_Speech)
    receive = Session.receive

    def watched(session: Session, event: Event, now: float) -> list[Action]:
        name = f"{id(session)}"
        speech = speeches[name]
        playing = session._playback.saying
        if isinstance(event, AudioReceived):
            if event.voiced and not speech.seconds:
                speech.began_at, speech.turn = now, session._playback.turns.last_number
                # Who goes on speaking while the model begins too early was not silent.
                if playing is not None and playing.told and not session._line.activities._detection.speaking:
                    measured.voiced[name, now] = 0.0
            speech.seconds = speech.seconds + len(event.audio) / 32_000 if event.voiced else 0.0
        actions = receive(session, event, now)
        if isinstance(event, ModelInterrupted):
            cut = [turn.number for turn in session._playback.turns.unended if turn.cut]
            measured.messages |= {(name, turn): 0 for turn in cut if (name, turn) not in measured.messages}
        if isinstance(event, StreamReady):
            released = set(_turns_of(actions))
            for turn in released & {turn for session_name, turn in measured.messages if session_name == name}:
                measured.messages[name, turn] += 1
            begun = (name, speech.began_at)
            if speech.seconds and begun in measured.voiced and min(released, default=speech.turn + 1) <= speech.turn:
                measured.voiced[begun] = speech.seconds
        return actions

    monkeypatch.setattr(Session, "receive", watched)
    for seed in SEEDS:
        drawn = draw_setting(Random(f"{seed}/silence"), minutes=MINUTES)
        setting = replace(
            drawn,
            options=replace(drawn.options, mode=mode, modality=Modality.AUDIO),
            habits=replace(drawn.habits, barges_in=0.7, coughs=0.0),
        )
        world = World(seed)
        world.add(setting, lambda client: client.talk(MINUTES * 60.0))
        # What a mutation does to the session's own assertions is not the point here.
        with suppress(AssertionError):
            world.run(MINUTES * 60.0)
        if keeps:
            silent(world.history)
    return measured


def _turns_of(actions: list[Action]) -> Iterator[int]:
    for action in actions:
        if isinstance(action, Send) and isinstance(action.output, Audio):
            yield action.output.turn


def test_one_message_at_most_follows_where_the_backend_says_that_it_was_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages = measure(Mode.SERVER, monkeypatch).messages
    assert len(messages) >= ENOUGH
    assert max(messages.values()) <= 1


def test_speech_of_100_ms_and_a_frame_silences_the_model_where_segue_hears_it(monkeypatch: pytest.MonkeyPatch) -> None:
    voiced = measure(Mode.GATEWAY, monkeypatch).voiced
    assert len(voiced) >= ENOUGH
    assert max(voiced.values()) <= ONSET + FRAME + 1e-6


def test_a_core_that_throws_nothing_away_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outbox, "discard", lambda self, turn, now: 0.0)
    assert max(measure(Mode.SERVER, monkeypatch, keeps=False).messages.values()) > 1


def test_a_core_that_hears_too_late_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "ONSET", 0.4)
    assert max(measure(Mode.GATEWAY, monkeypatch).voiced.values()) > ONSET + FRAME
