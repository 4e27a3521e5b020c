"""Turns: their numbers, what of each was heard, and the gate."""

import pytest

from segue.core.outputs import CutCause, EndReason
from segue.core.turns import Turn, Turns


def spoken(*fragments: tuple[float, str], runs_ahead: bool = False) -> Turn:
    """Return a turn of fragments that each came after so many seconds of audio."""
    turn = Turn(1, runs_ahead)
    for seconds, text in fragments:
        turn.audio += seconds
        turn.transcribe(text)
    return turn


@pytest.mark.parametrize(
    ("heard", "heard_text"),
    [
        (0.0, ""),
        (0.9, ""),
        (1.0, "One,"),
        (1.9, "One,"),
        (2.0, "One, two,"),
        (2.9, "One, two,"),
        (2.9995, "One, two, three."),
    ],
)
def test_words_were_heard_with_all_the_audio_that_came_before_them(heard: float, heard_text: str) -> None:
    told, untold = spoken((1.0, "One,"), (1.0, " two,"), (1.0, " three.")).split(heard)
    assert told == heard_text
    assert told + untold == "One, two, three."


@pytest.mark.parametrize(
    "came",
    [
        # Before the chunk of 0.3 s in which they begin, behind that, and behind the chunk in which they end.
        (0.0, 0.3, 0.6, 0.9, 1.2),
        (0.3, 0.6, 0.9, 1.2, 1.5),
        (0.6, 0.9, 1.2, 1.5, 1.8),
    ],
)
def test_the_split_is_right_to_one_fragment_whether_words_come_before_their_audio_or_behind_it(
    came: tuple[float, ...],
) -> None:
    begins = (0.0, 0.55, 0.85, 1.15, 1.45)
    turn = Turn(1)
    for turn.audio in came:
        turn.transcribe("a")
    turn.audio = 1.8
    for heard in (0.05, 0.4, 0.5, 0.58, 0.8, 0.88, 1.1, 1.18, 1.4, 1.48, 1.8):
        begun = sum(begin <= heard for begin in begins)
        # The last of them is that in which it is cut, and one beside it may be on the wrong side.
        assert begun - 2 <= len(turn.split(heard)[0]) <= begun + 1


@pytest.mark.parametrize("runs_ahead", [False, True])
def test_what_is_read_was_heard_as_soon_as_it_was_sent(runs_ahead: bool) -> None:
    turn = Turn(1, runs_ahead)
    turn.write("One,")
    turn.write(" two.")
    assert turn.split(0.0) == ("One, two.", "")
    turn.pieces_sent = 1
    turn.discard()
    assert turn.split(0.0) == ("One,", " two.")


# 30 characters that are said in three seconds; all that had not come with the first second came with the second.
AHEAD = ((0.0, "One, two, "), (0.5, "three, four, "), (0.5, "five. "), (1.0, "x"))


@pytest.mark.parametrize(
    ("heard", "heard_text"),
    [(0.0, ""), (0.4, ""), (0.6, "One, two, "), (1.6, "One, two, "), (1.7, "One, two, three, four, ")],
)
def test_words_that_run_ahead_of_their_audio_have_their_place_by_their_length(heard: float, heard_text: str) -> None:
    turn = spoken(*AHEAD, runs_ahead=True)
    turn.audio, turn.generated = 3.0, True
    assert turn.split(heard)[0] == heard_text
    assert "".join(turn.split(heard)) == "One, two, three, four, five. x"
    # It ends with the last whole sentence.
    assert turn.sentence_end() == pytest.approx(2.9)


def test_the_last_words_that_ran_ahead_are_in_audio_that_is_yet_to_come() -> None:
    turn = spoken((0.0, "One, two, "), (1.0, "three, four, five. "), runs_ahead=True)
    assert turn.split(0.6) == ("One, two, ", "three, four, five. ")
    # So are they where no more comes.
    assert turn.split(1.0) == ("One, two, ", "three, four, five. ")
    turn.generated = True
    assert turn.split(1.0) == ("One, two, three, four, five. ", "")


def test_the_middle_of_the_last_words_is_taken_to_run_ahead() -> None:
    # Ten characters a second, and the last ones begin 0.6 s after what has come and end 1.4 s after it.
    turn = spoken((0.0, "a" * 39), (3.0, "bbb"), (0.5, "cccc"), (0.5, "d" * 8), runs_ahead=True)
    assert turn.split(4.0) == ("a" * 39, "bbbccccdddddddd")
    assert turn.split(4.1) == ("a" * 39 + "bbb", "ccccdddddddd")


def test_words_that_begin_behind_audio_whose_words_were_muted_run_ahead_of_theirs() -> None:
    turn = spoken((0.5, " every evening"), (0.5, " for"), runs_ahead=True)
    turn.audio = 2.0
    assert turn.split(1.5) == (" every evening", " for")
    turn.midway = True
    assert turn.split(1.5) == ("", " every evening for")
    turn.generated = True
    assert turn.split(1.8) == (" every evening", " for")
    # Where what came ended sooner than that, all of it was heard with the last of it.
    turn.audio = 1.0
    assert turn.split(0.9) == ("", " every evening for")
    assert turn.split(1.0) == (" every evening for", "")


def test_nobody_speaks_as_fast_as_words_come_that_run_far_ahead() -> None:
    turn = spoken((0.0, "a" * 20), (1.0, "b" * 200), runs_ahead=True)
    assert turn.split(0.4) == ("", "a" * 20 + "b" * 200)
    assert turn.split(0.6) == ("a" * 20, "b" * 200)


def test_a_turn_that_ran_ahead_to_its_end_was_heard_whole() -> None:
    assert spoken((0.0, "One, two, "), (1.0, "three."), runs_ahead=True).ended().heard_text == "One, two, three."


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
