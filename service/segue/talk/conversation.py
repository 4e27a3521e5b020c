"""One session from the user's side: what the user says and hears, on one clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import segue_client
from segue.talk.clock import Clock, Pace
from segue.talk.devices import Speaker
from segue.talk.playback import Playback
from segue.talk.timeline import Timeline
from segue.talk.voice import FRAME_SECONDS, Reader, Voice
from segue.talk.wav import Utterance

# How long the gateway may take to end a session that has nothing more to say, in seconds.
_END_TIMEOUT = 5.0


@dataclass(slots=True)
class Turn:
    """A reply of the model.

    Attributes:
        began_at: when its first output came, in seconds of the conversation's clock.
        waited: from the user's last words to the first audio, in seconds; None where one of them is not known.
        audio_bytes: how much audio came.
        interrupted: how it was cut, if it was.
        ended: how it ended, once it did.
    """

    began_at: float
    waited: float | None = None
    audio_bytes: int = 0
    interrupted: segue_client.Interrupted | None = None
    ended: segue_client.TurnEnded | None = None


class Conversation:
    """A session with its user: streams `voice` in real time, and plays, shows and remembers what comes.

    Attributes:
        turns: the model's replies by their number.
        words: what the user was understood to say, one entry for each thing that `read` or `type` said.
        words_ended_at: when the user's last words ended, in seconds of the clock; None where nobody knows.
    """

    def __init__(
        self,
        session: segue_client.Session,
        playback: Playback,
        timeline: Timeline,
        clock: Clock,
        speaker: Speaker | None = None,
        stopped: asyncio.Event | None = None,
    ) -> None:
        """Converse on `session` inside `running`; once `stopped` is set, nothing is waited for any more."""
        self.turns: dict[int, Turn] = {}
        self.words: list[str] = []
        self.words_ended_at: float | None = None
        self._session = session
        self._playback = playback
        self._timeline = timeline
        self._clock = clock
        self._speaker = speaker
        self._stopped = stopped or asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self, voice: Voice) -> AsyncIterator[None]:
        """Listen and stream `voice` as long as the context lasts."""
        self._listening = asyncio.create_task(self._listen())
        speaking = asyncio.create_task(self._speak(voice))
        try:
            yield
        finally:
            for task in (self._listening, speaking):
                task.cancel()
            await asyncio.gather(self._listening, speaking, return_exceptions=True)

    async def until(self, condition: Callable[[], bool], within: float) -> bool:
        """Wait for a condition, `within` seconds at most, and return whether it holds.

        The end of the session ends the waiting, too; where the session failed, with its SegueError.
        """
        deadline = self._clock.now() + within
        while not condition():
            if self._listening is not None and self._listening.done():
                self._listening.result()
                return condition()
            if self._stopped.is_set() or self._clock.now() >= deadline:
                return False
            await self._clock.sleep_until(self._clock.now() + FRAME_SECONDS)
        return True

    async def read(self, reader: Reader, utterance: Utterance) -> None:
        """Let the user read an utterance to its end."""
        self._timeline.user_speaks(self._clock.now(), f"▶ {utterance.name}, {utterance.duration:.1f} s")
        self.words.append("")
        self.words_ended_at = self._clock.now() + utterance.words_end
        reader.read(utterance)
        await self.until(lambda: not reader.speaking, within=2 * utterance.duration + 5)

    async def type(self, text: str) -> None:
        """Let the user type something."""
        self._timeline.user_speaks(self._clock.now(), f"▶ “{text}”")
        self.words.append(text)
        self.words_ended_at = self._clock.now()
        await self._session.send_text(text)

    async def end(self) -> None:
        """Wait for the gateway to end the session, after it was finished or closed."""
        if self._listening is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_TIMEOUT):
                    await asyncio.shield(self._listening)

    @property
    def answered(self) -> bool:
        """Whether the user's last words have an answer that was played to its end, and nothing else is going on."""
        begun = [turn for turn in self.turns.values() if turn.began_at >= (self.words_ended_at or 0.0)]
        complete = [turn for turn in begun if turn.ended is not None and turn.interrupted is None]
        return bool(complete) and self.quiet

    @property
    def quiet(self) -> bool:
        """Whether the model is silent and owes nothing of a turn that it began."""
        going_on = any(turn.ended is None for turn in self.turns.values())
        return not going_on and self._playback.quiet(self._clock.now())

    async def _speak(self, voice: Voice) -> None:
        pace = Pace(self._clock, FRAME_SECONDS)
        try:
            while True:
                await pace.step()
                await self._session.send_audio(voice.take())
        except segue_client.SegueError:
            # Whoever listens learns why the session takes no more.
            return

    async def _listen(self) -> None:
        async for event in self._session:
            now = self._clock.now()
            self._take(event, now)
            self._timeline.show(event, now)
        if self._session.closed is not None:
            self._timeline.session_ended(self._session.closed, self._clock.now())

    def _take(self, event: segue_client.Event, now: float) -> None:
        match event:
            case segue_client.Audio(turn=turn, pcm=pcm):
                self._begun(turn, now).audio_bytes += len(pcm)
                self._playback.play(turn, pcm, now)
                if self._speaker is not None:
                    self._speaker.play(pcm)
            case segue_client.Text(turn=turn):
                self._begun(turn, now)
            case segue_client.Transcript(speaker="USER", text=text) if self.words:
                self.words[-1] += text
            case segue_client.Interrupted(turn=turn, cause=cause) if cause != "NONE":
                self.turns.setdefault(turn, Turn(now)).interrupted = event
                self._playback.stop(turn, now)
                if self._speaker is not None:
                    self._speaker.stop()
            case segue_client.TurnEnded(turn=turn):
                self.turns.setdefault(turn, Turn(now)).ended = event

    def _begun(self, number: int, now: float) -> Turn:
        if number not in self.turns:
            waited = None if self.words_ended_at is None else max(0.0, now - self.words_ended_at)
            self.turns[number] = Turn(now, waited)
            self._timeline.turn_began(now, number, waited)
        return self.turns[number]
