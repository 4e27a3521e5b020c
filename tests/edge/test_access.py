"""Who may talk: over real sockets, with every kind of credentials, and with those of somebody else."""

import time
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
import pytest
import trustme
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

import segue_client
from segue.backend.pool import Source
from segue.config import Settings, SettingsError
from segue.gateway import Gateway
from segue_client.segue.v1.client_event_pb2 import ClientEvent, CloseSession
from segue_client.segue.v1.error_pb2 import Error
from tests.conversation import METHOD, Conversation, bearer, connected, conversing, opening
from tests.edge.auth.issuer import Issuer, key_set
from tests.edge.house import ISSUES, TENANTS, House, digest, running
from tests.scripted_backend import ScriptedBackend
from tests.waiting import WAIT_LIMIT, wait_until

REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


pytestmark = pytest.mark.usefixtures("no_task_left", "plain_environment")


async def refused(conversation: Conversation) -> tuple[grpc.StatusCode, str]:
    await conversation.hear_out()
    code, explained = await conversation.status()
    assert explained.domain == "segue"
    return code, explained.reason


async def look_again(gateway: Gateway) -> None:
    """Have the files looked at now, and not in a moment."""
    assert gateway._authentication is not None
    await gateway._authentication.files.look()


async def call_of(channel: Any, method: str, metadata: Any) -> tuple[grpc.StatusCode, str]:
    """Call a method and say nothing; return how that ended, and why."""
    call = channel.stream_stream(method)(metadata=metadata, timeout=WAIT_LIMIT)
    code = await call.code()
    explained = error_details_pb2.ErrorInfo()
    status = await rpc_status.aio.from_call(call)  # type: ignore[attr-defined]
    if status:
        assert status.details[0].Unpack(explained)
    return code, explained.reason


WRONG: list[tuple[str, Callable[[], Any]]] = [
    ("none", lambda: ()),
    ("an unknown token", lambda: bearer("wrong")),
    ("the sum of a token", lambda: bearer(digest("acme's"))),
    ("a token that is not bearer's", lambda: (("authorization", "acme's"),)),
    ("two tokens", lambda: bearer("acme's") * 2),
    ("a JWT of somebody else", lambda: bearer(Issuer().token())),
    ("a JWT that has expired", lambda: bearer(ISSUES.token(exp=time.time() - 60))),
    ("a JWT for somebody else", lambda: bearer(ISSUES.token(aud="other"))),
]


@pytest.mark.parametrize("method", [METHOD, REFLECTION])
@pytest.mark.parametrize("metadata", [make for _, make in WRONG], ids=[name for name, _ in WRONG])
async def test_every_call_needs_credentials_that_are_right(
    backend: ScriptedBackend, house: House, method: str, metadata: Callable[[], Any]
) -> None:
    async with running(backend, **house.settings) as gateway, connected(gateway.port) as channel:
        outcome = await call_of(channel, method, metadata())
        assert outcome == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
        assert gateway.metrics.registry.get_sample_value("segue_rejections_total", {"reason": "unauthenticated"})
    assert backend.links == []


@pytest.mark.parametrize("method", [METHOD, REFLECTION])
async def test_a_genuine_token_of_a_tenant_that_is_not_here_is_not_enough(
    backend: ScriptedBackend, house: House, method: str
) -> None:
    async with running(backend, **house.settings) as gateway, connected(gateway.port) as channel:
        outcome = await call_of(channel, method, bearer(ISSUES.token("stranger")))
        assert outcome == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


async def test_no_service_is_forgotten(backend: ScriptedBackend, house: House) -> None:
    """Every method that reflection knows refuses who has no credentials, apart from those of the health service."""
    async with running(backend, **house.settings) as gateway, connected(gateway.port) as channel:
        call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
            metadata=bearer("acme's"), timeout=WAIT_LIMIT
        )
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        services = [service.name for service in (await call.read()).list_services_response.service]
        await call.done_writing()
        methods = {
            "segue.v1.VoiceSessionService": ["Converse"],
            "grpc.reflection.v1alpha.ServerReflection": ["ServerReflectionInfo"],
            "grpc.health.v1.Health": [],
        }
        assert services
        for service in services:
            for method in methods[service]:
                code, _ = await call_of(channel, f"/{service}/{method}", ())
                assert code is grpc.StatusCode.UNAUTHENTICATED
        # What there is not, there is for nobody.
        code, _ = await call_of(channel, "/segue.v1.VoiceSessionService/Other", ())
        assert code is grpc.StatusCode.UNIMPLEMENTED


async def test_whoever_keeps_it_running_may_ask_how_it_is(backend: ScriptedBackend, house: House) -> None:
    async with running(backend, **house.settings) as gateway, connected(gateway.port) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=WAIT_LIMIT)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        watch = stub.Watch(health_pb2.HealthCheckRequest(service="segue.v1.VoiceSessionService"))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        watch.cancel()


@pytest.mark.parametrize("token", ["acme's", ISSUES.token("acme")], ids=["token", "JWT"])
async def test_who_has_a_token_holds_a_conversation(backend: ScriptedBackend, house: House, token: str) -> None:
    async with running(backend, **house.settings) as gateway, conversing(gateway.port, token=token) as conversation:
        await conversation.open()
        await conversation.half_close()
        await conversation.hear_out()
        assert (await conversation.status())[0] is grpc.StatusCode.OK


async def test_the_python_client_gets_in_with_its_token_and_is_told_why_not(
    backend: ScriptedBackend, house: House
) -> None:
    settings = house.settings | house.tls
    async with running(backend, **settings) as gateway:
        target = f"localhost:{gateway.port}"
        async with segue_client.connect(target, token="acme's", channel_credentials=house.trusting()) as session:
            assert isinstance(await anext(session), segue_client.Opened)
        with pytest.raises(segue_client.AccessDeniedError, match="the token is neither known nor"):
            async with segue_client.connect(target, token="wrong", channel_credentials=house.trusting()) as session:
                await anext(session)
        house.tenants.write_text(TENANTS + "sessions = 0\n")
        await look_again(gateway)
        with pytest.raises(segue_client.SessionError) as raised:
            async with segue_client.connect(target, token="other's", channel_credentials=house.trusting()) as session:
                await anext(session)
        assert (raised.value.reason, raised.value.retry_delay, raised.value.next) == ("QUOTA", 5.0, "OPEN_AGAIN")


async def test_what_one_tenant_may_another_may_not(backend: ScriptedBackend, house: House) -> None:
    async with running(backend, **house.settings) as gateway:
        async with conversing(gateway.port, token="acme's") as conversation:
            assert (await conversation.open()).opened.model == "gemini-3.8-live"
        async with conversing(gateway.port, token="other's") as conversation:
            await conversation.say(ClientEvent(open=opening(model="gemini-3.8-live")))
            error = (await conversation.hear("closed")).closed.error
            assert error.reason == Error.REASON_PERMISSION_DENIED
            assert (await conversation.open(1)).opened.model == "gemini-2.5-flash-native-audio"


async def test_a_certificate_of_a_client_is_as_good_as_a_token(backend: ScriptedBackend, house: House) -> None:
    settings = house.settings | house.tls | {"tls_client_ca_file": house.ca}
    async with running(backend, **settings) as gateway:
        for names, common_name in ((("acme.example",), None), (("x.example",), "acme.example")):
            async with conversing(gateway.port, house.trusting(*names, common_name=common_name)) as conversation:
                assert (await conversation.open()).opened.model == "gemini-3.8-live"
        async with conversing(gateway.port, house.trusting("other.example")) as conversation:
            assert (await conversation.open()).opened.model == "gemini-2.5-flash-native-audio"
        async with conversing(gateway.port, house.trusting("acme.example"), token="acme's") as conversation:
            await conversation.open()
        async with conversing(gateway.port, house.trusting("stranger.example")) as conversation:
            assert await refused(conversation) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
        async with conversing(gateway.port, house.trusting("acme.example"), token="other's") as conversation:
            assert await refused(conversation) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
        async with conversing(gateway.port, house.trusting("stranger.example"), token="acme's") as conversation:
            await conversation.open()
        # Without a certificate of that CA, there is no connection at all.
        async with conversing(gateway.port, house.trusting(), token="acme's") as conversation:
            await conversation.hear_out()
            assert (await conversation.status())[0] is grpc.StatusCode.UNAVAILABLE
        house.clients = trustme.CA()
        async with conversing(gateway.port, house.trusting("acme.example")) as conversation:
            await conversation.hear_out()
            assert (await conversation.status())[0] is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_that_changes_is_shown_to_the_next_who_connect(
    backend: ScriptedBackend, house: House
) -> None:
    async with running(backend, **house.tls) as gateway:
        before = house.trusting()
        async with conversing(gateway.port, before) as standing:
            await standing.open()
            house.authority = trustme.CA()
            house.certify()
            await look_again(gateway)
            async with conversing(gateway.port, house.trusting()) as conversation:
                await conversation.open()
            async with conversing(gateway.port, before) as conversation:
                await conversation.hear_out()
                assert (await conversation.status())[0] is grpc.StatusCode.UNAVAILABLE
            # Whoever is connected stays so.
            await standing.open(1)


async def test_a_certificate_that_cannot_be_changes_nothing(
    backend: ScriptedBackend, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(backend, **house.tls) as gateway:
        before = house.trusting()
        house.key.write_bytes(trustme.CA().issue_cert("localhost").private_key_pem.bytes())
        await look_again(gateway)
        assert "the key is that of another certificate" in capsys.readouterr().out
        async with conversing(gateway.port, before) as conversation:
            await conversation.open()
        for content in (b"", b"no PEM"):
            house.chain.write_bytes(content)
            await look_again(gateway)
        assert "the certificate is no certificate in PEM" in capsys.readouterr().out
        async with conversing(gateway.port, before) as conversation:
            await conversation.open()
        house.certify()
        await look_again(gateway)
        async with conversing(gateway.port, before) as conversation:
            await conversation.open()


async def test_the_ca_of_clients_can_change_too(backend: ScriptedBackend, house: House) -> None:
    settings = house.settings | house.tls | {"tls_client_ca_file": house.ca}
    async with running(backend, **settings) as gateway:
        before = house.trusting("acme.example")
        house.clients = trustme.CA()
        house.ca.write_bytes(b"no PEM")
        await look_again(gateway)
        async with conversing(gateway.port, before) as conversation:
            await conversation.open()
        house.ca.write_bytes(house.clients.cert_pem.bytes())
        await look_again(gateway)
        async with conversing(gateway.port, house.trusting("acme.example")) as conversation:
            await conversation.open()
        async with conversing(gateway.port, before) as conversation:
            await conversation.hear_out()
            assert (await conversation.status())[0] is grpc.StatusCode.UNAVAILABLE


async def test_a_token_that_is_withdrawn_opens_no_more_and_what_it_opened_lives_on(
    backend: ScriptedBackend, house: House
) -> None:
    async with running(backend, **house.settings) as gateway, conversing(gateway.port, token="acme's") as standing:
        await standing.open()
        house.tenants.write_text(TENANTS.replace(digest("acme's"), digest("acme's new")))
        await look_again(gateway)
        async with conversing(gateway.port, token="acme's") as conversation:
            assert await refused(conversation) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
        async with conversing(gateway.port, token="acme's new") as conversation:
            await conversation.open()
        await standing.say(ClientEvent(channel=1, open=opening()))
        closed = (await standing.hear("closed", 1)).closed
        assert (closed.error.reason, closed.next) == (Error.REASON_UNAUTHENTICATED, closed.NEXT_NONE)
        backend.links[0].speak(0.1, "Still here.")
        backend.links[0].complete()
        assert (await standing.hear("turn_ended")).turn_ended.heard_text == "Still here."


async def test_tenants_that_cannot_be_change_nothing(backend: ScriptedBackend, house: House) -> None:
    async with running(backend, **house.settings) as gateway:
        for content in ("[acme", '[acme]\ntokens = ["acme\'s"]'):
            house.tenants.write_text(content)
            await look_again(gateway)
        async with conversing(gateway.port, token="acme's") as conversation:
            await conversation.open()


async def test_keys_that_change_are_used(backend: ScriptedBackend, house: House) -> None:
    newer = Issuer("k2")
    async with running(backend, **house.settings) as gateway:
        async with conversing(gateway.port, token=newer.token()) as conversation:
            assert (await refused(conversation))[0] is grpc.StatusCode.UNAUTHENTICATED
        house.keys.write_bytes(key_set(newer))
        await look_again(gateway)
        async with conversing(gateway.port, token=newer.token()) as conversation:
            await conversation.open()
        async with conversing(gateway.port, token=ISSUES.token()) as conversation:
            assert (await refused(conversation))[0] is grpc.StatusCode.UNAUTHENTICATED


async def test_a_changed_file_is_noticed_by_itself(
    backend: ScriptedBackend, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue.files._PERIOD", 0.01)
    async with running(backend, **house.settings) as gateway:
        house.tenants.write_text("[acme]\n")
        assert gateway._authentication is not None
        authenticator = gateway._authentication.authenticator
        assert authenticator is not None
        await wait_until(lambda: len(authenticator.tenants) == 1)


@pytest.mark.parametrize(
    ("spoilt", "complaint"),
    [("tenants", "tenants.toml is not TOML"), ("keys", "JSON Web Key Set"), ("ca", "the CA of the clients")],
)
async def test_what_cannot_be_to_begin_with_keeps_it_from_starting(
    backend: ScriptedBackend, house: House, spoilt: str, complaint: str
) -> None:
    getattr(house, spoilt).write_bytes(b"[")
    settings = house.settings | house.tls | {"tls_client_ca_file": house.ca}
    gateway = Gateway(Settings(port=0, metrics_port=0, **settings), [Source(backend)])
    with pytest.raises(SettingsError, match=complaint):
        await gateway.start()


async def test_a_session_tells_its_tenant_in_the_log(
    backend: ScriptedBackend, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        running(backend, **house.settings) as gateway,
        conversing(gateway.port, token="other's") as conversation,
    ):
        await conversation.open()
        await conversation.say(ClientEvent(close=CloseSession()))
        await conversation.hear("closed")
    lines = [line for line in capsys.readouterr().out.splitlines() if "session_" in line]
    assert len(lines) == 2
    assert all("other" in line for line in lines)
