"""A session that fails, or is refused: which exception tells it, and where."""

import grpc
import pytest

import segue_client
from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.server_event_pb2 import ServerEvent, SessionClosed
from tests.clients.python.scripted_server import COMPLETED, OPENED, Script, Stream, listen, serving

pytestmark = [pytest.mark.timeout(20), pytest.mark.usefixtures("no_task_left")]


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
