"""Resume tokens: whose session each brings back, and what became of it."""

from segue.core.outputs import Closed, CloseReason, Next
from segue.node.tokens import Tokens

COMPLETED = Closed(CloseReason.COMPLETED, "as asked", Next.NONE)


def unknown(found: str | Closed) -> bool:
    return isinstance(found, Closed) and found.reason is CloseReason.RESUME_UNKNOWN


def test_a_token_brings_back_the_session_of_its_tenant_alone() -> None:
    tokens: Tokens[str] = Tokens()
    token, other = tokens.make(), tokens.make()
    assert token != other
    tokens.give(token, "acme", "session")
    assert tokens.find(token, "acme") == "session"
    assert unknown(tokens.find(token, "umbrella"))
    assert unknown(tokens.find(other, "acme"))
    assert unknown(tokens.find("", "acme"))
    assert unknown(tokens.find("\udcff", "acme"))


def test_how_a_session_ended_is_known_for_ten_minutes_to_its_tenant() -> None:
    tokens: Tokens[str] = Tokens()
    tokens.give("a", "acme", "session")
    tokens.give("b", "acme", "other")
    tokens.withdraw("a", COMPLETED, 100.0)
    assert tokens.find("a", "acme") == COMPLETED
    assert unknown(tokens.find("a", "umbrella"))
    tokens.withdraw("b", None, 701.0)
    assert unknown(tokens.find("a", "acme"))
    assert unknown(tokens.find("b", "acme"))


def test_no_token_is_kept() -> None:
    tokens: Tokens[str] = Tokens()
    token = tokens.make()
    tokens.give(token, "acme", "session")
    assert token not in repr(vars(tokens))
