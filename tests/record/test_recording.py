"""The file format: what is written can be read, and what cannot be read is said."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from segue.record.recording import Closed, Frame, Recorder, RecordingError, load_recording
from segue.record.redaction import Redaction

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
HEADER = {"ev": "recording", "version": 1, "flavour": "developer", "model": "models/m", "date": "2026-11-20"}


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def written(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_recording_can_be_read_again(tmp_path: Path) -> None:
    output, clock = io.StringIO(), Clock()
    recorder = Recorder(output, Redaction(), clock)
    first = recorder.connection(f"{PATH}?key=a-secret-key", [("User-Agent", "sdk")])
    clock.now += 0.25
    first.client_frame('{"setup": {"model": "models/m"}}')
    second = recorder.connection(PATH, [])
    first.server_frame(b'{"setupComplete": {}}')
    first.client_frame("no json")
    first.server_frame(b"[" * 100_000)
    second.rejected("server", 404, "no such path")
    clock.now += 1
    first.closed("server", 1011, "Internal error encountered.")
    first.closed("client", 1000, "")
    path = tmp_path / "recording.jsonl"
    path.write_text(output.getvalue())
    recording = load_recording(path)
    assert (recording.flavour, recording.model) == ("developer", "models/m")
    one, two = recording.connections
    assert (one.number, one.at, one.path, one.headers) == (1, 0.0, f"{PATH}?key=key-1", (("User-Agent", "sdk"),))
    assert one.frames == [
        Frame(0.25, "client", "text", {"setup": {"model": "models/m"}}),
        Frame(0.25, "server", "binary", {"setupComplete": {}}),
        Frame(0.25, "client", "text", None, 7),
        Frame(0.25, "server", "binary", None, 100_000),
    ]
    assert one.closed == Closed(1.25, "server", 1011, "Internal error encountered.")
    assert (two.number, two.rejected, two.frames, two.closed) == (2, 404, [], None)


@pytest.mark.parametrize(
    ("path", "flavour"),
    [(PATH, "developer"), ("/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent", "vertex")],
)
def test_header_comes_first_and_names_flavour_and_model(path: str, flavour: str) -> None:
    output = io.StringIO()
    connection = Recorder(output, Redaction(), Clock()).connection(path, [])
    assert not output.getvalue()
    connection.client_frame('{"setup": {"model": "projects/mine/locations/l/publishers/google/models/m"}}')
    header, handshake, setup = written(output)
    assert header["flavour"] == flavour
    assert header["model"] == "projects/project-1/locations/l/publishers/google/models/m"
    assert (handshake["ev"], setup["ev"]) == ("handshake", "client_frame")


@pytest.mark.parametrize("frame", ['{"setup": 1}', "[]", "?", '{"setup": {"model": 3}}'])
def test_header_does_without_a_model(frame: str) -> None:
    output = io.StringIO()
    Recorder(output, Redaction(), Clock()).connection(PATH, []).client_frame(frame)
    assert written(output)[0]["model"] == ""


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ([], "is empty"),
        (["{"], "line 1"),
        (["[]"], "line 1"),
        (['{"ev": "handshake"}'], "no recording"),
        ([json.dumps(HEADER | {"version": 2})], "only version 1"),
        ([json.dumps(HEADER), '{"ev": "client_frame", "connection": 1, "at": 0}'], "line 2"),
        ([json.dumps(HEADER), '{"ev": "handshake", "connection": 1, "at": "soon"}'], "line 2"),
        (
            [
                json.dumps(HEADER),
                '{"ev": "handshake", "connection": 1, "at": 0, "path": "/", "headers": []}',
                '{"ev": "what", "connection": 1, "at": 0}',
            ],
            "line 3: no event is called 'what'",
        ),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(tmp_path: Path, lines: list[str], what: str) -> None:
    path = tmp_path / "recording.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(RecordingError, match=what):
        load_recording(path)


def test_missing_recording_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be read"):
        load_recording(tmp_path / "none.jsonl")
