"""What the examples have for a microphone: it hears WAV files, and silence between them. Yours is a real one."""

import asyncio
import sys
import wave

import segue_client

FRAME_SECONDS = 0.02
FRAME_BYTES = 640


class Microphone:
    """A microphone, 16-bit mono at 16000 Hz."""

    def __init__(self) -> None:
        self._heard = bytearray()

    def hear(self, path: str) -> None:
        """Hear what is in a file, from now on."""
        with wave.open(path, "rb") as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (16000, 1, 2):
                sys.exit(f"{path} must be 16-bit mono at 16000 Hz")
            self._heard += file.readframes(file.getnframes())

    async def send(self, session: segue_client.Session) -> None:
        """Send what there is in real time, and silence between it, until the task is cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            frame = bytes(self._heard[:FRAME_BYTES]).ljust(FRAME_BYTES, b"\0")
            del self._heard[:FRAME_BYTES]
            await session.send_audio(frame)
            due += FRAME_SECONDS
            await asyncio.sleep(max(0.0, due - loop.time()))
