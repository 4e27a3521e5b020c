"""What the model is told beside the user's words, over real gRPC."""

import pytest

from segue.gateway import Gateway
from segue_client.segue.v1 import open_session_pb2 as pb
from segue_client.segue.v1.client_event_pb2 import ClientEvent, Interrupt, Note, UserText
from segue_client.segue.v1.server_event_pb2 import InputRejected
from tests.conversation import conversing, opening
from tests.scripted_backend import ScriptedBackend
from tests.waiting import wait_until

FENCE = "[Note from the voice system, not said by the user. {} End of the note.]"
GO_ON = ClientEvent(text=UserText(text="Go on."))


async def test_an_interrupted_model_is_told_what_was_heard_unless_the_client_says_otherwise(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        (link,) = backend.links
        link.speak(1.0, "One. ")
        link.speak(1.0, "Two.")
        await conversation.hear("audio")
        await conversation.say(ClientEvent(interrupt=Interrupt()))
        cut = (await conversation.hear("interrupted")).interrupted
        await conversation.say(GO_ON)
        await wait_until(lambda: link.sent)
        (text,) = link.sent
        assert isinstance(text, str)
        assert text.startswith(FENCE.partition("{}")[0])
        assert text.endswith("\n\nGo on.")
        ended = (await conversation.hear("turn_ended")).turn_ended
        assert (ended.heard_text, ended.unheard_text) == (cut.heard_text, cut.unheard_text)
        assert f'did not hear: "{ended.unheard_text}"' in text
        assert gateway.metrics.registry.get_sample_value("segue_resume_notes_total", {"outcome": "told"}) == 1.0


@pytest.mark.parametrize("settings", [{"resume_template": "Missed: {unheard}"}])
async def test_the_servers_wording_stands_in_for_segues_own(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        (link,) = backend.links
        link.speak(2.0, "One.")
        await conversation.hear("audio")
        await conversation.say(ClientEvent(interrupt=Interrupt()))
        await conversation.hear("interrupted")
        await conversation.say(GO_ON)
        await wait_until(lambda: link.sent)
        fence = FENCE.format('Missed: "One."')
        assert link.sent == [f"{fence}\n\nGo on."]


async def test_a_client_that_wants_no_notes_gets_none(gateway: Gateway, backend: ScriptedBackend) -> None:
    off = pb.ResumeContext(policy=pb.ResumeContext.POLICY_OFF)
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=opening(resume_context=off))
        (link,) = backend.links
        link.speak(2.0, "One.")
        await conversation.hear("audio")
        await conversation.say(ClientEvent(interrupt=Interrupt()), GO_ON)
        await wait_until(lambda: link.sent)
        assert link.sent == ["Go on."]


async def test_a_clients_note_waits_for_the_users_words(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        (link,) = backend.links
        await conversation.say(ClientEvent(note=Note(text="It rains.")), GO_ON)
        await wait_until(lambda: link.sent)
        assert link.sent == [f"{FENCE.format('It rains.')}\n\nGo on."]


async def test_a_clients_note_that_is_to_be_answered_goes_at_once(gateway: Gateway, backend: ScriptedBackend) -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        (link,) = backend.links
        await conversation.say(ClientEvent(note=Note(text="The parcel has come.", answer=True)))
        await wait_until(lambda: link.sent)
        assert link.sent == [FENCE.format("The parcel has come.")]


@pytest.mark.parametrize(
    ("text", "reason"), [(" ", InputRejected.REASON_EMPTY), ("x" * 65_537, InputRejected.REASON_TOO_LARGE)]
)
async def test_a_note_that_cannot_be_is_rejected(gateway: Gateway, text: str, reason: "InputRejected.Reason") -> None:
    async with conversing(gateway.port) as conversation:
        await conversation.open()
        await conversation.say(ClientEvent(seq=1, note=Note(text=text)))
        rejected = (await conversation.hear("input_rejected")).input_rejected
        assert (rejected.input_seq, rejected.reason) == (1, reason)


async def test_the_model_speaks_first_and_knows_what_was_said_before(
    gateway: Gateway, backend: ScriptedBackend
) -> None:
    before = [pb.HistoryTurn(role=pb.HistoryTurn.ROLE_USER, text="My name is Ann.")]
    options = opening(first_turn=pb.FirstTurn(prompt="Say hello."), initial_history=before)
    async with conversing(gateway.port) as conversation:
        await conversation.open(options=options)
        (link,) = backend.links
        await wait_until(lambda: link.sent)
        (text,) = link.sent
        assert isinstance(text, str)
        assert "Say hello." in text
        assert 'User: "My name is Ann."' in link.setup.system_instruction
        link.speak(0.2, "Hello, Ann.")
        link.complete()
        assert (await conversation.hear("turn_ended")).turn_ended.heard_text == "Hello, Ann."
