"""The rules of the Live API that a client can break: each with its name, close code and reason.

Codes and reasons are those of the real service, measured 2026-09-10 or quoted in public issue reports. A reason longer
than a close frame holds is cut there, as the service cuts it.
"""

from dataclasses import dataclass

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


API_KEY_INVALID = Violation("api_key_invalid", 1007, "API key not valid. Please pass a valid API key.")
API_KEY_MISSING = Violation(
    "api_key_missing",
    1008,
    "Method doesn't allow unregistered callers (callers without established identity). "
    "Please use API Key or other form of API consumer identity to call this API.",
)
NOT_JSON = Violation("not_json", 1007, "Invalid JSON payload received. Unexpected token.")
EMPTY_MESSAGE = Violation("empty_message", 1007, "Request contains an invalid argument.")
SETUP_NOT_FIRST = Violation("setup_not_first", 1007, "Request contains an invalid argument.")
SETUP_TWICE = Violation("setup_twice", 1007, "Request contains an invalid argument.")
BARE_TURN_COMPLETE = Violation("bare_turn_complete", 1007, "Request contains an invalid argument.")
EXPLICIT_ACTIVITY = Violation(
    "explicit_activity",
    1007,
    "Explicit activity control is not supported when automatic activity detection is enabled.",
)
EMPTY_ACTIVITY = Violation("empty_activity", 1007, "Precondition check failed.")
HANDLE_UNKNOWN = Violation("handle_unknown", 1008, "BidiGenerateContent session not found")
GO_AWAY_IGNORED = Violation(
    "go_away_ignored",
    1008,
    "Connection aborted because the client failed to close the connection after receiving a GoAway signal once the "
    "session duration limit was reached.",
)


def model_unknown(model: str, version: str) -> Violation:
    """The model does not exist, or is no Live model. `model` is as the client wrote it."""
    reason = (
        f"Publisher model {model} was not found or your project does not have access to it."
        if "publishers/" in model
        else f"{model} is not found for API version {version}, or is not supported for bidiGenerateContent. "
        "Call ModelService.ListModels to see the list of available models and their supported methods."
    )
    return Violation("model_unknown", 1008, reason)


def modality_unsupported(modalities: tuple[str, ...]) -> Violation:
    """The model does not answer in this modality, or not in several at once."""
    names = ", ".join(modalities)
    return Violation(
        "modality_unsupported",
        1007,
        f"The requested combination of response modalities ({names}) is not supported by the model",
    )


def language_unsupported(code: str) -> Violation:
    """The model chooses its language itself."""
    return Violation("language_unsupported", 1007, f"Unsupported language code '{code}'")


def field_unknown(name: str, path: str) -> Violation:
    """A message has a field that the service does not know. `path` is in snake case, empty at the top."""
    place = f" at '{path}'" if path else ""
    return Violation(
        "field_unknown", 1007, f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
    )


def value_invalid(path: str, type_name: str, value: object) -> Violation:
    """A field holds a value of another type than its own."""
    return Violation("value_invalid", 1007, f"Invalid value at '{path}' ({type_name}), {value!s:.60}")


def second_arm(name: str) -> Violation:
    """A client message holds more than one kind of message."""
    return Violation(
        "second_arm", 1007, f"Invalid value (oneof), oneof field 'message_type' is already set. Cannot set '{name}'"
    )
