"""The examples as their readers run them: processes of their own, against a gateway with the simulator behind it."""

import asyncio
import re
import sys
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from segue.audio.g711 import mulaw, of_mulaw
from segue.backend.credentials import Credential
from segue.backend.gemini import GeminiBackend
from segue.backend.pool import Source
from segue.config import Settings
from segue.demo import UTTERANCES
from segue.gateway import Gateway
from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.history import History
from segue.simulator.server import Simulator
from segue.simulator.speech import SAMPLE_RATE, SpeechLikeVoice, resample
from tests.audio.sounds import coughs, pcm
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("no_task_left", "plain_environment")

EXAMPLES = Path(__file__).parents[3] / "clients" / "python" / "examples"
LIGHTHOUSE, NAME = UTTERANCES[:2]
# They speak in real time.
LIMIT = 60.0
# Each takes two seconds to say.
LINES = (
    "A keeper lived upon a rock.",
    "One night her only lamp broke.",
    "She put candles in each window.",
    "A small boat saw them and came.",
    "They all had breakfast at dawn.",
)
STORY = " ".join(LINES)
REST = " ".join(LINES[1:])
# What the gateway tells the model after an interruption, or asks of it, holds the words "note" and "cut".
STORIES = f"""
[[utterances]]
user = "Please tell me a story."
model = "{STORY}"
[[utterances]]
user = "What was her name?"
model = "Her name was Marta."
[[texts]]
words = ["boats"]
model = "In the harbour."
[[texts]]
words = ["note", "cut", "go", "on"]
model = "{REST}"
[[texts]]
words = ["story"]
model = "{STORY}"
[[fallback]]
model = "What?"
"""
# The second utterance is the cough, in which there are no words: what is answered is what the gateway asks then.
COUGHED = f"""
[[utterances]]
user = "Please tell me a story."
model = "{STORY}"
[[utterances]]
user = ""
model = "{REST}"
[[fallback]]
model = "What?"
"""
SHORT = """
[[utterances]]
user = "What was her name?"
model = "Her name was Marta."
[[fallback]]
model = "What?"
"""
WEATHER = """
[[utterances]]
user = "Hello."
model = "Hello."
[[texts]]
words = ["function", "returned", "21"]
model = "It is 21 degrees in Cologne."
[[texts]]
words = ["weather"]
call = { name = "get_weather", args = { city = "Cologne" } }
model = "I cannot tell."
after = "One moment, I am looking."
[[fallback]]
model = "What?"
"""


@dataclass
class Service:
    """A gateway, and what the simulator behind it saw."""

    target: str
    history: History

    def texts(self) -> list[str]:
        """Return what text each of the simulated model's turns answers; empty where it is speech alone."""
        return [str(record.fields["text"]) for record in self.history.of("simulator", "turn_begun")]


@asynccontextmanager
async def serving(dialogue: str) -> AsyncIterator[Service]:
    history = History()
    async with Simulator(
        dialogue=parse_dialogue(dialogue, "test"),
        voice=SpeechLikeVoice(),
        history=history,
        strict=True,
    ) as simulator:
        credential = Credential("test", "a test", api_key="simulated", base_url=simulator.url)
        backend = GeminiBackend(credential, ssl_context=simulator.client_ssl_context())
        gateway = Gateway(Settings(port=0, metrics_port=0, drain_timeout=0), [Source(backend, credential)])
        await gateway.start()
        try:
            yield Service(f"localhost:{gateway.port}", history)
        finally:
            await wait_until(lambda: not len(gateway.registry))
            await gateway.stop()
            assert not backend.odd_messages


class Example:
    """A running example: its output so far, and its input."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.shown = ""

    async def until(self, pattern: str) -> re.Match[str]:
        """Wait until this is shown, after what was waited for before."""
        assert self._process.stdout is not None
        while not (match := re.search(pattern, self.shown)):
            more = await self._process.stdout.read(4096)
            assert more, f"{pattern} was never shown: {self.shown}"
            self.shown += more.decode()
        self.shown = self.shown[match.end() :]
        return match

    def enter(self, *lines: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("".join(f"{line}\n" for line in lines).encode())

    async def ended(self) -> str:
        """Close its input, wait for its end, and return what it showed since the last wait."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        output, errors = await self._process.communicate()
        assert (self._process.returncode, errors) == (0, b"")
        return self.shown + output.decode()


@asynccontextmanager
async def running(name: str, *arguments: str | Path) -> AsyncIterator[Example]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, EXAMPLES / name, *arguments, stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        async with asyncio.timeout(LIMIT):
            yield Example(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def assert_cut(told: str, heard: str, unheard: str) -> None:
    """Some of it was heard and some was not, and together they are what the model had said of it by then."""
    assert heard.strip()
    assert unheard.strip()
    assert told.startswith(f"{heard.strip()} {unheard.strip()}")


async def test_push_to_talk_is_interrupted_by_the_next_press_and_answered_at_once() -> None:
    async with serving(STORIES) as service, running("push_to_talk.py", service.target) as example:
        example.enter("", "Tell me a story.")
        await example.until(r"\[released\]")
        await example.until("candles")
        # Pressed, and no word said yet.
        example.enter("")
        cut = await example.until(r"\[interrupted; heard: '(.*)', not heard: '(.*)'\]")
        assert_cut(STORY, cut[1], cut[2])
        example.enter("Where are the boats?")
        rest = await example.ended()
        answered = re.fullmatch(r"\s*\[released\]\s*In the harbour.\n\[(.*) s of answer, (.*) s after .*\]\n", rest)
        assert answered, rest
        assert float(answered[1]) == pytest.approx(1.0, abs=0.1)
        assert 0.0 < float(answered[2]) < 2.0


async def test_a_story_goes_on_from_the_line_that_was_cut_and_a_question_is_answered_in_the_middle_of_it() -> None:
    async with serving(STORIES) as service, running("interrupt.py", LIGHTHOUSE, NAME, service.target) as example:
        shown = await example.ended()
        split = r"heard: *(.*)\nnot heard: *(.*)\n"
        seen = re.fullmatch(f"interrupted: CLIENT\n{split}interrupted: USER\n{split}{split}", shown)
        assert seen, shown
        assert_cut(STORY, seen[1], seen[2])
        # In the second line of five.
        assert LINES[0] in seen[1]
        assert LINES[1] not in seen[1]
        assert f'The sentence that was cut: "{LINES[1]}"' in service.texts()[1]
        assert_cut(REST, seen[3], seen[4])
        assert (seen[5], seen[6]) == ("Her name was Marta.", "")


async def test_a_telephone_call_is_carried_in_packets_of_20_ms(tmp_path: Path) -> None:
    question, answer = tmp_path / "question.ul", tmp_path / "answer.ul"
    with wave.open(str(NAME)) as file:
        said = resample(file.readframes(file.getnframes()), file.getframerate(), 8000)
    question.write_bytes(mulaw(np.frombuffer(said, "<i2")))
    async with serving(SHORT) as service, running("telephone.py", question, answer, service.target) as example:
        assert "Her name was Marta." in await example.ended()
    assert len(answer.read_bytes()) % 160 == 0
    heard = of_mulaw(answer.read_bytes()).astype(float)
    voice = np.frombuffer(resample(SpeechLikeVoice().speak("Her name was Marta."), SAMPLE_RATE, 8000), "<i2")
    # The answer in one piece and undistorted, after the question.
    likeness = np.correlate(heard, voice.astype(float))
    begin = int(np.argmax(likeness))
    assert begin > len(said) // 2
    heard_of_it = heard[begin : begin + len(voice)]
    assert np.corrcoef(heard_of_it, voice)[0, 1] > 0.95
    assert not np.any(heard[: begin - 160])


async def test_a_cough_does_not_end_in_silence(tmp_path: Path) -> None:
    cough = tmp_path / "cough.wav"
    with wave.open(str(cough), "wb") as file:
        file.setframerate(16000)
        file.setnchannels(1)
        file.setsampwidth(2)
        file.writeframes(pcm(coughs(1.0)))
    async with (
        serving(COUGHED) as service,
        running("gateway_detection.py", LIGHTHOUSE, cough, service.target) as example,
    ):
        await example.until(LINES[0])
        await example.until(r"\[interrupted\]")
        loop = asyncio.get_running_loop()
        stopped_at = loop.time()
        await example.until(r"\[a sound without words had interrupted turn 1\]\n")
        await example.until(LINES[1])
        assert loop.time() - stopped_at < 6.0
        assert (await example.ended()).endswith(f"{' '.join(LINES[2:])}\n")
        [_, asked] = service.texts()
        assert "Go on from there now" in asked
        assert LINES[0] in asked


async def test_a_slow_tool_is_bridged_and_its_result_told() -> None:
    async with serving(WEATHER) as service, running("slow_tool.py", service.target) as example:
        assert (await example.ended()).splitlines() == [
            "[get_weather called with {'city': 'Cologne'}]",
            "model: One moment, I am looking.",
            "[get_weather returned {'city': 'Cologne', 'celsius': 21}]",
            "model: It is 21 degrees in Cologne.",
        ]
