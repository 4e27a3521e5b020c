"""What goes wrong at the service's end while a link is up, and by how much that may delay an answer.

A link that closes, cannot be dialled or is not set up is none of it: the time without a link is no time to answer in,
and is judged by itself.
"""

from dataclasses import dataclass
from math import inf

from segue.simulator.history import Record


@dataclass(frozen=True, slots=True)
class Delay:
    """How much longer an answer may take, in seconds.

    Attributes:
        seconds: from when it strikes, or from the end of words that come later.
        lasts: how long after it struck it may still matter to words that only begin then; inf for as long as its link.
        silent: no sign of an answer may come, which takes longer to notice where the model thinks first.
        of_turn: it is in one turn: the next one, whenever that comes, where it strikes between two.
    """

    seconds: float
    lasts: float = 0.0
    silent: bool = False
    of_turn: bool = False


# What a watchdog needs beyond the time that an answer usually has: the end of the words has to be noticed first.
_UNNOTICED = 4.0
_SILENCE = Delay(_UNNOTICED, silent=True)
_SILENT_TURN = Delay(_UNNOTICED, silent=True, of_turn=True)
# One that takes away the end of its turn may reach into the next one.
_SILENCE_OF_TURNS = Delay(_UNNOTICED, 20.0, silent=True, of_turn=True)
_SILENCE_TO_THE_END = Delay(_UNNOTICED, inf, silent=True)
_NONE = Delay(0.0)
# So the fault is called by which the model takes no notice of a text.
IGNORED = "text_ignored"
# And so the one by which what is left of a turn may never come.
CUT_SHORT = "early_turn_complete"

FAULTS = {
    "audio_in_interrupted": _NONE,
    "close": _NONE,
    "duplicate_transcription": _NONE,
    # What is left of the turn may be nothing.
    CUT_SHORT: _SILENT_TURN,
    "empty_message": _NONE,
    "empty_reply_to_tool": _SILENT_TURN,
    "empty_turn": _SILENT_TURN,
    "error_message": _NONE,
    "generation_stops": _SILENCE_OF_TURNS,
    "go_away": _NONE,
    "go_away_then_close": _NONE,
    "go_away_then_silence": _SILENCE_TO_THE_END,
    "late_chunks": _NONE,
    "late_transcription": _NONE,
    # Of a turn that was interrupted: what comes next is taken for its rest.
    "missing_turn_complete": _SILENCE_OF_TURNS,
    "near_silent_audio": _NONE,
    "no_setup": _NONE,
    "not_json": _NONE,
    "null_value": _NONE,
    # It ends what is still to come of a turn that waits for a result.
    "phantom_after_generation": _SILENCE_OF_TURNS,
    "phantom_after_greeting": _SILENCE_TO_THE_END,
    "phantom_after_turn": _NONE,
    "phantom_before_turn": _NONE,
    # Beside other faults it may cut a turn before its first word, and the user has just spoken.
    "phantom_by_echo": _SILENT_TURN,
    "quota": _NONE,
    "repeated_interrupted": _NONE,
    "response_rejected": _NONE,
    "setup_not_first": _NONE,
    "slow_audio": _NONE,
    "slow_pongs": _NONE,
    "slow_setup": _NONE,
    "snake_case": _NONE,
    # For ten seconds.
    "stalled_reads": Delay(10.0, 10.0, silent=True),
    "tcp_reset": _NONE,
    IGNORED: _SILENCE,
    "total_silence": _SILENCE_TO_THE_END,
    "unknown_field": _NONE,
    "unknown_message": _NONE,
    "usage_only": _NONE,
    "wedge": _SILENCE_TO_THE_END,
}
# For no longer than this, in seconds, does a network hold back what it does not lose.
_LONGEST_STALL = 12.0
_STALL = Delay(_LONGEST_STALL, _LONGEST_STALL, silent=True)
_BREAKS = {"RESET": _NONE, "CUT": _SILENCE_TO_THE_END, "STALL_UP": _STALL, "STALL_DOWN": _STALL}
# So the service calls it where it takes no notice of it that the user begins to speak.
DEAF = "activity_start_dropped"
_OTHERS = {"prompt_swallowed": _SILENCE, DEAF: _SILENCE}
# A sound without words may cut an answer before its first word, and nobody goes on by himself.
SOUND = _SILENCE


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong on a link, and when."""

    at: float
    link: int
    what: str
    delay: Delay


def trouble_of(record: Record, link: int) -> Trouble | None:
    """Return what a record of the service's says went wrong, as far as that can delay an answer."""
    match record.kind:
        case "fault_struck":
            what = str(record.fields["fault"])
            delay = FAULTS[what]
        case "connection_broke":
            what = str(record.fields["how"])
            delay = _BREAKS[what]
        case _:
            what = record.kind
            delay = _OTHERS.get(what, _NONE)
    return Trouble(record.at, link, what, delay) if delay.seconds else None
