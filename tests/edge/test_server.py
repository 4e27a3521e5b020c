"""What the port speaks beside Converse: TLS, and reflection, with which a client needs no stubs."""

from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import trustme
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from segue.backend.pool import Source
from segue.config import Settings
from segue.gateway import Gateway
from tests.conversation import connected, conversing
from tests.scripted_backend import ScriptedBackend
from tests.waiting import WAIT_LIMIT

SERVICE = "segue.v1.VoiceSessionService"


async def reflect(channel: Any, **question: str) -> reflection_pb2.ServerReflectionResponse:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    call = stub.ServerReflectionInfo(timeout=WAIT_LIMIT)
    await call.write(reflection_pb2.ServerReflectionRequest(**question))
    answer = await call.read()
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF  # type: ignore[attr-defined]
    return answer


async def reflected_pool(channel: Any) -> descriptor_pool.DescriptorPool:
    """Fetch the file of the service and all that it imports, as any reflection client does."""
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    answer = await reflect(channel, file_containing_symbol=SERVICE)
    waiting = list(answer.file_descriptor_response.file_descriptor_proto)
    while waiting:
        file = descriptor_pb2.FileDescriptorProto.FromString(waiting.pop())
        files[file.name] = file
        for name in file.dependency:
            if name not in files:
                answer = await reflect(channel, file_by_filename=name)
                waiting += answer.file_descriptor_response.file_descriptor_proto
    pool = descriptor_pool.DescriptorPool()

    def add(name: str) -> None:
        file = files.pop(name, None)
        if file is not None:
            for dependency in file.dependency:
                add(dependency)
            pool.Add(file)

    for name in list(files):
        add(name)
    return pool


async def test_reflection_lists_the_services(gateway: Gateway) -> None:
    async with connected(gateway.port) as channel:
        answer = await reflect(channel, list_services="")
        names = {service.name for service in answer.list_services_response.service}
        assert names == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_a_client_that_knows_only_reflection_holds_a_conversation(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with connected(gateway.port) as channel:
        pool = await reflected_pool(channel)
        (method,) = pool.FindServiceByName(SERVICE).methods
        assert (method.client_streaming, method.server_streaming) == (True, True)
        request = message_factory.GetMessageClass(method.input_type)
        response = message_factory.GetMessageClass(method.output_type)
        call = channel.stream_stream(
            f"/{SERVICE}/{method.name}",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )(timeout=WAIT_LIMIT)

        async def hear(arm: str) -> Any:
            async for message in call:
                for event in message.events:
                    if event.WhichOneof("output") == arm:
                        return event
            raise AssertionError(f"no {arm} came")

        await call.write(request(events=[{"open": {}}, {"text": {"text": "Hi"}}]))
        await hear("opened")
        assert backend.links[0].sent == ["Hi"]
        backend.links[0].speak(0.1, "Hello.")
        backend.links[0].complete()
        ended = await hear("turn_ended")
        assert ended.turn_ended.heard_text == "Hello."
        await call.done_writing()
        await hear("closed")
        assert await call.code() is grpc.StatusCode.OK


async def test_with_a_certificate_it_speaks_tls(
    no_task_left: None, plain_environment: pytest.MonkeyPatch, tmp_path: Path, backend: ScriptedBackend
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(chain)
    certificate.private_key_pem.write_to_path(key)
    settings = Settings(port=0, metrics_port=0, drain_timeout=0, tls_cert_file=chain, tls_key_file=key)
    assert settings.fault() is None
    gateway = Gateway(settings, [Source(backend)])
    await gateway.start()
    trusting = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    async with conversing(gateway.port, trusting) as conversation:
        await conversation.open()
        await conversation.half_close()
        await conversation.hear_out()
        assert (await conversation.status())[0] is grpc.StatusCode.OK
    async with conversing(gateway.port) as plaintext:
        await plaintext.hear_out()
        assert (await plaintext.status())[0] is grpc.StatusCode.UNAVAILABLE
    await gateway.stop()
