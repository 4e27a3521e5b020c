"""What carries the sessions of a connection: one stream, and another one when that breaks."""

import asyncio
from collections.abc import Callable

from segue_client import wire
from segue_client.attachment import Attachment
from segue_client.pauses import Pauses
from segue_client.segue.v1.voice_session_service_pb2 import ConverseResponse
from segue_client.stream import Call, Stream


class Carrier:
    """Carries any number of sessions on one stream, each on a channel of its own.

    The stream begins with the first session. When it breaks, another one is opened for the sessions that outlive it,
    after pauses that grow until one of them lasts.
    """

    def __init__(self, new_call: Callable[[], Call]) -> None:
        self._new_call = new_call
        # All sessions, and those on the present stream by channel.
        self._sessions: list[Attachment] = []
        self._channels: dict[int, Attachment] = {}
        self._next_channel = 0
        self._stream: Stream | None = None
        self._running: asyncio.Task[None] | None = None
        self._pauses = Pauses()

    @property
    def shared(self) -> bool:
        """Return whether there is more than one session."""
        return len(self._sessions) > 1

    def join(self, session: Attachment) -> None:
        """Carry a session, too."""
        self._sessions.append(session)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        elif self._stream is not None and not self._stream.half_closed:
            self._attach(session, self._stream)

    def move(self, session: Attachment) -> None:
        """Attach a session on another channel. Nothing more is heard on the old one."""
        self._forget(session)
        if self._stream is not None:
            self._attach(session, self._stream)

    async def end(self, session: Attachment) -> None:
        """Half-close the stream behind its last session, and wait for its end."""
        if self._sessions == [session] and self._stream is not None:
            self._stream.half_close()
            await self._stream.ended.wait()

    async def drop(self, session: Attachment) -> None:
        """Carry a session no longer; the stream ends with the last."""
        session.release()
        self._sessions.remove(session)
        self._forget(session)
        if not self._sessions:
            await self._stop()
        elif self._stream is not None and self._stream.half_closed:
            # One that came meanwhile waits for the next stream.
            self._stream.cancel()

    async def release(self) -> None:
        """Let go of the stream and of every session."""
        for session in self._sessions:
            session.release()
        await self._stop()

    async def _run(self) -> None:
        try:
            while self._lives():
                stream = await self._carry()
                if not stream.half_closed and self._lives():
                    await asyncio.sleep(self._pauses.next(asyncio.get_running_loop().time()))
        except Exception as error:
            # Whatever went wrong, nobody may wait for ever.
            for session in self._sessions:
                session.fail(error)

    async def _carry(self) -> Stream:
        """Carry the sessions on a new stream until it ends."""
        stream = self._stream = Stream(self._new_call())
        channels = self._channels = {}
        self._next_channel = 0
        try:
            for session in self._sessions:
                if session.live:
                    self._attach(session, stream)
            failure = await stream.drain(self._take)
            for session in channels.values():
                session.lose(failure)
        except asyncio.CancelledError:
            for session in channels.values():
                session.release()
            raise
        finally:
            # Who stopped this task may have begun another one, with a stream of its own.
            if self._stream is stream:
                self._stream = None
            await stream.release()
        return stream

    def _lives(self) -> bool:
        return any(session.live for session in self._sessions)

    def _take(self, response: ConverseResponse) -> None:
        for event in response.events:
            if event.channel in self._channels:
                self._channels[event.channel].take(event)
        if response.HasField("go_away"):
            for session in self._channels.values():
                session.tell(wire.read_go_away(response.go_away))

    def _attach(self, session: Attachment, stream: Stream) -> None:
        self._channels[self._next_channel] = session
        session.attach(stream, self._next_channel)
        self._next_channel += 1

    def _forget(self, session: Attachment) -> None:
        if self._channels.get(session.channel) is session:
            del self._channels[session.channel]

    async def _stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
