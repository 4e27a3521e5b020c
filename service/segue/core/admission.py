"""What input can be used: the rest is rejected, with what to do."""

from typing import TypeAlias

from segue.core.options import AudioFormat
from segue.core.outputs import Rejection

MAX_AUDIO_BYTES = 64 * 1024
MAX_TEXT_BYTES = 64 * 1024
MAX_IMAGE_BYTES = 2**20
# What files of these types begin with.
_MAGIC = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}

# Why an input is not used, and what to do.
Fault: TypeAlias = tuple[Rejection, str]


def fault_of_audio(audio: bytes, audio_format: AudioFormat | None) -> Fault | None:
    """Return why this audio cannot be used, and what to do; None when it can."""
    size = len(audio)
    if audio_format is None:
        return (
            Rejection.NO_INPUT_FORMAT,
            "audio without a format: set OpenSession.input_format, e.g. ENCODING_LINEAR16 at 16000 Hz",
        )
    if not size:
        return Rejection.EMPTY, "an audio event without bytes: send at least one sample"
    if size > MAX_AUDIO_BYTES:
        return (
            Rejection.TOO_LARGE,
            f"an audio event of {size} bytes: send at most {MAX_AUDIO_BYTES}, better 20 to 100 ms of audio",
        )
    if size % audio_format.sample_bytes:
        return (
            Rejection.ODD_BYTES,
            f"an audio event of {size} bytes: LINEAR16 has {audio_format.sample_bytes} bytes a sample, "
            "so send an even number",
        )
    return None


def fault_of_image(content: bytes, mime_type: str) -> Fault | None:
    """Return why this image cannot be shown to a model, and what to do; None when it can."""
    size = len(content)
    if not size:
        return Rejection.EMPTY, "an image without bytes: leave it out"
    if size > MAX_IMAGE_BYTES:
        return Rejection.TOO_LARGE, f"an image of {size} bytes: send at most {MAX_IMAGE_BYTES}, smaller or as JPEG"
    if mime_type not in _MAGIC:
        return Rejection.INVALID_IMAGE, f"an image of type {mime_type!r}: send {' or '.join(_MAGIC)}"
    if not content.startswith(_MAGIC[mime_type]):
        return Rejection.INVALID_IMAGE, f"content that is no {mime_type}: set the mime_type that it is of"
    return None


def fault_of_text(text: str) -> Fault | None:
    """Return why this text cannot be used, and what to do; None when it can."""
    size = len(text.encode())
    if not text.strip():
        return Rejection.EMPTY, "a text event without words: leave it out"
    if size > MAX_TEXT_BYTES:
        return Rejection.TOO_LARGE, f"a text of {size} bytes: send at most {MAX_TEXT_BYTES}"
    return None
