"""Let the gateway tell speech from noise: a cough stops the model for a moment, and the model goes on.

The files are 16-bit mono at 16000 Hz: one asks for a story, the other is a noise that comes while it is told.

python gateway_detection.py story.wav cough.wav [localhost:50051]
"""

import asyncio
import sys
import wave

import segue_client

FRAME_SECONDS = 0.02
FRAME_BYTES = 640


def read(path: str) -> bytes:
    with wave.open(path, "rb") as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (16000, 1, 2):
            sys.exit(f"{path} must be 16-bit mono at 16000 Hz")
        return file.readframes(file.getnframes())


async def send(session: segue_client.Session, microphone: bytearray) -> None:
    """Send what there is in real time, and silence between it, as a microphone does."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        frame = bytes(microphone[:FRAME_BYTES]).ljust(FRAME_BYTES, b"\0")
        del microphone[:FRAME_BYTES]
        await session.send_audio(frame)
        due += FRAME_SECONDS
        await asyncio.sleep(max(0.0, due - loop.time()))


async def main(story: str, cough: str, target: str = "localhost:50051") -> None:
    async with segue_client.connect(target, turn_detection="GATEWAY", include_notices=True) as session:
        microphone = bytearray(read(story))
        sending = asyncio.create_task(send(session, microphone))
        coughed, seconds = False, 0.0
        try:
            async for event in session:
                match event:
                    case segue_client.Audio(pcm=pcm):
                        seconds += len(pcm) / 48000
                        if seconds > 3.0 and not coughed:
                            coughed = True
                            microphone += read(cough)
                    case segue_client.Transcript(speaker="MODEL", text=text):
                        print(text, end="", flush=True)
                    case segue_client.Interrupted():
                        # The model is stopped at once, and judged is the sound then: a player throws away what is left.
                        print("\n[interrupted]", flush=True)
                    case segue_client.Notice(message=message):
                        print(f"\n[{message}]", flush=True)
                    case segue_client.TurnEnded(reason="COMPLETED"):
                        # What nobody meant to interrupt has gone on by then, in a turn of its own.
                        print()
                        break
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except segue_client.SegueError as error:
        sys.exit(str(error))
