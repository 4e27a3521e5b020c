"""Turns: their numbers, what of each was heard, and the gate."""

import pytest

from segue.core.outputs import CutCause, EndReason
from segue.core.turns import Turn, Turns


def spoken(*fragments: tuple[float, str]) -> Turn:
    """Return a turn of fragments that each came after so many seconds of audio."""
    turn = Turn(1)
    for seconds, text in fragments:
        turn.audio += seconds
        turn.transcribe(text)
    return turn


@pytest.mark.parametrize(
    ("heard", "heard_text"),
    [
        (0.0, ""),
        (0.4, ""),
        (0.6, "One,"),
        (1.4, "One,"),
        (1.6, "One, two,"),
        (2.0, "One, two,"),
        (3.0, "One, two, three."),
    ],
)
def test_words_are_split_where_most_of_a_fragment_was_heard(heard: float, heard_text: str) -> None:
    told, untold = spoken((1.0, "One,"), (1.0, " two,"), (1.0, " three.")).split(heard)
    assert told == heard_text
    assert told + untold == "One, two, three."


def test_words_without_audio_were_not_heard() -> None:
    assert spoken((0.0, "Hello")).split(0.0) == ("", "Hello")


def test_written_words_are_read_as_soon_as_they_are_sent() -> None:
    turn = Turn(1)
    turn.write("Hello")
    assert turn.split(0.0) == ("Hello", "")


@pytest.mark.parametrize(
    ("released", "end"),
    [(0.0, 2.0), (1.5, 2.0), (2.0, 2.0), (2.1, None), (3.0, None)],
)
def test_a_turn_can_end_at_its_last_whole_sentence_that_is_not_released(released: float, end: float | None) -> None:
    turn = spoken((1.0, "One."), (1.0, " Two!"), (1.0, " Three and"))
    turn.released = released
    assert turn.sentence_end() == end


@pytest.mark.parametrize("mark", [".", "!", "?", "…", ":", ";", "\N{IDEOGRAPHIC FULL STOP}", ". "])
def test_a_sentence_ends_with_its_mark(mark: str) -> None:
    assert spoken((1.0, f"One{mark}"), (1.0, "two")).sentence_end() == 1.0


def test_words_that_end_no_sentence_are_no_place_to_end() -> None:
    assert spoken((1.0, "One,"), (1.0, " two")).sentence_end() is None


def test_a_turn_that_is_taken_back_frees_its_number() -> None:
    turns = Turns()
    first = turns.begin()
    turns.complete()
    second = turns.begin()
    turns.take_back(second)
    assert turns.open is None
    assert turns.unended == (first,)
    assert turns.begin().number == 2


def test_a_turn_that_is_taken_back_after_its_end_leaves_the_open_one() -> None:
    turns = Turns()
    first = turns.begin()
    turns.complete()
    turns.take_back(first)
    assert turns.begin().number == 1


def test_a_turn_that_was_not_cut_was_heard_whole() -> None:
    ended = spoken((1.0, "One"), (1.0, " two")).ended()
    assert (ended.reason, ended.heard, ended.heard_text) == (EndReason.COMPLETED, 2.0, "One two")


def test_turns_count_from_one() -> None:
    turns = Turns()
    first = turns.begin()
    assert turns.complete() is first
    second = turns.begin()
    assert (first.number, second.number, turns.last_number) == (1, 2, 2)
    assert turns.unended == (first, second)
    assert turns.find(1) is first
    turns.forget(first)
    assert turns.find(1) is None


def test_without_a_turn_nothing_is_complete_and_nothing_gated() -> None:
    turns = Turns()
    assert turns.complete() is None
    assert not turns.gated(0.0)


def test_a_turn_that_was_not_cut_is_not_gated() -> None:
    turns = Turns()
    turns.begin()
    assert not turns.gated(0.0)


@pytest.fixture
def cut() -> Turns:
    """Turns of which the open one, that had begun, was cut at 10 s."""
    turns = Turns()
    turn = turns.begin()
    turn.begun = True
    turns.hear_user(9.0)
    turns.cut(turn, CutCause.USER, 0.0, 10.0)
    return turns


def test_the_gate_stays_while_the_user_says_nothing_more(cut: Turns) -> None:
    assert cut.gated(10.0)
    assert cut.gated(1e6)


def test_the_gate_lifts_when_the_backend_ends_the_turn(cut: Turns) -> None:
    cut.complete()
    assert not cut.gated(10.0)


def test_the_gate_lifts_some_time_after_the_next_words(cut: Turns) -> None:
    cut.hear_user(12.0)
    cut.hear_user(13.0)
    assert cut.gated(15.99)
    assert not cut.gated(16.0)


def test_the_gate_of_a_reply_that_had_not_begun_lifts_with_the_next_words() -> None:
    turns = Turns()
    turns.cut(turns.begin(), CutCause.CLIENT, 0.0, 10.0)
    assert turns.gated(12.0)
    turns.hear_user(12.0)
    assert not turns.gated(12.0)
