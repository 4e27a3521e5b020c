"""Nothing goes out that the service closes a link for, or ignores in silence; and if it did, that would be noticed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import inf
from random import Random
from typing import Any, TypeAlias

import pytest

from segue.backend import frames
from segue.core import events as ev
from segue.core import intake, pacing, parts, sender, setups
from segue.core.calls import Calls
from segue.core.intake import Intake
from segue.core.journal import Edge
from segue.core.link_activity import LinkActivity
from segue.core.links import Links
from segue.core.options import MODEL_GIVES, FunctionDeclaration, Mode, Scheduling
from segue.core.policy import Policy
from segue.core.profiles import PROFILES, Profile, TextSlot, profile_of
from segue.core.sender import Sender
from segue.core.uplink import Uplink
from segue.simulator.dialogue import Call, Line
from segue.simulator.families import family_of
from segue.simulator.faults.connection import StalledReads
from segue.simulator.faults.fault import When
from segue.simulator.faults.plan import FaultPlan
from segue.simulator.history import History
from segue.simulator.promises import Broke, legal
from segue.simulator.promises.legality import CROSSINGS
from segue.simulator.rules.strict_rules import SILENT
from segue.simulator.switches import Switches
from segue.simulator.timing import Timing
from segue.simulator.wire.schema import Flavour
from segue.simulator.world.client import Acting, Client
from segue.simulator.world.driver import Driver
from segue.simulator.world.link import Link
from segue.simulator.world.setting import Habits, Setting, draw_setting
from segue.simulator.world.turn_taking import with_turn_taking
from segue.simulator.world.world import World
from tests.world.scene import DEVELOPER, NEWEST, OPEN_MICROPHONE, SMALL_TALK, Scene, setting

Mutate: TypeAlias = Callable[[pytest.MonkeyPatch], None]

NATIVE, FLASH_31 = DEVELOPER[1:3]
THINKING = "gemini-3.8-live-extended-thinking"
# It is asked for, too.
WEATHER = FunctionDeclaration("get_weather")
A_CALL = replace(SMALL_TALK, utterances=(Line("It rains.", "Does it rain?", calls=(Call(WEATHER.name, {}),)),))


def converse(client: Client) -> Acting:
    """Say something, hear the answer, and go on in writing."""
    yield from client.quiet(2.0)
    answers = client.answers
    yield from client.speak([1.0])
    yield from client.hear_out(answers, 10.0)
    # Who is renewed meanwhile is so at this quiet moment.
    yield from client.quiet(15.0)
    answers = client.answers
    client.write()
    yield from client.hear_out(answers, 10.0)
    yield from client.speak([1.0])
    yield from client.quiet(5.0)
    client.leave()


def press(_client: Client, driver: Driver) -> Acting:
    """Say that the user begins to speak and has finished, without a word between."""
    yield 18.0
    driver.feed(ev.ActivityReceived(0, started=True))
    yield 1.0
    driver.feed(ev.ActivityReceived(0, started=False))


def press_again(_client: Client, driver: Driver) -> Acting:
    """Say so twice, one right after the other, and write something each time."""
    yield 18.0
    for text in ("One.", "Two."):
        driver.feed(ev.ActivityReceived(0, started=True))
        driver.feed(ev.TextReceived(0, text))
        driver.feed(ev.ActivityReceived(0, started=False))


def return_late(client: Client, _driver: Driver) -> Acting:
    """Give the result of the call when the user has gone on to something else."""
    client.holds_results = True
    yield 30.0
    client.return_results()


def return_at_will(client: Client, driver: Driver) -> Acting:
    """Give the result of each call as soon as it is there, and say when the model is to speak of it."""
    client.holds_results = True
    for _ in range(600):
        for call in client.calls:
            driver.feed(ev.ToolResultReceived(0, call.call_id, "{}", Scheduling.WHEN_IDLE, False))
        client.calls.clear()
        yield 0.1


def write_while_speaking(client: Client, _driver: Driver) -> Acting:
    """Write something while the user speaks."""
    yield 2.7
    client.write()


def take_a_link_that_is_held_for_one_that_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Links, "hold", lambda self, now, credential: self.go_up(self.next, now, credential))
    # What sends for it would see that it is not.
    monkeypatch.setattr(Link, "send", Link._transmit)


def signal_where_a_detector_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    def pass_on(self: Intake, event: ev.ActivityReceived, now: float) -> None:
        self._line.user.signal(Edge.START if event.started else Edge.END, now)

    monkeypatch.setitem(intake._REACTIONS, ev.ActivityReceived, pass_on)


def take_every_activity_for_full(monkeypatch: pytest.MonkeyPatch) -> None:
    always = property(lambda _: True, lambda _self, _value: None)
    monkeypatch.setattr(Uplink, "_content", always, raising=False)
    monkeypatch.setattr(LinkActivity, "_filled", always, raising=False)


def pass_on_what_is_said_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    hear = Uplink.hear

    def hear_all(self: Uplink, audio: bytes, voiced: bool, now: float) -> Any:
        if self._links.up and not self.journal.open:
            self._sender.send_audio(audio, ())
        return hear(self, audio, voiced, now)

    monkeypatch.setattr(Uplink, "hear", hear_all)


def complete_a_turn_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "text_frame", lambda _text, _slot: b'{"clientContent":{"turnComplete":true}}')


def write_content_to_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    text_frame = frames.text_frame
    monkeypatch.setattr(frames, "text_frame", lambda text, _slot: text_frame(text, TextSlot.CONTENT))


def leave_out_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    result_frame = frames.tool_result_frame
    monkeypatch.setattr(frames, "tool_result_frame", lambda _call_id, *result: result_frame("", *result))


def begin_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_ACTIVITY_GAP", 0.0)


def forget_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Calls, "cancel", lambda _self, _call_id: False)


def schedule_whatever_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    send_result = Sender.send_result
    monkeypatch.setattr(Sender, "send_result", lambda self, call: send_result(self, replace(call, blocking=False)))
    take_for_a_family_with(calls_choose=True)(monkeypatch)


def take_for_a_family_with(**what: Any) -> Mutate:
    """Return a mutation that knows something wrong of every family."""

    def mutate(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parts, "profile_of", lambda *model: replace(profile_of(*model), **what))

    return mutate


def take_every_service_for_vertex(monkeypatch: pytest.MonkeyPatch) -> None:
    setup_frame = frames.setup_frame
    monkeypatch.setattr(frames, "setup_frame", lambda setup, model, **_: setup_frame(setup, model, vertex=True))


def set_up_as(profile: Profile) -> Mutate:
    """Return a mutation that sets every model up as one of this profile."""

    def mutate(monkeypatch: pytest.MonkeyPatch) -> None:
        setup_of = setups.setup_of
        other = lambda options, _profile, *handle, **more: setup_of(options, profile, *handle, **more)  # noqa: E731
        monkeypatch.setattr(setups, "setup_of", other)

    return mutate


def declare_the_rate_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "MODEL_TAKES", MODEL_GIVES)


def declare_what_telephones_send(monkeypatch: pytest.MonkeyPatch) -> None:
    audio_frame = frames.audio_frame
    basic = lambda audio, rate: audio_frame(audio, rate).replace(b"audio/pcm", b"audio/PCMU")  # noqa: E731
    monkeypatch.setattr(frames, "audio_frame", basic)


def cut_samples_in_two(monkeypatch: pytest.MonkeyPatch) -> None:
    audio_frame = frames.audio_frame
    monkeypatch.setattr(frames, "audio_frame", lambda audio, rate: audio_frame(audio[:-1], rate))


def with_options(
    model: str = NEWEST, habits: Habits = OPEN_MICROPHONE, *, vertex: bool = False, **options: Any
) -> Setting:
    plain = setting(model, vertex=vertex, habits=habits)
    return replace(plain, options=replace(plain.options, **options))


@dataclass(frozen=True, slots=True)
class Slip:
    """A mutation that breaks a rule in a scene, and no other."""

    rule: str
    mutate: Mutate
    scene: Setting = field(default_factory=setting)
    fate: Callable[[Client, Driver], Acting] | None = None

    def played(self) -> History:
        return Scene(self.scene, converse, self.fate, dialogue=A_CALL, strict=True, seconds=90.0).history


PRESSED = Habits(numbered=False)
RENEWED = setting(habits=OPEN_MICROPHONE, timing=Timing(go_away_after=15.0, close_after=40.0))
STALL = FaultPlan(StalledReads, When(second=10.0), {"seconds": 1.0})
SLIPS = (
    Slip("setup_not_first", take_a_link_that_is_held_for_one_that_is_up, RENEWED),
    Slip("explicit_activity", signal_where_a_detector_hears, setting(habits=PRESSED), press),
    Slip("empty_activity", take_every_activity_for_full, with_options(FLASH_31, PRESSED, mode=Mode.MANUAL), press),
    Slip("audio_outside_activity", pass_on_what_is_said_outside, with_options(mode=Mode.MANUAL)),
    Slip("bare_turn_complete", complete_a_turn_of_nothing),
    Slip("content_in_session", write_content_to_everybody, setting(FLASH_31)),
    Slip("response_unasked", leave_out_ids, with_options(functions=(WEATHER,))),
    # A stall, or a cancellation, is no excuse for what the gateway itself did.
    Slip(
        "activity_too_soon",
        begin_at_once,
        replace(with_options(FLASH_31, PRESSED, mode=Mode.MANUAL), faults=(STALL,)),
        press_again,
    ),
    Slip("response_unasked", forget_no_call, with_options(DEVELOPER[0], functions=(WEATHER,)), return_late),
    Slip(
        "scheduling_unsupported",
        schedule_whatever_waits,
        with_options(FLASH_31, PRESSED, functions=(WEATHER,)),
        return_at_will,
    ),
    Slip("input_during_call", take_for_a_family_with(gates_calls=False), with_options(NATIVE, functions=(WEATHER,))),
    Slip(
        "text_unsupported",
        take_for_a_family_with(realtime_text=True),
        with_options("gemini-live-2.5-flash-native-audio", mode=Mode.MANUAL, vertex=True),
        write_while_speaking,
    ),
    Slip("field_unknown", take_every_service_for_vertex, setting(policy=Policy(transparent=True))),
    Slip("thinking_level_unsupported", set_up_as(profile_of(THINKING))),
    Slip("thinking_level_missing", set_up_as(profile_of(NEWEST)), setting(THINKING)),
    Slip(
        "thinking_level_refused",
        set_up_as(replace(profile_of(THINKING), thinking_level="MINIMAL")),
        setting(THINKING),
    ),
    Slip("language_unsupported", set_up_as(profile_of(NEWEST)), with_options(NATIVE, language="de-DE")),
    Slip("audio_rate", declare_the_rate_of_the_model),
    Slip("audio_format", declare_what_telephones_send),
    Slip("audio_odd", cut_samples_in_two),
)


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: f"{slip.rule}-{slip.mutate.__name__}")
def test_what_must_not_go_out_is_noticed(slip: Slip, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not legal(slip.played()).lacking
    slip.mutate(monkeypatch)
    history = slip.played()
    with pytest.raises(Broke, match=f'broke Legal: connection .* violated "{slip.rule}"'):
        legal(history)
    assert _violated(history) == {slip.rule}


def _violated(history: History) -> set[str]:
    rules = (str(closing.fields["rule"]) for closing in history.of("simulator", "connection_closed"))
    return {rule for rule in rules if rule}


def show_early(client: Client, _driver: Driver) -> Acting:
    """Show something before the user first speaks."""
    yield 1.0
    client.show()


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("model", [*DEVELOPER, "gemini-live-2.5-flash-preview"])
def test_images_are_shown_to_those_who_look(model: str, mode: Mode) -> None:
    history = Scene(with_options(model, mode=mode), converse, show_early, strict=True, seconds=90.0).history
    assert len(history.of("simulator", "video_received")) == 1
    assert history.of("simulator", "video_ignored") == []


def write_in_silence(_client: Client, driver: Driver) -> Acting:
    """Write something in an activity in which nobody is heard."""
    yield 18.0
    driver.feed(ev.ActivityReceived(0, started=True))
    yield 0.5
    driver.feed(ev.TextReceived(0, "Is anybody there?"))
    yield 0.5
    driver.feed(ev.ActivityReceived(0, started=False))


@pytest.mark.parametrize("closes", [True, False])
@pytest.mark.parametrize("model", [*DEVELOPER, "gemini-live-2.5-flash-native-audio"])
def test_a_text_in_a_silent_activity_is_answered_by_whoever_may_close_for_it(model: str, closes: bool) -> None:
    habits = Habits(numbered=False, streams=True)
    scene = with_options(model, habits, vertex=model.startswith("gemini-live"), mode=Mode.MANUAL)
    scene = replace(scene, switches=Switches(text_activity_closes=closes))
    history = Scene(scene, converse, write_in_silence, strict=True, seconds=90.0).history
    assert not _violated(history)
    asked = [str(turn.fields["text"]) for turn in history.of("simulator", "turn_begun")]
    assert [text for text in asked if "anybody" in text] == ["Is anybody there?"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A family of models on a service, and how turns are detected there."""

    profile: Profile
    flavour: Flavour
    mode: Mode

    def draw(self, rng: Random, minutes: float, *, busy: bool) -> Setting:
        """Return a world's draw for such a session, with nothing that goes wrong.

        Args:
            busy: the client does much beside the user.
        """
        while (
            profile_of((drawn := draw_setting(rng, minutes=minutes, troubled=False)).options.model) is not self.profile
        ):
            pass
        drawn = with_turn_taking(replace(drawn, flavour=self.flavour), rng)
        options = replace(
            drawn.options,
            mode=self.mode,
            first_turn=rng.choice([None, None, "", "Say what the weather is."]),
            barge_in_after=rng.choice([0.0, 0.0, inf, 2.0]),
        )
        rates: dict[str, Any] = dict.fromkeys(("notes", "demands", "images", "updates"), 8.0 * busy)
        habits = replace(
            drawn.habits,
            streams=rng.random() < 0.5,
            coughs=0.1,
            interrupts=0.2,
            barges_in=0.3,
            writes=0.3,
            schedules=True,
            **rates,
        )
        return replace(drawn, options=options, habits=habits)


def cells() -> Iterator[Cell]:
    for profile in PROFILES:
        family = family_of(profile.prefixes[0])
        assert family is not None
        for flavour in sorted(family.flavours, key=lambda flavour: flavour.name):
            yield from (Cell(profile, flavour, mode) for mode in Mode)


@pytest.mark.parametrize("number", range(len(list(cells()))))
def test_strict_services_find_nothing_to_close_for(number: int) -> None:
    cell, done = list(cells())[number], set[str]()
    conversed = False
    for busy in (False, True):
        world = World(f"strict/{number}/{busy}", strict=True)
        world.add(cell.draw(Random(2 * number + busy), 1.5, busy=busy), lambda client: client.talk(90.0))
        history = world.run(90.0)
        # What meets something on its way is judged by this: it must have left before that had arrived.
        legal(history)
        assert _violated(history) & SILENT.keys() <= CROSSINGS
        done.update(record.kind for record in history)
        conversed = conversed or any(turn.fields["stamps"] for turn in history.of("simulator", "turn_begun"))
    assert conversed
    assert done >= {"note_given", "image_shown", "session_updated", "text_written"}
