"""How long a soak lasts, and what the gateway and the simulator are told for it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

FAMILIES = {
    "3.8-live": "gemini-3.8-live",
    "3.1-flash-live": "gemini-3.1-flash-live-preview",
    "2.5-native-audio": "gemini-2.5-flash-native-audio-preview-12-2025",
}

# Answers of three to eight seconds, so that there is something to barge into.
_DIALOGUE = """
[[utterances]]
user = "And what happened to the boat?"
model = "The boat came safely ashore at dawn. Its crew was cold and tired. Nobody was lost."

[[utterances]]
user = "Please go on."
model = "The fishermen stayed for breakfast. Marta baked bread, and they mended her shutters before they left."

[[utterances]]
user = "What is the weather there?"
call = { name = "get_weather", args = { city = "Lighthouse Island" } }
before = "Let me see."
after = "On the island it is windy, as ever, but the sky is clear."
model = "I cannot look outside from here, but on the island it is windy as a rule."

[[utterances]]
user = "What was the name of the keeper?"
model = "Her name was Marta. She kept the lighthouse for forty years, and climbed its steps every evening."

[[texts]]
words = ["weather"]
call = { name = "get_weather", args = { city = "Lighthouse Island" } }
before = "Let me see."
after = "On the island it is windy, as ever, but the sky is clear."
model = "I cannot look outside from here, but on the island it is windy as a rule."

[[fallback]]
model = "That is a good question. Let me think about it for a moment."

[[fallback]]
model = "I see. Tell me more of it, from the beginning."
"""

# So many turns come in two pieces.
SPLIT_SHARE = 0.01
# Every close that was reported and that another link can help against.
_CLOSES = (
    "unavailable",
    "internal_encountered",
    "internal_occurred",
    "deadline",
    "aborted",
    "normal",
    "going_away",
    "service_restart",
    "try_again_later",
    "go_away_ignored",
    "handle_invalid",
    "session_not_found",
    "invalid_argument",
)


@dataclass(frozen=True)
class Plan:
    """A soak. Times are in seconds.

    Attributes:
        sessions: how many talk at once.
        seconds: how long, from when all are open.
        age_limit: the age at which a link is renewed, up to a quarter earlier.
        calamity: how much more often faults strike than in a long run.
        seed: where what the users do and what goes wrong comes from.
    """

    sessions: int = 100
    seconds: float = 1800.0
    age_limit: float = 60.0
    calamity: float = 1.0
    seed: int = 0

    def write(self, folder: Path) -> tuple[Path, Path, Path]:
        """Write the gateway's settings, the simulator's faults and its dialogue; return where."""
        written = (folder / "gateway.toml", folder / "faults.toml", folder / "dialogue.toml")
        for path, text in zip(written, (self._settings(), self._faults(), _DIALOGUE), strict=True):
            path.write_text(text)
        return written

    def _settings(self) -> str:
        lines = ['log_format = "json"', f"renewal_jitter = {self.age_limit / 4}"]
        for family in FAMILIES:
            lines += [f'[profiles."{family}"]', f"age_limit = {self.age_limit}", f"age_deadline = {self.age_limit * 2}"]
        return "\n".join(lines) + "\n"

    def _faults(self) -> str:
        """Return the simulator's file.

        Left out is what the gateway is not to mend: a service that is out of quota, and single turns that end without a
        word, after which the user is to ask again (`empty_turn`, `phantom_after_greeting` and their like).
        """
        life = self.age_limit
        at = {"second": round(0.5 * life, 1)}
        # A link that fails in its second turn or later followed one that worked: a service that gives several dead
        # links in a row is down, and sessions may end.
        later = {"turn": 2}
        faults: list[dict[str, Any]] = [
            *(
                {"fault": "close", "cause": cause, "probability": 0.01, "second": round(life * number / 16, 1)}
                for number, cause in enumerate(_CLOSES, 1)
            ),
            {"fault": "close", "cause": "internal_encountered", "probability": 0.02, "chunk": 3},
            {"fault": "tcp_reset", "probability": 0.03, **at},
            {"fault": "tcp_reset", "probability": 0.02, "chunk": 5},
            {"fault": "go_away_then_close", "probability": 0.2, "time_left": round(0.3 * life, 1), **at},
            {"fault": "go_away_then_silence", "probability": 0.02, "time_left": round(0.3 * life, 1), **at},
            {"fault": "go_away", "probability": 0.02, "time_left": round(0.3 * life, 1), **at},
            {"fault": "wedge", "probability": 0.03, **later},
            {"fault": "total_silence", "probability": 0.03, **later},
            {"fault": "generation_stops", "probability": 0.03, **later},
            {"fault": "missing_turn_complete", "probability": 0.01},
            {"fault": "text_ignored", "probability": 0.1, **later},
            {"fault": "stalled_reads", "probability": 0.01, **at},
            {"fault": "slow_pongs", "probability": 0.02, "seconds": 8.0},
            {"fault": "slow_setup", "probability": 0.02, "seconds": 1.5},
            {"fault": "no_setup", "probability": 0.003},
            {"fault": "setup_not_first", "probability": 0.02},
            {"fault": "phantom_after_generation", "probability": 0.01},
            {"fault": "phantom_after_turn", "probability": 0.01},
            {"fault": "phantom_before_turn", "probability": 0.01},
            {"fault": "phantom_by_echo", "probability": 0.005},
            {"fault": "repeated_interrupted", "probability": 0.05},
            {"fault": "late_chunks", "probability": 0.1},
            {"fault": "audio_in_interrupted", "probability": 0.1},
            {"fault": "early_turn_complete", "probability": SPLIT_SHARE},
            {"fault": "slow_audio", "probability": 0.005},
            {"fault": "late_transcription", "probability": 0.01},
            {"fault": "duplicate_transcription", "probability": 0.02},
            *(
                {"fault": fault, "probability": 0.01}
                for fault in ("unknown_field", "unknown_message", "error_message", "empty_message", "null_value")
            ),
            *({"fault": fault, "probability": 0.01} for fault in ("not_json", "snake_case", "usage_only")),
        ]
        # Coughs are shorter than any utterance.
        lines = ["[switches]", "wordless_speech = 0.5", "poisoned_handles = 0.005"]
        for fault in faults:
            fault["probability"] = min(fault["probability"] * self.calamity, 0.5)
            lines.append("[[faults]]")
            lines += [f"{key} = {_toml(value)}" for key, value in fault.items()]
        return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value}"
