"""GATEWAY turn detection over real gRPC, with speech and with what only seems to be speech."""

import pytest

from segue.core import events as ev
from segue.gateway import Gateway
from segue_client.segue.v1.client_event_pb2 import ClientEvent
from segue_client.segue.v1.open_session_pb2 import OpenSession, TurnDetection
from segue_client.segue.v1.server_event_pb2 import Interrupted, UserActivity
from tests import scripted_backend
from tests.audio.sounds import clicks, coughs, pcm, utterances
from tests.conversation import Conversation, conversing, opening
from tests.scripted_backend import ScriptedBackend
from tests.waiting import wait_until

PRESSED, RELEASED = scripted_backend.Activity(True), scripted_backend.Activity(False)
FRAME = 640


def listening() -> OpenSession:
    return opening(turn_detection=TurnDetection(mode=TurnDetection.MODE_GATEWAY))


async def say(conversation: Conversation, audio: bytes) -> None:
    """Say it all at once: the detector goes by how long audio lasts, and not by when it comes."""
    frames = [audio[start : start + FRAME] for start in range(0, len(audio), FRAME)]
    await conversation.say(*[ClientEvent(audio=frame) for frame in frames])


async def test_an_utterance_goes_to_the_model_between_its_edges(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=listening())
        (link,) = backend.links
        spoken = pcm(utterances()["boat"])
        await say(conversation, bytes(64_000) + spoken + bytes(64_000))
        await wait_until(lambda: RELEASED in link.sent)
        assert link.sent[0] == PRESSED
        given = sum(len(sent) for sent in link.sent if isinstance(sent, bytes))
        # Of the silence before it, a moment.
        assert len(spoken) - 32_000 < given < len(spoken) + 32_000 + 64_000
        await conversation.hear("user_activity")
        edges = [event.user_activity.edge for event in conversation.heard if event.HasField("user_activity")]
        assert edges[0] == UserActivity.EDGE_START
        link.speak(0.1, "Hello.")
        link.complete()
        assert (await conversation.hear("turn_ended")).turn_ended.heard_text == "Hello."


async def test_keys_that_click_interrupt_nobody(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=listening())
        (link,) = backend.links
        await say(conversation, pcm(clicks(5.0)))
        await conversation.say(ClientEvent(seq=1))
        await conversation.hear("input_rejected")
        assert link.sent == []


@pytest.mark.timeout(60)
async def test_a_cough_does_not_end_in_silence(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=listening())
        (link,) = backend.links
        link.speak(8.0, "Once upon a time there was a keeper. She kept a light.")
        await conversation.hear("audio")
        # The first of a fit of coughs, and silence.
        await say(conversation, pcm(coughs(2.0)) + bytes(32_000))
        interrupted = (await conversation.hear("interrupted")).interrupted
        assert interrupted.cause == Interrupted.CAUSE_USER
        link.say(ev.ModelInterrupted(1))
        link.complete()
        await wait_until(lambda: any(isinstance(sent, str) for sent in link.sent))
        [request] = [sent for sent in link.sent if isinstance(sent, str)]
        assert "She kept a light." in request
        assert (await conversation.hear("turn_ended")).turn == 1
        link.speak(0.5, "She kept a light.")
        link.complete()
        ended = await conversation.hear("turn_ended")
        assert (ended.turn, ended.turn_ended.heard_text) == (2, "She kept a light.")
