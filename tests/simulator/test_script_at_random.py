"""Clients that do anything at any time: nothing breaks, turns keep their order, and the same again is the same."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from segue.simulator.dialogue_file import default_dialogue
from segue.simulator.service import Service
from segue.simulator.switches import Switches
from segue.simulator.timing import Timing
from tests.simulator.live_client import (
    HALF_CASCADE,
    LEGACY,
    NATIVE,
    NEWEST,
    THINKING,
    TRANSCRIPTIONS,
    VERTEX,
    VERTEX_NEWEST,
    VOICE,
    LiveClient,
    keys,
    silence,
    speech,
    upgrade_to,
)

MODELS = (NATIVE, HALF_CASCADE, LEGACY, NEWEST, THINKING, VERTEX_NEWEST)
TEXTS = ("How is the weather?", "What did I say before?", "Tell me a story.", "Hm.", "")


def _switches(rng: Random) -> Switches:
    names = (
        "handles_mid_turn",
        "open_content_waits",
        "cancellation_first",
        "interrupted_ends_turn",
        "resume_while_open",
    )
    return Switches(content_after_model_turn=True, **{name: rng.random() < 0.5 for name in names})


def _setup(rng: Random, model: str) -> dict[str, Any]:
    function: dict[str, Any] = {"name": "get_weather"}
    if model in (NATIVE, NEWEST):
        function["behavior"] = rng.choice(["BLOCKING", "NON_BLOCKING"])
    fields = {"sessionResumption": {}, "tools": [{"functionDeclarations": [function]}], **TRANSCRIPTIONS}
    detection = {"disabled": rng.random() < 0.4}
    handling = rng.choice(["START_OF_ACTIVITY_INTERRUPTS", "NO_INTERRUPTION"])
    fields["realtimeInputConfig"] = {"automaticActivityDetection": detection, "activityHandling": handling}
    if model == THINKING:
        fields["generationConfig"] = {"thinkingConfig": {"thinkingLevel": "LOW"}}
    return fields


def _act(rng: Random, client: LiveClient, signalled: bool) -> None:
    match rng.randrange(9):
        case 0:
            client.say(speech(rng.uniform(0, 0.5)), 0.1)
        case 1:
            client.say(silence(rng.uniform(0, 1.5)), 0.1)
        case 2:
            client.burst(speech(0.3) + silence(1.0))
        case 3:
            client.text(rng.choice(TEXTS))
        case 4:
            client.content(rng.choice(TEXTS), complete=rng.random() < 0.7)
        case 5 if signalled:
            client.signal("activityStart")
            client.burst(silence(0.1))
        case 6 if signalled:
            client.signal("activityEnd")
        case 7:
            calls = [call for _, m in client.got for call in m.get("toolCall", {}).get("functionCalls", ())]
            if calls:
                scheduling = rng.choice(["INTERRUPT", "WHEN_IDLE", "SILENT"])
                again = rng.random() < 0.3
                client.respond(rng.choice(calls), {"sky": "clear"}, scheduling=scheduling, willContinue=again)
        case _:
            client.wait(rng.choice([0.05, 0.5, 3.0, 15.0]))


def _conversation(seed: int) -> Iterator[LiveClient]:
    """Yield the client of each connection of a session, once it is over."""
    rng = Random(seed)
    model = rng.choice(MODELS)
    setup = _setup(rng, model)
    service = Service(default_dialogue(), VOICE, Timing(close_after=580.0), switches=_switches(rng))
    client = LiveClient(service, upgrade_to(VERTEX) if model == VERTEX_NEWEST else None, seed).set_up(model, **setup)
    for _ in range(3):
        for _ in range(20):
            if client.close is None:
                _act(rng, client, setup["realtimeInputConfig"]["automaticActivityDetection"]["disabled"])
        yield client
        handles = [
            m["sessionResumptionUpdate"].get("newHandle") for _, m in client.got if "sessionResumptionUpdate" in m
        ]
        good = [handle for handle in handles if handle]
        if client.close or not good:
            return
        client.hang_up()
        client = LiveClient(service, client.upgrade, client.seed + 1, client.now)
        client.set_up(model, **{**setup, "sessionResumption": {"handle": rng.choice(good)}})


def _check_order(client: LiveClient) -> None:
    state = "idle"
    for _, message in client.got:
        found = keys(message)
        if "modelTurn" in found:
            assert state in ("idle", "speaking"), client.order()
            state = "speaking"
        if "generationComplete" in found:
            state = "generated"
        if "interrupted" in found:
            state = "interrupted"
        if "turnComplete" in found:
            assert "usageMetadata" in message
            state = "idle"


@pytest.mark.parametrize("seed", range(60))
def test_turns_keep_their_order_whatever_the_client_does(seed: int) -> None:
    for client in _conversation(seed):
        _check_order(client)
        if client.close:
            assert client.close.rule in ("bare_turn_complete", "empty_activity", "go_away_ignored")


@pytest.mark.parametrize("seed", range(5))
def test_same_again_is_the_same(seed: int) -> None:
    first, second = ([client.frames for client in _conversation(seed)] for _ in range(2))
    assert first == second
