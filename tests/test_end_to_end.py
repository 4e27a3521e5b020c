"""Client, gateway, google-genai and simulator together, over real sockets: conversations that outlive their links."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Value

from segue.backend.credentials import Credential
from segue.backend.gemini import GeminiBackend
from segue.backend.pool import Source
from segue.config import Settings
from segue.gateway import Gateway
from segue.simulator.conversation.stamps import stamp
from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.faults.closing import Quota, TcpReset
from segue.simulator.faults.connection import GoAwayThenClose
from segue.simulator.faults.fault import When
from segue.simulator.faults.interruptions import PhantomAfterGeneration
from segue.simulator.faults.plan import FaultPlan
from segue.simulator.faults.silence import TotalSilence, Wedge
from segue.simulator.history import History
from segue.simulator.server import Simulator
from segue.simulator.speech import SAMPLE_RATE, SpeechLikeVoice, resample
from segue.simulator.switches import Switches
from segue.simulator.timing import Span, Timing
from segue_client.segue.v1 import open_session_pb2 as pb
from segue_client.segue.v1.client_event_pb2 import Activity, ClientEvent, Interrupt, ToolResult, UserText
from segue_client.segue.v1.error_pb2 import Error
from segue_client.segue.v1.server_event_pb2 import InputRejected, Interrupted, Notice, SessionClosed, TurnEnded
from tests.conversation import Conversation, conversing, kinds, numbers, opening, seconds
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("no_task_left", "plain_environment")

STORY = "There was a keeper who lit a lamp in every window."
DIALOGUE = f"""
[[utterances]]
user = "Where are the boats?"
model = "In the harbour."
[[texts]]
words = ["story"]
model = "{STORY}"
[[texts]]
words = ["colour"]
model = "{{recall}}"
[[texts]]
words = ["weather"]
call = {{ name = "get_weather", args = {{ city = "Köln" }} }}
model = "I do not know."
after = "It is {{response}}."
[[fallback]]
model = "Yes."
"""
AT_ONCE = Span(0.0, 0.0)
QUICK = Timing(
    setup=AT_ONCE,
    first_audio=AT_ONCE,
    generation_speed=Span(50.0, 50.0),
    activity_echo=AT_ONCE,
    input_transcription=AT_ONCE,
)
WEATHER = pb.Tools(functions=[pb.FunctionDeclaration(name="get_weather")])
IMPATIENT = {"3.8-live": {"reply_timeout": 1.0}}
PRESS = ClientEvent(activity=Activity(edge=Activity.EDGE_START))
RELEASE = ClientEvent(activity=Activity(edge=Activity.EDGE_END))
_FRAME = 640
_FRAME_SECONDS = 0.02


@dataclass
class Service:
    """A gateway, and the simulator behind it with what that saw."""

    gateway: Gateway
    simulator: Simulator
    history: History
    keys: set[str]

    @property
    def connections(self) -> int:
        return len(self.history.of("simulator", "connection_opened"))

    def recorded(self, *kinds: str) -> list[dict[str, Any]]:
        return [record.fields for record in self.history.of("simulator", *kinds)]

    def assert_legal(self, *tried: str) -> None:
        """Nothing of ours broke a rule of the Live API but those that were tried."""
        rules = [close["rule"] for close in self.recorded("connection_closed")]
        assert [rule for rule in rules if rule] == list(tried)


@asynccontextmanager
async def serving(
    timing: Timing = QUICK,
    faults: list[FaultPlan] | None = None,
    switches: Switches | None = None,
    *,
    vertex: bool = False,
    **settings: Any,
) -> AsyncIterator[Service]:
    history, keys = History(), {"valid"}
    async with Simulator(
        dialogue=parse_dialogue(DIALOGUE, "test"),
        voice=SpeechLikeVoice(),
        timing=timing,
        valid_credential=keys.__contains__,
        history=history,
        faults=faults or [],
        switches=switches,
        strict=True,
    ) as simulator:
        credential = Credential("test", "a test", api_key="valid", base_url=simulator.url)
        if vertex:
            credential = replace(credential, vertex=True)
        backend = GeminiBackend(credential, ssl_context=simulator.client_ssl_context())
        settings = {"port": 0, "metrics_port": 0, "drain_timeout": 0} | settings
        gateway = Gateway(Settings(**settings), [Source(backend, credential)])
        await gateway.start()
        try:
            yield Service(gateway, simulator, history, keys)
        finally:
            await wait_until(lambda: not len(gateway.registry))
            await gateway.stop()
            assert not backend.odd_messages


def voice(words: str) -> bytes:
    """Return somebody saying this, at 16 kHz, with stamps from 0 on."""
    pcm = resample(SpeechLikeVoice().speak(words), SAMPLE_RATE, 16_000)
    return stamp(pcm[: len(pcm) // _FRAME * _FRAME])


async def say_aloud(conversation: Conversation, pcm: bytes) -> None:
    """Say it at the pace of speech."""
    loop = asyncio.get_running_loop()
    begun_at = loop.time()
    for number, first in enumerate(range(0, len(pcm), _FRAME)):
        await conversation.say(ClientEvent(audio=pcm[first : first + _FRAME]))
        await asyncio.sleep(begun_at + (number + 1) * _FRAME_SECONDS - loop.time())


async def ask(conversation: Conversation, text: str) -> TurnEnded:
    await conversation.say(ClientEvent(text=UserText(text=text)))
    return (await conversation.hear("turn_ended")).turn_ended


def notices(conversation: Conversation) -> Counter[str]:
    said = [event.notice.kind for event in conversation.heard if event.HasField("notice")]
    return Counter(Notice.Kind.Name(kind).removeprefix("KIND_") for kind in said)


def assert_unbroken(conversation: Conversation) -> None:
    """All that the client saw, beside notices, are whole turns with their numbers in order."""
    assert set(kinds(conversation.heard)) <= {"opened", "user_activity", "audio", "transcript", "turn_ended", "notice"}
    said = numbers(conversation.heard)
    assert said == list(range(1, len(said) + 1))
    ended = [event.turn_ended.reason for event in conversation.heard if event.HasField("turn_ended")]
    assert set(ended) == {TurnEnded.REASON_COMPLETED}


async def test_a_conversation_goes_on_over_links_that_the_service_soon_ends() -> None:
    timing = replace(QUICK, go_away_after=1.5, close_after=11.5)
    async with serving(timing) as service, conversing(service.gateway.port) as conversation:
        await conversation.open(options=opening(include_notices=True))
        for text in ("Blue.", "Red."):
            assert (await ask(conversation, text)).heard_text == "Yes."
            notice = (await conversation.hear("notice")).notice
            assert notice.kind == Notice.KIND_RENEWED
            assert seconds(notice.took) < 5 * 0.5
        recalled = (await ask(conversation, "Which colour do I like?")).heard_text
        assert recalled == "You said: Blue., then: Red."
        assert_unbroken(conversation)
        assert set(notices(conversation)) == {"RENEWED"}
        assert service.connections >= 3
        service.assert_legal()


@pytest.mark.parametrize("accepted", [True, False], ids=["the service takes both", "the service takes one"])
async def test_a_link_that_overlaps_the_next_one_is_renewed_either_way(accepted: bool) -> None:
    switches = Switches(resume_while_open=accepted)
    async with (
        serving(switches=switches, renewal_overlap=True) as service,
        conversing(service.gateway.port) as conversation,
    ):
        await conversation.open(options=opening(include_notices=True))
        for text in ("Blue.", "Red."):
            assert (await ask(conversation, text)).heard_text == "Yes."
            service.simulator.inject(FaultPlan(GoAwayThenClose, settings={"time_left": 20.0}))
            notice = (await conversation.hear("notice")).notice
            assert notice.kind == Notice.KIND_RENEWED
            # With both at once there is no gap.
            assert (seconds(notice.took) == 0) == accepted
        assert (await ask(conversation, "Which colour do I like?")).heard_text == "You said: Blue., then: Red."
        assert_unbroken(conversation)
        # Refused once, it is not tried again in this session.
        assert service.connections == (3 if accepted else 4)
        service.assert_legal(*([] if accepted else ["session_still_open"]))


async def test_a_turn_plays_on_while_the_link_that_made_it_is_renewed() -> None:
    async with serving() as service, conversing(service.gateway.port) as conversation:
        await conversation.open(options=opening(delivery=pb.Delivery(), include_notices=True))
        await conversation.say(ClientEvent(text=UserText(text="Tell me a story.")))
        await conversation.hear("audio")
        # Half of this time is the margin, and the turn takes longer than the other half.
        service.simulator.inject(FaultPlan(GoAwayThenClose, settings={"time_left": 2.0}))
        await conversation.hear("notice")
        assert not [event for event in conversation.heard if event.HasField("turn_ended")]
        ended = (await conversation.hear("turn_ended")).turn_ended
        assert (ended.heard_text, ended.unheard_text) == (STORY, "")
        audio = [event.audio for event in conversation.heard if event.WhichOneof("output") == "audio"]
        assert b"".join(audio) == SpeechLikeVoice().speak(STORY)
        assert (await ask(conversation, "Thank you.")).heard_text == "Yes."
        assert_unbroken(conversation)
        assert notices(conversation) == {"RENEWED": 1}
        service.assert_legal()


@pytest.mark.parametrize("vertex", [False, True], ids=["Developer API", "Vertex AI"])
async def test_words_that_a_renewal_falls_into_are_answered_once_and_whole(vertex: bool) -> None:
    async with serving(vertex=vertex) as service, conversing(service.gateway.port) as conversation:
        await conversation.open(options=opening(include_notices=True))
        words = voice("Where are the boats of the keeper now?")
        await say_aloud(conversation, words[: 25 * _FRAME])
        # The link is left a second from now, in the middle of the words.
        service.simulator.inject(FaultPlan(GoAwayThenClose, settings={"time_left": 2.0}))
        await say_aloud(conversation, words[25 * _FRAME :])
        ended = (await conversation.hear("turn_ended")).turn_ended
        assert ended.heard_text == "In the harbour."
        assert_unbroken(conversation)
        assert notices(conversation)["RENEWED"] == 1
        (turn,) = service.recorded("turn_begun")
        assert turn["stamps"] == f"0-{len(words) // _FRAME - 1}"
        service.assert_legal()


@pytest.mark.parametrize("fault", [TotalSilence, Wedge, TcpReset])
async def test_words_that_a_broken_link_leaves_unanswered_are_answered_once(fault: Any) -> None:
    async with serving(profiles=IMPATIENT) as service, conversing(service.gateway.port) as conversation:
        await conversation.open(options=opening(include_notices=True))
        assert (await ask(conversation, "Hi")).heard_text == "Yes."
        service.simulator.inject(FaultPlan(fault, When(turn=2)), "connection-1")
        words = voice("Where are the boats?")
        await say_aloud(conversation, words)
        ended = await conversation.hear("turn_ended")
        assert (ended.turn, ended.turn_ended.heard_text) == (2, "In the harbour.")
        assert_unbroken(conversation)
        assert notices(conversation)["RECOVERED"] == 1
        assert notices(conversation)["INPUT_REPLAYED"] == 1
        assert notices(conversation)["WEDGED"] == (0 if fault is TcpReset else 1)
        assert service.connections == 2
        turn = service.recorded("turn_begun")[-1]
        assert turn["stamps"] == f"0-{len(words) // _FRAME - 1}"
        service.assert_legal()


@pytest.mark.parametrize(
    ("model", "lost"),
    [
        ("gemini-3.8-live", False),
        ("gemini-3.8-live", True),
        ("gemini-3.1-flash-live-preview", True),
        ("gemini-2.5-flash-native-audio", True),
    ],
)
async def test_whoever_presses_to_talk_is_answered_once(model: str, lost: bool) -> None:
    manual = opening(model=model, turn_detection=pb.TurnDetection(mode=pb.TurnDetection.MODE_MANUAL))
    async with serving() as service, conversing(service.gateway.port) as conversation:
        await conversation.open(options=manual)
        words = voice("Where are the boats?")
        await conversation.say(PRESS)
        await say_aloud(conversation, words[: 20 * _FRAME])
        if lost:
            service.simulator.inject(FaultPlan(TcpReset))
        await say_aloud(conversation, words[20 * _FRAME :])
        await conversation.say(RELEASE)
        assert (await conversation.hear("turn_ended")).turn_ended.heard_text == "In the harbour."
        assert_unbroken(conversation)
        (turn,) = service.recorded("turn_begun")
        assert turn["stamps"] == f"0-{len(words) // _FRAME - 1}"
        # Wherever the model takes text for speech, it is given as such.
        assert (await ask(conversation, "Thank you.")).heard_text == "Yes."
        assert service.connections == (2 if lost else 1)
        service.assert_legal()


async def test_a_call_is_made_answered_and_spoken_of() -> None:
    async with serving() as service, conversing(service.gateway.port) as conversation:
        await conversation.open(options=opening(tools=WEATHER))
        await conversation.say(ClientEvent(text=UserText(text="How is the weather?")))
        call = (await conversation.hear("tool_call")).tool_call
        assert (call.name, dict(call.arguments)) == ("get_weather", {"city": "Köln"})
        await conversation.say(
            ClientEvent(tool_result=ToolResult(call_id=call.call_id, result=Value(string_value="sunny")))
        )
        while "sunny" not in (await conversation.hear("turn_ended")).turn_ended.heard_text:
            pass
        service.assert_legal()


async def test_a_call_that_the_user_interrupts_is_taken_back() -> None:
    async with serving() as service, conversing(service.gateway.port) as conversation:
        await conversation.open(options=opening(tools=WEATHER, model="gemini-live-2.5-flash-preview"))
        await conversation.say(ClientEvent(text=UserText(text="How is the weather?")))
        call = (await conversation.hear("tool_call")).tool_call
        await conversation.say(ClientEvent(text=UserText(text="Never mind.")))
        cancelled = (await conversation.hear("tool_call_cancelled")).tool_call_cancelled
        assert cancelled.call_id == call.call_id
        late = ToolResult(call_id=call.call_id, result=Value(string_value="sunny"))
        await conversation.say(ClientEvent(seq=1, tool_result=late))
        rejected = (await conversation.hear("input_rejected")).input_rejected
        assert (rejected.input_seq, rejected.reason) == (1, InputRejected.REASON_UNKNOWN_CALL)
        while (await conversation.hear("turn_ended")).turn_ended.heard_text != "Yes.":
            pass
        assert service.recorded("tool_response_unexpected") == []
        service.assert_legal()


async def test_a_client_stops_a_model_that_nobody_may_interrupt_and_is_answered_at_once() -> None:
    options = opening(barge_in=pb.BargeIn(policy=pb.BargeIn.POLICY_NONE), delivery=pb.Delivery())
    async with serving() as service, conversing(service.gateway.port) as conversation:
        await conversation.open(options=options)
        await conversation.say(ClientEvent(text=UserText(text="Tell me a story.")))
        await conversation.hear("audio")
        await conversation.say(ClientEvent(text=UserText(text="What colour?")))
        await conversation.say(ClientEvent(interrupt=Interrupt()))
        interrupted = (await conversation.hear("interrupted")).interrupted
        assert interrupted.cause == Interrupted.CAUSE_CLIENT
        # The service takes the story to play for seconds more.
        async with asyncio.timeout(1.0):
            while (await conversation.hear("audio")).turn == 1:
                pass
        await conversation.half_close()
        await conversation.hear_out()
        service.assert_legal()


async def test_extra_fields_of_the_setup_get_to_the_service_and_what_it_refuses_is_said() -> None:
    async with serving() as service, conversing(service.gateway.port) as conversation:
        known = opening(backend_options={"generationConfig": {"temperature": 0.5}, "labels": {"my_team": "x"}})
        await conversation.open(options=known)
        await conversation.say(ClientEvent(channel=1, open=opening(backend_options={"newFeature": True})))
        error = (await conversation.hear("closed", 1)).closed.error
        assert error.reason == Error.REASON_BACKEND_REJECTED
        assert "newFeature" in error.message


async def test_an_interruption_that_nobody_made_does_not_stop_a_turn() -> None:
    phantom = FaultPlan(PhantomAfterGeneration, When(turn=1))
    # Long enough after the words for the model not to have been interrupted by them.
    thinking = replace(QUICK, first_audio=Span(0.6, 0.6))
    async with serving(thinking, [phantom]) as service, conversing(service.gateway.port) as conversation:
        await conversation.open(options=opening(delivery=pb.Delivery(), include_notices=True))
        told = await ask(conversation, "Tell me a story.")
        assert (told.heard_text, told.unheard_text) == (STORY, "")
        assert (await ask(conversation, "Thank you.")).heard_text == "Yes."
        assert_unbroken(conversation)
        assert notices(conversation) == {"PHANTOM_INTERRUPT": 1}
        assert service.connections == 1


async def test_a_cough_stops_the_model_for_a_moment_only() -> None:
    switches = Switches(wordless_speech=0.4)
    async with serving(switches=switches) as service, conversing(service.gateway.port) as conversation:
        await conversation.open(options=opening(delivery=pb.Delivery(), include_notices=True))
        await conversation.say(ClientEvent(text=UserText(text="Tell me a story.")))
        await conversation.hear("audio")
        await say_aloud(conversation, voice("Aeae")[: 12 * _FRAME])
        cut = await conversation.hear("interrupted")
        assert (cut.turn, cut.interrupted.cause) == (1, Interrupted.CAUSE_USER)
        first, second = [(await conversation.hear("turn_ended")).turn_ended for _ in range(2)]
        assert (first.reason, second.reason) == (TurnEnded.REASON_INTERRUPTED, TurnEnded.REASON_COMPLETED)
        # It is told to go on with the answer to these words, of which the simulated model understands "story".
        assert second.heard_text == STORY
        assert notices(conversation) == {"FALSE_INTERRUPTION": 1}
        assert service.connections == 1
        service.assert_legal()


async def test_a_key_that_is_withdrawn_ends_the_session_at_its_next_link() -> None:
    async with serving() as service, conversing(service.gateway.port) as conversation:
        await conversation.open()
        await ask(conversation, "Hi")
        service.keys.clear()
        service.simulator.inject(FaultPlan(TcpReset))
        closed = (await conversation.hear("closed")).closed
        assert (closed.error.reason, closed.next) == (Error.REASON_BACKEND_CREDENTIALS, SessionClosed.NEXT_NONE)
        assert "valid" not in closed.error.message.split()
        assert closed.totals.turns == 1


async def test_a_quota_that_is_used_up_closes_the_session_at_once() -> None:
    async with serving(faults=[FaultPlan(Quota)]) as service, conversing(service.gateway.port) as conversation:
        await conversation.say(ClientEvent(open=opening()))
        closed = (await conversation.hear("closed")).closed
        assert (closed.error.reason, closed.next) == (Error.REASON_BACKEND_QUOTA, SessionClosed.NEXT_OPEN_AGAIN)
        assert seconds(closed.error.retry_delay) > 0
        assert service.connections == 1


async def test_a_service_that_is_not_there_closes_the_session_after_some_tries(unused_tcp_port: int) -> None:
    credential = Credential("test", "a test", api_key="any", base_url=f"https://127.0.0.1:{unused_tcp_port}")
    gateway = Gateway(Settings(port=0, metrics_port=0, drain_timeout=0), [Source(GeminiBackend(credential))])
    await gateway.start()
    async with conversing(gateway.port) as conversation:
        await conversation.say(ClientEvent(open=opening()))
        closed = (await conversation.hear("closed")).closed
        assert (closed.error.reason, closed.next) == (Error.REASON_BACKEND_UNAVAILABLE, SessionClosed.NEXT_OPEN_AGAIN)
        tried = {"outcome": "unavailable"}
        assert gateway.metrics.registry.get_sample_value("segue_link_dials_total", tried) == 4.0
    await gateway.stop()
