"""MANUAL turn detection over real gRPC: the client says when the user speaks, and the model is told in that order."""

from typing import Any

import pytest

from segue.core import events as ev
from segue.core.options import Mode
from segue.gateway import Gateway
from segue_client.segue.v1.client_event_pb2 import Activity, ClientEvent, UserText
from segue_client.segue.v1.open_session_pb2 import OpenSession, TurnDetection
from segue_client.segue.v1.server_event_pb2 import Interrupted, TurnEnded
from tests import scripted_backend
from tests.conversation import Conversation, conversing, kinds, opening
from tests.scripted_backend import ScriptedBackend, ScriptedLink
from tests.waiting import wait_until

PRESS = ClientEvent(activity=Activity(edge=Activity.EDGE_START))
RELEASE = ClientEvent(activity=Activity(edge=Activity.EDGE_END))
PRESSED, RELEASED = scripted_backend.Activity(True), scripted_backend.Activity(False)


def frame(number: int) -> bytes:
    return bytes([number, 1]) * 320


def said(*numbers: int) -> list[ClientEvent]:
    return [ClientEvent(audio=frame(number)) for number in numbers]


def manual(**fields: Any) -> OpenSession:
    return opening(turn_detection=TurnDetection(mode=TurnDetection.MODE_MANUAL), **fields)


def audio_of(link: ScriptedLink) -> bytes:
    """Return what a link was given to hear, in however many messages."""
    return b"".join(sent for sent in link.sent if isinstance(sent, bytes))


async def answered(conversation: Conversation, backend: ScriptedBackend, answer: str = "Hello.") -> None:
    backend.links[-1].speak(0.1, answer)
    backend.links[-1].complete()
    ended = (await conversation.hear("turn_ended")).turn_ended
    assert (ended.reason, ended.heard_text) == (TurnEnded.REASON_COMPLETED, answer)


async def test_what_is_said_between_the_edges_reaches_the_model_and_nothing_else(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=manual())
        (link,) = backend.links
        assert link.setup.mode is Mode.MANUAL
        await conversation.say(*said(1), PRESS, *said(2, 3), RELEASE, *said(4), ClientEvent(seq=1))
        await conversation.hear("input_rejected")
        assert link.sent == [PRESSED, frame(2), frame(3), RELEASED]
        await answered(conversation, backend)
        assert set(kinds(conversation.heard)) == {"opened", "input_rejected", "audio", "transcript", "turn_ended"}
        dropped = {"reason": "outside_activity"}
        assert gateway.metrics.registry.get_sample_value("segue_audio_dropped_seconds_total", dropped) == 0.04


async def test_an_end_of_nothing_keeps_the_activity_open(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=manual())
        (link,) = backend.links
        await conversation.say(RELEASE, PRESS, RELEASE, PRESS, *said(1), RELEASE, RELEASE, ClientEvent(seq=1))
        # It is no fault of an input either: the next one that is, is the one with a number.
        assert (await conversation.hear("input_rejected")).input_rejected.input_seq == 1
        assert link.sent == [PRESSED, frame(1), RELEASED]
        await answered(conversation, backend)


async def test_what_is_said_before_opened_keeps_its_edges(gateway: Gateway, backend: ScriptedBackend) -> None:
    backend.opens = False
    async with conversing(gateway.port) as conversation:
        await conversation.say(ClientEvent(open=manual()), *said(1), PRESS, *said(2, 3), RELEASE)
        await wait_until(lambda: backend.links)
        backend.links[0].open()
        await conversation.hear("opened")
        await wait_until(lambda: RELEASED in backend.links[0].sent)
        # What waited goes out in one message or in several: that depends on how long it waited.
        sent = backend.links[0].sent
        assert (sent[0], sent[-1]) == (PRESSED, RELEASED)
        assert audio_of(backend.links[0]) == frame(2) + frame(3)


@pytest.mark.parametrize(
    ("model", "wrapped"),
    [("gemini-3.1-flash-live-preview", True), ("gemini-3.8-live", False)],
    ids=["text is speech", "text is content"],
)
async def test_a_text_outside_an_activity_is_one_where_the_model_takes_it_for_speech(
    gateway: Gateway, backend: ScriptedBackend, model: str, wrapped: bool
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=manual(model=model))
        await conversation.say(ClientEvent(text=UserText(text="Hi")))
        await wait_until(lambda: "Hi" in backend.links[0].sent)
        assert backend.links[0].sent == ([PRESSED, "Hi", RELEASED] if wrapped else ["Hi"])
        await answered(conversation, backend)


async def test_a_press_interrupts_the_model(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=manual())
        (link,) = backend.links
        link.speak(2.0, "A long answer.")
        await conversation.hear("audio")
        await conversation.say(PRESS)
        cut = await conversation.hear("interrupted")
        assert (cut.turn, cut.interrupted.cause) == (1, Interrupted.CAUSE_USER)
        link.say(ev.ModelInterrupted(1))
        link.say(ev.TurnCompleted(1, ""))
        await conversation.say(*said(1), RELEASE)
        await wait_until(lambda: RELEASED in link.sent)
        await conversation.hear("turn_ended")
        await answered(conversation, backend)
        assert kinds(conversation.heard).count("interrupted") == 1


@pytest.mark.parametrize("released", [True, False], ids=["after the release", "while the user speaks"])
async def test_an_activity_goes_on_over_another_link(
    gateway: Gateway, backend: ScriptedBackend, released: bool
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=manual(include_notices=True))
        first = backend.links[0]
        voice = [b"\x00\x20" * 320, b"\x00\xe0" * 320] * 10
        spoken = [ClientEvent(audio=audio) for audio in voice]
        await conversation.say(PRESS, *spoken, *([RELEASE] if released else []))
        await wait_until(lambda: audio_of(first) == b"".join(voice) and (RELEASED in first.sent) is released)
        first.lose(ev.LossCause.TRANSIENT)
        await wait_until(lambda: len(backend.links) == 2)
        second = backend.links[1]
        if not released:
            await conversation.say(*said(1), RELEASE)
        await wait_until(lambda: RELEASED in second.sent)
        assert (second.sent[0], second.sent[-1]) == (PRESSED, RELEASED)
        assert audio_of(second) == b"".join(voice) + (b"" if released else frame(1))
        await answered(conversation, backend)
        assert "closed" not in kinds(conversation.heard)


async def test_a_half_close_ends_the_activity(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=manual())
        await conversation.say(PRESS, *said(1))
        await conversation.half_close()
        await wait_until(lambda: RELEASED in backend.links[0].sent)
        backend.links[0].speak(0.1, "Hello.")
        backend.links[0].complete()
        assert kinds(await conversation.hear_out())[-2:] == ["turn_ended", "closed"]
