"""Every rule of the Live API that a client can break: what documents, tests and strict mode have in common."""

from collections.abc import Mapping

from segue.simulator.rules import endings
from segue.simulator.rules.rulebook import Rule, Severity, Violation
from segue.simulator.rules.rules import CLOSING
from segue.simulator.rules.strict_rules import SILENT


def _ending(ending: Violation, catches: str, source: str) -> Rule:
    return Rule(ending.rule, ending.code, ending.reason, Severity.CLOSES, catches, f"Live API notes {source}")


# Connections end like this for other reasons, too.
_ENDINGS = (
    _ending(
        endings.DEADLINE_EXPIRED,
        "a connection kept open to its cap, where a switch says that it ends so",
        "§5.1: sokuji#179, adk-python#4140",
    ),
    _ending(endings.IDLE, "a connection without audio for longer than the switch idle_timeout", "§5.1: one report"),
    _ending(
        endings.HANDLE_INVALID,
        "a handle for the second time, where the switch handle_works_twice is off",
        "§5.3, §8.1: public issue reports",
    ),
    _ending(
        endings.SESSION_STILL_OPEN,
        "a handle while its session is open elsewhere, unless the switch resume_while_open is set",
        "§5.2: sip-to-ai#14, which quotes no text",
    ),
    _ending(
        endings.MODEL_CHANGED,
        "a handle of another model's session; the close comes after setupComplete",
        "§5.2: one project's measurement",
    ),
    _ending(
        endings.CONTEXT_EXHAUSTED,
        "a context window filled without compression",
        "§5.1, §8.1: public issue reports",
    ),
    _ending(
        endings.AUDIO_DURING_CALL,
        "audio while the model waits for a function's response, where the service minds",
        "§8.1: js-genai#1236, livekit/agents#4545",
    ),
)

# Every rule, by its name.
TABLE: Mapping[str, Rule] = {**CLOSING, **{rule.name: rule for rule in _ENDINGS}, **SILENT}
