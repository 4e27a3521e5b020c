"""Let the gateway tell speech from noise: a cough stops the model for a moment, and the model goes on.

The files are 16-bit mono at 16000 Hz: one asks for a story, the other is a noise that comes while it is told.

python gateway_detection.py story.wav cough.wav [localhost:50051]
"""

import asyncio
import sys

from microphone import Microphone

import segue_client


async def main(story: str, cough: str, target: str = "localhost:50051") -> None:
    async with segue_client.connect(target, turn_detection="GATEWAY", include_notices=True) as session:
        microphone = Microphone()
        microphone.hear(story)
        sending = asyncio.create_task(microphone.send(session))
        coughed, seconds = False, 0.0
        try:
            async for event in session:
                match event:
                    case segue_client.Audio(pcm=pcm):
                        seconds += len(pcm) / 48000
                        if seconds > 3.0 and not coughed:
                            coughed = True
                            microphone.hear(cough)
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
