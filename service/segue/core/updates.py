"""Changes to a running session: some hold at once, and some the model has to be told of.

Where the service takes no word of that, the link gives way to one that begins with them.
"""

from dataclasses import fields, replace
from math import inf
from typing import TypeVar

from segue.core.actions import SendUpdate, Trigger
from segue.core.admission import Fault
from segue.core.events import LossCause
from segue.core.options import Options, Update
from segue.core.outputs import Rejection
from segue.core.parts import Parts
from segue.core.setups import fault_of_functions

_T = TypeVar("_T", Options, Update)
# A service that does not take a message says so when it reads it, maybe after a while in which nothing gets through, in
# seconds.
_REFUSAL_TIMEOUT = 5.0


def fault_of_window(options: Options) -> str | None:
    """Return why a client that acknowledges would never hear anything, and what to do; None where it would."""
    if not 0 < options.max_unacked_bytes < options.frame_bytes:
        return None
    return (
        f"delivery.max_unacked_bytes is {options.max_unacked_bytes}: "
        f"one audio event of this session has {options.frame_bytes}, so allow as many"
    )


class Updates:
    """One session's."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        # What the model has to be told of, taken together, and when a link last was; whether one was lost to that.
        self._told = Update()
        self._told_at = -inf
        self._refused = False

    def make(self, update: Update, now: float) -> Fault | None:
        """Change the session; return why it cannot be, and what to do, where it cannot. Then nothing changes."""
        parts = self._parts
        tells = Update(update.system_instruction, update.functions, update.built_in_tools)
        model = parts.options.model
        if tells != Update() and not parts.profile.takes_updates:
            advice = "open another session with them, or send a note"
            message = f"{model} takes no new system_instruction or tools while a session runs: {advice}"
            return Rejection.UNSUPPORTED_BY_MODEL, message
        options = _merged(parts.instructions.options, update)
        if fault := fault_of_window(options):
            return Rejection.INVALID_FIELD, fault
        if fault := fault_of_functions(options, parts.profile):
            return Rejection.UNSUPPORTED_BY_MODEL, fault
        parts.instructions.options = options
        parts.playback.change(options)
        parts.calls.declare(options)
        parts.uplink.instruction = options.system_instruction
        if tells != Update():
            self._told = _merged(self._told, tells)
            if self._refused:
                # What comes after all of them began with the old ones.
                parts.links.forget_handles()
            if parts.links.up:
                self._tell(tells, now)
        return None

    def tell_again(self, now: float) -> None:
        """Tell a new link of all changes: it may have been set up before, and one that resumes may remember the old.

        What the service may have called invalid is not said again.
        """
        settled = self._parts.instructions.known if self._refused else self._parts.links.refused
        if self._told != Update() and not settled:
            self._tell(self._told, now)

    def lose(self, cause: LossCause, now: float) -> None:
        """Take it that a link is gone. Where that may be for the change that it was told of, no link is told of any."""
        if cause is LossCause.UPDATE or (cause is LossCause.INVALID and now < self._told_at + _REFUSAL_TIMEOUT):
            self._refused = True
            self._parts.notes.refuse_updates()
            # One that resumes may remember the old.
            self._parts.links.forget_handles()

    def _tell(self, update: Update, now: float) -> None:
        parts = self._parts
        if self._refused:
            parts.links.start_afresh(Trigger.UPDATE, now)
            return
        instruction = None if update.system_instruction is None else parts.instructions.present
        self._told_at = now
        parts.links.messages += 1
        parts.actions.append(SendUpdate(parts.links.number, instruction, update.functions, update.built_in_tools))


def _merged(old: _T, update: Update) -> _T:
    """Return what holds once the fields that an update has are changed."""
    changes = {field.name: getattr(update, field.name) for field in fields(update)}
    return replace(old, **{name: value for name, value in changes.items() if value is not None})
