"""A user who talks to a gateway as long as a soak lasts: by voice, by text, and over the model's words."""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
from google.protobuf.duration_pb2 import Duration

import segue.demo
import segue_client
from segue.talk.wav import read_utterance
from segue_client.segue.v1.server_event_pb2 import ServerEvent

from .witness import Exchange, Witness

FRAME_S = 0.1
_FRAME_BYTES = round(16_000 * FRAME_S) * 2
# The gateway waits 8 s for a reply before it takes a link for wedged: five times that.
ANSWER_BOUND_S = 40.0
# From the first audio of an answer to its end, which comes 10 s later where nothing happens.
_END_BOUND_S = 60.0
# A turn that broke off without a word unheard is gone on with so soon, if at all.
_GOES_ON_S = 14.0
_OPEN_BOUND_S = 25.0
_CLOSE_BOUND_S = 10.0
# The user hears so much of an answer before they barge in, or cough.
_HEARD_S = 1.0
_COUGH_S = 0.3
_UTTERANCES = Path(segue.demo.__file__).parent / "utterances"
# How often the user does what.
_WAYS = {"voice": 0.8, "text": 0.12, "tool": 0.08}
_BARGES_IN = 0.15
_COUGHS = 0.05


class Microphone(Enum):
    """What is sent while the user is silent."""

    # What a quiet room sounds like.
    OPEN = "open"
    # Nothing.
    PUSH_TO_TALK = "push to talk"
    # Likewise; and the beginning and the end of speech are signalled.
    SIGNALLED = "signalled"


class User:
    """One session's user.

    Args:
        number: which one.
        target: the gateway's address.
        model: who is talked to.
        microphone: what the user speaks into.
        seed: where what they do comes from.
        stop: set when it is enough.
    """

    def __init__(
        self, number: int, target: str, model: str, microphone: Microphone, seed: int, stop: asyncio.Event
    ) -> None:
        self.witness = Witness(number)
        # The most that the microphone was late since somebody set it to 0, in seconds.
        self.late_s = 0.0
        self._target = target
        self._model = model
        self._microphone = microphone
        self._random = Random(seed * 1_000_003 + number)
        self._stop = stop
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._words: deque[bytes] = deque()
        self._said_at = 0.0
        self._over = False
        self._answering: set[asyncio.Task[None]] = set()

    async def talk(self) -> None:
        """Hold a session until it is enough. What should not happen in it is noted by the witness."""
        witness = self.witness
        try:
            async with segue_client.connect(
                self._target,
                model=self._model,
                turn_detection="MANUAL" if self._microphone is Microphone.SIGNALLED else "SERVER",
                tools=[segue_client.FunctionDeclaration(name="get_weather", description="Tells the weather.")],
                options=segue_client.OpenSession(
                    include_notices=True, output_frame_duration=Duration(nanos=round(FRAME_S * 1e9))
                ),
                on_event=self._receive,
            ) as session:
                tasks = [asyncio.create_task(each(session)) for each in (self._read, self._send_voice)]
                try:
                    await self._converse(session)
                    # Whoever says goodbye has nothing more to say.
                    tasks[-1].cancel()
                    await session.close()
                    await self._until(lambda: bool(witness.closed), _CLOSE_BOUND_S)
                finally:
                    tasks += self._answering
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
        except segue_client.SegueError as error:
            witness.breaks("Recovering", f"{type(error).__name__}: {error}")
        if witness.closed != "COMPLETED":
            witness.breaks("Recovering", f"the session ended with {witness.closed or 'no word'}")

    def _receive(self, event: ServerEvent) -> None:
        self.witness.receive(event, self._loop.time())
        self._changed.set()

    async def _read(self, session: segue_client.Session) -> None:
        try:
            async for event in session:
                if isinstance(event, segue_client.ToolCall):
                    self._answering.add(asyncio.create_task(self._answer(session, event.call_id)))
        except segue_client.SegueError as error:
            self.witness.breaks("Recovering", f"{type(error).__name__}: {error}")
        finally:
            self._over = True
            self._changed.set()

    async def _answer(self, session: segue_client.Session, call_id: str) -> None:
        """Tell the model the weather, if it still wants to know."""
        await asyncio.sleep(self._random.uniform(0.2, 1.0))
        if call_id in self.witness.calls:
            self.witness.calls.remove(call_id)
            await session.send_tool_result(call_id, {"weather": "windy"})
        self._answering = {task for task in self._answering if not task.done()}

    async def _send_voice(self, session: segue_client.Session) -> None:
        """Send what the microphone hears, in real time."""
        due = self._loop.time() + self._random.uniform(0, FRAME_S)
        try:
            while True:
                await asyncio.sleep(due - self._loop.time())
                self.late_s = max(self.late_s, self._loop.time() - due)
                due += FRAME_S
                if self._words:
                    await session.send_audio(self._words.popleft())
                    self._said_at = self._loop.time()
                    self._changed.set()
                elif self._microphone is Microphone.OPEN:
                    await session.send_audio(quiet_room())
        except segue_client.SegueError as error:
            if not self._over:
                self.witness.breaks("Recovering", f"{type(error).__name__}: {error}")

    # What the user does.

    async def _converse(self, session: segue_client.Session) -> None:
        if not await self._until(lambda: bool(self.witness.session_id), _OPEN_BOUND_S):
            self.witness.breaks("Opened", f"not within {_OPEN_BOUND_S:g} s")
        while await self._think():
            [way] = self._random.choices(list(_WAYS), list(_WAYS.values()))
            answered = await self._ask(session, way)
            while answered and await self._chance(_BARGES_IN):
                answered = await self._ask(session, "barge-in")
            if answered and self._microphone is not Microphone.SIGNALLED and await self._chance(_COUGHS):
                # It may get an answer.
                self.witness.due += 1
                await self._say(_cough())
            if answered:
                await self._hear_out()

    async def _think(self) -> bool:
        """Say nothing for a while; return whether the user goes on."""
        await self._until(self._stop.is_set, self._random.uniform(1.0, 6.0))
        return not (self._stop.is_set() or self._over)

    async def _ask(self, session: segue_client.Session, way: str) -> bool:
        """Say something, and wait for the first audio of the answer; return whether it came."""
        witness = self.witness
        before, notices, began_at = witness.audio_turn, len(witness.notices), self._loop.time()
        cuts = witness.broken_off
        # What was said before need not be answered any more.
        witness.due = 1
        match way:
            case "text":
                await session.send_text("And then?")
            case "tool":
                await session.send_text("What is the weather like?")
            case _ if self._microphone is Microphone.SIGNALLED:
                await session.start_activity()
                await self._say(self._random.choice(utterances()))
                await session.end_activity()
            case _:
                await self._say(self._random.choice(utterances()))
        asked_at = self._said_at if self._said_at > began_at else self._loop.time()
        # What began before the last word is over answers less than all, and the rest is answered in another turn.
        witness.due = 1
        answered = lambda: witness.audio_turn > before and witness.first_audio_at >= asked_at  # noqa: E731
        if not await self._until(answered, ANSWER_BOUND_S):
            waited = self._loop.time() - asked_at
            seen = [kind for kind, _, _ in witness.notices[notices:]]
            witness.breaks("Recovering", f"no answer to the {way} of {waited:.1f} s ago; notices {seen}")
            return False
        kinds = {kind for kind, _, _ in witness.notices[notices:]}
        trouble = sorted(kinds - {"RENEWED", "INPUT_REPLAYED"}) + ["CUT"] * (witness.broken_off > cuts)
        latency = witness.first_audio_at - asked_at
        witness.exchanges.append(Exchange(way, latency, tuple(trouble), renewed="RENEWED" in kinds))
        return True

    async def _say(self, frames: tuple[bytes, ...]) -> None:
        self._words.extend(frames)
        await self._until(lambda: not self._words, len(frames) * FRAME_S + _CLOSE_BOUND_S)

    async def _chance(self, probability: float) -> bool:
        """Draw whether the user disturbs the answer; return once enough of it was heard, if it lasts so long."""
        if self._random.random() >= probability:
            return False
        witness, turn = self.witness, self.witness.audio_turn
        await self._until(lambda: witness.heard >= _HEARD_S or witness.ended.turn >= turn, ANSWER_BOUND_S)
        return bool(witness.speaking)

    async def _hear_out(self) -> None:
        """Wait for the end of the answer, in whichever turn that is."""
        witness, turn = self.witness, self.witness.audio_turn
        if not await self._until(lambda: witness.ended.turn >= turn and not witness.unfinished, _END_BOUND_S):
            witness.breaks("Recovering", f"turn {turn} neither ended nor went on in another: {witness.ended}")
        # What goes on is not to be taken for an answer to what is said next.
        await self._until(lambda: not witness.broke_off, _GOES_ON_S)

    async def _until(self, condition: Callable[[], bool], within: float) -> bool:
        """Wait for something, but not longer than the session lives; return whether it holds."""
        deadline = self._loop.time() + within
        while not (condition() or self._over):
            self._changed.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._changed.wait()
            except TimeoutError:
                break
        return condition()


def _frames(pcm: bytes) -> tuple[bytes, ...]:
    """Cut audio into whole frames; the last one ends in silence."""
    pcm += bytes(-len(pcm) % _FRAME_BYTES)
    return tuple(pcm[at : at + _FRAME_BYTES] for at in range(0, len(pcm), _FRAME_BYTES))


@cache
def utterances() -> tuple[tuple[bytes, ...], ...]:
    """Return what the users say: the shorter utterances of the demo, up to their last word, in frames."""
    spoken = (read_utterance(_UTTERANCES / name) for name in ("go_on.wav", "boat.wav", "name.wav"))
    return tuple(_frames(each.pcm[: round(each.words_end * 16_000) * 2]) for each in spoken)


@cache
def quiet_room() -> bytes:
    """Return a frame of noise of two steps around zero: real microphones never give exact zeros."""
    return np.random.default_rng(0).integers(-2, 3, _FRAME_BYTES // 2).astype("<i2").tobytes()


@cache
def _cough() -> tuple[bytes, ...]:
    noise = np.random.default_rng(0).integers(-8000, 8001, round(16_000 * _COUGH_S))
    return _frames(noise.astype("<i2").tobytes())
