"""Changes to a running session: some hold at once, and some the model has to be told of."""

from dataclasses import fields, replace
from typing import TypeVar

from segue.core.actions import SendUpdate
from segue.core.admission import Fault
from segue.core.options import Options, Update
from segue.core.outputs import Rejection
from segue.core.parts import Parts
from segue.core.setups import fault_of_functions

_T = TypeVar("_T", Options, Update)


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
        # What the model has to be told of, taken together.
        self._told = Update()

    def make(self, update: Update) -> Fault | None:
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
            if parts.links.up:
                self._tell(tells)
        return None

    def tell_again(self) -> None:
        """Tell a new link of all changes: it may have been set up before, and one that resumes may remember the old.

        What the service may have called invalid is not said again.
        """
        if self._told != Update() and not self._parts.links.refused:
            self._tell(self._told)

    def _tell(self, update: Update) -> None:
        parts = self._parts
        instruction = None if update.system_instruction is None else parts.instructions.present
        parts.links.messages += 1
        parts.actions.append(SendUpdate(parts.links.number, instruction, update.functions, update.built_in_tools))


def _merged(old: _T, update: Update) -> _T:
    """Return what holds once the fields that an update has are changed."""
    changes = {field.name: getattr(update, field.name) for field in fields(update)}
    return replace(old, **{name: value for name, value in changes.items() if value is not None})
