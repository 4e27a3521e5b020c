"""Interrupt a story with `interrupt()`, let it go on from the line that was cut, and interrupt it again by voice.

The files are 16-bit mono at 16000 Hz: one asks for a story, the other asks something about it.

python interrupt.py story.wav question.wav [localhost:50051]
"""

import asyncio
import sys
import wave
from math import inf

import segue_client
from segue_client import OpenSession, ResumeContext

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


async def hear(session: segue_client.Session, seconds: float = inf) -> None:
    """Show a turn to its end, or to so many seconds of its audio, which comes up to a second before it is played."""
    received = 0.0
    async for event in session:
        match event:
            case segue_client.Audio(pcm=pcm):
                received += len(pcm) / 48000
                if received >= seconds:
                    return
            case segue_client.Interrupted(cause=cause):
                # A player throws away now what it has not played.
                print(f"interrupted: {cause}")
            case segue_client.TurnEnded(heard_text=heard, unheard_text=unheard):
                print(f"heard:       {heard}\nnot heard:   {unheard}", flush=True)
                return


async def main(story: str, question: str, target: str = "localhost:50051") -> None:
    # The default, written out: an interrupted model is told what was heard of its answer and which sentence was cut.
    options = OpenSession(resume_context=ResumeContext(policy=ResumeContext.POLICY_BUILT_IN))
    async with segue_client.connect(target, options=options) as session:
        microphone = bytearray(read(story))
        sending = asyncio.create_task(send(session, microphone))
        try:
            await hear(session, seconds=4.0)
            # Stop, and say nothing: the model is silent until the user's next words.
            await session.interrupt()
            await hear(session)
            await session.send_text("Please go on.")
            await hear(session, seconds=3.0)
            # Speaking is enough: the model's service hears it, and the gateway stops the turn.
            microphone += read(question)
            await hear(session)
            await hear(session)
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
