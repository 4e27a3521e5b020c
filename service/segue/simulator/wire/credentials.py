"""Whether a connection's credential is good: told by a close after the upgrade, never by an HTTP status."""

from collections.abc import Callable

from segue.simulator.rules import rules
from segue.simulator.rules.rules import Violation
from segue.simulator.switches import Switches
from segue.simulator.wire import tokens
from segue.simulator.wire.schema import Flavour
from segue.simulator.wire.tokens import Tokens
from segue.simulator.wire.upgrade import Upgrade


def credential_violation(
    upgrade: Upgrade, valid_credential: Callable[[str], bool], minted: Tokens, switches: Switches
) -> Violation | None:
    """Return what is wrong with a credential, if anything.

    Args:
        upgrade: which holds it.
        valid_credential: whether a key or token that was not minted here is good.
        minted: the ephemeral tokens; `Tokens.redeem` counts their uses, at the setup.
        switches: which version ephemeral tokens are good on.
    """
    vertex = upgrade.flavour is Flavour.VERTEX
    if not upgrade.credential:
        return rules.BEARER_MISSING if vertex else rules.API_KEY_MISSING
    if upgrade.credential.startswith(tokens.PREFIX) and not vertex:
        if not upgrade.constrained:
            return rules.TOKEN_METHOD
        if switches.token_needs_v1alpha and upgrade.version != "v1alpha":
            return rules.TOKEN_VERSION
        if upgrade.credential in minted.minted:
            return None
    if valid_credential(upgrade.credential):
        return None
    return rules.BEARER_INVALID if upgrade.bearer else rules.API_KEY_INVALID
