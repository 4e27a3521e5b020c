"""Scripts of streams that break, and of those after them."""

import asyncio
from contextlib import suppress

import grpc
from google.protobuf.duration_pb2 import Duration

from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.server_event_pb2 import ServerEvent, SessionClosed, TurnEnded
from tests.clients.python.scripted_server import (
    COMPLETED,
    RESUMABLE,
    Script,
    Stream,
    resumed,
)


def audio(seq: int, turn: int = 1) -> ServerEvent:
    return ServerEvent(seq=seq, turn=turn, audio=bytes([seq, 0]))


def ended(seq: int) -> ServerEvent:
    return ServerEvent(seq=seq, turn=1, turn_ended=TurnEnded(reason=TurnEnded.REASON_COMPLETED))


def closed(reason: "Error.Reason", *, retry_delay: float = 0.0) -> ServerEvent:
    error = Error(reason=reason, message="as the gateway says", retry_delay=Duration(nanos=round(retry_delay * 1e9)))
    return ServerEvent(closed=SessionClosed(error=error, next=SessionClosed.NEXT_RESUME))


def breaking(*events: ServerEvent, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> Script:
    """Open a session, say this, and break off."""

    async def play(stream: Stream) -> None:
        await stream.hear_until("open")
        await stream.say(RESUMABLE, *events)
        await stream.break_off(code)

    return play


async def break_when_resumed(stream: Stream) -> None:
    """Break off when the client wants to go on."""
    await stream.hear_until("resume")
    await stream.break_off()


async def never_answer(stream: Stream) -> None:
    """Let the client wait until it hangs up."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


def resuming(*events: ServerEvent, last_input_seq: int = 1) -> Script:
    """Resume a session, say this, and close it when the client wants that."""

    async def play(stream: Stream) -> None:
        await stream.hear_until("resume")
        await stream.say(resumed(last_input_seq), *events)
        await stream.hear_out()
        await stream.say(COMPLETED)

    return play


def said(stream: Stream) -> list[tuple[int, str]]:
    """Return the texts and all else that a stream was given, with their numbers."""
    return [(event.seq, event.text.text or str(event.WhichOneof("input"))) for event in stream.heard]
