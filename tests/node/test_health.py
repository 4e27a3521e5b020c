"""Probes and metrics over HTTP."""

import asyncio
import socket
import urllib.error
import urllib.request
from email.message import Message

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from segue.gateway import Gateway
from segue.node.health import ProbeServer


def get(url: str) -> tuple[int, str, Message]:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status, response.read().decode(), response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers


async def test_the_probes_of_a_gateway_follow_it(gateway: Gateway) -> None:
    url = f"http://127.0.0.1:{gateway.metrics_port}"
    assert (await asyncio.to_thread(get, f"{url}/healthz"))[0] == 200
    assert (await asyncio.to_thread(get, f"{url}/readyz"))[0] == 200
    code, text, headers = await asyncio.to_thread(get, f"{url}/metrics")
    assert code == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = {family.name for family in text_string_to_metric_families(text)}
    assert {"segue_sessions_active", "segue_turns", "segue_first_audio_seconds"} <= families
    assert text == gateway.exposition().decode()


def test_readiness_is_asked_for_each_time() -> None:
    answers = iter([False, True, False])
    probes = ProbeServer("127.0.0.1", 0, CollectorRegistry(), lambda: next(answers))
    url = f"http://127.0.0.1:{probes.port}"
    assert [get(f"{url}/readyz")[0] for _ in range(3)] == [503, 200, 503]
    assert get(f"{url}/healthz")[0] == 200
    probes.close()


def test_another_path_is_answered_with_what_there_is() -> None:
    probes = ProbeServer("127.0.0.1", 0, CollectorRegistry(), lambda: True)
    code, text, _ = get(f"http://127.0.0.1:{probes.port}/")
    assert code == 404
    assert "/metrics, /healthz or /readyz" in text
    probes.close()


def test_a_query_does_not_hide_a_path() -> None:
    registry = CollectorRegistry()
    Counter("asked", "Questions.", registry=registry).inc()
    probes = ProbeServer("127.0.0.1", 0, registry, lambda: True)
    assert "asked_total 1.0" in get(f"http://127.0.0.1:{probes.port}/metrics?name[]=asked")[1]
    probes.close()


def test_it_listens_on_ipv6_too() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    probes = ProbeServer("::1", 0, CollectorRegistry(), lambda: True)
    assert get(f"http://[::1]:{probes.port}/healthz")[0] == 200
    probes.close()


def test_a_port_that_is_taken_is_an_os_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError, match="in use"):
        ProbeServer("127.0.0.1", other.getsockname()[1], CollectorRegistry(), lambda: True)


def test_after_the_close_nobody_listens() -> None:
    probes = ProbeServer("127.0.0.1", 0, CollectorRegistry(), lambda: True)
    probes.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", probes.port), timeout=5)
