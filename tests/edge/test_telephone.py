"""G.711 both ways over real gRPC: a telephone's packets go in, and come out."""

from segue.gateway import Gateway
from segue_client.segue.v1.client_event_pb2 import ClientEvent
from segue_client.segue.v1.open_session_pb2 import AudioFormat
from tests.conversation import conversing, opening
from tests.scripted_backend import ScriptedBackend
from tests.waiting import wait_until

TELEPHONE = AudioFormat(encoding=AudioFormat.ENCODING_MULAW, sample_rate_hertz=8_000)
PACKET = bytes(range(160))


async def test_packets_of_20_ms_go_in_and_come_out(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(input_format=TELEPHONE, output_format=TELEPHONE))
        (link,) = backend.links
        await conversation.say(*[ClientEvent(audio=PACKET)] * 5)
        await wait_until(lambda: len(link.sent) == 5)
        # 16 kHz of 16 bits, less what the converter holds back.
        given = sum(len(audio) for audio in link.sent if isinstance(audio, bytes))
        assert 0.09 < given / 32_000 <= 0.1
        link.speak(0.33, "Hello.")
        link.complete()
        ended = (await conversation.hear("turn_ended")).turn_ended
        packets = [event.audio for event in conversation.heard if event.WhichOneof("output") == "audio"]
        assert [len(packet) for packet in packets] == [160] * 16 + [80]
        assert ended.audio_duration.ToMilliseconds() == 330
