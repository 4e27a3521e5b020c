"""Images, changes to a running session, and acknowledgements, over real gRPC."""

import pytest

from segue.core.options import Update
from segue.gateway import Gateway
from segue_client.segue.v1.client_event_pb2 import Ack, ClientEvent, Image, Interrupt, SessionUpdate, UserText
from segue_client.segue.v1.open_session_pb2 import BargeIn, Delivery
from segue_client.segue.v1.server_event_pb2 import InputRejected
from tests import scripted_backend
from tests.conversation import conversing, opening
from tests.scripted_backend import ScriptedBackend
from tests.waiting import wait_until

JPEG = b"\xff\xd8\xff".ljust(2**20, b".")


async def test_an_image_of_a_mebibyte_reaches_the_model(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        await conversation.say(ClientEvent(image=Image(content=JPEG, mime_type="image/jpeg")))
        (link,) = backend.links
        await wait_until(lambda: link.sent)
        assert link.sent == [scripted_backend.Image(JPEG, "image/jpeg")]
        await conversation.say(ClientEvent(seq=1, image=Image(content=JPEG + b".", mime_type="image/jpeg")))
        rejected = (await conversation.hear("input_rejected")).input_rejected
        assert (rejected.input_seq, rejected.reason) == (1, InputRejected.REASON_TOO_LARGE)


async def test_nobody_interrupts_once_nobody_may_but_the_client(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        update = SessionUpdate(system_instruction="Be brief.", barge_in=BargeIn(policy=BargeIn.POLICY_NONE))
        await conversation.say(ClientEvent(update=update))
        (link,) = backend.links
        link.speak(3.0, "A story.")
        await conversation.hear("audio")
        await conversation.say(ClientEvent(text=UserText(text="Stop!")), ClientEvent(interrupt=Interrupt()))
        await conversation.hear("interrupted")
        await wait_until(lambda: len(link.sent) == 2)
        text = link.sent[1]
        assert link.sent[0] == Update("Be brief.", None, None)
        assert isinstance(text, str)
        assert text.endswith("Stop!")


async def test_no_more_audio_is_on_its_way_than_a_client_allows(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        options = opening()
        options.delivery.CopyFrom(Delivery(unpaced=True, max_unacked_bytes=5_000))
        await conversation.open(options=options)
        await conversation.say(ClientEvent(ack=Ack()))
        # An answer tells that the acknowledgement has arrived.
        await conversation.say(ClientEvent(interrupt=Interrupt()))
        await conversation.hear("interrupted")
        (link,) = backend.links
        # Twelve events of 1920 bytes.
        link.speak(0.48)
        link.complete()
        for acknowledged in range(0, 12, 2):
            await conversation.hear("audio")
            second = await conversation.hear("audio")
            sent = gateway.metrics.registry.get_sample_value("segue_audio_seconds_total", {"direction": "out"})
            assert sent == pytest.approx((acknowledged + 2) * 0.04)
            await conversation.say(ClientEvent(ack=Ack(seq=second.seq)))
        await conversation.hear("turn_ended")
