"""A slow function: the model says that it is on it, and tells the result when that is there.

python slow_tool.py [localhost:50051]
"""

import asyncio
import sys

from google.protobuf.duration_pb2 import Duration

import segue_client
from segue_client import FunctionDeclaration, OpenSession, ToolPolicy

WEATHER = FunctionDeclaration(
    name="get_weather",
    description="The weather in a city. It takes a while.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    # The model waits for it. Without an interim answer the user hears nothing meanwhile.
    blocking=True,
    # After this time the model is told that the function failed, and ToolCallCancelled says so here.
    timeout=Duration(seconds=20),
)
POLICY = ToolPolicy(interim_after=Duration(seconds=1))


async def get_weather(city: str) -> dict[str, object]:
    await asyncio.sleep(4.0)
    return {"city": city, "celsius": 21}


async def answer(session: segue_client.Session, call: segue_client.ToolCall) -> None:
    """Answer a call whatever happens: the model waits for it."""
    try:
        result = await get_weather(**call.arguments)
    except Exception as error:
        await session.send_tool_result(call.call_id, error=str(error))
    else:
        print(f"[{call.name} returned {result}]", flush=True)
        await session.send_tool_result(call.call_id, result)
    # Nothing else is asked here: the session ends when the model has spoken of the result.
    await session.finish()


async def main(target: str) -> None:
    # Calls run in tasks of their own: whoever iterates must not wait for them.
    calls: dict[str, asyncio.Task[None]] = {}
    async with segue_client.connect(target, tools=[WEATHER], options=OpenSession(tool_policy=POLICY)) as session:
        await session.send_text("How is the weather in Cologne?")
        try:
            async for event in session:
                match event:
                    case segue_client.ToolCall(call_id=call_id, name=name, arguments=arguments):
                        print(f"[{name} called with {arguments}]", flush=True)
                        calls[call_id] = asyncio.create_task(answer(session, event))
                    case segue_client.ToolCallCancelled(call_id=call_id):
                        calls[call_id].cancel()
                        await session.finish()
                    case segue_client.TurnEnded(heard_text=heard):
                        print(f"model: {heard}", flush=True)
        finally:
            for call in calls.values():
                call.cancel()
            await asyncio.gather(*calls.values(), return_exceptions=True)


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "localhost:50051"))
    except segue_client.SegueError as error:
        sys.exit(str(error))
