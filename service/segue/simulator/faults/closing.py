"""Connections that close, with each code and reason that was reported of the Live API, or break off without any."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from segue.simulator.faults.fault import Fault, Lasts, Occasion
from segue.simulator.outgoing import Close, Message, Planned, Reset
from segue.simulator.rules import endings, rules
from segue.simulator.rules.rulebook import Violation
from segue.simulator.values import SettingError

_REPORTED = (
    Violation("entity_not_found", 1008, "Requested entity was not found."),
    Violation("aborted", 1008, "The operation was aborted."),
    Violation("not_implemented", 1008, "Operation is not implemented, or supported, or enabled."),
    Violation("deadline", 1011, "Deadline expired before operation could complete."),
    Violation("internal_encountered", 1011, "Internal error encountered."),
    Violation("internal_occurred", 1011, "Internal error occurred."),
    Violation("unavailable", 1011, "The service is currently unavailable."),
    Violation("quota", 1011, "You exceeded your current quota, please check your plan and billing details."),
    Violation("exhausted", 1011, "Resource has been exhausted (e.g. check quota)."),
    Violation("normal", 1000, ""),
    Violation("going_away", 1001, ""),
    Violation("service_restart", 1012, ""),
    Violation("try_again_later", 1013, ""),
)

# Each close that was reported, by its name: the service also closes for these reasons without them.
CLOSES = {
    "api_key_invalid": rules.API_KEY_INVALID,
    "api_key_missing": rules.API_KEY_MISSING,
    "model_unknown": rules.model_unknown("models/X", "v1beta"),
    "field_unknown": rules.field_unknown("x", "setup"),
    "invalid_argument": rules.EMPTY_MESSAGE,
    "explicit_activity": rules.EXPLICIT_ACTIVITY,
    "precondition": rules.EMPTY_ACTIVITY,
    "modality": rules.modality_unsupported(("TEXT",)),
    "language": rules.language_unsupported("es"),
    "handle_invalid": endings.HANDLE_INVALID,
    "session_not_found": rules.HANDLE_UNKNOWN,
    "go_away_ignored": rules.GO_AWAY_IGNORED,
} | {reported.rule: reported for reported in _REPORTED}


def close(code: int, reason: str) -> Close:
    """Return a close that the client did not cause.

    Raises:
        SettingError: no close frame can have this code.
    """
    if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise SettingError(f"{code} is no close code: 1000 to 1003, 1007 to 1014 or 3000 to 4999")
    return Close(code, Violation("", code, reason).cut_reason)


@dataclass
class CloseConnection(Fault):
    """The service closes the connection.

    Attributes:
        cause: one of the reported closes, by its name.
        code: another code; 0 for the cause's.
        reason: its reason; for a code of its own only.
    """

    name = "close"
    lasts = Lasts.CONNECTION
    cause: str = "internal_encountered"
    code: int = 0
    reason: str = ""

    def __post_init__(self) -> None:
        if self.cause not in CLOSES:
            raise SettingError(f"cause must be one of {', '.join(CLOSES)}")
        self._close()

    def strike(self, now: float) -> Iterable[Planned]:
        """Close."""
        return ((now, self._close()),)

    def _close(self) -> Close:
        cause = CLOSES[self.cause]
        return close(self.code, self.reason) if self.code else close(cause.code, cause.reason)


@dataclass
class Quota(Fault):
    """The setup is answered with the close of an exhausted quota; the switch quota_closes_with_1008 sets the code."""

    name = "quota"
    occasion = Occasion.CONNECTION
    lasts = Lasts.CONNECTION

    def change(self, message: Message, now: float) -> Iterator[Planned]:
        """Put the close in the place of setupComplete."""
        if message.says("setupComplete"):
            code = 1008 if self.switches.quota_closes_with_1008 else 1011
            yield now, close(code, CLOSES["quota"].reason)
        else:
            yield now, message


@dataclass
class TcpReset(Fault):
    """The TCP connection is reset, with no close frame: clients see 1006."""

    name = "tcp_reset"
    lasts = Lasts.CONNECTION

    def strike(self, now: float) -> Iterable[Planned]:
        """Reset."""
        return ((now, Reset()),)
