"""`segue talk`: pacing, WAV files, what is heard, and whole conversations against a scripted server."""

import asyncio
import heapq
import io
import itertools
import os
import signal
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import segue_client
from segue.talk import TalkError, talk
from segue.talk.clock import Clock, Pace
from segue.talk.devices import Microphone, Speaker
from segue.talk.playback import Playback
from segue.talk.timeline import Timeline
from segue.talk.voice import FRAME_BYTES, Mute, Reader
from segue.talk.wav import Utterance, level, read_utterance, write_recording
from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.open_session_pb2 import AudioFormat, OpenSession
from segue_client.segue.v1.server_event_pb2 import (
    Interrupted,
    ServerEvent,
    SessionClosed,
    Transcript,
    TurnEnded,
)
from tests.clients.python.scripted_server import COMPLETED, OPENED, Stream, serving


class VirtualClock(Clock):
    """Time that passes only while both the user's voice and whoever waits for something do nothing but wait."""

    def __init__(self) -> None:
        self.time = 100.0
        self._order = itertools.count()
        self._sleeping: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self.time

    async def sleep_until(self, at: float) -> None:
        if at <= self.time:
            await asyncio.sleep(0)
            return
        sleeper = (at, next(self._order), asyncio.get_running_loop().create_future())
        heapq.heappush(self._sleeping, sleeper)
        if len(self._sleeping) > 1:
            self.time, _, first = heapq.heappop(self._sleeping)
            first.set_result(None)
        try:
            await sleeper[2]
        finally:
            self._sleeping = [other for other in self._sleeping if other is not sleeper]


def tone(seconds: float, sample_rate_hertz: int = 16000, amplitude: int = 8000) -> bytes:
    at = np.arange(round(seconds * sample_rate_hertz)) / sample_rate_hertz
    return (amplitude * np.sin(2 * np.pi * 440 * at)).astype("<i2").tobytes()


def write_wav(path: Path, pcm: bytes, *, rate: int = 16000, channels: int = 1, sample_bytes: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setframerate(rate)
        file.setnchannels(channels)
        file.setsampwidth(sample_bytes)
        file.writeframes(pcm)
    return path


def lines() -> Console:
    return Console(file=io.StringIO(), force_terminal=False)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_steps_are_on_absolute_deadlines_whatever_is_late() -> None:
    class Sleeper(Clock):
        time = 5.0
        waits: list[float] = []  # noqa: RUF012

        def now(self) -> float:
            return self.time

        async def sleep_until(self, at: float) -> None:
            self.waits.append(at)
            self.time = max(self.time, at)

    clock = Sleeper()
    pace = Pace(clock, 0.02)
    for late in (0.0, 0.05, 0.0, 0.0, 0.0):
        await pace.step()
        clock.time += late
    assert clock.waits == pytest.approx([5.0, 5.02, 5.04, 5.06, 5.08])


async def test_the_real_clock_waits_for_what_is_to_come_only() -> None:
    clock = Clock()
    before = clock.now()
    await clock.sleep_until(before - 10)
    await clock.sleep_until(before + 0.001)
    assert before + 0.001 <= clock.now() < before + 5


def test_an_utterance_is_read_from_a_file(tmp_path: Path) -> None:
    utterance = read_utterance(write_wav(tmp_path / "hello.wav", tone(1.0) + bytes(16000)))
    assert (utterance.name, utterance.duration) == ("hello.wav", 1.5)
    assert utterance.words_end == pytest.approx(1.0, abs=0.03)
    assert repr(utterance) == "Utterance(name='hello.wav')"


@pytest.mark.parametrize(
    ("rate", "channels", "sample_bytes", "words"),
    [
        (8000, 1, 2, r"has 16 bits, 1 channel\(s\), 8000 Hz"),
        (48000, 1, 2, "48000 Hz"),
        (16000, 2, 2, r"2 channel\(s\)"),
        (16000, 1, 1, "8 bits"),
    ],
)
def test_other_formats_are_refused(tmp_path: Path, rate: int, channels: int, sample_bytes: int, words: str) -> None:
    path = write_wav(tmp_path / "in.wav", bytes(9600), rate=rate, channels=channels, sample_bytes=sample_bytes)
    with pytest.raises(TalkError, match=words) as caught:
        read_utterance(path)
    assert "sox INPUT -r 16000 -c 1 -b 16" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "no WAV file"), (b"ID3 not a wav, an mp3", "no WAV file"), (None, "No such file")],
)
def test_what_is_no_wav_file_is_refused(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "in.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TalkError, match=words):
        read_utterance(path)


def test_a_file_without_audio_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TalkError, match="holds no audio"):
        read_utterance(write_wav(tmp_path / "in.wav", b""))


def test_silence_has_its_last_words_at_its_end() -> None:
    assert Utterance("silence", bytes(32000)).words_end == 1.0


def test_a_reader_gives_a_quiet_room_around_the_words() -> None:
    reader = Reader()
    words = tone(0.03)
    before = reader.take()
    reader.read(Utterance("w", words))
    assert reader.speaking
    during = [reader.take(), reader.take()]
    after = [reader.take() for _ in range(100)]
    assert not reader.speaking
    assert all(len(frame) == FRAME_BYTES for frame in (before, *during, *after))
    assert b"".join(during)[: len(words)] == words
    assert all(0 < level(frame) < 3 for frame in (before, *after))
    assert Mute().take() == b""


def test_playback_plays_at_once_or_after_what_plays() -> None:
    playback = Playback(10.0)
    playback.play(1, tone(1.0, 24000), 12.0)
    playback.play(1, tone(1.0, 24000), 12.1)
    assert [playback.heard(1, now) for now in (11.0, 12.0, 12.5, 14.0, 20.0)] == [0.0, 0.0, 0.5, 2.0, 2.0]
    assert not playback.quiet(13.9)
    assert playback.quiet(14.0)
    playback.play(1, tone(1.0, 24000), 16.0)
    assert playback.heard(1, 16.5) == 2.5
    assert playback.heard(2, 16.5) == 0.0


def test_the_recording_is_what_was_heard() -> None:
    playback = Playback(0.0)
    playback.play(1, b"\1\0" * 48000, 1.0)
    playback.stop(1, 1.5)
    assert playback.heard(1, 9.0) == 0.5
    assert playback.quiet(1.5)
    playback.play(2, b"\2\0" * 24000, 2.0)
    playback.stop(1, 9.0)
    silence = b"\0\0"
    expected = silence * 24000 + b"\1\0" * 12000 + silence * 12000 + b"\2\0" * 24000
    assert playback.recording() == expected


def test_a_turn_that_is_cut_before_it_plays_leaves_nothing() -> None:
    playback = Playback(0.0)
    playback.play(1, b"\1\0" * 24000, 0.0)
    playback.play(2, b"\2\0" * 24000, 0.0)
    playback.stop(2, 0.5)
    assert playback.recording() == b"\1\0" * 24000
    assert Playback(0.0).recording() == b""


def test_a_recording_is_a_wav_file_in_a_new_directory(tmp_path: Path) -> None:
    path = tmp_path / "build" / "reply.wav"
    write_recording(path, tone(0.5, 24000))
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (
            24000,
            1,
            2,
            12000,
        )


def test_levels() -> None:
    assert level(b"") == 0.0
    assert level(tone(1.0)) == pytest.approx(8000 / np.sqrt(2), rel=0.01)


def test_a_microphone_gives_what_arrived() -> None:
    microphone = Microphone()
    assert microphone.take() == b""
    microphone.hear(b"\1\2", 1, None, None)
    microphone.hear(memoryview(b"\3\4"), 1, None, None)
    assert microphone.take() == b"\1\2\3\4"
    assert microphone.take() == b""


def test_a_speaker_plays_what_is_queued_and_then_nothing() -> None:
    speaker = Speaker()
    speaker.play(b"\1\2\3\4\5\6")
    block = bytearray(b"\xff" * 4)
    speaker.fill(block, 2, None, None)
    assert block == b"\1\2\3\4"
    speaker.fill(block, 2, None, None)
    assert block == b"\5\6\0\0"
    speaker.play(b"\1\2")
    speaker.stop()
    speaker.fill(block, 2, None, None)
    assert block == b"\0\0\0\0"


async def test_a_microphone_without_its_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(TalkError, match=r"pip install 'segue\[microphone\]'"):
        await talk("localhost:1", microphone=True, console=lines())


async def test_one_thing_to_talk_with_is_needed() -> None:
    with pytest.raises(TalkError, match="one of --wav, --text and --microphone"):
        await talk("localhost:1", console=lines())
    with pytest.raises(TalkError, match="one of --wav, --text and --microphone"):
        await talk("localhost:1", text="Hello", microphone=True, console=lines())


def test_a_timeline_in_a_terminal_shows_the_words_as_they_come() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with Timeline(console, 0.0) as timeline:
        timeline.show(segue_client.Transcript(0, "USER", "Hello"), 1.0)
        assert "Hello" in shown(console)
        timeline.turn_began(2.0, 1, 0.5)
        timeline.show(segue_client.Transcript(1, "MODEL", "Once [bold]upon"), 2.0)
        timeline.show(segue_client.TurnEnded(1, "COMPLETED", "", "", 1.0, 1.0, 0.4, segue_client.Usage(), ""), 3.0)
    assert "first audio after 0.50 s" in shown(console)
    assert "“Once [bold]upon”" in shown(console)


def test_a_timeline_shortens_long_words_around_an_interruption() -> None:
    console = lines()
    with Timeline(console, 0.0) as timeline:
        timeline.show(segue_client.Interrupted(1, "USER", "a" * 200 + " END", "START " + "b" * 200, 1.5), 2.0)
        timeline.show(segue_client.Interrupted(2, "NONE", "", "", 0.0), 2.0)
        timeline.show(segue_client.InputRejected(0, "ODD_BYTES", "Send whole samples."), 2.0)
    assert "END”" in shown(console)
    assert "“START" in shown(console)
    assert max(map(len, shown(console).splitlines())) < 200
    assert "nothing to interrupt" in shown(console)
    assert "ODD_BYTES: Send whole samples." in shown(console)


def test_a_timeline_says_what_was_done_behind_the_scenes() -> None:
    console = lines()
    with Timeline(console, 0.0) as timeline:
        timeline.show(segue_client.Notice("RENEWED", "the link was renewed", 0.16), 2.0)
        timeline.show(segue_client.Notice("PHANTOM_INTERRUPT", "nobody spoke", None), 3.0)
    assert [line.split(maxsplit=3) for line in shown(console).splitlines()] == [
        ["2.0", "s", "segue", "· the link was renewed (0.16 s)"],
        ["3.0", "s", "segue", "· nobody spoke"],
    ]


def transcript(speaker: "Transcript.Speaker", text: str, turn: int = 0) -> ServerEvent:
    return ServerEvent(turn=turn, transcript=Transcript(speaker=speaker, text=text))


def turn(number: int, words: str, seconds: float) -> list[ServerEvent]:
    """A turn that ends as it should."""
    return [
        transcript(Transcript.SPEAKER_MODEL, words, number),
        *(ServerEvent(turn=number, audio=tone(0.04, 24000)) for _ in range(round(seconds * 25))),
        ServerEvent(turn=number, turn_ended=TurnEnded(reason=TurnEnded.REASON_COMPLETED, heard_text=words)),
    ]


async def hear_utterance(stream: Stream) -> None:
    """Hear words, and 800 ms of quiet after them."""
    quiet = 0
    spoken = False
    while not spoken or quiet < 40:
        event = await stream.hear_until("audio")
        loud = level(event.audio) > 100
        spoken = spoken or loud
        quiet = 0 if loud else quiet + 1


async def answer_speech(stream: Stream) -> None:
    await stream.say(OPENED)
    await hear_utterance(stream)
    await stream.say(transcript(Transcript.SPEAKER_USER, "Who keeps it?"), *turn(1, "A keeper does.", 2.0))
    await stream.hear_out()
    await stream.say(COMPLETED)


async def answer_text(stream: Stream) -> None:
    await stream.say(OPENED)
    await stream.hear_until("text")
    await stream.say(*turn(1, "A keeper does.", 0.08))
    await stream.hear_out()
    await stream.say(COMPLETED)


async def test_a_file_is_asked_and_its_answer_recorded(tmp_path: Path) -> None:
    console = lines()
    question = write_wav(tmp_path / "question.wav", tone(0.5))
    options = OpenSession(voice="Kore", input_format=AudioFormat(encoding=AudioFormat.ENCODING_MULAW))
    async with serving(answer_speech) as server:
        result = await talk(
            server.target,
            wav=question,
            output=tmp_path / "answer.wav",
            options=options,
            console=console,
            clock=VirtualClock(),
        )
    assert (result.answered, result.turns, result.interruptions) == (True, 1, 0)
    assert result.closed is not None
    assert result.closed.reason == "COMPLETED"
    assert result.first_audio[0] > 0.75
    opening = server.streams[0].heard[0].open
    assert opening.voice == "Kore"
    assert opening.include_notices
    assert opening.input_format.encoding == AudioFormat.ENCODING_LINEAR16
    frames = [event.audio for event in server.streams[0].heard if event.WhichOneof("input") == "audio"]
    assert set(map(len, frames)) == {FRAME_BYTES}
    assert tone(0.5) in b"".join(frames)
    with wave.open(str(tmp_path / "answer.wav")) as file:
        recording = file.readframes(file.getnframes())
    assert recording.endswith(tone(0.04, 24000) * 50)
    assert not any(recording[: -len(tone(2.0, 24000))])
    assert "▶ question.wav, 0.5 s" in shown(console)
    assert "“Who keeps it?”" in shown(console)
    assert "“A keeper does.”" in shown(console)
    assert "session closed, COMPLETED" in shown(console)


async def test_text_is_answered_without_a_microphone(tmp_path: Path) -> None:
    console = lines()
    async with serving(answer_text) as server:
        result = await talk(server.target, text="Who keeps it?", console=console)
    assert result.answered
    assert [event.WhichOneof("input") for event in server.streams[0].heard] == ["open", "text", "close"]
    assert server.streams[0].heard[0].open.include_notices
    assert "▶ “Who keeps it?”" in shown(console)


async def test_interrupted_audio_that_was_not_played_is_cut(tmp_path: Path) -> None:
    async def interrupt(stream: Stream) -> None:
        await stream.say(OPENED)
        await stream.hear_until("text")
        cut = Interrupted(cause=Interrupted.CAUSE_PHANTOM, heard_text="A", unheard_text=" keeper")
        await stream.say(*(ServerEvent(turn=1, audio=tone(0.04, 24000)) for _ in range(250)))
        await stream.say(ServerEvent(turn=1, interrupted=cut))
        await stream.say(ServerEvent(turn=1, turn_ended=TurnEnded(reason=TurnEnded.REASON_INTERRUPTED)))
        await stream.say(*turn(2, "Again: a keeper.", 0.08))
        await stream.hear_out()
        await stream.say(COMPLETED)

    async with serving(interrupt) as server:
        result = await talk(server.target, text="Who?", output=tmp_path / "a.wav", console=lines())
    assert (result.answered, result.turns, result.interruptions) == (True, 2, 1)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getnframes() < 5 * 24000


async def test_no_answer_ends_the_waiting(tmp_path: Path) -> None:
    async def say_nothing(stream: Stream) -> None:
        await stream.say(OPENED)
        await stream.hear_out()
        await stream.say(COMPLETED)

    async with serving(say_nothing) as server:
        result = await talk(
            server.target, text="Hello?", output=tmp_path / "a.wav", console=lines(), clock=VirtualClock()
        )
    assert (result.answered, result.turns, result.first_audio) == (False, 0, ())
    assert not (tmp_path / "a.wav").exists()


async def test_a_session_that_fails_raises_and_keeps_what_was_heard(tmp_path: Path) -> None:
    async def fail(stream: Stream) -> None:
        await stream.say(OPENED, ServerEvent(turn=1, audio=tone(0.04, 24000)))
        error = Error(reason=Error.REASON_BACKEND_LOST, message="The link was lost.")
        await stream.say(ServerEvent(closed=SessionClosed(error=error, next=SessionClosed.NEXT_OPEN_AGAIN)))
        await stream.hear_out()

    async with serving(fail) as server:
        with pytest.raises(segue_client.SessionError, match="BACKEND_LOST"):
            await talk(server.target, text="Hello?", output=tmp_path / "a.wav", console=lines())
    assert (tmp_path / "a.wav").exists()


async def test_ctrl_c_closes_the_session_in_good_order(tmp_path: Path) -> None:
    async def be_stopped(stream: Stream) -> None:
        await stream.say(OPENED, *turn(1, "Once upon a time", 60.0)[:-1])
        await stream.hear_until("text")
        os.kill(os.getpid(), signal.SIGINT)
        await stream.hear_until("close")
        await stream.say(COMPLETED)
        await stream.hear_out()

    async with serving(be_stopped) as server:
        result = await talk(server.target, text="Hello?", console=lines())
    assert not result.answered
    assert result.closed is not None
    assert asyncio.all_tasks() == {asyncio.current_task()}
