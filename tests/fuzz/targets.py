"""What must hold of any bytes that reach the simulator, as plain functions of bytes.

`python -m tests.fuzz` looks for bytes of which it does not; `test_corpus.py` tries those that were found worth keeping.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.outgoing import Close, Output, Send
from segue.simulator.rules.rulebook import Violation
from segue.simulator.script import LiveScript
from segue.simulator.service import Service
from segue.simulator.speech import SpeechLikeVoice
from segue.simulator.wire.reader import read
from segue.simulator.wire.schema import Flavour
from segue.simulator.wire.upgrade import Upgrade

_DIALOGUE = parse_dialogue(
    """
    [[utterances]]
    user = "Yes?"
    model = "Yes. It is."
    [[utterances]]
    user = "What time is it?"
    model = "It is {response}."
    call = { name = "get_time", args = { zone = "CET" } }
    while = "One moment."
    [[texts]]
    words = ["time"]
    model = "It is {response}, and you said {recall}."
    call = { name = "get_time" }
    [[fallback]]
    model = "I see."
    thought = "Hm."
    """,
    "fuzz",
)
_VOICE = SpeechLikeVoice()
_PATHS = {
    Flavour.DEVELOPER: "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
    Flavour.VERTEX: "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent",
}
_FUNCTION = {"name": "get_time", "parameters": {"type": "OBJECT", "properties": {"zone": {"type": "STRING"}}}}
# By the name of the model, without its path; None leaves the setup to the bytes.
_SETUPS: Sequence[tuple[str, Mapping[str, Any]] | None] = (
    None,
    ("gemini-3.8-live", {"sessionResumption": {}, "tools": [{"functionDeclarations": [_FUNCTION]}]}),
    (
        "gemini-3.1-flash-live-preview",
        {
            "realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}},
            "inputAudioTranscription": {},
            "outputAudioTranscription": {},
        },
    ),
    ("gemini-live-2.5-flash-preview", {"generationConfig": {"responseModalities": ["TEXT"]}}),
    (
        "gemini-2.5-flash-native-audio-preview-12-2025",
        {
            "realtimeInputConfig": {"activityHandling": "NO_INTERRUPTION"},
            "tools": [{"functionDeclarations": [_FUNCTION | {"behavior": "NON_BLOCKING"}]}],
            "contextWindowCompression": {"slidingWindow": {}},
        },
    ),
    (
        "gemini-3.8-live-extended-thinking",
        {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True}}},
    ),
    ("gemini-3.8-live", {"historyConfig": {"initialHistoryInClientContent": True}}),
)
_MODEL_PATHS = {Flavour.DEVELOPER: "models", Flavour.VERTEX: "publishers/google/models"}
# No byte of a JSON text.
_BETWEEN_FRAMES = b"\x00"
_REASON_BYTES = 123
_CODES = {1007, 1008, 1009, 1011}
_NEVER = float("inf")
# More than any script of a few frames has to say.
_MOST_TICKS = 20_000


def check_reader(content: bytes) -> None:
    """The first byte chooses the service and the kind of frame, the rest is the frame."""
    flags, frame = content[:1], _frame(content[:1], content[1:])
    understood = read(frame, _flavour(flags))
    if isinstance(understood, Violation):
        _check_close(understood.code, understood.cut_reason)
    else:
        assert isinstance(frame, str) or frame.decode(), "understood, and no UTF-8"


def check_script(content: bytes) -> None:
    """The first byte chooses the service and the setup; the rest are frames, each after a byte that waits and flags."""
    flags, frames = content[:1], content[1:].split(_BETWEEN_FRAMES)
    flavour = _flavour(flags)
    service = Service(_DIALOGUE, _VOICE, strict=bool(_number(flags) & 2))
    connection = _Connection(service, Upgrade(_PATHS[flavour], flavour, "v1beta", "key"))
    if chosen := _SETUPS[_number(flags) // 4 % len(_SETUPS)]:
        model, fields = chosen
        connection.receive(json.dumps({"setup": {"model": f"{_MODEL_PATHS[flavour]}/{model}", **fields}}))
        connection.wait(1.0)
    for frame in frames:
        # Up to two seconds, less than a turn takes and more than a pause.
        connection.wait(_number(frame[:1]) // 4 / 32)
        connection.receive(_frame(frame[:1], frame[1:]))
    connection.wait(_NEVER)


class _Connection:
    """A script under virtual time, whose every output is looked at."""

    def __init__(self, service: Service, upgrade: Upgrade) -> None:
        self._now = 0.0
        self._closed = False
        self._script = LiveScript(service, upgrade, Random(1), self._now)

    def receive(self, frame: str | bytes) -> None:
        self._take(self._script.receive(frame, self._now))

    def wait(self, seconds: float) -> None:
        """Let time pass; for ever, which every connection's cap ends, where `seconds` is infinite."""
        until = self._now + seconds
        for _ in range(_MOST_TICKS):
            deadline = self._script.deadline()
            if deadline > until or deadline == _NEVER:
                self._now = self._now if until == _NEVER else until
                return
            self._now = max(self._now, deadline)
            self._take(self._script.tick(self._now))
        raise AssertionError("the script has always something to do at once")

    def _take(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            assert not self._closed, "something follows the close"
            match output:
                case Close():
                    _check_close(output.code, output.reason)
                    self._closed = True
                case Send():
                    assert isinstance(json.loads(output.frame), dict)
        if self._closed:
            assert self._script.deadline() == _NEVER, "a closed connection still waits for something"


TARGETS: Mapping[str, Callable[[bytes], None]] = {"reader": check_reader, "script": check_script}


def _check_close(code: int, reason: str) -> None:
    assert code in _CODES, code
    assert reason
    assert len(reason.encode()) <= _REASON_BYTES


def _flavour(flags: bytes) -> Flavour:
    return Flavour.VERTEX if _number(flags) & 1 else Flavour.DEVELOPER


def _frame(flags: bytes, content: bytes) -> str | bytes:
    # A text frame that is no UTF-8 never comes so far: websockets closes with 1007.
    return content.decode("utf-8", "replace") if _number(flags) & 2 else content


def _number(flags: bytes) -> int:
    return flags[0] if flags else 0
