"""A telephone call: G.711 mu-law both ways, in packets of 20 ms as RTP carries them. Nobody converts anything.

The files hold bare mu-law bytes; `sox question.wav -r 8000 -c 1 -e mu-law question.ul` makes one, and
`play -r 8000 -c 1 -e mu-law answer.ul` plays one.

python telephone.py question.ul answer.ul [localhost:50051]
"""

import asyncio
import sys
from pathlib import Path

import segue_client
from segue_client import AudioFormat, OpenSession

PACKET_SECONDS = 0.02
PACKET_BYTES = 160
SILENCE = b"\xff"

MULAW = AudioFormat(encoding=AudioFormat.ENCODING_MULAW, sample_rate_hertz=8000)


class Phone:
    """What an RTP stack is to this: packets from the caller, packets to the caller, and a clock."""

    def __init__(self, said: bytes) -> None:
        self._said = bytearray(said)
        self._queue = bytearray()
        self.heard = bytearray()
        self.played = asyncio.Event()

    def play(self, audio: bytes) -> None:
        self._queue += audio
        self.played.clear()

    def stop(self) -> None:
        self._queue.clear()

    async def carry(self, session: segue_client.Session) -> None:
        """Every 20 ms take a packet from the caller, also while the caller is silent, and give the caller one."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await session.send_audio(_next_packet(self._said))
            self.heard += _next_packet(self._queue)
            if not self._queue:
                self.played.set()
            due += PACKET_SECONDS
            await asyncio.sleep(max(0.0, due - loop.time()))


def _next_packet(audio: bytearray) -> bytes:
    packet = bytes(audio[:PACKET_BYTES])
    del audio[:PACKET_BYTES]
    return packet.ljust(PACKET_BYTES, SILENCE)


async def call(question: bytes, target: str = "localhost:50051") -> bytes:
    """Ask, hear the answer out, and return all that the caller heard."""
    phone = Phone(question)
    async with segue_client.connect(target, options=OpenSession(input_format=MULAW, output_format=MULAW)) as session:
        carrying = asyncio.create_task(phone.carry(session))
        try:
            async for event in session:
                match event:
                    case segue_client.Audio(pcm=mulaw):
                        phone.play(mulaw)
                    case segue_client.Transcript(speaker="MODEL", text=text):
                        print(text, end="", flush=True)
                    case segue_client.Interrupted():
                        phone.stop()
                    case segue_client.TurnEnded(reason="COMPLETED"):
                        print()
                        break
            await phone.played.wait()
        finally:
            carrying.cancel()
            await asyncio.gather(carrying, return_exceptions=True)
    return bytes(phone.heard)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        Path(sys.argv[2]).write_bytes(asyncio.run(call(Path(sys.argv[1]).read_bytes(), *sys.argv[3:])))
    except segue_client.SegueError as error:
        sys.exit(str(error))
