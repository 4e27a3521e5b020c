"""What becomes of a client's input: each kind goes to where it belongs, or is rejected with what to do."""

from collections.abc import Callable
from typing import Any, TypeAlias, get_args

from segue.core import events as ev
from segue.core.actions import Action, Drop
from segue.core.admission import Fault, fault_of_text
from segue.core.journal import Edge
from segue.core.line import Line
from segue.core.options import MODEL_TAKES, Mode, Options
from segue.core.outputs import CutCause, Interrupted, Rejection

LateInput: TypeAlias = ev.AudioReceived | ev.TextReceived | ev.NoteReceived | ev.ImageReceived | ev.ActivityReceived
Input: TypeAlias = (
    LateInput
    | ev.UpdateReceived
    | ev.ToolResultReceived
    | ev.InterruptReceived
    | ev.InputRefused
    | ev.OpenReceived
    | ev.OpenRefused
)


class Intake:
    """One session's. An input that is taken has come in sequence."""

    def __init__(self, options: Options, line: Line, actions: list[Action]) -> None:
        self._mode = options.mode
        self._line = line
        self._actions = actions
        # Audio was rejected because the session is ending.
        self._late_audio = False

    def take(self, event: Input, now: float) -> Fault | None:
        """Take an input; return why it cannot be used, and what to do, where it cannot."""
        return _REACTIONS[type(event)](self, event, now)

    def take_late(self, event: LateInput) -> Fault | None:
        """Take what a session that is ending takes no more of; return the fault that the client is told, if it is."""
        if isinstance(event, ev.AudioReceived):
            self._actions.append(Drop("ending", len(event.audio) / MODEL_TAKES.bytes_per_second))
            # A microphone does not stop at once: its first frame is told, the others are counted.
            if self._late_audio:
                return None
            self._late_audio = True
        return Rejection.ENDING, "the session is ending and takes no more input: open another one"

    def _take_audio(self, event: ev.AudioReceived, now: float) -> Fault | None:
        if event.noise:
            self._line.uplink.pass_over(event.noise)
        # A converter may keep the first samples back.
        return self._line.hear(event.audio, event.voiced, now) if event.audio else None

    def _take_text(self, event: ev.TextReceived, now: float) -> Fault | None:
        return fault_of_text(event.text) or self._line.user.write(event.text, now)

    def _take_note(self, event: ev.NoteReceived, now: float) -> Fault | None:
        return fault_of_text(event.text) or self._line.user.note(event.text, now, answer=event.answer)

    def _take_image(self, event: ev.ImageReceived, now: float) -> None:
        self._line.uplink.show(event.content, event.mime_type, now)

    def _take_update(self, event: ev.UpdateReceived, now: float) -> Fault | None:
        return self._line.updates.make(event.update, now)

    def _take_activity(self, event: ev.ActivityReceived, now: float) -> Fault | None:
        if self._mode is not Mode.MANUAL:
            advice = f"an activity in {self._mode.name} turn detection, where a detector hears who speaks"
            return Rejection.WRONG_MODE, f"{advice}: leave it out"
        self._line.user.signal(Edge.START if event.started else Edge.END, now)
        return None

    def _take_result(self, event: ev.ToolResultReceived, now: float) -> Fault | None:
        return self._line.tools.respond(event, now)

    def _take_interrupt(self, event: ev.InterruptReceived, now: float) -> None:
        if not self._line.user.stop(event.turn, event.heard, now):
            self._line.playback.outbox.put_urgent(Interrupted(event.turn, CutCause.NONE))

    def _reject_refused(self, event: ev.InputRefused, _now: float) -> Fault:
        return event.reason, event.message

    def _reject_open(self, _event: ev.OpenReceived | ev.OpenRefused, _now: float) -> Fault:
        return Rejection.ALREADY_OPEN, "this channel carries a session: open the next one on a new channel"


_REACTIONS: dict[type, Callable[[Intake, Any, float], Fault | None]] = {
    ev.AudioReceived: Intake._take_audio,
    ev.TextReceived: Intake._take_text,
    ev.NoteReceived: Intake._take_note,
    ev.ImageReceived: Intake._take_image,
    ev.UpdateReceived: Intake._take_update,
    ev.ActivityReceived: Intake._take_activity,
    ev.ToolResultReceived: Intake._take_result,
    ev.InterruptReceived: Intake._take_interrupt,
    ev.InputRefused: Intake._reject_refused,
    ev.OpenReceived: Intake._reject_open,
    ev.OpenRefused: Intake._reject_open,
}

INPUTS = frozenset(_REACTIONS)
LATE_INPUTS = frozenset(get_args(LateInput))
