"""A session against a server that plays a script."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import trustme
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict

import segue_client
from segue_client.segue.v1.client_event_pb2 import ClientEvent, SessionUpdate, ToolResult
from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.open_session_pb2 import (
    AudioFormat,
    BargeIn,
    Delivery,
    FunctionDeclaration,
    OpenSession,
    Tools,
    TurnDetection,
)
from segue_client.segue.v1.server_event_pb2 import (
    GoAway,
    Interrupted,
    Notice,
    ServerEvent,
    SessionClosed,
    ToolCall,
    ToolCallCancelled,
    TurnEnded,
)
from segue_client.segue.v1.voice_session_service_pb2 import ConverseResponse
from tests.clients.python.scripted_server import COMPLETED, EOF, OPENED, Script, Stream, serving

pytestmark = pytest.mark.timeout(20)


@pytest.fixture(autouse=True)
async def nothing_remains() -> AsyncIterator[None]:
    """Every test leaves no task behind. gRPC's own end a moment after the call that they served."""
    yield
    if remaining := asyncio.all_tasks() - {asyncio.current_task()}:
        _, pending = await asyncio.wait(remaining, timeout=5)
        assert pending == set()


async def answer_once(stream: Stream) -> None:
    """Open, answer the first text with a turn, listen to the end, close."""
    await stream.hear_until("open")
    await stream.say(OPENED)
    await stream.hear_until("text")
    await stream.say(ServerEvent(seq=1, turn=1, audio=b"\0\0" * 480), ServerEvent(seq=2, turn=1, audio=b"\1\0" * 480))
    await stream.say(ServerEvent(seq=3, turn=1, turn_ended=TurnEnded(reason=TurnEnded.REASON_COMPLETED)))
    await stream.hear_out()
    await stream.say(COMPLETED)


async def listen(stream: Stream) -> None:
    """Open, hear everything that the client says, close."""
    await stream.say(OPENED)
    await stream.hear_out()
    await stream.say(COMPLETED)


def closing(reason: "Error.Reason", message: str) -> Script:
    async def close(stream: Stream) -> None:
        await stream.hear_until("open")
        error = Error(reason=reason, message=message)
        await stream.say(OPENED, ServerEvent(closed=SessionClosed(error=error, next=SessionClosed.NEXT_OPEN_AGAIN)))
        await stream.hear_out()

    return close


def aborting(code: grpc.StatusCode) -> Script:
    async def abort(stream: Stream) -> None:
        await stream.context.abort(code, "in these words")

    return abort


async def iterate(target: str) -> list[segue_client.Event]:
    async with segue_client.connect(target) as session:
        return [event async for event in session]


async def speak_forever(target: str) -> None:
    async with segue_client.connect(target) as session:
        await speak_on(session)


async def speak_on(session: segue_client.Session) -> None:
    while True:
        await session.send_audio(b"\0\0" * 320)


async def fail(target: str) -> None:
    async with segue_client.connect(target) as session:
        await anext(session)
        raise RuntimeError("the body's own")


async def test_a_conversation_from_open_to_completed() -> None:
    async with (
        serving(answer_once) as server,
        segue_client.connect(server.target, voice="Kore", system_instruction="Be brief.") as session,
    ):
        await session.send_text("Hello!")
        heard = []
        async for event in session:
            heard.append(event)
            if isinstance(event, segue_client.TurnEnded):
                await session.finish()
    assert [type(event).__name__ for event in heard] == ["Opened", "Audio", "Audio", "TurnEnded"]
    assert session.opened == segue_client.Opened("s1", "a-model")
    assert session.closed is not None
    assert session.closed.reason == "COMPLETED"
    assert session.last_seq == 3
    opening = server.streams[0].heard[0].open
    assert (opening.voice, opening.system_instruction) == ("Kore", "Be brief.")
    assert opening.input_format == AudioFormat(encoding=AudioFormat.ENCODING_LINEAR16, sample_rate_hertz=16000)
    assert opening.output_format == AudioFormat(encoding=AudioFormat.ENCODING_LINEAR16, sample_rate_hertz=24000)
    assert opening.turn_detection.mode == TurnDetection.MODE_SERVER
    assert not opening.HasField("resume_window")
    assert all(event.channel == 0 and event.seq == 0 for event in server.streams[0].heard)
    assert server.streams[0].half_closed


async def test_options_win_over_arguments() -> None:
    mulaw = AudioFormat(encoding=AudioFormat.ENCODING_MULAW, sample_rate_hertz=8000)
    options = OpenSession(voice="Puck", input_format=mulaw, labels={"call": "7"})
    async with (
        serving(listen) as server,
        segue_client.connect(server.target, voice="Kore", language="en-US", options=options),
    ):
        pass
    opening = server.streams[0].heard[0].open
    assert (opening.voice, opening.language, opening.labels["call"]) == ("Puck", "en-US", "7")
    assert opening.input_format == mulaw


@pytest.mark.parametrize("gated", [False, True])
async def test_noise_is_kept_from_the_model_where_that_is_asked_for(gated: bool) -> None:
    async with serving(listen) as server, segue_client.connect(server.target, noise_gate=gated):
        pass
    assert server.streams[0].heard[0].open.turn_detection.HasField("noise_gate") is gated


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
        *("tool_result", "tool_result", "note", "update", "update", "update"),
    ]
    start, first, second, _, image, interrupt, bare, ack, played, result, failure, note, all_of_it, no_tools, _ = said
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
        while (request := await stream.context.read()) is not EOF:
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


@pytest.mark.parametrize("asked", [True, False])
async def test_notices_come_to_those_who_ask(asked: bool) -> None:
    async def renew(stream: Stream) -> None:
        opening = await stream.hear_until("open")
        notice = Notice(kind=Notice.KIND_RENEWED, message="the link was renewed", took=Duration(nanos=160_000_000))
        await stream.say(OPENED, *([ServerEvent(notice=notice)] if opening.open.include_notices else []), COMPLETED)
        await stream.hear_out()

    async with serving(renew) as server, segue_client.connect(server.target, include_notices=asked) as session:
        notices = [event async for event in session if isinstance(event, segue_client.Notice)]
    assert notices == [segue_client.Notice("RENEWED", "the link was renewed", 0.16)] * asked
    assert not server.streams[0].heard[0].open.HasField("tools")


async def test_the_hook_gets_every_message_as_it_came() -> None:
    raw: list[ServerEvent] = []
    async with serving(answer_once) as server, segue_client.connect(server.target, on_event=raw.append) as session:
        await session.send_text("Hello!")
        await session.finish()
        async for _ in session:
            pass
    assert [message.WhichOneof("output") for message in raw] == ["opened", "audio", "audio", "turn_ended", "closed"]
    assert [message.seq for message in raw] == [0, 1, 2, 3, 0]


async def test_an_unknown_output_is_passed_over_and_counts_as_received() -> None:
    newer = ServerEvent.FromString(ServerEvent(seq=1).SerializeToString() + b"\xc2\x3e\x01x")

    async def script(stream: Stream) -> None:
        await stream.say(OPENED, newer)
        await stream.hear_until("ack")
        await stream.say(COMPLETED)
        await stream.hear_out()

    async with serving(script) as server:
        async with segue_client.connect(server.target) as session:
            async for event in session:
                assert isinstance(event, segue_client.Opened)
                await session.ack()
        assert server.streams[0].heard[-1].ack.seq == 1


async def test_a_stream_that_must_move_says_so() -> None:
    async def script(stream: Stream) -> None:
        await stream.context.write(ConverseResponse(events=[OPENED], go_away=GoAway()))
        await stream.hear_out()
        await stream.say(COMPLETED)

    async with serving(script) as server, segue_client.connect(server.target) as session:
        await session.finish()
        assert [type(event).__name__ async for event in session] == ["Opened", "GoAway"]


async def test_a_closed_session_raises_with_its_reason() -> None:
    async with (
        serving(closing(Error.REASON_BACKEND_CREDENTIALS, "Check the key.")) as server,
        segue_client.connect(server.target) as session,
    ):
        assert isinstance(await anext(session), segue_client.Opened)
        with pytest.raises(segue_client.SessionError, match=r"BACKEND_CREDENTIALS: Check the key\.") as caught:
            await anext(session)
        assert (caught.value.reason, caught.value.next) == ("BACKEND_CREDENTIALS", "OPEN_AGAIN")
        with pytest.raises(segue_client.InputClosedError):
            await session.send_text("Still there?")
        with pytest.raises(segue_client.SessionError):
            await anext(session)
    assert session.closed is not None


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.UNAVAILABLE, segue_client.UnavailableError),
        (grpc.StatusCode.UNAUTHENTICATED, segue_client.AccessDeniedError),
        (grpc.StatusCode.PERMISSION_DENIED, segue_client.AccessDeniedError),
        (grpc.StatusCode.INVALID_ARGUMENT, segue_client.StreamError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, segue_client.StreamError),
    ],
)
async def test_a_refused_stream_raises_by_its_status(
    code: grpc.StatusCode, error: type[segue_client.StreamError]
) -> None:
    async with serving(aborting(code)) as server:
        # Entering, sending and iterating may each be the first to see the status.
        with pytest.raises(error, match="in these words") as caught:
            await iterate(server.target)
    assert caught.value.code == code.name


@pytest.mark.parametrize("words_before", [[], [OPENED]])
async def test_sending_on_a_broken_stream_raises_its_status(words_before: list[ServerEvent]) -> None:
    async def refuse(stream: Stream) -> None:
        await stream.say(*words_before)
        await stream.context.abort(grpc.StatusCode.UNAUTHENTICATED, "in these words")

    async with serving(refuse) as server:
        for _ in range(10):
            with pytest.raises(segue_client.AccessDeniedError, match="in these words"):
                await speak_forever(server.target)


async def test_what_came_before_a_write_failed_is_not_lost() -> None:
    async def hang_up(stream: Stream) -> None:
        await stream.hear_until("audio")
        await stream.say(OPENED)
        await stream.say(COMPLETED)

    async with serving(hang_up) as server, segue_client.connect(server.target) as session:
        with pytest.raises(segue_client.InputClosedError):
            await speak_on(session)
        assert [type(event).__name__ async for event in session] == ["Opened"]
        assert session.closed is not None


async def test_nobody_at_the_address_is_said_on_entering() -> None:
    async with serving(listen) as server:
        gone = server.target
    with pytest.raises(segue_client.UnavailableError):
        async with segue_client.connect(gone):
            raise AssertionError("never entered")


async def test_a_stream_that_ends_without_a_word_is_an_error() -> None:
    async def vanish(stream: Stream) -> None:
        await stream.hear_until("open")

    async with serving(vanish) as server, segue_client.connect(server.target) as session:
        with pytest.raises(segue_client.StreamError, match="without saying how the session ended"):
            await anext(session)
        with pytest.raises(segue_client.InputClosedError, match="iterating tells how"):
            await session.send_text("Hello?")


async def test_close_ends_the_session_in_the_middle() -> None:
    async with serving(listen) as server, segue_client.connect(server.target) as session:
        await session.close()
        await session.close()
        assert [type(event).__name__ async for event in session] == ["Opened"]
        with pytest.raises(segue_client.InputClosedError, match="takes no more input"):
            await session.send_text("Wait!")
    assert [event.WhichOneof("input") for event in server.streams[0].heard] == ["open", "close"]


async def test_leaving_early_closes_the_session() -> None:
    async with serving(answer_once) as server:
        async with segue_client.connect(server.target) as session:
            await session.send_text("Hello!")
            async for event in session:
                if isinstance(event, segue_client.Audio):
                    break
        assert session.closed is not None
        assert server.streams[0].heard[-1].WhichOneof("input") == "close"


async def test_leaving_does_not_wait_for_a_server_that_does_not_play_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue_client.session._FAREWELL_TIMEOUT", 0.02)
    cancelled = asyncio.Event()

    async def stall(stream: Stream) -> None:
        await stream.say(OPENED)
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with serving(stall) as server:
        async with segue_client.connect(server.target) as session:
            await anext(session)
        await cancelled.wait()
    assert session.closed is None


async def test_an_exception_in_the_body_cancels_the_stream() -> None:
    cancelled = asyncio.Event()

    async def script(stream: Stream) -> None:
        await stream.say(OPENED)
        try:
            await stream.hear_out()
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with serving(script) as server:
        with pytest.raises(RuntimeError, match="the body's own"):
            await fail(server.target)
        await cancelled.wait()
    assert "close" not in [event.WhichOneof("input") for event in server.streams[0].heard]


async def test_a_time_out_while_waiting_does_not_harm_the_session() -> None:
    async with serving(answer_once) as server, segue_client.connect(server.target) as session:
        await anext(session)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(session)
        await session.send_text("Hello!")
        assert isinstance(await anext(session), segue_client.Audio)


async def test_a_cancelled_send_does_not_harm_the_session() -> None:
    async with serving(answer_once) as server, segue_client.connect(server.target) as session:
        sending = asyncio.create_task(session.send_text("Hello!"))
        await asyncio.sleep(0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert sending.cancelled()
        await session.finish()
        assert [type(event).__name__ async for event in session] == ["Opened", "Audio", "Audio", "TurnEnded"]


async def test_a_cancelled_body_leaves_at_once() -> None:
    async with serving(listen) as server:
        inside = asyncio.Event()

        async def converse() -> None:
            async with segue_client.connect(server.target) as session:
                async for _ in session:
                    inside.set()

        conversation = asyncio.create_task(converse())
        await inside.wait()
        conversation.cancel()
        with pytest.raises(asyncio.CancelledError):
            await conversation


async def test_a_listener_that_outlives_the_context_ends_with_the_session() -> None:
    async with serving(answer_once) as server:
        async with segue_client.connect(server.target) as session:
            listener = asyncio.create_task(_collect(session))
            await session.send_text("Hello!")
            await asyncio.sleep(0)
        assert isinstance((await listener)[0], segue_client.Opened)


async def _collect(session: segue_client.Session) -> list[segue_client.Event]:
    return [event async for event in session]


async def test_sessions_share_a_channel_that_stays_open() -> None:
    async with serving(answer_once) as server, grpc.aio.insecure_channel(server.target) as channel:
        for _ in range(2):
            async with segue_client.connect(channel) as one, segue_client.connect(channel) as other:
                for session in (one, other):
                    await session.send_text("Hello!")
                    await session.finish()
                for session in (one, other):
                    assert len([event async for event in session]) == 4
    assert len(server.streams) == 4
    assert len(server.peers) == 1


async def test_credentials_belong_to_a_channel_of_your_own() -> None:
    async with grpc.aio.insecure_channel("localhost:1") as channel:
        with pytest.raises(ValueError, match="give them where you make it"):
            async with segue_client.connect(channel, channel_credentials=grpc.ssl_channel_credentials()):
                pass


async def test_an_unknown_turn_detection_is_refused() -> None:
    with pytest.raises(ValueError, match="'AUTO' is not one of SERVER, MANUAL, GATEWAY"):
        async with segue_client.connect("localhost:1", turn_detection="AUTO"):  # type: ignore[arg-type]
            pass


async def test_a_token_travels_as_bearer_over_tls() -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    server_credentials = grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)])
    client_credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    async with (
        serving(listen, server_credentials) as server,
        segue_client.connect(server.target, channel_credentials=client_credentials, token="t0ken") as session,
    ):
        await anext(session)
        assert "t0ken" not in repr(vars(session))
    assert server.metadata["authorization"] == "Bearer t0ken"


async def test_interrupted_comes_with_what_a_player_needs() -> None:
    async def script(stream: Stream) -> None:
        await stream.hear_until("interrupt")
        cut = Interrupted(cause=Interrupted.CAUSE_CLIENT, heard_text="Once upon", unheard_text=" a time")
        await stream.say(OPENED, ServerEvent(seq=1, turn=1, interrupted=cut))
        await stream.hear_out()
        await stream.say(COMPLETED)

    async with serving(script) as server, segue_client.connect(server.target) as session:
        await session.interrupt()
        await session.finish()
        events = [event async for event in session]
    assert events[1:] == [segue_client.Interrupted(1, "CLIENT", "Once upon", " a time", 0.0)]
