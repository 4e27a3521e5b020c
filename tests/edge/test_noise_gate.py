"""The noise gate over real gRPC, with speech on a noisy line."""

from segue.core.feed import comfort_noise
from segue.gateway import Gateway
from segue_client.segue.v1.client_event_pb2 import ClientEvent
from segue_client.segue.v1.open_session_pb2 import NoiseGate, TurnDetection
from tests.audio.sounds import noise, pcm
from tests.conversation import conversing, opening
from tests.scripted_backend import ScriptedBackend
from tests.waiting import wait_until

LOUD = pcm(noise("white", 0.3, 3_000.0))
LINE = pcm(noise("pink", 3.0, 50.0))


async def test_of_a_noisy_line_the_model_gets_the_words_and_then_silence(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(turn_detection=TurnDetection(noise_gate=NoiseGate())))
        (link,) = backend.links
        audio = LINE + LOUD + LINE
        await conversation.say(*[ClientEvent(audio=audio[at : at + 640]) for at in range(0, len(audio), 640)])
        await wait_until(lambda: comfort_noise(16_000) in link.sent)
        heard = b"".join(sent for sent in link.sent if isinstance(sent, bytes) and sent != comfort_noise(16_000))
        # 250 ms before it, and 600 ms after it.
        assert heard == audio[len(LINE) - 8_000 : len(LINE) + len(LOUD) + 19_200]
