"""The frames of what a session has its link say, in the real wire format."""

from typing import TypeAlias

from segue.backend import frames
from segue.core import actions as do

Said: TypeAlias = (
    do.SendAudio | do.SendText | do.SendNote | do.SendImage | do.SendUpdate | do.SendActivity | do.SendToolResult
)


def setup_frame(setup: do.Setup, *, vertex: bool) -> bytes:
    """Return the frame that sets a link up."""
    path = "projects/p/locations/us-central1/publishers/google/models/" if vertex else "models/"
    return frames.setup_frame(setup, f"{path}{setup.model}", vertex=vertex)


def frame_of(action: Said) -> bytes | None:
    """Return the frame that says it; None where the wire has no word for it."""
    match action:
        case do.SendAudio():
            return frames.audio_frame(action.audio, action.sample_rate)
        case do.SendText():
            return frames.text_frame(action.text, action.slot)
        case do.SendNote():
            return frames.note_frame(action.text, action.slot)
        case do.SendImage():
            return frames.image_frame(action.content, action.mime_type)
        case do.SendUpdate():
            return frames.update_frame(action.system_instruction, action.functions, action.built_in_tools)
        case do.SendActivity():
            return frames.activity_frame(action.started)
        case do.SendToolResult():
            return frames.tool_result_frame(
                action.call_id, action.name, action.response, action.scheduling, action.will_continue
            )
