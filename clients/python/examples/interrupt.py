"""Interrupt a story with `interrupt()`, let it go on from the line that was cut, and interrupt it again by voice.

The files are 16-bit mono at 16000 Hz: one asks for a story, the other asks something about it.

python interrupt.py story.wav question.wav [localhost:50051]
"""

import asyncio
import sys
from math import inf

from microphone import Microphone

import segue_client
from segue_client import OpenSession, ResumeContext


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
        microphone = Microphone()
        microphone.hear(story)
        sending = asyncio.create_task(microphone.send(session))
        try:
            await hear(session, seconds=4.0)
            # Stop, and say nothing: the model is silent until the user's next words.
            await session.interrupt()
            await hear(session)
            await session.send_text("Please go on.")
            await hear(session, seconds=3.0)
            # Speaking is enough: the model's service hears it, and the gateway stops the turn.
            microphone.hear(question)
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
