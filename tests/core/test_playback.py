"""Playback: turns on their way through the outbox, cut, broken off and ended."""

from dataclasses import replace

import pytest

from segue.core.actions import Action, Drop
from segue.core.outputs import (
    Audio,
    CutCause,
    EndReason,
    Interrupted,
    Output,
    Speaker,
    Text,
    ToolCall,
    Transcript,
    TurnEnded,
    Usage,
)
from segue.core.playback import Broken, Playback
from segue.core.recall import Recall
from segue.core.turns import Turn
from tests.core.conversation import OPTIONS, speech

SENTENCES = ("There was a king. ", "He was old. ", "He had ")


class Played:
    """A playback at 100 s, read when told to, of turns in sentences of 2 s."""

    def __init__(self, lead: float = 1.0) -> None:
        self.actions: list[Action] = []
        self.recall = Recall()
        self.playback = Playback(replace(OPTIONS, lead=lead), self.actions, self.recall)
        self.now = 100.0
        self.outputs: list[Output] = []

    def turn(self, *sentences: str) -> Turn:
        """Begin a turn of these sentences, and leave it open."""
        turn = self.playback.begin(self.now)
        turn.begun = True
        for words in sentences:
            turn.audio += 2.0
            self.playback.outbox.put_audio(turn.number, speech(2.0))
            turn.transcribe(words)
            self.playback.outbox.put_spoken(Transcript(turn.number, Speaker.MODEL, words))
        return turn

    def play(self, seconds: float) -> None:
        """Let the client read all that it may for so long."""
        until = self.now + seconds
        while self.now < until:
            self.outputs += self.playback.take(self.now, 64, 256 * 1024)
            self.playback.settle(self.now)
            self.now += 0.05
        self.outputs += self.playback.take(self.now, 64, 256 * 1024)

    def got(self, kind: type[Output]) -> list[Output]:
        return [output for output in self.outputs if isinstance(output, kind)]

    def heard(self, turn: int) -> float:
        return sum(len(audio.audio) for audio in self.outputs if isinstance(audio, Audio) and audio.turn == turn) / 48e3

    def dropped(self, reason: str) -> float:
        return sum(drop.seconds for drop in self.actions if isinstance(drop, Drop) and drop.reason == reason)


@pytest.fixture
def played() -> Played:
    return Played()


def test_nothing_is_going_on_at_first(played: Played) -> None:
    assert played.playback.idle
    assert not played.playback.cut_all(CutCause.USER, played.now)
    assert not played.playback.stop(0, None, played.now)
    assert not played.playback.stop(1, None, played.now)
    assert played.playback.take_cuts() == []
    assert played.playback.take_told() == []


def test_a_turn_that_plays_is_going_on(played: Played) -> None:
    played.turn(*SENTENCES)
    assert not played.playback.idle
    played.play(1.0)
    assert not played.playback.idle


# What was answered.


@pytest.mark.parametrize(
    "output",
    [
        Text(1, "Hello."),
        ToolCall(1, "c1", "weather", "{}"),
        Transcript(1, Speaker.MODEL, "Hello."),
        Audio(1, speech(0.04)),
    ],
)
def test_a_turn_has_begun_to_reach_the_client_with_whatever_of_it_is_read_first(played: Played, output: Output) -> None:
    played.recall.hear_user("Hello?", 0)
    turn = played.playback.begin(played.now)
    if isinstance(output, Audio):
        turn.audio = 0.04
        played.playback.outbox.put_audio(1, output.audio)
    else:
        played.playback.outbox.put_urgent(output)
    assert played.playback.take_told() == []
    assert played.playback.take(played.now, 64, 100_000) == [output]
    assert played.playback.take_told() == [turn]
    assert played.playback.take_told() == []
    assert played.recall.question(1) == "Hello?"


def test_the_users_own_words_are_no_answer(played: Played) -> None:
    played.playback.begin(played.now)
    played.playback.outbox.put_urgent(Transcript(1, Speaker.USER, "Hello?"))
    played.playback.take(played.now, 64, 100_000)
    assert played.playback.take_told() == []


# Cut.


def test_a_cut_tells_what_was_heard(played: Played) -> None:
    played.turn(*SENTENCES)
    played.play(2.5)
    assert played.playback.cut_all(CutCause.USER, played.now)
    assert len(played.playback.take_cuts()) == 1
    assert played.playback.take_cuts() == []
    played.play(1.0)
    [interrupted] = played.got(Interrupted)
    assert isinstance(interrupted, Interrupted)
    assert interrupted.heard == pytest.approx(2.5, abs=0.1)
    assert interrupted.heard_text == "There was a king. "
    assert played.heard(1) + played.dropped("interrupted") == pytest.approx(6.0)


def test_the_end_of_a_cut_turn_waits_for_the_clients_word_but_not_for_ever(played: Played) -> None:
    played.turn(*SENTENCES)
    played.play(2.0)
    played.playback.cut_all(CutCause.USER, played.now)
    at = played.now
    assert played.playback.deadline() == at + 0.5
    played.play(0.4)
    assert played.got(TurnEnded) == []
    played.play(0.3)
    [ended] = played.got(TurnEnded)
    assert isinstance(ended, TurnEnded)
    assert ended.reason is EndReason.INTERRUPTED


def test_nothing_is_waited_for_where_the_client_says_what_was_heard_as_it_interrupts(played: Played) -> None:
    played.turn(*SENTENCES)
    played.play(3.0)
    played.playback.stop(0, 2.2, played.now)
    assert played.playback.deadline() == played.now
    played.playback.settle(played.now)
    played.play(0.05)
    [ended] = played.got(TurnEnded)
    assert isinstance(ended, TurnEnded)
    assert (ended.reason, ended.heard) == (EndReason.INTERRUPTED, 2.2)


def test_the_clients_word_counts_only_once_it_knew_of_the_cut(played: Played) -> None:
    turn = played.turn(*SENTENCES)
    played.play(3.0)
    played.playback.cut_all(CutCause.USER, played.now)
    played.playback.report_heard(1, 1.0, output_seq=99)
    assert not turn.split_final
    played.playback.note_cut_seq(1, 100)
    played.playback.report_heard(1, 1.0, output_seq=99)
    assert not turn.split_final
    played.playback.report_heard(1, 2.2, output_seq=100)
    assert turn.split_final
    assert turn.heard == 2.2


def test_words_about_turns_that_are_not_cut_or_not_there_change_nothing(played: Played) -> None:
    turn = played.turn(*SENTENCES)
    played.playback.note_cut_seq(1, 5)
    played.playback.note_cut_seq(9, 5)
    played.playback.report_heard(1, 1.0, output_seq=99)
    played.playback.report_heard(9, 1.0, output_seq=99)
    assert turn.heard is None


def test_a_new_turn_says_the_end_of_those_that_were_cut(played: Played) -> None:
    played.turn(*SENTENCES)
    played.play(1.0)
    played.playback.cut_all(CutCause.USER, played.now)
    played.playback.turns.complete()
    played.playback.begin(played.now)
    assert [turn.number for turn in played.playback.turns.unended] == [2]


# Broken off.


def test_a_turn_that_breaks_off_plays_to_its_last_whole_sentence_and_ends(played: Played) -> None:
    turn = played.turn(*SENTENCES)
    played.play(1.0)
    played.playback.turns.complete()
    broken = played.playback.break_off(turn, CutCause.RECOVERY, played.now)
    assert broken == Broken(1, "There was a king. He was old. ", "He had ")
    assert played.got(Interrupted) == []
    played.play(5.0)
    assert [type(output) for output in played.outputs[-2:]] == [Interrupted, TurnEnded]
    assert played.heard(1) == pytest.approx(4.0)
    assert played.dropped("recovery") == pytest.approx(2.0)
    assert played.recall.since(0)[0].model == "There was a king. He was old."
    assert played.playback.idle
    assert played.playback.totals.interruptions == 1


def test_words_behind_the_sentence_are_not_said(played: Played) -> None:
    turn = played.turn(*SENTENCES)
    played.play(1.0)
    played.playback.turns.complete()
    played.playback.break_off(turn, CutCause.RECOVERY, played.now)
    played.play(8.0)
    said = [output.text for output in played.outputs if isinstance(output, Transcript)]
    assert said == list(SENTENCES[:2])


def test_a_turn_of_which_the_client_knows_nothing_never_was(played: Played) -> None:
    turn = played.turn(*SENTENCES)
    assert played.playback.break_off(turn, CutCause.RECOVERY, played.now) is None
    assert played.playback.turns.last_number == 0
    assert played.playback.totals.turns == 0
    played.play(8.0)
    assert played.outputs == []
    assert played.dropped("recovery") == pytest.approx(6.0)


def test_a_turn_that_broke_off_can_still_be_stopped(played: Played) -> None:
    turn = played.turn(*SENTENCES)
    played.play(1.0)
    played.playback.turns.complete()
    played.playback.break_off(turn, CutCause.RECOVERY, played.now)
    assert played.playback.stop(1, 1.0, played.now)
    played.play(8.0)
    assert [type(output) for output in played.outputs if not isinstance(output, Audio | Transcript)] == [
        Interrupted,
        TurnEnded,
    ]
    assert played.heard(1) < 2.1


# The end of the session.


def test_the_end_of_the_session_ends_every_turn(played: Played) -> None:
    played.turn(*SENTENCES)
    played.playback.outbox.put_last_frame(1)
    played.playback.turns.complete()
    played.play(3.0)
    played.turn("And more.")
    played.playback.end_all(played.now)
    played.play(0.1)
    ends = [output for output in played.outputs if isinstance(output, TurnEnded)]
    assert [(ended.turn, ended.reason) for ended in ends] == [
        (1, EndReason.SESSION_CLOSED),
        (2, EndReason.SESSION_CLOSED),
    ]
    assert ends[0].heard == pytest.approx(3.0, abs=0.1)
    assert ends[1].heard == 0.0
    assert played.playback.outbox.empty


def test_tokens_are_summed_up(played: Played) -> None:
    played.playback.charge(Usage(1, 2, 3))
    played.playback.charge(Usage(10, 20, 30))
    assert played.playback.totals.usage == Usage(11, 22, 33)
