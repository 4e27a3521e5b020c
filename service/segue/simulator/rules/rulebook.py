"""What a rule is, and what breaking one leads to."""

from dataclasses import dataclass
from enum import Enum

# A close frame holds 125 bytes, of which the code takes two (RFC 6455, section 5.5).
_REASON_BYTES = 123


@dataclass(frozen=True, slots=True)
class Violation:
    """What a client did wrong, and how the service says so.

    Attributes:
        rule: the name of the rule.
        code: the WebSocket close code.
        reason: the text in full; `cut_reason` is what fits a close frame.
    """

    rule: str
    code: int
    reason: str

    @property
    def cut_reason(self) -> str:
        """The reason, at most 123 bytes of UTF-8."""
        return self.reason.encode("utf-8", "replace")[:_REASON_BYTES].decode("utf-8", "ignore")


class Severity(Enum):
    """What the real service does when a rule is broken."""

    CLOSES = "closes"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: what histories call it.
        code: the WebSocket close code.
        reason: the reason in the words of the service, with the particulars in braces.
        severity: whether the service closes, or only strict mode does.
        catches: what a client does that breaks it.
        source: who says so; "Live API notes" are the compilation that this simulator was written from.
    """

    name: str
    code: int
    reason: str
    severity: Severity
    catches: str
    source: str

    def broken(self, **particulars: object) -> Violation:
        """Return the violation, with these particulars in its reason."""
        return Violation(self.name, self.code, self.reason.format(**particulars))
