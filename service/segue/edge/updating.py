"""What can be changed while a session runs, read: from an OpenSession and from a SessionUpdate alike."""

from collections.abc import Iterator
from math import inf

from segue.core.options import Update
from segue.core.outputs import Rejection
from segue.edge.durations import out_of_range, seconds, seconds_of
from segue.edge.tools import read_functions, wrong_tools
from segue_client.segue.v1 import client_event_pb2
from segue_client.segue.v1 import open_session_pb2 as pb

MAX_UPDATE_BYTES = 32 * 1024
# What was sent and not acknowledged has to be remembered.
MAX_UNACKED_BYTES = 4 * 2**20
_POLICIES = pb.BargeIn.Policy.values()


def wrong_barge_in(barge_in: pb.BargeIn) -> Iterator[str]:
    """Say what is wrong with a barge-in policy."""
    if barge_in.policy not in _POLICIES:
        yield f"barge_in.policy is {barge_in.policy}: Policy has no such value"
    elif barge_in.policy != pb.BargeIn.POLICY_AFTER:
        if barge_in.HasField("after"):
            yield "barge_in.after is for POLICY_AFTER alone: set that policy, or leave it out"
    elif not barge_in.HasField("after"):
        yield "barge_in.after is not set: POLICY_AFTER needs it"
    yield from out_of_range(barge_in, "after", 0.100, 60.0)


def read_barge_in(barge_in: pb.BargeIn) -> float:
    """Return how long a turn plays before the user may interrupt it, in seconds; inf for never."""
    if barge_in.policy == pb.BargeIn.POLICY_NONE:
        return inf
    return seconds_of(barge_in.after)


def wrong_delivery(delivery: pb.Delivery) -> Iterator[str]:
    """Say what is wrong with how output is to be paced."""
    yield from out_of_range(delivery, "lead", 0.100, 60.0)
    if delivery.max_unacked_bytes > MAX_UNACKED_BYTES:
        yield f"delivery.max_unacked_bytes is {delivery.max_unacked_bytes}: at most {MAX_UNACKED_BYTES}, or 0 for any"


def read_lead(delivery: pb.Delivery) -> float:
    """Return how far ahead of the playing audio is sent, in seconds."""
    return seconds(delivery, "lead", 1.0)


def read_update(update: client_event_pb2.SessionUpdate) -> Update | tuple[Rejection, str]:
    """Return what is to change, or why it cannot be used, and what to do. All that is wrong is said at once."""
    size = update.ByteSize()
    if not update.ListFields():
        return Rejection.EMPTY, "an update that changes nothing: leave it out"
    if size > MAX_UPDATE_BYTES:
        return Rejection.TOO_LARGE, f"an update of {size} bytes: send at most {MAX_UPDATE_BYTES}"
    wrong = [*wrong_tools(update.tools), *wrong_barge_in(update.barge_in), *wrong_delivery(update.delivery)]
    if wrong:
        return Rejection.INVALID_FIELD, "; ".join(wrong)
    delivery = update.delivery if update.HasField("delivery") else None
    return Update(
        system_instruction=update.system_instruction if update.HasField("system_instruction") else None,
        functions=read_functions(update.tools) if update.HasField("tools") else None,
        built_in_tools=tuple(update.tools.built_in) if update.HasField("tools") else None,
        barge_in_after=read_barge_in(update.barge_in) if update.HasField("barge_in") else None,
        lead=None if delivery is None else read_lead(delivery),
        unpaced=None if delivery is None else delivery.unpaced,
        max_unacked_bytes=None if delivery is None else delivery.max_unacked_bytes,
    )
