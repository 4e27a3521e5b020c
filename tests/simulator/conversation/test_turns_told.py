"""What a history tells of turns: which of the user's words each answers, and which words get no answer."""

import pytest

from segue.simulator.conversation.stamps import ranges, stamp
from segue.simulator.service import Service
from segue.simulator.switches import Switches
from tests.simulator.live_client import DIALOGUE, LEGACY, TRANSCRIPTIONS, VOICE, LiveClient, manual, silence, speech


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([7], "7-7"), ([0, 1, 2], "0-2"), ([9, 1, 0, 1, 10, 5], "0-1,5-5,9-10")]
)
def test_numbers_are_told_as_ranges(numbers: list[int], text: str) -> None:
    assert ranges(numbers) == text


def test_a_turn_is_told_with_the_stamps_that_it_answers() -> None:
    client = LiveClient().set_up(**TRANSCRIPTIONS)
    client.say(stamp(speech(0.5), 10) + silence(1.0))
    client.wait_for("modelTurn")
    client.wait_for("turnComplete")
    client.say(stamp(speech(0.4), 40) + silence(1.0))
    client.wait_for("modelTurn")
    told = client.history.of("simulator", "activity_ended", "turn_begun")
    assert [(record.kind, record.fields) for record in told] == [
        ("activity_ended", {"stamps": "10-34", "text": "Please tell me a long story."}),
        ("turn_begun", {"turn": 1, "stamps": "10-34", "text": ""}),
        ("activity_ended", {"stamps": "40-59", "text": "Wait, what was that?"}),
        ("turn_begun", {"turn": 2, "stamps": "40-59", "text": ""}),
    ]


def test_a_turn_is_told_with_the_text_that_it_answers() -> None:
    client = LiveClient().set_up()
    client.text("Is it long?")
    client.wait_for("modelTurn")
    [begun] = client.history.of("simulator", "turn_begun")
    assert begun.fields == {"turn": 1, "stamps": "", "text": "Is it long?"}


def test_a_turn_is_told_with_the_text_that_came_amid_the_words_that_it_answers() -> None:
    client = LiveClient().set_up(LEGACY)
    client.say(stamp(speech(0.5), 10))
    client.text("Is it long?")
    client.say(silence(1.5))
    client.wait_for("modelTurn")
    [begun] = client.history.of("simulator", "turn_begun")
    assert begun.fields == {"turn": 1, "stamps": "10-34", "text": "Is it long?"}


def test_a_turn_is_told_with_the_content_that_waited_for_the_end_of_the_words_that_it_answers() -> None:
    client = LiveClient().set_up(LEGACY, realtimeInputConfig={"automaticActivityDetection": {"disabled": True}})
    client.send({"realtimeInput": {"activityStart": {}}})
    client.say(stamp(speech(0.5), 10))
    client.send({"clientContent": {"turns": [{"role": "user", "parts": [{"text": "Is it long?"}]}]}})
    client.wait(1.0)
    client.send({"realtimeInput": {"activityEnd": {}}})
    client.wait_for("modelTurn")
    [begun] = client.history.of("simulator", "turn_begun")
    assert begun.fields == {"turn": 1, "stamps": "10-34", "text": "Is it long?"}


def test_a_turn_in_which_nothing_will_be_said_is_told_so() -> None:
    client = LiveClient().set_up()
    for _ in range(3):
        client.say(speech(0.5) + silence(1.0))
        client.wait_for("turnComplete")
    told = client.history.of("simulator", "turn_without_answer")
    # The dialogue has nothing to say to "Hm."
    assert [record.fields["turn"] for record in told] == [3]


@pytest.mark.parametrize(("seconds", "turns"), [(0.2, 0), (0.6, 1)])
def test_a_sound_without_words_interrupts_and_is_not_answered(seconds: float, turns: int) -> None:
    service = Service(DIALOGUE, VOICE, switches=Switches(wordless_speech=0.3))
    client = LiveClient(service).set_up(**TRANSCRIPTIONS)
    client.text("long")
    client.wait_for("modelTurn")
    client.say(speech(seconds) + silence(2.0))
    client.wait(3.0)
    assert client.history.of("simulator", "interrupted_sent")
    begun = client.history.of("simulator", "turn_begun")
    assert len(begun) == 1 + turns
    heard = [r for r in client.history.of("simulator", "transcription_sent") if r.fields["speaker"] == "user"]
    assert bool(heard) == bool(turns)


@pytest.mark.parametrize(("seconds", "turns"), [(0.2, 0), (0.6, 1)])
def test_a_sound_without_words_that_is_signalled_interrupts_and_is_not_answered(seconds: float, turns: int) -> None:
    service = Service(DIALOGUE, VOICE, switches=Switches(wordless_speech=0.3))
    client = LiveClient(service).set_up(**TRANSCRIPTIONS, **manual())
    client.signal("activityStart")
    client.text("long")
    client.signal("activityEnd")
    client.wait_for("modelTurn")
    client.signal("activityStart")
    client.say(speech(seconds))
    client.signal("activityEnd")
    client.wait(3.0)
    assert client.history.of("simulator", "interrupted_sent")
    assert len(client.history.of("simulator", "turn_begun")) == 1 + turns
    heard = [r for r in client.history.of("simulator", "transcription_sent") if r.fields["speaker"] == "user"]
    assert bool(heard) == bool(turns)


@pytest.mark.parametrize("before", [True, False])
def test_a_text_that_waits_for_the_end_of_a_signalled_sound_without_words_is_answered(before: bool) -> None:
    service = Service(DIALOGUE, VOICE, switches=Switches(wordless_speech=0.3))
    client = LiveClient(service).set_up(**manual())
    if before:
        client.text("long")
    client.signal("activityStart")
    client.say(speech(0.2))
    if not before:
        client.text("long")
    client.signal("activityEnd")
    client.wait_for("turnComplete")
    [begun] = client.history.of("simulator", "turn_begun")
    assert begun.fields["text"] == "long"


def test_a_text_that_is_written_into_a_sound_without_words_is_answered() -> None:
    service = Service(DIALOGUE, VOICE, switches=Switches(wordless_speech=0.3))
    client = LiveClient(service).set_up()
    client.say(speech(0.2))
    client.text("long")
    client.say(silence(2.0))
    client.wait_for("turnComplete")
    [begun] = client.history.of("simulator", "turn_begun")
    assert begun.fields["text"] == "long"
