"""Images, notes and updates: what a client says becomes an event, or is rejected with what is wrong."""

from math import inf

import pytest
from google.protobuf.duration_pb2 import Duration

from segue.core.events import ImageReceived, InputRefused, NoteReceived, UpdateReceived
from segue.core.options import FunctionDeclaration, Update
from segue.core.outputs import Rejection
from segue.edge.wire import read_input
from segue_client.segue.v1 import client_event_pb2 as client
from segue_client.segue.v1 import open_session_pb2 as pb
from tests.edge.opens import BARGE_IN

PNG = b"\x89PNG\r\n\x1a\n..."


def test_an_image_is_read() -> None:
    event = client.ClientEvent(seq=3, image=client.Image(content=PNG, mime_type="image/png"))
    assert read_input(event, "default") == ImageReceived(3, PNG, "image/png")


def test_an_image_that_is_none_is_rejected() -> None:
    event = client.ClientEvent(seq=3, image=client.Image(content=PNG, mime_type="image/jpeg"))
    refused = read_input(event, "default")
    assert isinstance(refused, InputRefused)
    assert (refused.seq, refused.reason) == (3, Rejection.INVALID_IMAGE)


# For each field of SessionUpdate: an update of it, and what it becomes.
UPDATES: dict[str, tuple[client.SessionUpdate, Update]] = {
    "system_instruction": (client.SessionUpdate(system_instruction=""), Update(system_instruction="")),
    "tools": (
        client.SessionUpdate(tools=pb.Tools(functions=[pb.FunctionDeclaration(name="f")], built_in=["googleSearch"])),
        Update(functions=(FunctionDeclaration("f"),), built_in_tools=("googleSearch",)),
    ),
    "barge_in": (client.SessionUpdate(barge_in=BARGE_IN(policy=BARGE_IN.POLICY_NONE)), Update(barge_in_after=inf)),
    "delivery": (
        client.SessionUpdate(delivery=pb.Delivery(unpaced=True, max_unacked_bytes=96_000)),
        Update(lead=1.0, unpaced=True, max_unacked_bytes=96_000),
    ),
}


def test_every_field_of_an_update_is_served() -> None:
    assert {field.name for field in client.SessionUpdate.DESCRIPTOR.fields} == UPDATES.keys()


@pytest.mark.parametrize("name", sorted(UPDATES))
def test_an_update_is_read(name: str) -> None:
    update, read = UPDATES[name]
    assert [field.name for field, _ in update.ListFields()] == [name]
    assert read_input(client.ClientEvent(seq=3, update=update), "default") == UpdateReceived(3, read)


def test_an_update_that_takes_all_tools_away_is_one() -> None:
    event = client.ClientEvent(update=client.SessionUpdate(tools=pb.Tools()))
    assert read_input(event, "default") == UpdateReceived(0, Update(functions=(), built_in_tools=()))


@pytest.mark.parametrize(
    ("update", "reason", "complaint"),
    [
        (client.SessionUpdate(), Rejection.EMPTY, "changes nothing"),
        (client.SessionUpdate(system_instruction="x" * 32 * 1024), Rejection.TOO_LARGE, "at most 32768"),
        (
            client.SessionUpdate(
                barge_in=BARGE_IN(policy=9),  # type: ignore[arg-type]
                delivery=pb.Delivery(lead=Duration()),
                tools=pb.Tools(built_in=["?"]),
            ),
            Rejection.INVALID_FIELD,
            "'?' is no built-in tool's name: those are such as \"googleSearch\"; barge_in.policy is 9: Policy has no "
            "such value; lead is 0 s: it must be from 0.1 to 60 s",
        ),
    ],
)
def test_an_update_that_cannot_be_is_rejected_with_all_that_is_wrong(
    update: client.SessionUpdate, reason: Rejection, complaint: str
) -> None:
    refused = read_input(client.ClientEvent(seq=3, update=update), "default")
    assert isinstance(refused, InputRefused)
    assert (refused.seq, refused.reason) == (3, reason)
    assert complaint in refused.message


@pytest.mark.parametrize("answer", [False, True])
def test_a_note_is_read(answer: bool) -> None:
    event = client.ClientEvent(seq=3, note=client.Note(text="It rains.", answer=answer))
    assert read_input(event, "default") == NoteReceived(3, "It rains.", answer)
