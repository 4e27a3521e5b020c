"""What a link is set up with."""

from segue.core.actions import Setup
from segue.core.handles import Handle
from segue.core.notes import Notes
from segue.core.options import Options
from segue.core.profiles import NoteSlot, Profile
from segue.core.recall import FROM_THE_START, Exchange, Recall
from segue.core.wording import with_history


def fault_of(options: Options, profile: Profile) -> str | None:
    """Return why no link can be had for these options, and what to do; None when one can."""
    if options.modality in profile.modalities:
        return fault_of_functions(options, profile)
    return (
        f"{options.model} does not answer in {options.modality.name}: "
        "leave response_modality out, or choose another model"
    )


def fault_of_functions(options: Options, profile: Profile) -> str | None:
    """Return which functions the model cannot call as they are declared, and what to do; None where it can."""
    if profile.calls_choose:
        return None
    others = [repr(function.name) for function in options.functions if function.blocking is (not profile.calls_wait)]
    if not others:
        return None
    declared = f"blocking is {str(not profile.calls_wait).lower()} in the declaration of {', '.join(others)}"
    waits = "always" if profile.calls_wait else "never"
    return f"{declared}, and {options.model} {waits} waits for results: leave blocking out, or choose another model"


def setup_of(options: Options, profile: Profile, instruction: str, handle: str, *, transparent: bool) -> Setup:
    """Return what a link for these options is set up with, less what the model would close it for."""
    return Setup(
        model=options.model,
        voice=options.voice,
        language=options.language if profile.takes_language else "",
        system_instruction=instruction,
        modality=options.modality,
        detection=options.detection,
        compression=options.compression,
        mode=options.mode,
        functions=options.functions,
        built_in_tools=options.built_in_tools,
        thinking_level=profile.thinking_level,
        handle=handle,
        transparent=transparent,
        extra=options.backend_options,
    )


class Instructions:
    """What links are set up with."""

    def __init__(self, options: Options, profile: Profile, recall: Recall, notes: Notes, *, transparent: bool) -> None:
        self.options = options
        self._profile = profile
        self._recall = recall
        self._notes = notes
        # What the newest link was set up with; None where it resumes, and may remember others.
        self._begun_with: Options | None = None
        self._transparent = transparent
        # What the model was told of the conversation when it last began afresh.
        self._history: list[Exchange] = []
        # The turn that broke off, of which the request to go on with it tells; 0 for none.
        self.broken = 0

    def suffices(self, handle: Handle) -> bool:
        """Return whether a link that resumes by this handle can learn the rest; else it begins afresh, with all."""
        return self._notes.slot is not NoteSlot.NONE or not self._recall.since(handle.turn, self.broken)

    @property
    def known(self) -> bool:
        """Return whether the newest link began with the instruction and the tools that hold now."""
        return self._begun_with is not None and _told(self._begun_with) == _told(self.options)

    @property
    def present(self) -> str:
        """The system instruction with what the model was told of the conversation in it."""
        return with_history(self.options.system_instruction, self._history)

    def setup(self, handle: Handle | None) -> Setup:
        """Return what a link is set up with that resumes by a handle, or begins afresh."""
        instruction = self.options.system_instruction
        self._begun_with = None if handle else self.options
        if handle is None:
            self._history = self._recall.since(FROM_THE_START, self.broken)
            instruction = self.present
        token = handle.token if handle else ""
        return setup_of(self.options, self._profile, instruction, token, transparent=self._transparent)


def _told(options: Options) -> tuple[object, ...]:
    """Return what of a session's options the model is told and that may change while the session runs."""
    return options.system_instruction, options.functions, options.built_in_tools
