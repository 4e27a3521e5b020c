"""What tests of renewals are about: a link that is to be replaced, and how long that took."""

from segue.core.actions import Renewed
from segue.core.options import Options
from segue.core.policy import Policy
from tests.core.conversation import OPTIONS, POLICY, Conversation


def due(options: Options = OPTIONS, policy: Policy = POLICY) -> Conversation:
    """Return a conversation whose link is to be replaced, and whose next link is dialled; it has the handle h1."""
    call = Conversation.opened(options, policy)
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.go_away(50.0)
    return call


def gap_of(call: Conversation) -> float:
    [renewed] = call.did(Renewed)
    return renewed.gap
