"""The journal: what the user said and no answer shows to have arrived."""

from math import inf

import pytest

from segue.core.journal import LIMIT, TEXTS_LIMIT, WAITING, Journal, Piece
from segue.core.uplink import DEFAULT_SILENCE
from tests.core.conversation import HUSH, VOICE, voice

RATE = 32_000
FRAME = 0.02
SPEED = 3.0


class Heard:
    """A journal that hears frames of 20 ms at the pace of speech, from 10 s on."""

    def __init__(self) -> None:
        self.journal = Journal(RATE, DEFAULT_SILENCE, SPEED)
        self.now = 10.0

    def hear(self, seconds: float, *, voiced: bool = True) -> list[Piece]:
        made = []
        for _ in range(round(seconds / FRAME)):
            made += self.journal.hear(voice(FRAME, VOICE if voiced else HUSH), voiced, self.now)
            self.now += FRAME
        return made

    def kept(self, serial: int = 0) -> bytes:
        return b"".join(piece.payload for piece in self.journal.since(serial) if isinstance(piece.payload, bytes))


@pytest.fixture
def user() -> Heard:
    return Heard()


def test_nothing_is_kept_before_anybody_spoke(user: Heard) -> None:
    assert user.hear(5.0, voiced=False) == []
    assert user.journal.since(0) == []
    assert user.journal.held_bytes <= 0.32 * RATE
    assert not user.journal.speaking(user.now)


def test_speech_is_kept_from_300_ms_before_its_first_sound(user: Heard) -> None:
    user.hear(5.0, voiced=False)
    user.hear(1.0)
    assert user.kept() == HUSH * 4_800 + VOICE * 16_000


def test_silence_after_speech_is_kept_for_a_moment(user: Heard) -> None:
    user.hear(1.0)
    user.hear(5.0, voiced=False)
    assert len(user.kept()) / RATE == pytest.approx(1.2, abs=FRAME)


def test_silence_between_two_sounds_is_no_longer_than_500_ms(user: Heard) -> None:
    user.hear(1.0)
    user.hear(5.0, voiced=False)
    user.hear(1.0)
    silence = user.kept().split(VOICE * 16_000)[1]
    assert len(silence) / RATE == pytest.approx(0.5, abs=FRAME)


def test_every_frame_of_a_short_pause_is_kept(user: Heard) -> None:
    user.hear(1.0)
    user.hear(0.4, voiced=False)
    user.hear(1.0)
    assert user.kept() == VOICE * 16_000 + HUSH * 6_400 + VOICE * 16_000


def test_pieces_have_growing_serials_and_hold_what_was_heard(user: Heard) -> None:
    user.hear(1.0, voiced=False)
    made = user.hear(0.1)
    serials = [piece.serial for piece in user.journal.since(0)]
    assert serials == list(range(len(serials)))
    assert made == user.journal.since(0)


def test_speech_ends_when_nothing_was_heard_for_as_long_as_the_detector_takes(user: Heard) -> None:
    user.hear(1.0)
    spoke = user.journal.last_voiced_at
    assert user.journal.words_ended_at == pytest.approx(spoke + DEFAULT_SILENCE)
    assert user.journal.speaking(spoke + DEFAULT_SILENCE - 0.01)
    assert not user.journal.speaking(spoke + DEFAULT_SILENCE)


def test_audio_that_comes_faster_than_it_was_spoken_lasts_until_the_model_has_it(user: Heard) -> None:
    for _ in range(100):
        user.journal.hear(voice(FRAME), voiced=True, now=user.now)
    assert user.journal.last_voiced_at == pytest.approx(10.0 + 2.0 / SPEED, abs=FRAME)


def test_whoever_speaks_on_after_that_is_heard_as_soon_as_the_model_has_all_of_it(user: Heard) -> None:
    for _ in range(100):
        user.journal.hear(voice(FRAME), voiced=True, now=user.now)
    user.hear(2.0)
    assert user.journal.last_voiced_at == pytest.approx(user.now, abs=2 * FRAME)


def test_a_pause_is_as_long_as_its_audio_however_fast_that_comes(user: Heard) -> None:
    user.hear(0.5)
    for voiced in (False, True):
        for _ in range(50):
            user.journal.hear(voice(FRAME, VOICE if voiced else HUSH), voiced, user.now)
    assert user.journal.last_span > 0


# Words.


def test_a_sound_of_300_ms_is_words(user: Heard) -> None:
    user.hear(0.28)
    assert not user.journal.has_words()
    assert not user.journal.has_words_since(0)
    user.hear(2 * FRAME)
    assert user.journal.has_words()
    assert user.journal.has_words_since(0)


def test_a_shorter_sound_is_words_once_somebody_understood_it(user: Heard) -> None:
    user.hear(0.1)
    user.hear(0.2, voiced=False)
    user.journal.understand(user.now)
    assert user.journal.has_words()
    assert user.journal.has_words_since(0)


def test_words_that_are_understood_as_soon_as_a_sound_begins_are_those_before_it(user: Heard) -> None:
    user.hear(0.2)
    user.hear(2.0, voiced=False)
    cough = user.journal.boundary(user.now)
    user.hear(0.1)
    user.journal.understand(user.now)
    assert user.journal.has_words_since(0)
    assert not user.journal.has_words_since(cough)
    assert not user.journal.has_words()


def test_words_that_nobody_has_understood_may_be_so_once_a_mere_sound_came_behind_them(user: Heard) -> None:
    user.hear(0.6)
    for _ in range(2):
        user.hear(1.0, voiced=False)
        user.hear(0.2)
    # They may come in pieces.
    for _ in range(2):
        user.hear(0.4, voiced=False)
        assert not user.journal.understand(user.now)
    assert not user.journal.has_words()
    user.hear(0.6, voiced=False)
    assert user.journal.understand(user.now)
    assert user.journal.has_words()


@pytest.mark.parametrize(("understood", "later"), [(True, 1.0), (False, 5.0)])
def test_what_is_understood_behind_words_that_had_their_time_is_the_sound(
    user: Heard, understood: bool, later: float
) -> None:
    user.hear(0.6)
    if understood:
        assert user.journal.understand(user.now)
    user.hear(later, voiced=False)
    user.hear(0.2)
    user.hear(0.4, voiced=False)
    assert user.journal.understand(user.now)
    assert user.journal.has_words()


@pytest.mark.parametrize(("silence", "late"), [(0.5, True), (1.0, False)])
def test_what_is_understood_in_the_middle_of_words_is_what_was_said_before_them(
    user: Heard, silence: float, late: bool
) -> None:
    user.hear(0.6)
    user.hear(1.0, voiced=False)
    user.hear(0.6)
    user.hear(silence, voiced=False)
    assert user.journal.understand(user.now) is not late
    assert user.journal.understood is not late
    assert user.journal.has_words()


def test_what_has_yet_to_be_sent_nobody_has_understood(user: Heard) -> None:
    user.hear(0.2)
    user.hear(2.0, voiced=False)
    waiting = user.hear(0.2)
    for piece in waiting:
        piece.message = WAITING
    user.hear(0.2, voiced=False)
    assert not user.journal.understand(user.now)
    assert not user.journal.has_words()
    waiting[0].message = 1
    assert user.journal.understand(user.now)
    assert user.journal.has_words()


def test_understanding_without_a_sound_makes_no_words_of_silence(user: Heard) -> None:
    user.hear(1.0, voiced=False)
    user.journal.understand(user.now)
    assert not user.journal.has_words()
    assert not user.journal.has_words_since(0)


@pytest.mark.parametrize(("seconds", "sure"), [(0.96, False), (1.04, True)])
def test_a_second_of_sound_is_words_for_sure(user: Heard, seconds: float, sure: bool) -> None:
    user.hear(seconds)
    assert user.journal.is_sure() is sure


def test_what_somebody_understood_or_wrote_is_words_for_sure(user: Heard) -> None:
    user.hear(0.1)
    assert not user.journal.is_sure()
    user.hear(0.2, voiced=False)
    user.journal.understand(user.now)
    assert user.journal.is_sure()
    user.journal.forget(user.journal.boundary(user.now + 5.0))
    assert not user.journal.is_sure()
    user.journal.read("Hello?")
    assert user.journal.is_sure()


def test_sounds_that_are_far_apart_are_not_added_up(user: Heard) -> None:
    for _ in range(3):
        user.hear(0.2)
        user.hear(1.0, voiced=False)
    assert not user.journal.has_words()


def test_sounds_that_are_close_are_added_up(user: Heard) -> None:
    for _ in range(3):
        user.hear(0.2)
        user.hear(0.4, voiced=False)
    assert user.journal.has_words()


def test_a_text_is_words(user: Heard) -> None:
    user.journal.read("Hello?")
    assert user.journal.has_words_since(0)


def test_words_that_were_answered_are_none_any_more(user: Heard) -> None:
    user.hear(1.0)
    user.journal.forget(user.journal.boundary(user.now + 5.0))
    assert not user.journal.has_words_since(0)
    user.hear(1.0)
    assert user.journal.has_words_since(0)
    assert user.journal.has_words_since(user.journal.first)


def test_a_sound_without_words_is_forgotten_two_seconds_after_its_end(user: Heard) -> None:
    user.journal.read("Hello?")
    user.hear(0.1)
    due = user.journal.wordless_deadline()
    assert due == pytest.approx(user.journal.last_voiced_at + 0.8 + 2.0)
    user.journal.forget_wordless(due - 0.01)
    assert user.kept() != b""
    user.journal.forget_wordless(due)
    assert [piece.payload for piece in user.journal.since(0)] == ["Hello?"]
    assert user.journal.wordless_deadline() == inf


def test_words_are_not_forgotten_by_themselves(user: Heard) -> None:
    user.hear(1.0)
    user.hear(0.6, voiced=False)
    assert user.journal.wordless_deadline() == inf
    user.journal.forget_wordless(1e6)
    assert VOICE in user.kept()


def test_words_before_a_sound_without_words_stay(user: Heard) -> None:
    user.hear(1.0)
    user.hear(2.0, voiced=False)
    user.hear(0.1)
    user.journal.forget_wordless(user.journal.wordless_deadline())
    assert user.kept().count(VOICE) == 16_000


# What an answer answers.


def test_a_model_that_answers_after_a_pause_has_heard_everything(user: Heard) -> None:
    user.hear(1.0)
    spoke = user.journal.last_voiced_at
    assert user.journal.boundary(spoke + 0.29) == user.journal.last_span
    assert user.journal.boundary(spoke + 0.31) > user.journal.since(0)[-1].serial


def test_a_model_that_answers_in_mid_speech_has_not_heard_that(user: Heard) -> None:
    user.hear(1.0)
    user.hear(2.0, voiced=False)
    first = user.journal.since(0)[-1].serial + 1
    user.hear(0.5)
    assert user.journal.boundary(user.now) == first == user.journal.last_span
    user.journal.forget(first)
    assert user.kept().count(VOICE) == 8_000


def test_forgetting_frees_what_it_took(user: Heard) -> None:
    user.hear(3.0)
    user.journal.read("Hello?")
    user.journal.forget(10_000)
    assert user.journal.since(0) == []
    assert user.journal.held_bytes == 0
    assert user.journal.first == user.journal.read("Again.").serial


# What crosses an answer.


def spoken_twice(user: Heard) -> int:
    """Let the user say two things; return the serial behind the first."""
    user.hear(1.0)
    user.hear(2.0, voiced=False)
    behind = user.journal.since(0)[-1].serial + 1
    user.hear(1.0)
    user.hear(1.0, voiced=False)
    return behind


def test_the_last_span_can_turn_out_to_have_crossed_the_answer_to_what_came_before_it(user: Heard) -> None:
    behind = spoken_twice(user)
    held = len(user.kept(behind))
    user.journal.answer(user.journal.boundary(user.now))
    assert user.kept() == b""
    assert user.journal.held_bytes >= held
    assert user.journal.restore_span()
    assert user.journal.first == user.journal.last_span == behind
    assert len(user.kept()) == held
    assert user.journal.has_words_since(0)


def test_the_last_span_crossed_nothing_where_nothing_came_before_it(user: Heard) -> None:
    user.hear(1.0)
    user.hear(1.0, voiced=False)
    user.journal.answer(user.journal.boundary(user.now))
    assert not user.journal.restore_span()
    assert user.kept() == b""


def test_a_text_and_the_span_behind_it_can_both_have_crossed_an_answer(user: Heard) -> None:
    user.journal.read("Hello?")
    user.hear(1.0)
    user.hear(1.0, voiced=False)
    user.journal.answer(user.journal.boundary(user.now))
    user.journal.restore()
    assert user.journal.since(0)[0].payload == "Hello?"
    assert VOICE in user.kept()


def test_what_may_have_crossed_an_answer_is_let_go_of_when_the_user_says_something_else(user: Heard) -> None:
    spoken_twice(user)
    user.journal.answer(user.journal.boundary(user.now))
    user.hear(0.02)
    assert user.journal.held_bytes < 0.6 * RATE
    assert not user.journal.restore_span()


def test_the_last_span_crossed_no_answer_to_what_is_settled(user: Heard) -> None:
    user.journal.settle(spoken_twice(user))
    user.journal.answer(user.journal.boundary(user.now))
    assert not user.journal.restore_span()
    assert user.kept() == b""


def test_a_text_that_is_settled_crossed_no_answer_nor_did_the_only_span_behind_it(user: Heard) -> None:
    user.journal.read("Hello?")
    user.journal.settle(user.journal.next)
    user.hear(1.0)
    user.hear(1.0, voiced=False)
    user.journal.answer(user.journal.boundary(user.now))
    assert not user.journal.restore_span()
    user.journal.restore()
    assert user.journal.since(0) == []


def test_what_may_have_crossed_an_answer_is_let_go_of_when_another_one_begins(user: Heard) -> None:
    user.journal.read("Hello?")
    user.journal.answer(user.journal.boundary(user.now))
    user.journal.forget_crossing()
    user.journal.restore()
    assert user.journal.since(0) == []
    assert user.journal.held_bytes == 0


# What a message carried.


def test_an_index_covers_what_went_in_that_message_and_before(user: Heard) -> None:
    pieces = [user.journal.read(text) for text in ("One.", "Two.", "Three.")]
    for message, piece in enumerate(pieces[:2], start=1):
        piece.message = message
    assert user.journal.after_message(0) == pieces[0].serial
    assert user.journal.after_message(1) == pieces[1].serial
    assert user.journal.after_message(2) == pieces[2].serial
    assert user.journal.after_message(9) == pieces[2].serial
    pieces[2].message = 3
    assert user.journal.after_message(3) == pieces[2].serial + 1


def test_messages_of_a_link_that_is_gone_count_no_more(user: Heard) -> None:
    piece = user.journal.read("One.")
    piece.message = 1
    user.journal.leave_link()
    assert user.journal.after_message(9) == piece.serial


# Its size.


def test_the_oldest_speech_is_dropped_when_there_is_too_much(user: Heard) -> None:
    user.hear(60.0)
    assert user.journal.held_bytes <= LIMIT + 0.3 * RATE
    assert 25.0 <= len(user.kept()) / RATE <= 30.0
    assert user.journal.since(0)[-1].serial == 2999


def test_the_oldest_texts_are_dropped_when_there_are_too_many(user: Heard) -> None:
    for number in range(3000):
        user.journal.read(f"{number}")
    texts = [piece.payload for piece in user.journal.since(0)]
    assert texts[-1] == "2999"
    assert len(texts) == TEXTS_LIMIT == 64


def test_long_texts_take_no_more_room_than_speech(user: Heard) -> None:
    for _ in range(60):
        user.journal.read("x" * 64 * 1024)
    assert sum(len(str(piece.payload)) for piece in user.journal.since(0)) <= LIMIT


def test_tiny_frames_take_no_more_room_than_others(user: Heard) -> None:
    for number in range(10_000):
        user.journal.hear(VOICE, voiced=True, now=10.0 + number * 0.001)
    assert user.journal.held_bytes <= LIMIT + 0.3 * RATE
    assert len(user.journal.since(0)) < 10_000
