"""Pacing: input that waits leaves in order, no faster than the model takes it."""

from math import inf

import pytest

from segue.core.journal import Piece
from segue.core.outputs import Rejection
from segue.core.pacing import WAITING_LIMIT, WAITING_TEXTS, Queue
from tests.core.conversation import TELEPHONE, voice


@pytest.fixture
def queue() -> Queue:
    return Queue(TELEPHONE, speed=3.0)


def leaving(queue: Queue, now: float = 0.0) -> list[tuple[float, bytes | str]]:
    """Take all that waits, each at its time."""
    left: list[tuple[float, bytes | str]] = []
    while queue:
        now = max(now, queue.deadline())
        taken = [payload for payload, _ in queue.take(now)]
        assert taken
        left.append((now, taken[0] if isinstance(taken[0], str) else b"".join(map(bytes, taken))))  # type: ignore[arg-type]
    return left


def test_what_waits_leaves_once_and_in_order(queue: Queue) -> None:
    for payload in (voice(0.02), "two", voice(0.04)):
        queue.put(payload, None)
    assert [payload for _, payload in leaving(queue)] == [voice(0.02), "two", voice(0.04)]
    assert not queue
    assert queue.deadline() == inf
    assert queue.take(1e6) == []


def test_audio_leaves_in_messages_of_100_ms_at_three_times_its_pace(queue: Queue) -> None:
    for _ in range(100):
        queue.put(voice(0.02), None)
    assert queue.seconds == pytest.approx(2.0 / 3.0)
    left = leaving(queue, now=10.0)
    assert [len(audio) for _, audio in left] == [3200] * 20
    assert [at for at, _ in left] == pytest.approx([10.0 + index / 30 for index in range(20)])


@pytest.mark.parametrize(("silence", "words"), [(0.0, 2.0), (1.0, 3.0), (7.0, 8.0)])
def test_words_that_wait_are_over_before_the_silence_behind_them(queue: Queue, silence: float, words: float) -> None:
    assert queue.seconds_of_words(silence) == 0.0
    queue.put(voice(1.0), None)
    queue.put("hello", None)
    assert queue.seconds_of_words(silence) == pytest.approx(1.0 / 3.0)
    queue.put(voice(1.0), Piece(b"", 0, voiced=True))
    queue.put(voice(6.0), Piece(b"", 1))
    assert queue.seconds_of_words(silence) == pytest.approx(words / 3.0)


def test_a_frame_that_is_longer_than_a_message_leaves_whole(queue: Queue) -> None:
    queue.put(voice(1.0), None)
    queue.put(voice(0.02), None)
    assert leaving(queue) == [(0.0, voice(1.0)), (pytest.approx(1.0 / 3.0), voice(0.02))]


def test_audio_passes_a_queue_that_is_empty_at_its_own_pace(queue: Queue) -> None:
    for index in range(100):
        now = 10.0 + 0.1 * index
        assert queue.passes(now)
        queue.note_passed(0.1, now)


def test_audio_that_comes_all_at_once_has_to_wait_but_for_the_first_of_it(queue: Queue) -> None:
    passed = 0
    while queue.passes(10.0):
        queue.note_passed(0.1, 10.0)
        passed += 1
    assert passed == 4
    queue.put(voice(0.1), None)
    assert not queue.passes(20.0)
    # At three times its pace, 100 ms before its time.
    assert queue.deadline() == pytest.approx(10.0 + 0.4 / 3 - 0.1)


def test_nothing_leaves_before_its_time(queue: Queue) -> None:
    for _ in range(10):
        queue.put(voice(0.02), None)
    queue.take(10.0)
    assert queue.take(10.03) == []
    assert queue.take(10.04) != []


def test_the_newest_audio_is_refused_when_too_much_waits(queue: Queue) -> None:
    for _ in range(int(WAITING_LIMIT)):
        assert queue.fault_of(voice(1.0)) is None
        queue.put(voice(1.0), None)
    fault = queue.fault_of(voice(0.02))
    assert fault is not None
    assert fault[0] is Rejection.INPUT_OVERFLOW
    queue.take(0.0)
    assert queue.fault_of(voice(0.02)) is None


def test_the_newest_text_is_refused_when_too_many_wait(queue: Queue) -> None:
    for _ in range(WAITING_TEXTS):
        assert queue.fault_of("Hello?") is None
        queue.put("Hello?", None)
    fault = queue.fault_of("Hello?")
    assert fault is not None
    assert fault[0] is Rejection.INPUT_OVERFLOW
    queue.take(0.0)
    assert queue.fault_of("Hello?") is None


def test_what_is_forgotten_takes_no_room(queue: Queue) -> None:
    for _ in range(WAITING_TEXTS):
        queue.put("Hello?", None)
    for _ in range(int(WAITING_LIMIT)):
        queue.put(voice(1.0), None)
    queue.clear()
    assert (queue.held_bytes, queue.seconds, bool(queue)) == (0, 0.0, False)
    assert queue.fault_of("Hello?") is None
    assert queue.fault_of(voice(1.0)) is None


def test_texts_wait_where_there_is_no_audio() -> None:
    queue = Queue(None, speed=3.0)
    queue.put("Hello?", None)
    assert queue.seconds == 0.0
    assert leaving(queue) == [(0.0, "Hello?")]
