"""The gRPC server: the voice service, health and reflection, on one port."""

import asyncio
import socket

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from segue.config import Settings
from segue.edge.auth.guard import Guard
from segue.edge.converse import Converser
from segue_client.segue.v1 import voice_session_service_pb2

SERVICE = voice_session_service_pb2.DESCRIPTOR.services_by_name["VoiceSessionService"].full_name

_OPTIONS = (
    # A dead client is noticed within 40 s, and idle middleboxes are kept awake.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Clients may ping as often, also while no stream is open.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A second gateway on the same port is a mistake, not a way to share load.
    ("grpc.so_reuseport", 0),
    # The contract's limit for a message, after it was unpacked, too.
    ("grpc.max_receive_message_length", 4 * 2**20),
    # A token in a call's metadata is at most half of it. With a soft limit below, chance would refuse some calls.
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.absolute_max_metadata_size", 16 * 1024),
    # Who connects and says nothing, or not all that begins a connection, is hung up on; so is, later, who makes no call
    # or does not say all that begins one.
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_connection_idle_ms", 300_000),
)
# More streams than a server takes at once wait with the client without a word: so many more are let through on each
# connection as to be told.
_TOLD = 100


class ListenError(Exception):
    """The address cannot be listened on: the message says which and what to do."""


def try_address(host: str, port: int) -> None:
    """Listen for a moment.

    Raises:
        OSError: the address is taken or is not ours.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)


class Server:
    """Listens for clients. NOT_SERVING until `start` is done and from `refuse` on.

    Args:
        settings: where it listens, and how many streams it takes.
        converser: serves the voice service.
        guard: asked first, for every call.
        credentials: None for no TLS.
    """

    def __init__(
        self,
        settings: Settings,
        converser: Converser,
        guard: Guard,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        streams = ("grpc.max_concurrent_streams", settings.max_streams + _TOLD)
        self._server = grpc.aio.server(interceptors=(guard,), options=(*_OPTIONS, streams))
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]
        converse = grpc.stream_stream_rpc_method_handler(converser.converse)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Converse": converse}),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)

    async def start(self) -> int:
        """Listen. Returns the port.

        Raises:
            ListenError: the address is taken or is not ours.
        """
        await self._say(health_pb2.HealthCheckResponse.NOT_SERVING)
        address = f"{self._settings.host}:{self._settings.port}"
        if ":" in self._settings.host:
            address = f"[{self._settings.host}]:{self._settings.port}"
        try:
            # gRPC itself says why only in the log.
            try_address(self._settings.host, self._settings.port)
            port = self._bind(address)
        except OSError as error:
            raise ListenError(
                f"cannot listen on {address}: {error.strerror}; set another SEGUE_PORT or SEGUE_HOST"
            ) from None
        except RuntimeError as error:
            raise ListenError(f"cannot listen on {address}: {error}") from None
        await self._server.start()
        await self._say(health_pb2.HealthCheckResponse.SERVING)
        return port

    def _bind(self, address: str) -> int:
        if self._credentials is None:
            return self._server.add_insecure_port(address)
        return self._server.add_secure_port(address, self._credentials)

    async def refuse(self) -> None:
        """Say that new streams are not welcome; the running ones live on."""
        await self._say(health_pb2.HealthCheckResponse.NOT_SERVING)

    async def stop(self, grace: float) -> None:
        """Stop listening, and end what is left after `grace` seconds."""
        await self._server.stop(grace)

    async def _say(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        await asyncio.gather(*(self._health.set(name, status) for name in ("", SERVICE)))
