"""What a session is opened with, and the channel that it runs on."""

import grpc
import pytest
import trustme

import segue_client
from segue_client.segue.v1.open_session_pb2 import AudioFormat, OpenSession
from tests.clients.python.scripted_server import answer_once, listen, serving

pytestmark = [pytest.mark.timeout(20), pytest.mark.usefixtures("no_task_left")]


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
