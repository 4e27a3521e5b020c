"""The model's calls of the client's functions, over real gRPC: there, and back with a result."""

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct, Value

from segue.core import events as ev
from segue.core.options import FunctionDeclaration, Scheduling
from segue.gateway import Gateway
from segue_client.segue.v1 import open_session_pb2 as pb
from segue_client.segue.v1.client_event_pb2 import ClientEvent, ToolResult
from segue_client.segue.v1.server_event_pb2 import InputRejected, Interrupted, TurnEnded
from tests import scripted_backend
from tests.conversation import Conversation, conversing, numbers, opening
from tests.scripted_backend import ScriptedBackend, ScriptedLink
from tests.waiting import wait_until

WEATHER = pb.Tools(functions=[pb.FunctionDeclaration(name="get_weather", description="The weather of a city.")])
ARGUMENTS = '{"city":"Köln","days":2}'


async def called(conversation: Conversation, link: ScriptedLink, call_id: str = "c1") -> None:
    link.say(ev.ToolCalled(link.number, call_id, "get_weather", ARGUMENTS))
    event = await conversation.hear("tool_call")
    assert (event.turn, event.tool_call.call_id, event.tool_call.name) == (1, call_id, "get_weather")
    assert dict(event.tool_call.arguments) == {"city": "Köln", "days": 2.0}


def answered(gateway: Gateway, outcome: str = "answered") -> float | None:
    return gateway.metrics.registry.get_sample_value("segue_tool_calls_total", {"outcome": outcome})


def json_object(**fields: Any) -> Value:
    return Value(struct_value=Struct(fields={name: Value(number_value=value) for name, value in fields.items()}))


@pytest.mark.parametrize(
    ("result", "response", "scheduling", "will_continue"),
    [
        (ToolResult(result=json_object(degrees=21.0)), '{"degrees":21}', None, False),
        (ToolResult(result=Value(string_value="sunny")), '{"result":"sunny"}', None, False),
        (ToolResult(error="no such city"), '{"error":"no such city"}', None, False),
        (
            ToolResult(result=Value(), scheduling=ToolResult.SCHEDULING_WHEN_IDLE),
            '{"result":null}',
            Scheduling.WHEN_IDLE,
            False,
        ),
        (
            ToolResult(result=Value(bool_value=True), scheduling=ToolResult.SCHEDULING_SILENT, will_continue=True),
            '{"result":true}',
            Scheduling.SILENT,
            True,
        ),
    ],
    ids=["an object", "a value", "an error", "a scheduling", "one of several"],
)
async def test_a_call_goes_to_the_client_and_its_result_to_the_model(
    gateway: Gateway,
    backend: ScriptedBackend,
    result: ToolResult,
    response: str,
    scheduling: Scheduling | None,
    will_continue: bool,
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(tools=WEATHER))
        (link,) = backend.links
        assert link.setup.functions == (FunctionDeclaration("get_weather", "The weather of a city."),)
        await called(conversation, link)
        result.call_id = "c1"
        await conversation.say(ClientEvent(seq=1, tool_result=result))
        await wait_until(lambda: link.sent)
        assert link.sent == [scripted_backend.ToolResult("c1", "get_weather", response, scheduling, will_continue)]
        link.speak(0.1, "It is sunny.")
        link.complete()
        ended = await conversation.hear("turn_ended")
        assert (ended.turn, ended.turn_ended.reason) == (1, TurnEnded.REASON_COMPLETED)
        assert ended.turn_ended.heard_text == "It is sunny."
        assert numbers(conversation.heard) == list(range(1, ended.seq + 1))
        assert answered(gateway) == (None if will_continue else 1.0)


async def test_several_calls_at_once_are_answered_in_any_order(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(tools=WEATHER))
        (link,) = backend.links
        await called(conversation, link, "c1")
        await called(conversation, link, "c2")
        for call_id in ("c2", "c1"):
            await conversation.say(ClientEvent(tool_result=ToolResult(call_id=call_id, error=call_id)))
        await wait_until(lambda: len(link.sent) == 2)
        assert [sent.call_id for sent in link.sent if isinstance(sent, scripted_backend.ToolResult)] == ["c2", "c1"]


async def test_calls_to_which_the_service_gives_no_ids_are_told_apart(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(tools=WEATHER))
        (link,) = backend.links
        ids = []
        for city in ("Bonn", "Ulm"):
            link.say(ev.ToolCalled(1, "", "get_weather", f'{{"city":"{city}"}}'))
            call = (await conversation.hear("tool_call")).tool_call
            assert dict(call.arguments) == {"city": city}
            ids.append(call.call_id)
        for call_id, words in zip(reversed(ids), ("rain", "sun"), strict=True):
            result = ToolResult(call_id=call_id, result=Value(string_value=words))
            await conversation.say(ClientEvent(tool_result=result))
        await wait_until(lambda: len(link.sent) == 2)
        assert link.sent == [
            scripted_backend.ToolResult("", "get_weather", f'{{"result":"{words}"}}', None, False)
            for words in ("sun", "rain")
        ]


async def test_a_call_can_be_answered_once(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(tools=WEATHER))
        (link,) = backend.links
        await called(conversation, link)
        again = [ClientEvent(seq=seq, tool_result=ToolResult(call_id="c1", error="none")) for seq in (1, 2)]
        await conversation.say(*again)
        rejected = (await conversation.hear("input_rejected")).input_rejected
        assert (rejected.input_seq, rejected.reason) == (2, InputRejected.REASON_UNKNOWN_CALL)
        assert "'c1'" in rejected.message
        assert len(link.sent) == 1


async def test_a_call_that_is_taken_back_wants_no_result(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(tools=WEATHER))
        (link,) = backend.links
        await called(conversation, link)
        link.say(ev.ToolCallsCancelled(1, ("c1", "never made")))
        assert (await conversation.hear("tool_call_cancelled")).tool_call_cancelled.call_id == "c1"
        await conversation.say(ClientEvent(seq=1, tool_result=ToolResult(call_id="c1", error="none")))
        rejected = (await conversation.hear("input_rejected")).input_rejected
        assert (rejected.input_seq, rejected.reason) == (1, InputRejected.REASON_UNKNOWN_CALL)
        assert link.sent == []
        cancelled = [event for event in conversation.heard if event.HasField("tool_call_cancelled")]
        assert len(cancelled) == 1
        assert answered(gateway, "cancelled") == 1.0


async def test_a_call_that_is_made_anew_is_answered_once(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(tools=WEATHER))
        (link,) = backend.links
        await called(conversation, link)
        await called(conversation, link)
        again = [ClientEvent(seq=seq, tool_result=ToolResult(call_id="c1", error="none")) for seq in (1, 2)]
        await conversation.say(*again)
        rejected = (await conversation.hear("input_rejected")).input_rejected
        assert (rejected.input_seq, rejected.reason) == (2, InputRejected.REASON_UNKNOWN_CALL)
        assert len(link.sent) == 1
        assert gateway.metrics.registry.get_sample_value("segue_rejections_total", {"reason": "unknown_call"}) == 1.0


async def test_a_call_that_takes_too_long_fails(gateway: Gateway, backend: ScriptedBackend) -> None:
    hasty = pb.FunctionDeclaration(name="get_weather", timeout=Duration(nanos=100_000_000))
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(tools=pb.Tools(functions=[hasty])))
        (link,) = backend.links
        await called(conversation, link)
        assert (await conversation.hear("tool_call_cancelled")).tool_call_cancelled.call_id == "c1"
        (given,) = link.sent
        response = '{"error": "the function did not answer within 0.1 s"}'
        assert given == scripted_backend.ToolResult("c1", "get_weather", response, None, False)
        await conversation.say(ClientEvent(seq=1, tool_result=ToolResult(call_id="c1", error="none")))
        rejected = (await conversation.hear("input_rejected")).input_rejected
        assert (rejected.input_seq, rejected.reason) == (1, InputRejected.REASON_UNKNOWN_CALL)
        assert "came too late" in rejected.message
        assert answered(gateway, "timed_out") == 1.0
        assert answered(gateway) is None


async def test_a_slow_call_is_bridged_and_its_result_follows_as_text(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    policy = pb.ToolPolicy(interim_after=Duration(nanos=100_000_000), interim_text="One moment.")
    options = opening(tools=WEATHER, tool_policy=policy, model="gemini-2.5-flash-native-audio")
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=options)
        (link,) = backend.links
        await called(conversation, link)
        await wait_until(lambda: link.sent)
        interim = scripted_backend.ToolResult("c1", "get_weather", '{"status": "One moment."}', None, False)
        assert link.sent == [interim]
        link.speak(0.1, "I am looking.")
        link.complete()
        assert (await conversation.hear("turn_ended")).turn_ended.heard_text == "I am looking."
        await conversation.say(ClientEvent(tool_result=ToolResult(call_id="c1", result=Value(string_value="sunny"))))
        await wait_until(lambda: len(link.sent) == 2)
        assert isinstance(link.sent[1], str)
        assert '{"result":"sunny"}' in link.sent[1]
        link.speak(0.1, "It is sunny.")
        link.complete()
        assert (await conversation.hear("turn_ended")).turn_ended.heard_text == "It is sunny."
        assert answered(gateway) == 1.0


async def test_a_result_that_interrupts_is_the_cause(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(tools=WEATHER))
        (link,) = backend.links
        await called(conversation, link)
        link.speak(5.0, "Once upon a time.")
        await conversation.hear("audio")
        result = ToolResult(call_id="c1", error="none", scheduling=ToolResult.SCHEDULING_INTERRUPT)
        await conversation.say(ClientEvent(tool_result=result))
        await wait_until(lambda: link.sent)
        link.say(ev.ModelInterrupted(1))
        assert (await conversation.hear("interrupted")).interrupted.cause == Interrupted.CAUSE_TOOL


@pytest.mark.parametrize("remembered", [True, False], ids=["the link remembers it", "the link knows nothing of it"])
async def test_a_call_outlives_the_link_that_made_it(
    gateway: Gateway, backend: ScriptedBackend, remembered: bool
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(tools=WEATHER, model="gemini-2.5-flash-native-audio"))
        await called(conversation, backend.links[0])
        if remembered:
            backend.links[0].say(ev.HandleReceived(1, "h1"))
        backend.links[0].lose(ev.LossCause.TRANSIENT)
        await wait_until(lambda: len(backend.links) == 2)
        link = backend.links[1]
        assert link.setup.handle == ("h1" if remembered else "")
        await conversation.say(ClientEvent(tool_result=ToolResult(call_id="c1", result=Value(string_value="sunny"))))
        await wait_until(lambda: link.sent)
        (given,) = link.sent
        if remembered:
            assert given == scripted_backend.ToolResult("c1", "get_weather", '{"result":"sunny"}', None, False)
        else:
            assert isinstance(given, str)
            assert "get_weather" in given
            assert '{"result":"sunny"}' in given
        link.speak(0.1, "It is sunny.")
        link.complete()
        assert (await conversation.hear("turn_ended")).turn_ended.reason == TurnEnded.REASON_COMPLETED
