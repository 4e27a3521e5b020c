"""Admission: what input is refused, with what advice."""

import pytest

from segue.core.admission import (
    MAX_AUDIO_BYTES,
    MAX_IMAGE_BYTES,
    MAX_TEXT_BYTES,
    fault_of_audio,
    fault_of_image,
    fault_of_text,
)
from segue.core.outputs import Rejection
from tests.core.conversation import TELEPHONE


@pytest.mark.parametrize(
    ("audio", "rejection"),
    [
        (b"", Rejection.EMPTY),
        (b"\x01", Rejection.ODD_BYTES),
        (bytes(MAX_AUDIO_BYTES + 2), Rejection.TOO_LARGE),
    ],
)
def test_audio_that_cannot_be_used_is_refused_with_advice(audio: bytes, rejection: Rejection) -> None:
    fault = fault_of_audio(audio, TELEPHONE)
    assert fault is not None
    assert fault[0] is rejection
    assert "send" in fault[1]


@pytest.mark.parametrize("size", [2, MAX_AUDIO_BYTES])
def test_audio_of_whole_samples_is_taken(size: int) -> None:
    assert fault_of_audio(bytes(size), TELEPHONE) is None


def test_audio_without_a_format_is_refused() -> None:
    fault = fault_of_audio(bytes(2), None)
    assert fault is not None
    assert fault[0] is Rejection.NO_INPUT_FORMAT


@pytest.mark.parametrize(
    ("text", "rejection"),
    [("", Rejection.EMPTY), (" \n", Rejection.EMPTY), ("é" * (MAX_TEXT_BYTES // 2 + 1), Rejection.TOO_LARGE)],
)
def test_text_that_cannot_be_used_is_refused(text: str, rejection: Rejection) -> None:
    fault = fault_of_text(text)
    assert fault is not None
    assert fault[0] is rejection


def test_text_with_words_is_taken() -> None:
    assert fault_of_text("é" * (MAX_TEXT_BYTES // 2)) is None


PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"


@pytest.mark.parametrize(
    ("content", "mime_type", "rejection"),
    [
        (b"", "image/png", Rejection.EMPTY),
        (PNG + bytes(MAX_IMAGE_BYTES), "image/png", Rejection.TOO_LARGE),
        (b"GIF89a", "image/gif", Rejection.INVALID_IMAGE),
        (PNG, "", Rejection.INVALID_IMAGE),
        (PNG, "image/jpeg", Rejection.INVALID_IMAGE),
        (JPEG, "image/png", Rejection.INVALID_IMAGE),
    ],
)
def test_an_image_that_cannot_be_shown_is_refused_with_advice(
    content: bytes, mime_type: str, rejection: Rejection
) -> None:
    fault = fault_of_image(content, mime_type)
    assert fault is not None
    assert fault[0] is rejection
    assert any(advice in fault[1] for advice in ("send", "leave it out", "set the"))


@pytest.mark.parametrize(("content", "mime_type"), [(PNG, "image/png"), (JPEG, "image/jpeg")])
def test_an_image_of_its_type_is_taken(content: bytes, mime_type: str) -> None:
    assert fault_of_image(content.ljust(MAX_IMAGE_BYTES, b"x"), mime_type) is None
