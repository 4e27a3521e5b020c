"""A client that knows nothing but WebSockets and JSON, and a short dialogue for it."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.faults.plan import read_fault
from segue.simulator.history import History, Value, Witness
from segue.simulator.server import Simulator
from segue.simulator.speech import SpeechLikeVoice
from segue.simulator.timing import Span, Timing

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k"
HALF_CASCADE = "models/gemini-live-2.5-flash-preview"
# The family that sends back a text as a transcript of the user.
ECHOING = "models/gemini-3.1-flash-live-preview"
TOOL = {"functionDeclarations": [{"name": "look", "behavior": "BLOCKING"}]}
DIALOGUE = parse_dialogue(
    """
    [[utterances]]
    user = "Yes?"
    model = "Yes."
    [[texts]]
    words = ["story"]
    model = "Once upon a time there was a keeper, and she kept a light for many years, and longer than that."
    [[texts]]
    words = ["look"]
    call = { name = "look" }
    after = "There it is."
    model = "No."
    [[fallback]]
    model = "Yes."
    """,
    "test",
)
VOICE = SpeechLikeVoice()
AT_ONCE = Span(0.0, 0.0)
TIMING = Timing(
    setup=AT_ONCE,
    first_audio=AT_ONCE,
    generation_speed=Span(30.0, 30.0),
    first_chunk=0.05,
    chunk=Span(0.05, 0.05),
    interruption=AT_ONCE,
)
# Long enough for a turn that should come, short enough to wait for one that should not.
QUIET = 0.35


class Client:
    """One connection to a simulator."""

    def __init__(self, connection: ClientConnection, simulator: Simulator) -> None:
        self.connection = connection
        self.simulator = simulator

    async def set_up(self, model: str = HALF_CASCADE, **fields: Any) -> None:
        await self.begin(model, **fields)
        assert "setupComplete" in await self.receive()

    async def begin(self, model: str = HALF_CASCADE, **fields: Any) -> None:
        await self.send({"setup": {"model": model, **fields}})

    async def send(self, message: object) -> None:
        await self.connection.send(json.dumps(message))

    async def say(self, text: str = "Well?") -> None:
        await self.send({"realtimeInput": {"text": text}})

    async def frame(self) -> bytes:
        frame = await asyncio.wait_for(self.connection.recv(), 10)
        assert isinstance(frame, bytes)
        return frame

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await self.frame())
        return message

    async def until(self, key: str, count: int = 1) -> list[dict[str, Any]]:
        """Return all that comes up to the message in which this occurs for the n-th time."""
        got: list[dict[str, Any]] = []
        while count:
            got.append(await self.receive())
            count -= key in keys(got[-1])
        return got

    async def turn(self, text: str = "Well?") -> list[str]:
        """Say something; return the order of what comes up to `turnComplete`."""
        await self.say(text)
        return order(await self.until("turnComplete"))

    async def interrupt(self) -> list[dict[str, Any]]:
        """Interrupt a story; return what comes from `interrupted` to the end of the answer to the interruption."""
        await self.say("A story!")
        await self.until("modelTurn")
        await self.say("Stop.")
        got = await self.until("turnComplete", 2)
        return got[next(index for index, message in enumerate(got) if "interrupted" in keys(message)) :]

    async def until_idle(self) -> list[dict[str, Any]]:
        """Return all that comes before nothing does for a while."""
        got: list[dict[str, Any]] = []
        with suppress(TimeoutError):
            while True:
                got.append(json.loads(await asyncio.wait_for(self.connection.recv(), QUIET)))
        return got

    async def is_left_alone(self) -> None:
        """Nothing comes, and the connection is open."""
        assert await self.until_idle() == []
        await asyncio.wait_for(await self.connection.ping(), 5)

    async def is_closed(self) -> tuple[int | None, str | None]:
        with suppress(ConnectionClosed):
            while True:
                await self.frame()
        return self.connection.close_code, self.connection.close_reason


def keys(message: dict[str, Any]) -> set[str]:
    return {*message, *(message.get("serverContent") or {})}


def order(messages: list[dict[str, Any]]) -> list[str]:
    """Return what came of turns, repetitions once."""
    names = ("modelTurn", "outputTranscription", "inputTranscription", "generationComplete", "interrupted")
    kinds = [name for message in messages for name in (*names, "turnComplete") if name in keys(message)]
    return [kind for kind, before in zip(kinds, [None, *kinds], strict=False) if kind != before]


def pcm(messages: list[dict[str, Any]]) -> bytes:
    parts = [message["serverContent"]["modelTurn"]["parts"] for message in messages if "modelTurn" in keys(message)]
    return b"".join(b64decode(part["inlineData"]["data"]) for [part] in parts)


@asynccontextmanager
async def conversation(*faults: dict[str, Any], **settings: Any) -> AsyncIterator[Client]:
    """A connection on which these faults wait for their time."""
    plans = [read_fault(fault) for fault in faults]
    async with Simulator(
        plain=True, dialogue=DIALOGUE, voice=VOICE, timing=TIMING, faults=plans, **settings
    ) as simulator:
        url = simulator.url.replace("http", "ws", 1) + PATH
        async with connect(url, proxy=None, compression=None, ping_interval=None, close_timeout=1) as connection:
            yield Client(connection, simulator)


class Watched(History):
    """A history that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._added = asyncio.Event()

    def add(self, at: float, by: Witness, session: str, kind: str, **fields: Value) -> None:
        super().add(at, by, session, kind, **fields)
        self._added.set()

    async def until(self, kind: str, count: int = 1) -> dict[str, Value]:
        """Wait for the n-th record of a kind; return what it says."""
        async with asyncio.timeout(10):
            while len(found := self.of("simulator", kind)) < count:
                self._added.clear()
                await self._added.wait()
        return found[count - 1].fields
