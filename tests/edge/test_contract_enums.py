"""Every value of an enum has the same name in the contract and in the core.

A new enum of the core fails these tests until it is entered here.
"""

import inspect
from enum import Enum
from types import ModuleType

import pytest

from segue.core import options as core_options
from segue.core import outputs as core_outputs
from segue.core.options import Encoding, Modality, Mode, ResumePolicy, Scheduling, Sensitivity
from segue.core.outputs import CloseReason, CutCause, EndReason, Next, NoticeKind, Rejection, Speaker
from segue_client.segue.v1 import client_event_pb2 as client
from segue_client.segue.v1 import open_session_pb2 as pb
from segue_client.segue.v1 import server_event_pb2 as server
from segue_client.segue.v1.error_pb2 import Error
from tests.edge.opens import RESUME

# For each enum of the core: the contract's, and its values' prefix.
ENUMS: dict[type[Enum], tuple[object, str]] = {
    CloseReason: (Error.Reason, "REASON"),
    Next: (server.SessionClosed.Next, "NEXT"),
    Rejection: (server.InputRejected.Reason, "REASON"),
    EndReason: (server.TurnEnded.Reason, "REASON"),
    CutCause: (server.Interrupted.Cause, "CAUSE"),
    Speaker: (server.Transcript.Speaker, "SPEAKER"),
    NoticeKind: (server.Notice.Kind, "KIND"),
    Modality: (pb.OpenSession.Modality, "MODALITY"),
    Mode: (pb.TurnDetection.Mode, "MODE"),
    Sensitivity: (pb.TurnDetection.Sensitivity, "SENSITIVITY"),
    Encoding: (pb.AudioFormat.Encoding, "ENCODING"),
    Scheduling: (client.ToolResult.Scheduling, "SCHEDULING"),
    ResumePolicy: (RESUME.Policy, "POLICY"),
}


def enums_of(module: ModuleType) -> set[type[Enum]]:
    found = (member for _, member in inspect.getmembers(module, inspect.isclass) if issubclass(member, Enum))
    return {enum for enum in found if enum.__module__ == module.__name__}


def test_every_enum_that_the_core_shares_with_its_clients_is_entered_here() -> None:
    assert enums_of(core_outputs) | enums_of(core_options) == ENUMS.keys()


@pytest.mark.parametrize("names", ENUMS, ids=lambda names: names.__name__)
def test_every_value_of_the_core_has_its_name_in_the_contract(names: type[Enum]) -> None:
    enum, prefix = ENUMS[names]
    assert {f"{prefix}_{name}" for name in names.__members__} <= set(enum.keys())  # type: ignore[attr-defined]


@pytest.mark.parametrize("names", [Sensitivity, Scheduling, ResumePolicy], ids=lambda names: names.__name__)
def test_every_value_that_a_client_can_choose_is_known_to_the_core(names: type[Enum]) -> None:
    enum, prefix = ENUMS[names]
    chosen = set(enum.keys()) - {f"{prefix}_UNSPECIFIED"}  # type: ignore[attr-defined]
    assert chosen == {f"{prefix}_{name}" for name in names.__members__}
