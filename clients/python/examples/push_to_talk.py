"""Push-to-talk with a speech recognizer of your own: the words go in as text, the answer comes out as audio.

Enter presses the button, which stops a model that speaks; what is typed after it stands for what was recognized.

python push_to_talk.py [localhost:50051]
"""

import asyncio
import sys

import segue_client


def play(pcm: bytes) -> None:
    """Queue 16-bit mono samples at 24000 Hz for the loudspeaker."""


def stop_playing() -> None:
    """Throw away what is queued."""


async def talk(session: segue_client.Session) -> None:
    """Follow the button: nobody listens for speech, so the model waits for the release however long the user thinks."""
    while await asyncio.to_thread(sys.stdin.readline):
        # At once, not when the words are known: this is what interrupts the model.
        await session.start_activity()
        print("[pressed]", flush=True)
        words = await asyncio.to_thread(sys.stdin.readline)
        await session.send_text(words.strip())
        await session.end_activity()
        print("[released]", flush=True)
    await session.finish()


async def main(target: str) -> None:
    async with segue_client.connect(target, turn_detection="MANUAL") as session:
        talking = asyncio.create_task(talk(session))
        try:
            async for event in session:
                match event:
                    case segue_client.Audio(pcm=pcm):
                        play(pcm)
                    case segue_client.Transcript(speaker="MODEL", text=text):
                        print(text, end="", flush=True)
                    case segue_client.Interrupted():
                        stop_playing()
                    case segue_client.TurnEnded(reason="INTERRUPTED", heard_text=heard, unheard_text=unheard):
                        print(f"\n[interrupted; heard: {heard!r}, not heard: {unheard!r}]", flush=True)
                    case segue_client.TurnEnded(first_audio_latency=latency, audio_duration=duration):
                        print(f"\n[{duration:.1f} s of answer, {latency or 0.0:.2f} s after the release]", flush=True)
                    case segue_client.InputRejected(message=message):
                        print(f"[{message}]", flush=True)
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "localhost:50051"))
    except segue_client.SegueError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        print()
