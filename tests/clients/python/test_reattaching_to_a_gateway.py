"""The client and the gateway, when the connection between them breaks."""

import pytest

import segue_client
from segue.gateway import Gateway
from tests.clients.python.relay import Relay, relaying
from tests.scripted_backend import ScriptedBackend
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("no_task_left")


async def listen(session: segue_client.Session, relay: Relay, cuts: list[int]) -> list[segue_client.Event]:
    """Return what a session says to the end of a turn; the connection breaks after so many frames each."""
    heard: list[segue_client.Event] = []
    frames = 0
    async for event in session:
        heard.append(event)
        frames += isinstance(event, segue_client.Audio)
        if cuts and frames == cuts[0]:
            cuts.pop(0)
            relay.cut()
        if isinstance(event, segue_client.TurnEnded):
            break
    return heard


@pytest.mark.parametrize("cuts", [[10], [3, 20, 40]])
async def test_an_answer_is_heard_whole_though_the_connection_breaks(
    gateway: Gateway, backend: ScriptedBackend, cuts: list[int]
) -> None:
    breaks = len(cuts)
    async with relaying(gateway.port) as relay, segue_client.connect(f"127.0.0.1:{relay.port}") as session:
        await session.send_text("Tell me a story.")
        await wait_until(lambda: backend.links and "Tell me a story." in backend.links[0].sent)
        (link,) = backend.links
        link.speak(2.0, "Once upon a time.")
        link.complete()
        heard = await listen(session, relay, cuts)
        pcm = b"".join(event.pcm for event in heard if isinstance(event, segue_client.Audio))
        assert len(pcm) == 96_000
        resumed = [event for event in heard if isinstance(event, segue_client.Resumed)]
        # Frames that came in one message break it once.
        assert 1 <= len(resumed) <= breaks
        assert not any(event.output_lost for event in resumed)
        assert not any(isinstance(event, segue_client.Interrupted) for event in heard)
        assert heard[-1].heard == 2.0  # type: ignore[union-attr]
    assert len(backend.links) == 1


async def test_what_is_said_while_the_connection_is_broken_arrives_once_and_in_order(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with relaying(gateway.port) as relay, segue_client.connect(f"127.0.0.1:{relay.port}") as session:
        await anext(session)
        (link,) = backend.links
        texts = [f"This is text {number}." for number in range(12)]
        for number, text in enumerate(texts):
            if number in (3, 7):
                relay.cut()
            await session.send_text(text)
        await wait_until(lambda: sum(text in str(link.sent) for text in texts) == len(texts))
        said = "\n".join(sent for sent in link.sent if isinstance(sent, str)).split("\n")
        assert said == texts
