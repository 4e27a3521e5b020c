"""No log, metric, error or output of `segue check` tells a secret: all of them are searched, with everything logged."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct

from segue.simulator.server import Simulator
from segue_client.segue.v1.client_event_pb2 import ClientEvent, CloseSession, UserText
from tests.conversation import Conversation, conversing, opening
from tests.edge.auth.issuer import AUDIENCE, ISSUER, Issuer
from tests.edge.house import ISSUES, House, digest
from tests.test_serve import START_LIMIT, plain_environ, serving

TOKEN, WRONG, MISPLACED = "acme's", "seg_wrong_4711", "seg_misplaced_4711"
API_KEY = "AIzaSy-right-4711"


@pytest.fixture
async def service() -> AsyncIterator[Simulator]:
    """A Live API that knows one key."""
    async with Simulator(valid_credential=lambda credential: credential == API_KEY) as simulator:
        yield simulator


@pytest.fixture
def environment(house: House, service: Simulator, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "service.pem").write_bytes(service.ca_pem)
    return {
        "SEGUE_LOG_LEVEL": "debug",
        "SEGUE_TENANTS_FILE": str(house.tenants),
        "SEGUE_JWKS": str(house.keys),
        "SEGUE_JWT_ISSUER": ISSUER,
        "SEGUE_JWT_AUDIENCE": AUDIENCE,
        "SEGUE_TLS_CERT_FILE": str(house.chain),
        "SEGUE_TLS_KEY_FILE": str(house.key),
        "SEGUE_PORT": "0",
        "SEGUE_METRICS_PORT": "0",
        "SSL_CERT_FILE": str(tmp_path / "service.pem"),
        "GOOGLE_GEMINI_BASE_URL": service.url,
        "GEMINI_API_KEY": API_KEY,
    }


def secrets(house: House, *tokens: str) -> dict[str, str]:
    """Return what must not be told, by what it is."""
    found = {
        "token": TOKEN,
        "sum of the token": digest(TOKEN),
        "wrong token": WRONG,
        "sum of the wrong token": digest(WRONG),
        "misplaced token": MISPLACED,
        "API key": API_KEY,
    }
    found |= {
        f"line {number} of the key": line for number, line in enumerate(house.key.read_text().split()) if len(line) > 20
    }
    for number, token in enumerate(tokens):
        _, claims, signature = token.split(".")
        found |= {f"claims of JWT {number}": claims, f"signature of JWT {number}": signature}
    return found


def assert_untold(texts: dict[str, str], untold: dict[str, str]) -> None:
    for where, text in texts.items():
        assert text, f"nothing was found in {where}: it was not searched"
        for what, secret in untold.items():
            assert secret not in text, f"the {what} is told in {where}"


async def told(conversation: Conversation) -> str:
    """Return all that a client is told to the end of its stream."""
    events = await conversation.hear_out()
    await conversation.status()
    metadata: Any = await conversation.call.trailing_metadata()
    return f"{events} {await conversation.call.details()} {metadata} {await conversation.call.debug_error_string()}"


async def test_nothing_that_a_server_says_tells_a_secret(house: House, environment: dict[str, str]) -> None:
    expired, stranger, good = ISSUES.token(exp=1.0), Issuer().token(), ISSUES.token()
    elsewhere = ISSUES.token("not-here")
    texts: dict[str, str] = {}
    async with serving(**environment) as server:
        started = await server.log_line("serving")
        trusting = house.trusting()
        for name, token in (
            ("the status of a wrong token", WRONG),
            ("the status of an expired JWT", expired),
            ("the status of a stranger's JWT", stranger),
            ("the status of a JWT of no tenant", elsewhere),
        ):
            async with conversing(started["port"], trusting, token) as conversation:
                texts[name] = await told(conversation)
        for name, token in (("a conversation with a token", TOKEN), ("a conversation with a JWT", good)):
            async with conversing(started["port"], trusting, token) as conversation:
                await conversation.open()
                await conversation.say(ClientEvent(text=UserText(text="Hello?")))
                await conversation.hear("audio")
                options = Struct()
                options.update({"model": WRONG})
                await conversation.say(ClientEvent(channel=1, open=opening(backend_options=options)))
                await conversation.hear("closed", 1)
                # A model that there is not makes the service, and so the link, say why.
                await conversation.say(ClientEvent(channel=2, open=opening(model="gemini-none")))
                await conversation.hear("closed", 2)
                await conversation.say(ClientEvent(close=CloseSession()))
                await conversation.half_close()
                await conversation.hear_out()
                texts[name] = str(conversation.heard)
        # What cannot be used is told while it runs.
        house.tenants.write_text(f'[acme]\ntokens = ["{MISPLACED}"]\n')
        await server.log_line("file_not_used")
        house.tenants.write_text(f"[acme]\ntokens = [{MISPLACED}]\n")
        await server.log_line("file_not_used")
        untold = secrets(house, expired, stranger, good, elsewhere)
        house.chain.write_bytes(house.key.read_bytes())
        await server.log_line("file_not_used")
        reader, writer = await asyncio.open_connection("127.0.0.1", started["metrics_port"])
        writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
        texts["the metrics"] = (await reader.read()).decode()
        writer.close()
        server.process.terminate()
        code, errors = await server.ended()
    assert code == 0
    texts["the log"] = str(server.logged)
    assert "call_refused" in texts["the log"]
    assert "link_lost" in texts["the log"]
    assert "segue_rejections_total" in texts["the metrics"]
    assert_untold(texts, untold)
    assert errors == ""


@pytest.mark.parametrize("key", [API_KEY, "AIzaSy-wrong-4711"])
@pytest.mark.parametrize("spoilt", [False, True])
async def test_check_tells_no_secret(house: House, environment: dict[str, str], key: str, spoilt: bool) -> None:
    url = "https://localhost:1/keys?secret=4711"
    if spoilt:
        house.tenants.write_text(f'[acme]\ntokens = ["{MISPLACED}"]\n')
        url = "https://me:secret-4711@localhost:1/keys"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "segue", "check"),
        env=plain_environ() | environment | {"GEMINI_API_KEY": key, "SEGUE_JWKS": url, "COLUMNS": "250"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(START_LIMIT):
        output, errors = await process.communicate()
    untold = secrets(house) | {"key": key, "password": "secret-4711", "parameter": "secret=4711"}
    assert_untold({"the output": output.decode()}, untold)
    assert errors == b""
    assert "https://localhost:1/keys" in output.decode()


def test_the_search_finds_what_is_told() -> None:
    with pytest.raises(AssertionError, match="the token is told in the log"):
        assert_untold({"the log": f"Bearer {TOKEN}"}, {"token": TOKEN})
    with pytest.raises(AssertionError, match="was not searched"):
        assert_untold({"the log": ""}, {"token": TOKEN})
