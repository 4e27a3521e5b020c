"""What can be said in a session, and how it travels."""

import asyncio
import math
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

import segue_client
from segue_client.segue.v1.client_event_pb2 import ClientEvent, SessionUpdate, ToolResult
from segue_client.segue.v1.open_session_pb2 import BargeIn, Delivery, FunctionDeclaration, OpenSession, Tools
from segue_client.segue.v1.server_event_pb2 import ServerEvent, ToolCall, ToolCallCancelled
from tests.clients.python.scripted_server import COMPLETED, OPENED, Stream, listen, serving

pytestmark = [pytest.mark.timeout(20), pytest.mark.usefixtures("no_task_left")]


async def test_everything_that_can_be_said() -> None:
    async with serving(listen) as server, segue_client.connect(server.target, turn_detection="MANUAL") as session:
        await session.start_activity()
        await session.send_audio(b"\1\2" * 40_000)
        await session.send_audio(b"")
        await session.end_activity()
        await session.send_image(b"png", "image/png")
        await session.interrupt(turn=2, heard=1.5)
        await session.interrupt()
        await session.ack()
        await session.ack(turn=2, heard=0.25)
        await session.send_tool_result("c1", {"degrees": [1, None]}, scheduling="SILENT")
        await session.send_tool_result("c2", error="no such city", will_continue=True)
        await session.note("The user is in Paris.", answer=True)
        await session.update(
            system_instruction="",
            tools=[FunctionDeclaration(name="f"), "googleSearch"],
            barge_in=BargeIn(policy=BargeIn.POLICY_NONE),
            delivery=Delivery(unpaced=True),
        )
        await session.update(tools=[])
        await session.send(ClientEvent(update=SessionUpdate(system_instruction="Be brief.")))
        await session.finish()
        assert [type(event).__name__ async for event in session] == ["Opened"]
    said = server.streams[0].heard[1:]
    assert [event.WhichOneof("input") for event in said] == [
        *("activity", "audio", "audio", "activity", "image", "interrupt", "interrupt", "ack", "ack"),
        *("tool_result", "tool_result", "note", "update", "update", "update", "close"),
    ]
    start, first, second, _, image, interrupt, bare, ack, played, result, failure, note, all_of_it, no_tools, *_ = said
    assert start.activity.edge == start.activity.EDGE_START
    assert (len(first.audio), len(second.audio)) == (65_536, 14_464)
    assert (image.image.content, image.image.mime_type) == (b"png", "image/png")
    assert (interrupt.interrupt.turn, interrupt.interrupt.heard.ToMilliseconds()) == (2, 1500)
    assert (bare.interrupt.turn, bare.interrupt.HasField("heard")) == (0, False)
    assert not ack.ack.HasField("heard")
    assert (played.ack.heard.turn, played.ack.heard.duration.ToMilliseconds()) == (2, 250)
    assert result.tool_result.scheduling == ToolResult.SCHEDULING_SILENT
    assert MessageToDict(result.tool_result.result) == {"degrees": [1.0, None]}
    assert (failure.tool_result.error, failure.tool_result.will_continue) == ("no such city", True)
    assert (note.note.text, note.note.answer) == ("The user is in Paris.", True)
    assert [field.name for field, _ in all_of_it.update.ListFields()] == [
        *("system_instruction", "tools", "barge_in", "delivery"),
    ]
    assert (all_of_it.update.tools.functions[0].name, all_of_it.update.tools.built_in[0]) == ("f", "googleSearch")
    assert [field.name for field, _ in no_tools.update.ListFields()] == ["tools"]


async def test_an_image_travels_alone_and_the_rest_in_batches() -> None:
    messages: list[list[str | None]] = []

    async def keep(stream: Stream) -> None:
        await stream.say(OPENED)
        while not messages or messages[-1] != ["close"]:
            request = await stream.context.read()
            messages.append([event.WhichOneof("input") for event in request.events])
        await stream.say(COMPLETED)

    async with serving(keep) as server, segue_client.connect(server.target) as session:
        texts = [session.send_text(str(n)) for n in range(40)]
        await asyncio.gather(*texts, session.send_image(b"1", "image/png"), session.send_image(b"2", "image/png"))
    flat = [arm for message in messages for arm in message]
    assert flat == ["open", *["text"] * 40, "image", "image", "close"]
    assert all(len(message) == 1 for message in messages if "image" in message)
    assert max(map(len, messages)) == 32


def nested(depth: int) -> Any:
    return {"a": nested(depth - 1)} if depth else 1


@pytest.mark.parametrize(
    "result", [{1, 2}, b"bytes", math.nan, {"a": [math.inf]}, 10**400, "\ud800", nested(40), nested(500)]
)
async def test_a_result_that_is_no_json_is_refused(result: Any) -> None:
    async with serving(listen) as server, segue_client.connect(server.target) as session:
        with pytest.raises(ValueError, match="must be a JSON value"):
            await session.send_tool_result("c1", result)


async def test_a_result_with_an_unknown_scheduling_is_refused() -> None:
    async with serving(listen) as server, segue_client.connect(server.target) as session:
        with pytest.raises(ValueError, match="'LATER' is not one of"):
            await session.send_tool_result("c1", 1, scheduling="LATER")  # type: ignore[arg-type]


async def test_a_result_may_be_nested_as_deep_as_the_stream_carries() -> None:
    async with serving(listen) as server, segue_client.connect(server.target) as session:
        await session.send_tool_result("c1", nested(31))
        await session.finish()
        assert [type(event).__name__ async for event in session] == ["Opened"]
    sent = server.streams[0].heard[1].tool_result.result
    assert MessageToDict(sent) == nested(31)


WEATHER = segue_client.FunctionDeclaration(
    name="get_weather",
    description="The weather in a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)


async def test_tools_are_declared_called_and_answered() -> None:
    async def call(stream: Stream) -> None:
        await stream.say(OPENED)
        await stream.hear_until("text")
        await stream.say(
            ServerEvent(
                seq=1, turn=1, tool_call=ToolCall(call_id="c1", name="get_weather", arguments={"city": "Oslo"})
            ),
            ServerEvent(seq=2, turn=1, tool_call=ToolCall(call_id="c2", name="get_weather")),
            ServerEvent(seq=3, tool_call_cancelled=ToolCallCancelled(call_id="c2")),
        )
        await stream.hear_until("tool_result")
        await stream.hear_until("tool_result")
        await stream.say(COMPLETED)
        await stream.hear_out()

    cancelled = []
    async with (
        serving(call) as server,
        segue_client.connect(server.target, tools=[WEATHER, "googleSearch"]) as session,
    ):
        await session.send_text("Is it cold in Oslo?")
        async for event in session:
            match event:
                case segue_client.ToolCall(call_id=call_id, name="get_weather", arguments={"city": city}):
                    await session.send_tool_result(call_id, {"city": city, "celsius": -3}, scheduling="WHEN_IDLE")
                case segue_client.ToolCall(call_id=call_id):
                    await session.send_tool_result(call_id, error="which city?")
                case segue_client.ToolCallCancelled(call_id=call_id):
                    cancelled.append(call_id)
    opening, _, *results = server.streams[0].heard
    assert list(opening.open.tools.functions) == [WEATHER]
    assert not WEATHER.HasField("blocking")
    assert list(opening.open.tools.built_in) == ["googleSearch"]
    answered, failed = (event.tool_result for event in results[:2])
    assert (answered.call_id, MessageToDict(answered.result)) == ("c1", {"city": "Oslo", "celsius": -3})
    assert answered.scheduling == ToolResult.SCHEDULING_WHEN_IDLE
    assert (failed.call_id, failed.error) == ("c2", "which city?")
    assert cancelled == ["c2"]


async def test_tools_in_the_options_take_the_place_of_the_arguments() -> None:
    options = OpenSession(tools=Tools(built_in=["urlContext"]))
    async with (
        serving(listen) as server,
        segue_client.connect(server.target, tools=[WEATHER, "googleSearch"], options=options),
    ):
        pass
    assert server.streams[0].heard[0].open.tools == options.tools
