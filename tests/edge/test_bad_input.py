"""Every bad input has its answer, and harms nothing else: not its session, not the stream, not its neighbours."""

import asyncio
import operator
from collections.abc import AsyncIterator
from functools import partial

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from segue.gateway import Gateway
from segue_client.segue.v1.client_event_pb2 import (
    Ack,
    Activity,
    ClientEvent,
    CloseSession,
    Interrupt,
    ToolResult,
    UserText,
)
from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.open_session_pb2 import OpenSession
from segue_client.segue.v1.server_event_pb2 import InputRejected, ServerEvent, SessionClosed
from segue_client.segue.v1.voice_session_service_pb2 import ConverseRequest
from tests.conversation import LINEAR16, Conversation, conversing, kinds, opening
from tests.scripted_backend import ScriptedBackend
from tests.waiting import wait_until

NEIGHBOUR = 9
FRAME = b"\x01\x00" * 320


@pytest.fixture
async def conversation(gateway: Gateway, backend: ScriptedBackend) -> AsyncIterator[Conversation]:
    """A stream on which nothing is open yet. In the end, a session on it and one on another stream must be well."""
    async with conversing(gateway.port) as other, conversing(gateway.port) as conversation:
        await other.open()
        yield conversation
        for neighbour, channel in ((other, 0), (conversation, NEIGHBOUR)):
            if neighbour is conversation:
                await conversation.open(NEIGHBOUR)
            link = backend.links[0 if neighbour is other else -1]
            await neighbour.say(ClientEvent(channel=channel, text=UserText(text="Still there?")))
            await wait_until(partial(operator.eq, link.sent, ["Still there?"]))
            link.speak(0.1, "Yes.")
            link.complete()
            assert (await neighbour.hear("turn_ended", channel)).turn_ended.heard_text == "Yes."


async def closing(conversation: Conversation, channel: int = 0) -> SessionClosed:
    return (await conversation.hear("closed", channel)).closed


async def rejection(conversation: Conversation, channel: int = 0) -> InputRejected:
    return (await conversation.hear("input_rejected", channel)).input_rejected


async def test_input_on_a_channel_that_was_never_opened_is_answered_once_and_the_channel_can_be_opened(
    conversation: Conversation,
) -> None:
    await conversation.say(ClientEvent(audio=FRAME), ClientEvent(text=UserText(text="Hi")), ClientEvent(open=opening()))
    first = await conversation.next()
    assert first is not None
    assert (first.seq, first.closed.error.reason, first.closed.next) == (
        0,
        Error.REASON_NOT_OPEN,
        SessionClosed.NEXT_NONE,
    )
    assert "send open first" in first.closed.error.message
    assert not first.closed.HasField("totals")
    assert kinds([await conversation.hear("opened")]) == ["opened"]
    assert kinds(conversation.heard) == ["closed", "opened"]


async def test_input_on_a_channel_that_was_passed_over_is_answered_although_a_higher_one_is_open(
    conversation: Conversation,
) -> None:
    await conversation.open(3)
    await conversation.say(ClientEvent(channel=1, audio=FRAME))
    assert (await closing(conversation, 1)).error.reason == Error.REASON_NOT_OPEN


async def test_input_on_a_closed_channel_is_dropped_and_counted(conversation: Conversation, gateway: Gateway) -> None:
    await conversation.open()
    await conversation.say(ClientEvent(close=CloseSession()))
    assert (await closing(conversation)).error.reason == Error.REASON_COMPLETED
    await conversation.say(ClientEvent(audio=FRAME), ClientEvent(text=UserText(text="Hi")), ClientEvent(channel=7))
    # What comes first is the answer to a later event.
    assert await closing(conversation, 7)
    assert kinds(conversation.heard) == ["opened", "closed", "closed"]
    late = {"reason": "closed_channel"}
    assert gateway.metrics.registry.get_sample_value("segue_rejections_total", late) == 2.0


@pytest.mark.parametrize("channel", [0, 1, 2])
async def test_an_open_on_a_channel_that_cannot_be_opened_any_more_is_refused(
    conversation: Conversation, channel: int
) -> None:
    await conversation.open(0)
    await conversation.say(ClientEvent(close=CloseSession()))
    await closing(conversation)
    await conversation.open(2)
    await conversation.say(ClientEvent(channel=2, close=CloseSession()))
    await closing(conversation, 2)
    await conversation.say(ClientEvent(channel=channel, open=opening()))
    refused = await conversation.hear("closed", channel)
    assert (refused.seq, refused.closed.error.reason) == (1, Error.REASON_INVALID_OPEN)
    assert "open each one higher than the last" in refused.closed.error.message


async def test_a_second_open_on_a_channel_is_rejected_and_changes_nothing(
    conversation: Conversation, gateway: Gateway, backend: ScriptedBackend
) -> None:
    await conversation.open()
    await conversation.say(ClientEvent(open=opening(model="gemini-2.5-flash-native-audio")))
    rejected = await rejection(conversation)
    assert rejected.reason == InputRejected.REASON_ALREADY_OPEN
    assert "new channel" in rejected.message
    backend.links[-1].speak(0.1)
    backend.links[-1].complete()
    await conversation.hear("turn_ended")
    turns = {"family": "3.8-live", "outcome": "completed"}
    assert gateway.metrics.registry.get_sample_value("segue_turns_total", turns) == 1.0


@pytest.mark.parametrize(
    ("audio", "reason", "advice"),
    [
        (b"", InputRejected.REASON_EMPTY, "at least one sample"),
        (b"\x01\x02\x03", InputRejected.REASON_ODD_BYTES, "an even number"),
        (bytes(64 * 1024 + 2), InputRejected.REASON_TOO_LARGE, "at most 65536"),
    ],
)
async def test_audio_that_cannot_be_used_is_rejected(
    conversation: Conversation,
    backend: ScriptedBackend,
    audio: bytes,
    reason: "InputRejected.Reason",
    advice: str,
) -> None:
    await conversation.open()
    await conversation.say(ClientEvent(seq=1, audio=audio), ClientEvent(seq=2, audio=FRAME))
    rejected = await rejection(conversation)
    assert (rejected.input_seq, rejected.reason) == (1, reason)
    assert advice in rejected.message
    await wait_until(lambda: backend.links[-1].sent == [FRAME])


async def test_a_frame_of_64_kib_is_taken(conversation: Conversation, backend: ScriptedBackend) -> None:
    await conversation.open()
    await conversation.say(ClientEvent(audio=bytes(64 * 1024)))
    await wait_until(lambda: backend.links[-1].sent == [bytes(64 * 1024)])


async def test_audio_without_a_format_is_rejected_but_text_is_taken(
    conversation: Conversation, backend: ScriptedBackend
) -> None:
    await conversation.open(options=OpenSession())
    await conversation.say(ClientEvent(audio=FRAME), ClientEvent(text=UserText(text="Hi")))
    rejected = await rejection(conversation)
    assert rejected.reason == InputRejected.REASON_NO_INPUT_FORMAT
    assert "OpenSession.input_format" in rejected.message
    await wait_until(lambda: backend.links[-1].sent == ["Hi"])


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (ClientEvent(seq=1, text=UserText()), InputRejected.REASON_EMPTY),
        (ClientEvent(seq=1, text=UserText(text=" \n")), InputRejected.REASON_EMPTY),
        (ClientEvent(seq=1, text=UserText(text="é" * 32 * 1024 + "!")), InputRejected.REASON_TOO_LARGE),
        (ClientEvent(seq=1, activity=Activity()), InputRejected.REASON_INVALID_FIELD),
        (ClientEvent(seq=1, activity=Activity(edge=Activity.EDGE_START)), InputRejected.REASON_WRONG_MODE),
        (ClientEvent(seq=1, activity=Activity(edge=Activity.EDGE_END)), InputRejected.REASON_WRONG_MODE),
        (ClientEvent(seq=1, tool_result=ToolResult(call_id="c")), InputRejected.REASON_INVALID_FIELD),
        (ClientEvent(seq=1, tool_result=ToolResult(call_id="c", error="x")), InputRejected.REASON_UNKNOWN_CALL),
        (ClientEvent(seq=1, interrupt=Interrupt(heard=Duration(seconds=-1))), InputRejected.REASON_INVALID_FIELD),
        (ClientEvent(seq=1, ack=Ack(seq=1)), InputRejected.REASON_INVALID_FIELD),
        (ClientEvent(seq=1), InputRejected.REASON_UNKNOWN_INPUT),
        # Field 99 with the value "new": an arm of a later version.
        (ClientEvent.FromString(b"\x10\x01\x9a\x06\x03new"), InputRejected.REASON_UNKNOWN_INPUT),
    ],
)
async def test_an_input_that_cannot_be_is_rejected_by_its_number(
    conversation: Conversation, event: ClientEvent, reason: "InputRejected.Reason"
) -> None:
    await conversation.open()
    await conversation.say(event)
    rejected = await rejection(conversation)
    assert (rejected.input_seq, rejected.reason) == (1, reason)
    assert rejected.message


async def test_input_before_opened_is_kept_in_order_and_nothing_is_lost(
    conversation: Conversation, backend: ScriptedBackend
) -> None:
    backend.opens = False
    frames = [bytes([number, 0]) * 320 for number in range(20)]
    await conversation.say(ClientEvent(open=opening()), *(ClientEvent(audio=frame) for frame in frames[:10]))
    await conversation.say(ClientEvent(text=UserText(text="Hi")), ClientEvent(text=UserText(text="there")))
    await conversation.say(*(ClientEvent(audio=frame) for frame in frames[10:]))
    await conversation.say(ClientEvent(seq=1))
    # Rejections do not wait for the link: all before this one has been taken.
    assert (await rejection(conversation)).input_seq == 1
    link = backend.links[-1]
    assert link.sent == []
    began_at = asyncio.get_running_loop().time()
    link.open()
    backend.opens = True
    await conversation.hear("opened")
    await wait_until(lambda: len(link.sent) >= 5)
    # Frames of 20 ms leave in messages of 100 ms, and texts in a row as one, which is answered as a whole.
    messages = [b"".join(frames[first : first + 5]) for first in range(0, 20, 5)]
    assert link.sent[:5] == [*messages[:2], "Hi\nthere", *messages[2:]]
    # The last of four messages leaves after the 0.3 s of the three before it, at three times real time.
    assert asyncio.get_running_loop().time() - began_at >= 0.09


async def test_more_than_30_s_of_audio_before_opened_is_rejected_until_some_of_it_has_left(
    conversation: Conversation, backend: ScriptedBackend
) -> None:
    backend.opens = False
    second = bytes(32_000)
    await conversation.say(ClientEvent(open=opening()), *(ClientEvent(audio=second) for _ in range(30)))
    await conversation.say(ClientEvent(seq=1, audio=second))
    rejected = await rejection(conversation)
    assert (rejected.input_seq, rejected.reason) == (1, InputRejected.REASON_INPUT_OVERFLOW)
    link = backend.links[-1]
    link.open()
    backend.opens = True
    await conversation.hear("opened")
    await wait_until(lambda: link.sent)
    assert set(link.sent) == {second}
    await conversation.say(ClientEvent(seq=2, audio=second), ClientEvent(seq=3))
    assert (await rejection(conversation)).input_seq == 3


async def test_a_gap_in_the_numbers_closes_the_session(conversation: Conversation, backend: ScriptedBackend) -> None:
    await conversation.open()
    await conversation.say(ClientEvent(seq=1, audio=FRAME), ClientEvent(seq=3, audio=FRAME))
    closed = await closing(conversation)
    assert (closed.error.reason, closed.next) == (Error.REASON_INPUT_GAP, SessionClosed.NEXT_OPEN_AGAIN)
    assert "input 3 came after input 1" in closed.error.message
    assert backend.links[-1].hung_up


async def test_a_repeated_number_is_dropped(conversation: Conversation, backend: ScriptedBackend) -> None:
    await conversation.open()
    frames = [bytes([number, 0]) * 320 for number in range(3)]
    for seq in (1, 2, 1, 2, 3):
        await conversation.say(ClientEvent(seq=seq, audio=frames[seq - 1]))
    await wait_until(lambda: len(backend.links[-1].sent) == 3)
    assert backend.links[-1].sent == frames
    while (await conversation.hear("input_ack")).input_ack.seq < 3:
        pass


async def test_an_interrupt_that_cuts_nothing_is_answered_all_the_same(conversation: Conversation) -> None:
    await conversation.open()
    await conversation.say(ClientEvent(interrupt=Interrupt(turn=5)))
    interrupted = await conversation.hear("interrupted")
    assert (interrupted.turn, interrupted.interrupted.cause) == (5, interrupted.interrupted.CAUSE_NONE)


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (b"\xff\xfe garbage", "no segue.v1.ConverseRequest"),
        # Text must be UTF-8: an event 3 bytes long whose text holds the byte 0xff.
        (b"\x0a\x05\x3a\x03\x0a\x01\xff", "no segue.v1.ConverseRequest"),
        (ConverseRequest(events=[ClientEvent()] * 1025).SerializeToString(), "1025 events: at most 1024"),
    ],
)
async def test_a_malformed_message_ends_its_stream_and_no_other(
    conversation: Conversation, gateway: Gateway, backend: ScriptedBackend, message: bytes, complaint: str
) -> None:
    async with conversing(gateway.port) as malformed:
        await malformed.open()
        await malformed.send(message)
        code, explained = await malformed.status()
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert (explained.reason, explained.domain) == ("MALFORMED_MESSAGE", "segue")
        assert complaint in (await malformed.call.details() or "")
        assert backend.links[-1].hung_up


async def test_1024_events_in_a_message_are_taken_in_order(
    conversation: Conversation, backend: ScriptedBackend
) -> None:
    await conversation.open()
    frames = [number.to_bytes(2, "little") for number in range(1024)]
    await conversation.say(*(ClientEvent(audio=frame) for frame in frames))
    await wait_until(lambda: len(backend.links[-1].sent) == 1024)
    assert backend.links[-1].sent == frames


async def test_a_malformed_message_is_answered_even_when_the_client_reads_nothing(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        # More than the flow control of gRPC lets go without a reader.
        for _ in range(170):
            backend.links[-1].speak(1.0)
        await wait_until(
            lambda: (
                (gateway.metrics.registry.get_sample_value("segue_audio_seconds_total", {"direction": "out"}) or 0) > 80
            )
        )
        await conversation.send(b"\xff")
        await wait_until(lambda: backend.links[-1].hung_up)
        await conversation.hear_out()
        code, _ = await conversation.status()
        assert code is grpc.StatusCode.INVALID_ARGUMENT


async def test_rejections_are_counted_by_reason(conversation: Conversation, gateway: Gateway) -> None:
    await conversation.open()
    await conversation.say(ClientEvent(audio=b"\x01"))
    await rejection(conversation)
    odd = {"reason": "odd_bytes"}
    assert gateway.metrics.registry.get_sample_value("segue_rejections_total", odd) == 1.0


async def test_a_client_that_ignores_every_answer_is_told_of_a_bounded_number_of_unopened_channels(
    conversation: Conversation,
) -> None:
    strangers = [ClientEvent(channel=number, audio=FRAME) for number in range(10, 1300)]
    await conversation.say(*strangers[:1000])
    await conversation.say(*strangers[1000:], ClientEvent(open=OpenSession(input_format=LINEAR16)))
    await conversation.hear("opened")
    await conversation.say(ClientEvent(seq=1))
    await rejection(conversation)
    answered = [event for event in conversation.heard if event.WhichOneof("output") == "closed"]
    assert len(answered) == 1024
    assert all(isinstance(event, ServerEvent) and event.seq == 0 for event in answered)
