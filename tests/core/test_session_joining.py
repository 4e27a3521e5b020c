"""What was said in parts and could not be given to the model at once is given as one, and answered together."""

from dataclasses import replace
from math import inf

import pytest

from segue.core.actions import JudgeSpeech, SendActivity, SendText
from segue.core.events import SpeechJudged
from segue.core.options import Mode, Options, ServerDetection
from segue.core.outputs import CutCause, Interrupted
from segue.core.profiles import TextSlot
from tests.core.conversation import OPTIONS, OTHER_VOICE, VOICE, Conversation, telling, told
from tests.core.pressing import shape

CONTENT, REALTIME, NO_REALTIME = (
    replace(OPTIONS, model=model, barge_in_after=inf)
    for model in ("gemini-3.8-live", "gemini-3.1-flash-live-preview", "gemini-live-2.5-flash-native-audio")
)
FAMILIES = pytest.mark.parametrize("options", [CONTENT, REALTIME, NO_REALTIME], ids=lambda options: options.model)


def signalled(options: Options = CONTENT, mode: Mode = Mode.MANUAL) -> Conversation:
    return told(replace(options, mode=mode))


def utter(call: Conversation, seconds: float = 0.6, sample: bytes = VOICE) -> None:
    call.press()
    call.say(seconds, sample=sample)
    call.release()


def edges(call: Conversation) -> list[bool]:
    return [edge.started for edge in call.did(SendActivity)]


@FAMILIES
def test_utterances_are_one_activity(options: Options) -> None:
    call = signalled(options)
    utter(call)
    call.wait(1.0)
    utter(call, sample=OTHER_VOICE)
    call.wait(12.0)
    assert edges(call) == [True, False]
    assert call.given_seconds() == call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


@FAMILIES
@pytest.mark.parametrize("first", ["text", "speech"])
def test_a_text_is_in_the_activity_of_what_is_said(options: Options, first: str) -> None:
    call = signalled(options)
    if first == "text":
        call.write("And the queen?")
    utter(call)
    if first == "speech":
        call.write("And the queen?")
    call.wait(12.0)
    text = "note" if options is NO_REALTIME else "text"
    # Where text is content, it waits for a sound.
    before = [] if options is REALTIME else ["audio"]
    between = [*before, text, "audio"] if first == "text" else ["audio", text]
    assert shape(call, 1) == ["start", *between, "end"]


def test_texts_are_one_activity_where_they_need_one() -> None:
    call = signalled(REALTIME)
    call.write("And the queen?")
    call.write("And the king?")
    call.wait(12.0)
    assert shape(call, 1) == ["start", "text", "end"]


def test_what_goes_on_when_the_model_has_ended_goes_on_in_one_activity() -> None:
    call = signalled()
    utter(call)
    call.wait(5.6)
    call.press()
    call.say(2.0, sample=OTHER_VOICE)
    assert edges(call) == [True]
    call.release()
    call.wait(1.0)
    assert edges(call) == [True, False]
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(2.0)


def test_the_end_of_an_activity_that_nothing_more_was_said_in_ends_what_was_said_before() -> None:
    call = signalled()
    utter(call)
    call.press()
    call.wait(12.0)
    assert edges(call) == [True]
    call.release()
    call.wait(1.0)
    assert edges(call) == [True, False]


@pytest.mark.parametrize("seconds", [0.1, 0.4])
def test_the_end_of_a_noise_ends_what_was_said_before(seconds: float) -> None:
    call = signalled(mode=Mode.GATEWAY)
    call.say(0.6)
    call.receive(SpeechJudged(call.did(JudgeSpeech)[-1].question, 0.9))
    call.say(0.8, voiced=False)
    call.wait(5.5 - seconds)
    call.say(seconds, sample=OTHER_VOICE)
    call.wait(0.15)
    assert edges(call) == [True]
    if seconds > 0.3:
        call.receive(SpeechJudged(call.did(JudgeSpeech)[-1].question, 0.1))
    call.say(1.0, voiced=False)
    call.wait(1.0)
    assert edges(call) == [True, False]
    assert call.given_seconds() == pytest.approx(0.6)


def test_what_was_too_short_to_end_ends_with_what_was_said_before() -> None:
    call = signalled(mode=Mode.GATEWAY)
    call.say(0.6)
    call.receive(SpeechJudged(call.did(JudgeSpeech)[-1].question, 0.9))
    call.say(0.8, voiced=False)
    call.say(0.2, sample=OTHER_VOICE)
    call.say(0.8, voiced=False)
    call.wait(12.0)
    assert edges(call) == [True, False]
    assert call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.2)


def test_what_interrupts_once_it_may_is_one_as_well() -> None:
    call = telling(replace(OPTIONS, mode=Mode.MANUAL, barge_in_after=5.0))
    utter(call)
    utter(call)
    call.wait(2.0)
    assert [cut.cause for cut in call.got(Interrupted)] == [CutCause.USER]
    call.interrupted()
    call.complete()
    call.wait(2.0)
    assert edges(call) == [True, False]
    assert call.given_seconds() == pytest.approx(1.2)


def test_another_link_is_given_as_one_what_was_said_one_after_the_other() -> None:
    call = signalled(replace(CONTENT, barge_in_after=0.0))
    call.wait(8.0)
    utter(call)
    call.wait(1.0)
    utter(call)
    call.lose_link()
    call.wait(0.5)
    given = len(edges(call))
    call.link_up()
    call.wait(2.0)
    assert edges(call)[given:] == [True, False]
    assert call.given_seconds(call.link) == pytest.approx(1.2)


@pytest.mark.parametrize(
    ("options", "slot"),
    [(CONTENT, TextSlot.REALTIME), (REALTIME, TextSlot.REALTIME), (NO_REALTIME, TextSlot.CONTENT)],
    ids=lambda value: getattr(value, "model", ""),
)
def test_where_the_service_hears_by_itself_a_text_comes_before_the_speech_has_ended(
    options: Options, slot: TextSlot
) -> None:
    call = told(options)
    call.write("And the queen?")
    call.say(0.6)
    call.wait(12.0)
    (text,) = call.did(SendText)
    assert text.slot is slot
    given = call.given()
    after = b"".join(piece for piece in given[given.index(text.text) :] if isinstance(piece, bytes))
    # The silence that ends the speech follows.
    assert after
    assert VOICE not in after


@pytest.mark.parametrize("silence_ms", [100, 300, 500, None])
@pytest.mark.parametrize("streams", [True, False])
def test_where_the_service_hears_by_itself_no_silence_between_utterances_ends_one(
    silence_ms: int | None, streams: bool
) -> None:
    call = told(replace(CONTENT, detection=ServerDetection(silence_ms=silence_ms)))
    call.say(0.6)
    if streams:
        call.say(1.5, voiced=False)
    call.wait(1.5)
    call.say(0.6, sample=OTHER_VOICE)
    call.wait(12.0)
    between = call.given_audio().rpartition(VOICE)[2].partition(OTHER_VOICE)[0]
    assert len(between) / 32_000 < (silence_ms or 800) / 1000
    assert call.given_seconds() == call.given_seconds(sample=OTHER_VOICE) == pytest.approx(0.6)


def test_a_text_ends_what_was_too_short_to_be_ended() -> None:
    call = signalled(mode=Mode.GATEWAY)
    call.say(0.2)
    call.say(0.8, voiced=False)
    call.write("And the queen?")
    call.wait(12.0)
    assert shape(call, 1) == ["start", "audio", "text", "end"]
