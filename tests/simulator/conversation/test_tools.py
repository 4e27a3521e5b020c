"""Function calls: who waits for the response, what is said meanwhile, when the results are spoken of."""

from dataclasses import replace
from typing import Any

import pytest

from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.service import Service
from segue.simulator.switches import Switches
from tests.simulator.live_client import (
    HALF_CASCADE,
    LEGACY,
    NATIVE,
    NEWEST,
    THINKING,
    TRANSCRIPTIONS,
    VERTEX,
    VERTEX_HALF_CASCADE,
    VERTEX_NEWEST,
    VOICE,
    LiveClient,
    keys,
    silence,
    speech,
    upgrade_to,
)

DIALOGUE = parse_dialogue(
    """
    [[utterances]]
    user = "Wait."
    model = "I wait."

    [[texts]]
    words = ["weather"]
    call = { name = "get_weather", args = { city = "Oslo" } }
    before = "Let me look that up for you, it will take a moment only."
    while = "I will tell you as soon as I know more about it."
    after = "It is {response}."
    model = "I cannot tell."

    [[texts]]
    words = ["both"]
    call = [{ name = "get_weather", args = { city = "Oslo" } }, { name = "get_time" }]
    after = "I got {response}."
    model = "I cannot tell."

    [[fallback]]
    model = "I see."
    """,
    "test",
)
DONE = {"result": "sunny"}


def _declare(behavior: str = "", *names: str) -> dict[str, Any]:
    fields = {"behavior": behavior} if behavior else {}
    declarations = [{"name": name, **fields} for name in names or ("get_weather", "get_time")]
    return {"tools": [{"functionDeclarations": declarations}], **TRANSCRIPTIONS}


def _client(model: str = NATIVE, behavior: str = "", path: str = "", **fields: Any) -> LiveClient:
    client = LiveClient(Service(DIALOGUE, VOICE), upgrade_to(path) if path else None)
    return client.set_up(model, **_declare(behavior), **fields)


def _calls(client: LiveClient, text: str = "weather") -> list[dict[str, Any]]:
    client.content(text)
    calls: list[dict[str, Any]] = client.wait_for("toolCall")["toolCall"]["functionCalls"]
    return calls


def test_blocking_call_says_nothing_until_its_response() -> None:
    client = _client()
    [call] = _calls(client)
    assert call["name"] == "get_weather"
    assert call["args"] == {"city": "Oslo"}
    assert call["id"].startswith("function-call-")
    client.wait(30)
    assert not client.times("generationComplete")
    assert not client.times("turnComplete")
    client.respond(call, DONE)
    client.wait_for("turnComplete")
    before = "Let me look that up for you, it will take a moment only."
    assert client.said() == f"{before} It is sunny."
    assert len(client.times("turnComplete")) == 1


def test_audio_may_trail_behind_the_call() -> None:
    client = _client()
    _calls(client)
    client.wait(5)
    assert client.times("modelTurn")[-1] > client.times("toolCall")[0]


def test_playback_goes_on_where_it_was() -> None:
    client = _client()
    [call] = _calls(client)
    client.wait(60)
    client.respond(call, DONE)
    client.wait_for("turnComplete")
    after = [at for at in client.times("modelTurn") if at > 60]
    spoken = len(VOICE.speak("It is sunny.")) / 48000
    assert client.times("turnComplete") == [pytest.approx(after[0] + spoken)]


def test_half_cascade_explains_the_call_first() -> None:
    client = _client(HALF_CASCADE)
    _calls(client)
    parts = [m["serverContent"]["modelTurn"]["parts"][0] for _, m in client.got if "modelTurn" in keys(m)]
    code = {"language": "PYTHON", "code": "default_api.get_weather(city='Oslo')"}
    assert parts[-1] == {"executableCode": code}
    assert client.order()[-2:] == ["modelTurn", "toolCall"]


def test_half_cascade_on_vertex_takes_the_call_for_the_end_of_a_generation() -> None:
    client = _client(VERTEX_HALF_CASCADE, path=VERTEX)
    [call] = _calls(client)
    assert len(call["id"]) == 36
    client.wait(1)
    assert client.order()[-2:] == ["toolCall", "generationComplete"]


def test_call_that_does_not_block_goes_on_talking() -> None:
    client = _client(NEWEST)
    [call] = _calls(client)
    client.wait_for("turnComplete")
    assert client.said().endswith("I will tell you as soon as I know more about it.")
    client.respond(call, DONE)
    client.wait_for("turnComplete")
    assert client.said().endswith("It is sunny.")


@pytest.mark.parametrize(
    ("model", "behavior", "blocks"),
    [
        (NATIVE, "", True),
        (NATIVE, "NON_BLOCKING", False),
        (LEGACY, "NON_BLOCKING", True),
        (NEWEST, "", False),
        (NEWEST, "BLOCKING", True),
    ],
)
def test_families_differ_in_whether_they_wait(model: str, behavior: str, blocks: bool) -> None:
    client = _client(model, behavior)
    client.text("weather")
    client.wait(30)
    assert bool(client.times("turnComplete")) is not blocks


@pytest.mark.parametrize(
    ("scheduling", "order"),
    [
        ("INTERRUPT", ["interrupted", "turnComplete", "generationComplete", "turnComplete"]),
        ("WHEN_IDLE", ["generationComplete", "turnComplete", "generationComplete", "turnComplete"]),
        ("", ["generationComplete", "turnComplete", "generationComplete", "turnComplete"]),
        ("SILENT", ["generationComplete", "turnComplete"]),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_results_are_spoken_of_when_the_client_wants(scheduling: str, order: list[str], inside: bool) -> None:
    client = _client(NEWEST)
    [call] = _calls(client)
    client.wait(0.1)
    fields = {"scheduling": scheduling} if scheduling else {}
    client.respond(call, DONE | fields if inside else DONE, **({} if inside else fields))
    client.wait(60)
    assert client.order("modelTurn", "outputTranscription")[2:] == order
    assert client.said().endswith("It is sunny.") is (scheduling != "SILENT")


def test_calls_at_once_are_answered_when_all_have_responses() -> None:
    client = _client()
    first, second = _calls(client, "both")
    client.respond(second, {"result": "noon"})
    client.wait(30)
    assert not client.times("modelTurn")
    client.respond(first, DONE)
    client.wait_for("turnComplete")
    assert client.said() == "I got noon and sunny."


def test_function_that_goes_on_reports_each_result() -> None:
    client = _client(NEWEST)
    [call] = _calls(client)
    client.wait_for("turnComplete")
    client.respond(call, {"result": "cloudy"}, willContinue=True)
    client.wait_for("turnComplete")
    client.respond(call, {"sky": "clear", "wind": 3})
    client.wait_for("turnComplete")
    assert client.said().endswith("It is cloudy.It is sky clear, wind 3.")


@pytest.mark.parametrize("cancellation_first", [False, True])
def test_interruption_cancels_the_calls_of_its_turn(cancellation_first: bool) -> None:
    service = Service(DIALOGUE, VOICE, switches=Switches(cancellation_first=cancellation_first))
    client = LiveClient(service).set_up(NATIVE, **_declare())
    [call] = _calls(client)
    client.wait(10)
    client.say(speech(0.5) + silence(0.9))
    client.wait_for("turnComplete")
    cancelled, interrupted = client.times("toolCallCancellation"), client.times("interrupted")
    assert cancelled == interrupted
    order = client.order("modelTurn", "outputTranscription", "inputTranscription")
    pair = ["toolCallCancellation", "interrupted"]
    assert order[2:4] == (pair if cancellation_first else pair[::-1])
    count = len(client.got)
    client.respond(call, DONE)
    client.wait(30)
    assert len(client.got) == count
    assert len(client.history.of("simulator", "tool_response_unexpected")) == 1


def test_interruption_that_ends_the_turn_in_one_message_cancels_first() -> None:
    service = Service(DIALOGUE, VOICE, switches=Switches(interrupted_ends_turn=True))
    client = LiveClient(service).set_up(NEWEST, **_declare("BLOCKING"), sessionResumption={})
    [call] = _calls(client)
    client.content("Never mind.")
    client.wait_for("interrupted")
    assert client.order("modelTurn", "outputTranscription")[3:] == [
        "toolCallCancellation",
        "interrupted",
        "turnComplete",
        "sessionResumptionUpdate",
    ]
    client.respond(call, DONE)
    client.wait_for("turnComplete")
    assert client.said().endswith("I see.")


def test_response_in_the_last_moment_leaves_nothing_to_cancel() -> None:
    client = _client()
    [call] = _calls(client)
    client.content("Never mind.")
    client.respond(call, DONE)
    client.wait_for("generationComplete")
    assert not client.times("toolCallCancellation")
    assert client.said().endswith("I see.")


def test_function_that_is_not_declared_is_not_called() -> None:
    client = LiveClient(Service(DIALOGUE, VOICE)).set_up(NATIVE, **_declare("", "other"))
    client.content("weather")
    client.wait_for("turnComplete")
    assert client.said() == "I cannot tell."


def test_tools_can_change_in_mid_session() -> None:
    client = LiveClient(Service(DIALOGUE, VOICE), upgrade_to(VERTEX)).set_up(VERTEX_NEWEST, **TRANSCRIPTIONS)
    client.send({"contextUpdate": {"tools": {"tools": [{"functionDeclarations": [{"name": "get_weather"}]}]}}})
    assert _calls(client)


def test_function_that_is_withdrawn_before_its_call_is_called_all_the_same() -> None:
    client = _client(VERTEX_NEWEST, "BLOCKING", VERTEX)
    client.content("weather")
    client.send({"contextUpdate": {"tools": {"tools": []}}})
    [call] = client.wait_for("toolCall")["toolCall"]["functionCalls"]
    client.respond(call, DONE)
    client.wait_for("turnComplete")
    assert client.said().endswith("It is sunny.")


def test_response_of_a_call_with_another_id_is_ignored() -> None:
    client = _client()
    [call] = _calls(client)
    client.respond({**call, "id": "function-call-1"}, DONE)
    client.wait(30)
    assert not client.times("turnComplete")


def test_response_without_an_id_counts_on_vertex() -> None:
    client = _client(VERTEX_NEWEST, "BLOCKING", VERTEX)
    [call] = _calls(client)
    client.respond({"name": call["name"]}, DONE)
    client.wait_for("turnComplete")
    assert client.said().endswith("It is sunny.")


def _nameless(model: str, path: str = "") -> LiveClient:
    service = Service(DIALOGUE, VOICE, switches=Switches(calls_without_ids=True))
    return LiveClient(service, upgrade_to(path) if path else None).set_up(model, **_declare("BLOCKING"))


def test_calls_without_ids_are_answered_by_the_names_of_their_functions() -> None:
    client = _nameless(VERTEX_HALF_CASCADE, VERTEX)
    calls = _calls(client, "both")
    assert ["id" in call for call in calls] == [False, False]
    for call in calls:
        client.respond(call, {"result": call["name"]})
    client.wait_for("turnComplete")
    assert client.said().endswith("I got get_weather and get_time.")


def test_calls_without_ids_are_taken_back_without_them() -> None:
    client = _nameless(VERTEX_HALF_CASCADE, VERTEX)
    _calls(client)
    client.content("Never mind.")
    assert client.wait_for("toolCallCancellation")["toolCallCancellation"] == {}


@pytest.mark.parametrize(("model", "path"), [(VERTEX_NEWEST, VERTEX), (NATIVE, "")])
def test_only_older_models_on_vertex_give_no_ids(model: str, path: str) -> None:
    [call] = _calls(_nameless(model, path))
    assert call["id"]


def test_extended_thinking_calls_after_its_turn_and_says_that_it_is_not_idle() -> None:
    client = _client(THINKING, generationConfig={"thinkingConfig": {"thinkingLevel": "LOW"}})
    [call] = _calls(client)
    assert client.order("modelTurn", "outputTranscription")[-2:] == ["interactionStatus", "toolCall"]
    client.respond(call, DONE)
    client.wait_for("turnComplete")
    statuses = [m["serverContent"]["interactionStatus"] for _, m in client.got if "turnComplete" in keys(m)]
    assert statuses == ["IN_PROGRESS", "IDLE"]


def test_audio_during_a_blocking_call_may_close() -> None:
    client = LiveClient(Service(DIALOGUE, VOICE, switches=Switches(audio_in_calls_refused=True))).set_up(
        NATIVE, **_declare()
    )
    client.burst(silence(0.1))
    _calls(client)
    client.burst(silence(0.1))
    assert client.close
    assert (client.close.code, client.close.rule) == (1008, "audio_during_call")
    assert client.close.reason == "Operation is not implemented, or supported, or enabled."


def test_call_that_was_lost_with_its_connection_swallows_the_next_input_on_the_newest_family() -> None:
    service = Service(DIALOGUE, VOICE, switches=Switches(handles_mid_turn=True))
    client = LiveClient(service).set_up(NEWEST, **_declare(), sessionResumption={})
    [call] = _calls(client)
    client.wait_for("turnComplete")
    handle = client.handle()
    silent = client.resume(handle, NEWEST, **_declare())
    silent.content("hello")
    silent.wait(30)
    assert not silent.times("modelTurn")
    silent.content("hello")
    silent.wait_for("turnComplete")
    answered = silent.resume(handle, NEWEST, **_declare())
    answered.respond(call, {"error": "lost"})
    answered.wait_for("turnComplete")
    answered.content("hello")
    answered.wait_for("turnComplete")
    assert answered.said() == "It is lost.I see."


def test_no_handle_is_sent_while_a_call_is_under_way() -> None:
    client = _client(NEWEST, sessionResumption={})
    [call] = _calls(client)
    client.wait_for("turnComplete")
    assert [m["sessionResumptionUpdate"] for _, m in client.got if "sessionResumptionUpdate" in m] == [{}]
    client.respond(call, DONE, scheduling="SILENT")
    assert client.got[-1][1]["sessionResumptionUpdate"]["resumable"] is True


def test_response_with_nothing_in_it_is_a_response() -> None:
    client = _client()
    [call] = _calls(client)
    client.respond(call, None)
    client.wait_for("turnComplete")
    assert client.said().endswith("It is .")


def test_delay_of_a_line_holds_for_its_results() -> None:
    lines = tuple(replace(line, delay=0.25) for line in DIALOGUE.texts)
    client = LiveClient(Service(replace(DIALOGUE, texts=lines), VOICE)).set_up(NATIVE, **_declare())
    [call] = _calls(client)
    client.wait(30)
    responded_at = client.now
    client.respond(call, DONE)
    client.wait_for("modelTurn")
    assert client.now == responded_at + 0.25
