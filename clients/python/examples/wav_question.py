"""Ask a question that is in a WAV file (16-bit mono at 16000 Hz), and save the answer as another.

python wav_question.py question.wav answer.wav [localhost:50051]
"""

import asyncio
import sys
import wave

import segue_client

FRAME_SECONDS = 0.02
FRAME_BYTES = 640
SILENCE = bytes(FRAME_BYTES)


async def speak(session: segue_client.Session, question: bytes) -> None:
    """Send the question in real time, and then silence, as a microphone does: silence tells that the user stopped."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    position = 0
    while True:
        frame = question[position : position + FRAME_BYTES] or SILENCE
        position += FRAME_BYTES
        await session.send_audio(frame)
        due += FRAME_SECONDS
        await asyncio.sleep(max(0.0, due - loop.time()))


async def listen(session: segue_client.Session) -> bytes:
    """Collect the answer's audio, and show its words."""
    answer = bytearray()
    async for event in session:
        match event:
            case segue_client.Audio(pcm=pcm):
                answer += pcm
            case segue_client.Transcript(speaker="MODEL", text=text):
                print(text, end="", flush=True)
            case segue_client.Interrupted():
                answer.clear()
            case segue_client.TurnEnded(reason="COMPLETED"):
                print()
                break
    return bytes(answer)


async def main(question_path: str, answer_path: str, target: str = "localhost:50051") -> None:
    with wave.open(question_path, "rb") as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (16000, 1, 2):
            sys.exit(f"{question_path} must be 16-bit mono at 16000 Hz")
        question = file.readframes(file.getnframes())
    async with segue_client.connect(target) as session:
        speaking = asyncio.create_task(speak(session, question))
        try:
            answer = await listen(session)
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
    with wave.open(answer_path, "wb") as file:
        file.setframerate(24000)
        file.setnchannels(1)
        file.setsampwidth(2)
        file.writeframes(answer)
    print(f"{len(answer) / 48000:.1f} s of answer in {answer_path}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except segue_client.SegueError as error:
        sys.exit(str(error))
