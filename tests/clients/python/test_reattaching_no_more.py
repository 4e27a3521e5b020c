"""When a session whose stream breaks does not go on, or no longer."""

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

import segue_client
from segue_client.segue.v1.client_event_pb2 import ClientEvent
from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.open_session_pb2 import OpenSession
from segue_client.segue.v1.server_event_pb2 import ServerEvent, SessionClosed
from tests.clients.python.broken_streams import (
    audio,
    break_when_resumed,
    breaking,
    closed,
    never_answer,
    resuming,
    said,
)
from tests.clients.python.scripted_server import (
    COMPLETED,
    RESUMABLE,
    TOKEN,
    Script,
    Stream,
    one_after_the_other,
    resumed,
    serving,
)

pytestmark = [pytest.mark.timeout(20), pytest.mark.usefixtures("no_task_left", "short_pauses")]


async def test_a_session_that_was_taken_over_is_left_to_the_other() -> None:
    async with (
        serving(breaking(closed(Error.REASON_TAKEN_OVER))) as server,
        segue_client.connect(server.target) as session,
    ):
        await anext(session)
        with pytest.raises(segue_client.SessionError) as caught:
            await anext(session)
        assert (caught.value.reason, caught.value.next) == ("TAKEN_OVER", "RESUME")
    assert len(server.streams) == 1


async def test_a_session_that_is_not_known_any_more_says_so() -> None:
    async def refuse(stream: Stream) -> None:
        await stream.hear_until("resume")
        error = Error(reason=Error.REASON_RESUME_UNKNOWN, message="open another one")
        # What ends a session has a number, which may be one that the client knows.
        await stream.say(ServerEvent(seq=1, closed=SessionClosed(error=error, next=SessionClosed.NEXT_OPEN_AGAIN)))
        await stream.hear()

    async with (
        serving(one_after_the_other(breaking(audio(1), audio(2)), refuse)) as server,
        segue_client.connect(server.target) as session,
    ):
        with pytest.raises(segue_client.SessionError, match="RESUME_UNKNOWN: open another one"):
            async for _ in session:
                pass


@pytest.mark.parametrize("later", [break_when_resumed, never_answer])
async def test_a_session_fails_when_its_window_is_over(later: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    # There is nobody to wait for.
    monkeypatch.setattr("segue_client.connection._FAREWELL_TIMEOUT", 60.0)

    async def resume_and_break(stream: Stream) -> None:
        await stream.hear_until("resume")
        await stream.say(resumed(1))
        await stream.break_off()

    async with (
        serving(one_after_the_other(breaking(audio(1)), resume_and_break, later)) as server,
        segue_client.connect(server.target, resume_window=0.2) as session,
    ):
        assert [type(await anext(session)).__name__ for _ in range(3)] == ["Opened", "Audio", "Resumed"]
        with pytest.raises(segue_client.UnavailableError, match=r"within 0\.2 s: .*in these words") as caught:
            await anext(session)
        with pytest.raises(segue_client.UnavailableError):
            await session.send_text("Hello?")
        told = f"{vars(caught.value)} {caught.value!r} {session!r} {vars(session)} {vars(session._attachment).keys()}"
        assert TOKEN not in told
    assert server.streams[0].heard[0].open.resume_window.ToMilliseconds() == 200
    assert len(server.streams) > 2


@pytest.mark.parametrize("code", ["UNAUTHENTICATED", "PERMISSION_DENIED", "INVALID_ARGUMENT", "UNIMPLEMENTED"])
async def test_what_would_be_refused_again_is_not_tried_again(code: str) -> None:
    async def refuse(stream: Stream) -> None:
        await stream.break_off(grpc.StatusCode[code])

    async with (
        serving(one_after_the_other(breaking(), refuse)) as server,
        segue_client.connect(server.target) as session,
    ):
        await anext(session)
        with pytest.raises(segue_client.StreamError) as caught:
            await anext(session)
        assert caught.value.code == code
    assert len(server.streams) == 2


async def test_without_a_window_a_broken_stream_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue_client.attachment.ACK_DELAY", 0.0)

    async def play(stream: Stream) -> None:
        await stream.say(RESUMABLE, audio(1))
        await stream.hear_until("text")
        await stream.hear_until("text")
        await stream.break_off()

    async with (
        serving(play) as server,
        segue_client.connect(server.target, resume_window=0) as session,
    ):
        await session.send_text("a")
        assert [type(await anext(session)).__name__ for _ in range(2)] == ["Opened", "Audio"]
        await session.send_text("b")
        with pytest.raises(segue_client.UnavailableError, match=r"^UNAVAILABLE: in these words$"):
            await anext(session)
    [stream] = server.streams
    assert said(stream) == [(0, "open"), (0, "a"), (0, "b")]
    assert not stream.heard[0].open.HasField("resume_window")


async def test_options_say_for_how_long() -> None:
    options = OpenSession(resume_window=Duration(seconds=7))
    async with (
        serving(one_after_the_other(breaking(), resuming())) as server,
        segue_client.connect(server.target, resume_window=0.5, options=options),
    ):
        pass
    assert server.streams[0].heard[0].open.resume_window == Duration(seconds=7)


async def test_an_exception_in_the_body_ends_a_session_that_would_wait_for_its_client() -> None:
    async def play(stream: Stream) -> None:
        await stream.say(RESUMABLE)
        await stream.hear_out()
        await stream.say(COMPLETED)

    async def fail(target: str) -> None:
        async with segue_client.connect(target) as session:
            await anext(session)
            raise RuntimeError("the body's own")

    async with serving(play) as server:
        with pytest.raises(RuntimeError, match="the body's own"):
            await fail(server.target)
    assert server.streams[0].heard[-1] == ClientEvent(seq=2, close=server.streams[0].heard[-1].close)
