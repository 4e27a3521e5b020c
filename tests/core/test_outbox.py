"""The outbox: pacing, order, what is thrown away; and a reference model under random use."""

from math import inf

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from segue.core.outbox import Outbox, Player
from segue.core.outputs import (
    Audio,
    CutCause,
    EndReason,
    Interrupted,
    Output,
    Speaker,
    Text,
    Transcript,
    TurnEnded,
    UserActivity,
)

# One frame is 10 bytes and lasts 0.1 s.
RATE = 100
FRAME = 10
PLENTY = (64, 256 * 1024)


def ended(turn: int) -> TurnEnded:
    return TurnEnded(turn, EndReason.COMPLETED, "", "", 0.0, 0.0, None, None, "")


def outbox(lead: float = 0.35) -> Outbox:
    return Outbox(RATE, FRAME, lead)


def test_a_player_that_runs_dry_stops() -> None:
    player = Player()
    player.give(1.0, 10.0)
    assert player.ahead(10.4) == pytest.approx(0.6)
    assert player.ahead(20.0) == 0.0
    player.give(1.0, 30.0)
    assert player.dry_at == 31.0


def test_a_player_that_is_stopped_has_nothing_ahead() -> None:
    player = Player()
    player.give(1.0, 10.0)
    player.stop(10.2)
    assert player.dry_at == 10.2


def test_audio_leaves_at_most_the_lead_ahead_of_the_player() -> None:
    box = outbox(lead=0.35)
    box.put_audio(1, bytes(100))
    assert len(box.take(0.0, *PLENTY)) == 3
    assert box.take(0.04, *PLENTY) == []
    assert box.ready_at() == pytest.approx(0.05)
    assert len(box.take(box.ready_at(), *PLENTY)) == 1
    assert box.held == pytest.approx(0.6)


def test_a_turn_is_shortened_to_what_it_may_still_say() -> None:
    box = outbox(lead=0.35)
    box.put_audio(1, bytes(50))
    box.put_spoken(Transcript(1, Speaker.MODEL, "One."))
    box.put_audio(1, bytes(50))
    box.put_spoken(Transcript(1, Speaker.MODEL, "Two."))
    box.put_end(ended(1))
    box.put_audio(2, bytes(20))
    assert len(box.take(0.0, *PLENTY)) == 3
    # 0.25 s more, up to the middle of a frame.
    assert box.shorten(1, 0.24) == pytest.approx(0.46)
    left: list[Output] = []
    for tick in range(30):
        left += box.take(0.1 * tick, *PLENTY)
    of_first = [output for output in left if getattr(output, "turn", 0) == 1]
    assert [len(output.audio) for output in of_first if isinstance(output, Audio)] == [10, 10, 4]
    assert [output.text for output in of_first if isinstance(output, Transcript)] == ["One."]
    assert sum(len(output.audio) for output in left if isinstance(output, Audio) and output.turn == 2) == 20


def test_a_turn_that_is_shortened_to_nothing_says_nothing_more() -> None:
    box = outbox(lead=0.35)
    box.put_audio(1, bytes(50))
    box.put_spoken(Transcript(1, Speaker.MODEL, "One."))
    box.take(0.0, *PLENTY)
    assert box.shorten(1, 0.0) == pytest.approx(0.2)
    assert box.held == 0.0
    assert not [output for output in box.take(5.0, *PLENTY) if isinstance(output, Audio)]


def test_a_break_is_said_when_what_is_left_has_been_played() -> None:
    box = outbox(lead=0.35)
    box.put_audio(1, bytes(30))
    box.put_break(Interrupted(1, CutCause.RECOVERY), ended(1))
    assert len(box.take(0.0, *PLENTY)) == 3
    assert box.ready_at() == pytest.approx(0.3)
    assert box.take(0.2, *PLENTY) == []
    assert box.take(0.3, *PLENTY) == [Interrupted(1, CutCause.RECOVERY), ended(1)]


def test_frames_leave_together_where_the_lead_has_room_for_several() -> None:
    box = outbox(lead=1.6)
    box.put_audio(1, bytes(400))
    assert len(box.take(0.0, *PLENTY)) == 16
    # An eighth of the lead is two frames.
    assert box.ready_at() == pytest.approx(0.2)
    assert box.take(0.1, *PLENTY) == []
    assert len(box.take(0.2, *PLENTY)) == 2


def test_a_frame_that_is_longer_than_the_lead_leaves_when_the_player_is_dry() -> None:
    box = outbox(lead=0.05)
    box.put_audio(1, bytes(20))
    assert len(box.take(0.0, *PLENTY)) == 1
    assert box.ready_at() == pytest.approx(0.1)
    assert len(box.take(0.1, *PLENTY)) == 1


def test_an_infinite_lead_releases_everything_at_once() -> None:
    box = outbox(lead=inf)
    box.put_audio(1, bytes(500))
    assert len(box.take(0.0, *PLENTY)) == 50
    assert box.player.ahead(0.0) == pytest.approx(5.0)


def test_chunks_of_any_size_leave_in_frames_of_one_size() -> None:
    box = outbox(lead=inf)
    chunks = [bytes([number]) * size for number, size in enumerate((3, 7, 10, 1, 25, 4))]
    for chunk in chunks:
        box.put_audio(1, chunk)
    frames = [output.audio for output in box.take(0.0, *PLENTY) if isinstance(output, Audio)]
    assert [len(frame) for frame in frames] == [FRAME] * 5
    assert b"".join(frames) == b"".join(chunks)


def test_only_the_last_frame_of_a_turn_is_short() -> None:
    box = outbox(lead=inf)
    box.put_audio(1, bytes(14))
    box.put_end(ended(1))
    box.put_audio(2, bytes(10))
    frames = [output for output in box.take(0.0, *PLENTY) if isinstance(output, Audio)]
    assert [(frame.turn, len(frame.audio)) for frame in frames] == [(1, 10), (1, 4)]


def test_half_a_sample_at_the_end_of_a_turn_is_dropped() -> None:
    box = outbox(lead=inf)
    box.put_audio(1, bytes(13))
    box.put_last_frame(1)
    assert [len(output.audio) for output in box.take(0.0, *PLENTY) if isinstance(output, Audio)] == [10, 2]
    box.put_audio(1, bytes(1))
    box.put_last_frame(1)
    assert box.empty
    assert box.held == 0.0


def test_words_stay_behind_the_audio_that_was_put_before_them() -> None:
    box = outbox(lead=0.1)
    words = Transcript(1, Speaker.MODEL, "hello")
    box.put_audio(1, bytes(20))
    box.put_spoken(words)
    box.put_spoken(Text(1, "more"))
    assert words not in box.take(0.0, *PLENTY)
    assert box.take(0.1, *PLENTY)[1:] == [words, Text(1, "more")]


def test_words_at_the_head_leave_at_once() -> None:
    box = outbox()
    box.put_spoken(Text(1, "hello"))
    assert box.ready_at() == -inf
    assert box.take(0.0, *PLENTY) == [Text(1, "hello")]
    assert box.ready_at() == inf


def test_urgent_outputs_overtake_speech() -> None:
    box = outbox()
    box.put_audio(1, bytes(10))
    box.put_urgent(UserActivity(True))
    assert box.ready_at() == -inf
    assert box.take(0.0, *PLENTY) == [UserActivity(True), Audio(1, bytes(10))]


def test_urgent_outputs_that_do_not_fit_go_with_the_next_message() -> None:
    box = outbox()
    box.put_audio(1, bytes(10))
    box.put_urgent(UserActivity(True))
    box.put_urgent(UserActivity(False))
    assert box.take(0.0, 1, 100) == [UserActivity(True)]
    assert box.take(0.0, 1, 100) == [UserActivity(False)]
    assert box.take(0.0, 1, 100) == [Audio(1, bytes(10))]


def test_a_message_holds_no_more_audio_than_it_can_take() -> None:
    box = outbox(lead=inf)
    box.put_audio(1, bytes(40))
    assert len(box.take(0.0, 64, 25)) == 2
    assert box.take(0.0, 64, 9) == []
    assert len(box.take(0.0, 64, 20)) == 2


def test_the_end_of_a_turn_waits_until_its_audio_was_played() -> None:
    box = outbox(lead=inf)
    box.put_audio(1, bytes(30))
    box.put_end(ended(1))
    assert len(box.take(0.0, *PLENTY)) == 3
    assert box.ready_at() == pytest.approx(0.3)
    assert box.take(0.2, *PLENTY) == []
    assert box.take(0.3, *PLENTY) == [ended(1)]


def test_the_end_of_a_turn_that_was_just_released_is_not_taken_with_it() -> None:
    box = outbox(lead=inf)
    box.put_audio(1, bytes(10))
    box.put_end(ended(1))
    assert box.take(0.0, *PLENTY) == [Audio(1, bytes(10))]


def test_the_end_of_a_turn_without_audio_leaves_at_once() -> None:
    box = outbox()
    box.put_end(ended(1))
    assert box.take(0.0, *PLENTY) == [ended(1)]


def test_discarding_a_turn_leaves_nothing_of_it_and_stops_the_player() -> None:
    box = outbox(lead=0.2)
    box.put_audio(1, bytes(57))
    box.put_spoken(Text(1, "gone"))
    box.take(0.0, *PLENTY)
    assert box.discard(1, 0.1) == pytest.approx(0.37)
    assert box.empty
    assert box.held == 0.0
    assert box.player.ahead(0.1) == 0.0


def test_discarding_an_older_turn_keeps_all_of_the_younger_one() -> None:
    box = outbox(lead=inf)
    box.put_audio(1, bytes(20))
    box.put_end(ended(1))
    box.put_audio(2, b"\x01" * 6)
    assert box.discard(1, 0.0) == pytest.approx(0.2)
    box.put_audio(2, b"\x02" * 4)
    assert box.take(0.0, *PLENTY) == [Audio(2, b"\x01" * 6 + b"\x02" * 4)]


def test_discarding_a_younger_turn_lets_the_older_one_play_on() -> None:
    box = outbox(lead=0.2)
    box.put_audio(1, bytes(40))
    box.put_end(ended(1))
    box.put_audio(2, b"\x02" * 6)
    box.take(0.0, *PLENTY)
    box.discard(2, 0.1)
    assert box.player.ahead(0.1) == pytest.approx(0.1)
    assert box.held == pytest.approx(0.2)
    # Nothing of the turn that was thrown away is found in the next.
    box.put_audio(3, b"\x03" * 10)
    left: list[Output] = []
    for now in (0.1, 0.2, 0.3, 0.4):
        left += box.take(now, *PLENTY)
    assert left == [Audio(1, bytes(10)), Audio(1, bytes(10)), ended(1), Audio(3, b"\x03" * 10)]


class OutboxMachine(RuleBasedStateMachine):
    """An outbox beside a model of it that knows bytes and turns and nothing of queues."""

    def __init__(self) -> None:
        super().__init__()
        self.box = outbox(lead=0.45)
        self.now = 0.0
        self.turn = 1
        # What was put for each turn and neither left nor was thrown away; ends are None.
        self.waiting: dict[int, bytearray] = {1: bytearray()}
        self.unsaid: set[int] = set()
        self.urgent: list[Output] = []
        self.marks = 0
        # The listener: when all that left will have been played, and which turn that is of.
        self.dry_at = -inf
        self.playing = 0

    @rule(size=st.integers(0, 35), value=st.integers(0, 255))
    def put_audio(self, size: int, value: int) -> None:
        # Whole samples: half ones are dropped at the end of a turn, which has its own test.
        audio = bytes([value]) * (size * 2)
        self.box.put_audio(self.turn, audio)
        self.waiting[self.turn] += audio

    @rule()
    def put_urgent(self) -> None:
        self.marks += 1
        output = Text(0, str(self.marks))
        self.box.put_urgent(output)
        self.urgent.append(output)

    @rule()
    def end_turn(self) -> None:
        self.box.put_end(ended(self.turn))
        self.unsaid.add(self.turn)
        self.turn += 1
        self.waiting[self.turn] = bytearray()

    @rule(back=st.integers(0, 3))
    def discard(self, back: int) -> None:
        turn = max(1, self.turn - back)
        gone = len(self.waiting[turn])
        assert self.box.discard(turn, self.now) == pytest.approx(gone / RATE)
        self.waiting[turn].clear()
        self.unsaid.discard(turn)
        if self.playing == turn:
            self.dry_at = min(self.dry_at, self.now)

    @rule(seconds=st.sampled_from([0.0, 0.01, 0.1, 0.37, 5.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: -inf < self.box.ready_at() < inf)
    @rule()
    def wait_until_ready(self) -> None:
        self.now = max(self.now, self.box.ready_at())
        assert self.take(64, 1000)

    @rule(max_events=st.integers(0, 8), max_bytes=st.integers(0, 60))
    def take_some(self, max_events: int, max_bytes: int) -> None:
        self.take(max_events, max_bytes)

    def take(self, max_events: int, max_bytes: int) -> list[Output]:
        taken = self.box.take(self.now, max_events, max_bytes)
        assert len(taken) <= max_events
        assert sum(len(output.audio) for output in taken if isinstance(output, Audio)) <= max_bytes
        for output in taken:
            if isinstance(output, Text):
                assert output == self.urgent.pop(0)
            elif isinstance(output, Audio):
                self.play(output)
            else:
                assert isinstance(output, TurnEnded)
                assert not self.waiting[output.turn]
                assert self.dry_at <= self.now + 1e-5, "a turn ended before it was played"
                self.unsaid.remove(output.turn)
        return taken

    def play(self, frame: Audio) -> None:
        assert not self.urgent
        assert frame.turn == min(turn for turn in self.waiting if self.waiting[turn] or turn in self.unsaid)
        waiting = self.waiting[frame.turn]
        assert waiting[: len(frame.audio)] == frame.audio
        del waiting[: len(frame.audio)]
        assert len(frame.audio) == FRAME or not waiting
        self.dry_at = max(self.dry_at, self.now) + len(frame.audio) / RATE
        self.playing = frame.turn
        assert self.dry_at <= self.now + 0.45 + 1e-5, "audio left too far ahead of the player"

    @invariant()
    def holds_what_was_put_and_did_not_leave(self) -> None:
        assert self.box.held == pytest.approx(sum(map(len, self.waiting.values())) / RATE)

    @invariant()
    def urgent_outputs_are_ready_at_once(self) -> None:
        assert not self.urgent or self.box.ready_at() == -inf


OutboxMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
test_an_outbox_does_as_its_model = OutboxMachine.TestCase
