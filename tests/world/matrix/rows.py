"""The faults as rows of the matrix: how each strikes, how the user must behave to meet it, and what it may cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from segue.core.outputs import CloseReason
from segue.simulator.faults import (
    closing,
    connection,
    interruptions,
    odd_messages,
    silence,
    turns,
)
from segue.simulator.faults.closing import CLOSES, CloseConnection
from segue.simulator.faults.fault import Fault
from tests.world.matrix.moments import Moment

# How soon words are answered, in seconds after their end: as usual, or after a second link in a row.
_AT_ONCE = 3.0
# Where the service sends empty turns, and where it sends nothing (issue 4).
_EMPTY_TURNS = 8.0
_NOTHING = 11.0
# A setup is waited for for 5 s.
_NO_SETUP = 8.0
# Who has run out of quota waits: 5 s, then 10 s, before the link that answers (core.recovery).
_QUOTA = 13.0


class Reach(Enum):
    """What a fault can act on."""

    # Whatever is sent from now on.
    REST = auto()
    # What a turn says: one that is generated is beyond it, and the next one is struck.
    SPEECH = auto()
    # A turn from its beginning: the one under way is beyond it.
    TURN = auto()
    # The setup: a link that is up is broken off, and the next one is struck.
    SETUP = auto()


class Manner(Enum):
    """What the user does next, so that the fault shows."""

    TALKS = auto()
    BARGES_IN = auto()
    WRITES = auto()
    HAS_A_FUNCTION_CALLED = auto()


@dataclass(frozen=True, eq=False)
class Row:
    """One fault.

    Attributes:
        settings: the fault's own.
        ahead: the moments in which it shows only if it was there since the turn began.
        lasts: for how many seconds it may still do something after it struck.
        closes: how the session must end where it cannot go on.
        within: how soon all words must be answered, in seconds after their end.
        costs_answer: the service has the words, and says nothing to them without being wedged yet: one answer may be
            missing.
        spoils_handle: it may be due to the handle that the link was set up with, and the next one begins without.
        impossible: why it cannot strike in a moment at all.
    """

    kind: type[Fault]
    settings: Mapping[str, object] = field(default_factory=dict)
    reach: Reach = Reach.REST
    manner: Manner = Manner.TALKS
    ahead: frozenset[Moment] = frozenset()
    lasts: float = 0.0
    closes: Mapping[Moment, CloseReason] = field(default_factory=dict)
    within: float = _AT_ONCE
    costs_answer: bool = False
    spoils_handle: bool = False
    impossible: Mapping[Moment, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the fault, and which close it is."""
        cause = self.settings.get("cause", "") if self.kind is CloseConnection else ""
        return f"{self.kind.name}: {cause}" if cause else self.kind.name


_NO_PINGS = "the links of the world ping nobody, and those of the gateway wait for 60 s (backend.gemini)"
_GENERATED = frozenset({Moment.PLAYING_OUT})


def _always(reason: CloseReason) -> dict[Moment, CloseReason]:
    return dict.fromkeys(Moment, reason)


_CLOSED: dict[str, Mapping[Moment, CloseReason]] = {
    "api_key_invalid": _always(CloseReason.BACKEND_CREDENTIALS),
    "api_key_missing": _always(CloseReason.BACKEND_CREDENTIALS),
    "model_unknown": _always(CloseReason.BACKEND_MODEL),
    "field_unknown": _always(CloseReason.BACKEND_REJECTED),
    "modality": _always(CloseReason.BACKEND_REJECTED),
    "language": _always(CloseReason.BACKEND_REJECTED),
    # Of a first setup these are final; later another link may do.
    "invalid_argument": {Moment.OPENING: CloseReason.BACKEND_REJECTED},
    "explicit_activity": {Moment.OPENING: CloseReason.INTERNAL},
    "quota": {Moment.OPENING: CloseReason.BACKEND_QUOTA},
    "exhausted": {Moment.OPENING: CloseReason.BACKEND_QUOTA},
    # Where the link began with a handle, it means the handle, else the model.
    "entity_not_found": {
        moment: CloseReason.BACKEND_MODEL for moment in Moment if moment not in (Moment.RENEWING, Moment.RECOVERING)
    },
}

_OTHERS = (
    Row(interruptions.PhantomAfterGeneration, {"seconds": 0.5}, reach=Reach.SPEECH, ahead=_GENERATED),
    Row(interruptions.PhantomAfterTurn),
    Row(interruptions.PhantomBeforeTurn, reach=Reach.TURN),
    Row(interruptions.PhantomByEcho, reach=Reach.SPEECH),
    Row(interruptions.PhantomAfterGreeting, within=_EMPTY_TURNS),
    Row(interruptions.RepeatedInterrupted, manner=Manner.BARGES_IN),
    Row(interruptions.LateChunks, manner=Manner.BARGES_IN, ahead=_GENERATED),
    Row(interruptions.AudioInInterrupted, manner=Manner.BARGES_IN, ahead=_GENERATED),
    Row(silence.Wedge, within=_NOTHING),
    Row(silence.EmptyTurn, reach=Reach.SPEECH, costs_answer=True, within=_EMPTY_TURNS),
    Row(silence.TotalSilence, within=_NOTHING),
    Row(silence.ResponseRejected, reach=Reach.SPEECH, costs_answer=True),
    Row(silence.EmptyReplyToTool, manner=Manner.HAS_A_FUNCTION_CALLED, costs_answer=True),
    Row(silence.TextIgnored, manner=Manner.WRITES, within=_NOTHING),
    Row(turns.GenerationStops, reach=Reach.SPEECH, within=_NOTHING),
    Row(turns.MissingTurnComplete),
    Row(turns.EarlyTurnComplete, reach=Reach.SPEECH),
    Row(turns.NearSilentAudio, reach=Reach.SPEECH, costs_answer=True),
    Row(turns.SlowAudio),
    Row(odd_messages.LateTranscription),
    Row(odd_messages.DuplicateTranscription),
    Row(odd_messages.UnknownField),
    Row(odd_messages.UnknownMessage),
    Row(odd_messages.ErrorMessage),
    Row(odd_messages.EmptyMessage),
    Row(odd_messages.NullValue),
    Row(odd_messages.NotJson),
    Row(odd_messages.SnakeCase, within=_NOTHING),
    Row(odd_messages.UsageOnly),
    Row(connection.SlowSetup, reach=Reach.SETUP, within=_NO_SETUP),
    Row(connection.NoSetup, reach=Reach.SETUP, within=_NO_SETUP),
    Row(connection.SetupNotFirst, reach=Reach.SETUP),
    Row(connection.GoAway, lasts=60.0),
    Row(connection.GoAwayThenClose, lasts=60.0),
    Row(connection.GoAwayThenSilence, lasts=60.0, within=_NOTHING),
    Row(connection.LatePongs, impossible=dict.fromkeys(Moment, _NO_PINGS)),
    Row(connection.StalledReads, within=_NOTHING),
    Row(closing.TcpReset),
    Row(closing.Quota, reach=Reach.SETUP, closes=_CLOSED["quota"], within=_QUOTA),
)

_CLOSES = tuple(
    Row(
        CloseConnection,
        {"cause": cause},
        closes=_CLOSED.get(cause, {}),
        within=_QUOTA if cause in ("quota", "exhausted") else _AT_ONCE,
        spoils_handle=cause in ("invalid_argument", "handle_invalid", "session_not_found", "entity_not_found"),
    )
    for cause in CLOSES
)

ROWS = (*_OTHERS, *_CLOSES)
