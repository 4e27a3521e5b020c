"""Chat with the model by typing; it answers aloud, and this shows its words.

python text_chat.py [localhost:50051]
"""

import asyncio
import sys

import segue_client


async def main(target: str) -> None:
    async with segue_client.connect(target, system_instruction="Answer in one or two sentences.") as session:
        while line := (await asyncio.to_thread(input, "you:   ")).strip():
            await session.send_text(line)
            print("model: ", end="")
            async for event in session:
                match event:
                    case segue_client.Transcript(speaker="MODEL", text=text):
                        print(text, end="", flush=True)
                    case segue_client.InputRejected(message=message):
                        print(f"[{message}]", end="")
                    case segue_client.TurnEnded():
                        print()
                        break


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "localhost:50051"))
    except segue_client.SegueError as error:
        sys.exit(str(error))
    except (EOFError, KeyboardInterrupt):
        print()
