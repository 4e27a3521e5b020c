"""Any events in any order: what a session keeps to, whatever its peers do."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from segue.core import events as ev
from segue.core.options import Compression, FunctionDeclaration, Mode, Options, Scheduling
from segue.core.outputs import Usage
from segue.core.policy import FalseInterruption, Policy
from segue.core.profiles import PROFILES
from tests.core.conversation import OPTIONS, speech, voice
from tests.core.test_state_machine import EVENTS
from tests.core.watched import NEXT_LINK, THE_LINK, Watched


def any_events() -> st.SearchStrategy[ev.Event]:
    """Return events as peers send them: of the link that counts, of the next one and of others, in sequence and not."""
    seq = st.sampled_from([0, 0, 0, 0, 1, 2, 3])
    turn = st.integers(0, 4)
    heard = st.none() | st.floats(0.0, 10.0)
    link = st.sampled_from([THE_LINK, THE_LINK, THE_LINK, THE_LINK, NEXT_LINK, 1, 2])
    text = st.sampled_from(["", "yes", "What about it? "])
    call = st.sampled_from(["a", "b"])
    return st.one_of(
        st.builds(ev.AudioReceived, seq, st.sampled_from([b"", b"\x01", voice(0.02), voice(0.5)]), st.booleans()),
        st.builds(ev.AudioReceived, st.just(0), st.just(voice(0.5)), st.just(True)),
        st.builds(ev.TextReceived, seq, text),
        st.builds(ev.ActivityReceived, seq, st.booleans()),
        st.builds(ev.ActivityReceived, st.just(0), st.booleans()),
        st.builds(ev.InterruptReceived, seq, turn, heard),
        st.builds(ev.AckReceived, st.integers(0, 99), turn, heard),
        st.builds(
            ev.ToolResultReceived, seq, call, st.just("{}"), st.none() | st.sampled_from(Scheduling), st.booleans()
        ),
        st.builds(ev.LinkHeld, link),
        st.builds(ev.LinkOpened, link),
        st.builds(ev.LinkOpened, st.just(THE_LINK)),
        st.builds(ev.LinkLost, link, st.sampled_from(ev.LossCause), st.just("gone"), st.sampled_from([None, 0.5])),
        st.builds(ev.GoingAway, link, st.sampled_from([0.0, 1.0, 10.0, 50.0])),
        st.builds(ev.HandleReceived, link, st.sampled_from(["", "h1", "h2"]), st.sampled_from([None, 0, 3, 99])),
        st.builds(ev.ModelAudio, link, st.integers(1, 100_000).map(lambda size: bytes(size)), st.booleans()),
        st.builds(ev.ModelAudio, link, st.just(speech(40.0))),
        st.builds(ev.ModelText, link, text),
        st.builds(ev.ModelTranscribed, link, text),
        st.builds(ev.UserTranscribed, link, text),
        st.builds(ev.UserActivityDetected, link, st.booleans()),
        st.builds(ev.GenerationCompleted, link),
        st.builds(ev.ModelInterrupted, link),
        st.builds(ev.TurnCompleted, link, st.sampled_from(["", "", "NO_SPEECH", "RESPONSE_REJECTED"])),
        st.builds(ev.InputAwaited, link),
        st.builds(ev.InteractionChanged, link, st.booleans()),
        st.builds(ev.ToolCalled, link, call, st.sampled_from(["weather", "book"]), st.just("{}")),
        st.builds(ev.ToolCallsCancelled, link, st.lists(call, max_size=2).map(tuple)),
        st.builds(ev.UsageReported, link, st.builds(Usage, st.sampled_from([9, 130_000]))),
        st.sampled_from(EVENTS),
    )


@st.composite
def options(draw: st.DrawFn) -> Options:
    return replace(
        OPTIONS,
        mode=draw(st.sampled_from(Mode)),
        model=draw(st.sampled_from([profile.prefixes[0] for profile in PROFILES])),
        functions=(FunctionDeclaration("weather"), FunctionDeclaration("book", blocking=True)),
        compression=draw(st.sampled_from([None, Compression()])),
        lead=draw(st.sampled_from([0.1, 0.25, 1.0, 60.0])),
        unpaced=draw(st.booleans()),
        output_frame_duration=draw(st.sampled_from([0.01, 0.04, 1.0])),
        idle_timeout=draw(st.sampled_from([1.0, 20.0, 600.0])),
        max_duration=draw(st.sampled_from([60.0, 14_400.0])),
        notices=draw(st.booleans()),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    # Links that are renewed early are renewed in a short conversation, too; each sign of a wedge counts.
    soon = draw(st.booleans())
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
        transparent=draw(st.booleans()),
        overlap=draw(st.booleans()),
        renewal_jitter=0.0,
        false_interruption=draw(st.sampled_from(FalseInterruption)),
    )


PAUSES = st.sampled_from([0.0, 0.0, 0.0, 0.02, 0.3, 0.7, 3.1, 15.0])


@settings(max_examples=400)
@given(options(), policies(), st.lists(st.tuples(PAUSES, any_events(), st.integers(0, 9)), min_size=30, max_size=120))
def test_any_events_in_any_order_keep_a_session_sound(
    options: Options, policy: Policy, steps: list[tuple[float, ev.Event, int]]
) -> None:
    call = Watched(options, policy)
    call.open()
    call.link_up()
    for pause, unaddressed, luck in steps:
        call.wait(pause)
        # A client reads, or reads a little, or does not read.
        call.reading = luck > 2
        if not call.reading and call.woken:
            call.read(max_events=luck, max_bytes=luck * 100_000)
        event = call.addressed(unaddressed)
        if call.may_happen(event):
            call.receive(event)
    call.reading = True
    if call.woken:
        call.read()
    call.receive(ev.CloseReceived(0, False))
    call.receive(ev.StreamLost())
    call.assert_nothing_remains()


@settings(max_examples=200)
@given(options(), policies(), st.lists(st.tuples(PAUSES, any_events()), max_size=40))
def test_a_session_that_is_left_alone_comes_to_an_end(
    options: Options, policy: Policy, steps: list[tuple[float, ev.Event]]
) -> None:
    call = Watched(options, policy)
    call.open()
    call.link_up()
    for pause, unaddressed in steps:
        call.wait(pause)
        event = call.addressed(unaddressed)
        if call.may_happen(event):
            call.receive(event)
    # No dial is answered any more, and nobody says anything.
    call.wait()
    call.assert_nothing_remains()
