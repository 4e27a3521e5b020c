"""A client of the script whose clock stands still unless it is told to wait."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np

from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.history import History
from segue.simulator.outgoing import Close, Output, Send
from segue.simulator.script import LiveScript
from segue.simulator.service import Service
from segue.simulator.speech import SpeechLikeVoice
from segue.simulator.wire.upgrade import Upgrade, read_upgrade

DEVELOPER = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
VERTEX = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
NATIVE = "models/gemini-2.5-flash-native-audio-preview-12-2025"
HALF_CASCADE = "models/gemini-live-2.5-flash-preview"
LEGACY = "models/gemini-3.1-flash-live-preview"
NEWEST = "models/gemini-3.8-live"
THINKING = "models/gemini-3.8-live-extended-thinking"
VERTEX_HALF_CASCADE = "projects/p/locations/l/publishers/google/models/gemini-live-2.5-flash"
VERTEX_NEWEST = "projects/p/locations/l/publishers/google/models/gemini-3.8-live"

TRANSCRIPTIONS: dict[str, Any] = {"inputAudioTranscription": {}, "outputAudioTranscription": {}}

LONG = "Once upon a time there was a keeper. She kept a light for forty long years. That is all."
DIALOGUE = parse_dialogue(
    f"""
    [[utterances]]
    user = "Please tell me a long story."
    model = "{LONG}"
    [[utterances]]
    user = "Wait, what was that?"
    model = "It was a story."
    [[utterances]]
    user = "Hm."
    model = ""
    [[texts]]
    words = ["long"]
    model = "{LONG}"
    [[fallback]]
    model = "I see."
    """,
    "test",
)
VOICE = SpeechLikeVoice()
FRAME = 0.02


def speech(seconds: float) -> bytes:
    return (8000 * np.sin(2 * np.pi * 200 * np.arange(round(seconds * 16000)) / 16000)).astype("<i2").tobytes()


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * 16000))


def upgrade_to(path: str = DEVELOPER, key: str = "k") -> Upgrade:
    upgrade = read_upgrade(path, {"x-goog-api-key": key})
    assert upgrade
    return upgrade


class LiveClient:
    """A client whose clock stands still unless it is told to wait."""

    def __init__(
        self, service: Service | None = None, upgrade: Upgrade | None = None, seed: int = 1, now: float = 0.0
    ) -> None:
        self.now = now
        self.history = History()
        self.service = service or Service(DIALOGUE, VOICE)
        self.upgrade = upgrade or upgrade_to()
        self.seed = seed
        self.script = LiveScript(self.service, self.upgrade, Random(seed), self.now, self.history)
        self.got: list[tuple[float, dict[str, Any]]] = []
        self.frames: list[bytes] = []
        self.close: Close | None = None

    def send(self, message: object) -> None:
        self._take(self.script.receive(json.dumps(message), self.now))

    def send_raw(self, frame: str | bytes) -> None:
        self._take(self.script.receive(frame, self.now))

    def set_up(self, model: str = HALF_CASCADE, /, **fields: Any) -> "LiveClient":
        self.send({"setup": {"model": model, **fields}})
        self.wait_for("setupComplete")
        return self

    def say(self, audio: bytes, seconds: float = FRAME) -> None:
        """Send audio in real time, a message every so many seconds."""
        size = round(seconds * 16000) * 2
        for at in range(0, len(audio), size):
            self.burst(audio[at : at + size])
            self.wait(seconds)

    def burst(self, audio: bytes) -> None:
        """Send audio at once."""
        blob = {"data": b64encode(audio).decode(), "mimeType": "audio/pcm;rate=16000"}
        self.send({"realtimeInput": {"audio": blob}})

    def show(self) -> None:
        self.send({"realtimeInput": {"video": {"data": "AAAA", "mimeType": "image/jpeg"}}})

    def respond(self, call: dict[str, Any], response: object, **fields: Any) -> None:
        """Send the result of a call."""
        known = {key: call[key] for key in ("id", "name") if key in call}
        self.send({"toolResponse": {"functionResponses": [{**known, "response": response, **fields}]}})

    def hang_up(self) -> None:
        self.script.connection_lost(1000, "", "client", self.now)

    def signal(self, name: str) -> None:
        self.send({"realtimeInput": {name: {}}})

    def text(self, text: str) -> None:
        self.send({"realtimeInput": {"text": text}})

    def content(self, *texts: str, complete: bool = True) -> None:
        turns = [{"role": "user", "parts": [{"text": text}]} for text in texts]
        self.send({"clientContent": {"turns": turns, "turnComplete": complete}})

    def wait(self, seconds: float) -> None:
        self._wait_until(self.now + seconds, lambda: False)

    def wait_for(self, key: str, limit: float = 60.0) -> dict[str, Any]:
        """Wait for a message in which this key occurs, not yet waited for; return it."""
        seen = len(self.got)
        self._wait_until(self.now + limit, lambda: any(key in keys(m) for _, m in self.got[seen:]))
        found = [message for _, message in self.got[seen:] if key in keys(message)]
        assert found, f"no {key} within {limit} s"
        return found[0]

    def handle(self) -> str:
        """Return the newest handle; wait for one while the session cannot be resumed."""
        self._wait_until(self.now + 60, lambda: bool(self._newest_handle()))
        return self._newest_handle()

    def _newest_handle(self) -> str:
        updates = [
            message["sessionResumptionUpdate"] for _, message in self.got if "sessionResumptionUpdate" in message
        ]
        return str(updates[-1].get("newHandle", "")) if updates else ""

    def resume(self, handle: str, model: str = HALF_CASCADE, /, **fields: Any) -> "LiveClient":
        """Return another client, later, that has resumed the session."""
        self.hang_up()
        client = LiveClient(self.service, self.upgrade, self.seed + 1, self.now)
        return client.set_up(model, sessionResumption={"handle": handle}, **fields)

    def times(self, key: str) -> list[float]:
        return [at for at, message in self.got if key in keys(message)]

    def order(self, *but: str) -> list[str]:
        """Return what was received, by the kind of each message, repetitions once."""
        found = [kind for _, message in self.got for kind in kinds(message) if kind not in but]
        return [kind for kind, before in zip(found, [None, *found], strict=False) if kind != before]

    def joined(self, key: str) -> str:
        return "".join(message["serverContent"][key].get("text", "") for _, message in self.got if key in keys(message))

    def audio(self) -> bytes:
        parts = [
            message["serverContent"]["modelTurn"]["parts"] for _, message in self.got if "modelTurn" in keys(message)
        ]
        return b"".join(b64decode(part["inlineData"]["data"]) for [part] in parts if "inlineData" in part)

    def said(self) -> str:
        """Return what the model said in the turns so far, by its transcript."""
        return self.joined("outputTranscription")

    def _wait_until(self, end_at: float, done: Callable[[], bool]) -> None:
        while self.script.deadline() <= end_at and not done():
            self.now = max(self.now, self.script.deadline())
            self._take(self.script.tick(self.now))
        if not done():
            self.now = end_at

    def _take(self, outputs: list[Output]) -> None:
        for output in outputs:
            assert self.close is None
            match output:
                case Send(frame):
                    self.frames.append(frame)
                    self.got.append((self.now, json.loads(frame)))
                case Close():
                    self.close = output


def keys(message: dict[str, Any]) -> set[str]:
    return {*message, *message.get("serverContent", {})}


def kinds(message: dict[str, Any]) -> Iterator[str]:
    yield from message.get("serverContent", {}) or message


def manual(**fields: Any) -> dict[str, Any]:
    return {"realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}, **fields}}
