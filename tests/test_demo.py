"""The demo's client against a scripted server that plays along, and against ones that do not."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from segue.demo import UTTERANCES, DemoOutcome, converse
from segue.simulator.history import History
from segue.talk.wav import level, read_utterance
from segue_client.segue.v1.server_event_pb2 import Interrupted, ServerEvent, SessionOpened, Transcript, TurnEnded
from tests.clients.python.scripted_server import COMPLETED, Script, Stream, serving
from tests.test_talk import VirtualClock, hear_utterance, tone, transcript


def numbered(*events: ServerEvent) -> list[ServerEvent]:
    for seq, event in enumerate(events, 1):
        event.seq = seq
    return list(events)


def speech(turn: int, seconds: float, pcm: bytes) -> list[ServerEvent]:
    return [ServerEvent(turn=turn, audio=pcm) for _ in range(round(seconds * 25))]


CUT = Interrupted(cause=Interrupted.CAUSE_USER, heard_text="Once upon", unheard_text=" a time")
LOUD, QUIET = tone(0.04, 24000), bytes(1920)


def story(
    *,
    words: str = "Tell me a story.",
    cut: Interrupted = CUT,
    after_cut: tuple[ServerEvent, ...] = (),
    pcm: bytes = LOUD,
    second: bool = True,
) -> Script:
    async def tell(stream: Stream) -> None:
        await stream.say(ServerEvent(opened=SessionOpened(session_id="s7")))
        await hear_utterance(stream)
        first = numbered(
            transcript(Transcript.SPEAKER_USER, words),
            *speech(1, 30.0, pcm),
            ServerEvent(turn=1, interrupted=cut),
            *after_cut,
            ServerEvent(turn=1, turn_ended=TurnEnded(reason=TurnEnded.REASON_INTERRUPTED)),
            transcript(Transcript.SPEAKER_USER, words),
            *speech(2, 1.0, pcm),
            ServerEvent(turn=2, turn_ended=TurnEnded(reason=TurnEnded.REASON_COMPLETED)),
        )
        began = 1 + 750
        await stream.say(*first[:began])
        while level((await stream.hear_until("audio")).audio) < 100:
            pass
        ended = began + 2 + len(after_cut)
        await stream.say(*first[began:ended])
        await hear_utterance(stream)
        await stream.say(*(first[ended:] if second else first[ended : ended + 1]))
        await stream.hear_out()
        await stream.say(COMPLETED)

    return tell


async def run(script: Script, output: Path, history: History) -> tuple[DemoOutcome, str]:
    console = Console(file=io.StringIO(), force_terminal=False)
    async with serving(script) as server:
        outcome = await converse(server.target, UTTERANCES, output, console, history, clock=VirtualClock())
    assert isinstance(console.file, io.StringIO)
    return outcome, console.file.getvalue()


def test_the_utterances_are_speech_of_a_few_seconds() -> None:
    for utterance in map(read_utterance, UTTERANCES):
        assert 2.0 < utterance.duration < 5.0
        assert level(utterance.pcm) > 1000
        assert utterance.duration - utterance.words_end < 0.2


async def test_all_of_it_happens_and_is_recorded(tmp_path: Path) -> None:
    history = History()
    outcome, shown = await run(story(), tmp_path / "reply.wav", history)
    assert outcome.missing == []
    outputs = history.of("client", "output_received")
    assert [record.fields["arm"] for record in outputs][-2:] == ["turn_ended", "closed"]
    numbers = [record.fields["seq"] for record in outputs if record.fields["seq"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert {record.session for record in outputs} == {"s7"}
    cut = next(record for record in outputs if record.fields["arm"] == "interrupted")
    assert (cut.fields["cause"], cut.fields["heard_text"], cut.fields["unheard_text"]) == (
        "USER",
        "Once upon",
        " a time",
    )
    assert {record.fields["bytes"] for record in outputs if record.fields["arm"] == "audio"} == {1920}
    assert [(record.fields["what"], record.fields["utterance"]) for record in history.of("client", "input_sent")] == [
        ("utterance_started", "lighthouse.wav"),
        ("utterance_ended", "lighthouse.wav"),
        ("utterance_started", "name.wav"),
        ("utterance_ended", "name.wav"),
    ]
    _, _, interrupting, _ = history.of("client", "input_sent")
    first_audio = next(record for record in outputs if record.fields["arm"] == "audio")
    assert interrupting.at - first_audio.at == pytest.approx(6.0, abs=0.5)
    # The first answer was cut after six seconds and a bit, not played for thirty.
    assert 12.0 < (tmp_path / "reply.wav").stat().st_size / 48000 < 30.0
    assert "turn 1 interrupted (USER)" in shown
    assert "heard:   “Once upon”" in shown
    assert "unheard: “a time”" in shown


@pytest.mark.parametrize(
    ("script", "missing"),
    [
        (lambda: story(words=" "), "transcribed"),
        (lambda: story(cut=Interrupted(cause=Interrupted.CAUSE_USER, heard_text="Once")), "heard and unheard text"),
        (lambda: story(after_cut=(ServerEvent(turn=1, audio=QUIET),)), "no audio of the interrupted turn"),
        (lambda: story(pcm=QUIET), "audible"),
        (lambda: story(second=False), "answered twice"),
    ],
)
async def test_what_did_not_happen_is_named(tmp_path: Path, script: Callable[[], Script], missing: str) -> None:
    outcome, _ = await run(script(), tmp_path / "reply.wav", History())
    assert len(outcome.missing) == 1
    assert missing in outcome.missing[0]
