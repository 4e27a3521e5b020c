"""What a recording leaves out: no secret survives in any position."""

import io
import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.record.recording import Recorder
from segue.record.redaction import Redaction, levels, synthesize

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
# Nothing that a recording holds of itself.
SECRETS = st.text("ABCxyz0189_-.~/+=%", min_size=4, max_size=60).map(lambda text: f"sEcReT-{text}")


def embedded(secret: str) -> st.SearchStrategy[Any]:
    """JSON values that hold the secret: as keys, as values, within texts, at any depth."""
    holding = st.tuples(st.text(max_size=5), st.text(max_size=5)).map(lambda ends: f"{ends[0]}{secret}{ends[1]}")
    text = st.one_of(holding, st.just(secret), st.text(max_size=10))
    scalars = st.one_of(st.none(), st.booleans(), st.integers(), text)
    names = st.one_of(text, st.sampled_from(["text", "data", "mimeType", "handle", "args", "audio", "setup", "id"]))
    return st.recursive(
        scalars, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4))
    )


def handshakes(secret: str) -> st.SearchStrategy[tuple[str, list[tuple[str, str]]]]:
    """Every way to present a credential, the user agent before it naming it, too."""
    agent = ("user-agent", f"sdk {secret}")
    return st.sampled_from(
        [
            (f"{PATH}?key={quote(secret, safe='')}", [agent]),
            (f"/{secret}{PATH}?alt=x&access_token={secret}", [agent]),
            (f"{PATH}?{quote(secret, safe='')}={quote(secret, safe='')}", [agent]),
            (PATH, [agent, ("x-goog-api-key", secret)]),
            (PATH, [agent, ("X-Goog-Api-Key", secret), ("Authorization", f"Token {secret}")]),
            (PATH, [agent, ("authorization", f"Bearer {secret}")]),
            (f"/{secret}", [("Cookie", secret)]),
        ]
    )


@given(st.data())
def test_no_credential_survives_in_any_position(data: st.DataObject) -> None:
    secret = data.draw(SECRETS)
    output = io.StringIO()
    recorder = Recorder(output, data.draw(redactions()), lambda: 0.0)
    connection = recorder.connection(*data.draw(handshakes(secret)))
    connection.client_frame(json.dumps(data.draw(embedded(secret))))
    connection.server_frame(json.dumps(data.draw(embedded(secret))).encode())
    connection.rejected("server", 403, f"The key {secret} is bad.")
    cut = data.draw(st.integers(8, len(secret)))
    connection.closed("server", 1007, f"Bad key: {secret[:cut]}")
    written = output.getvalue()
    assert secret not in written
    assert quote(secret, safe="") not in written
    assert secret[:cut] not in written


@given(st.data())
def test_no_handle_or_session_id_survives(data: st.DataObject) -> None:
    secret = data.draw(SECRETS)
    told = data.draw(
        st.sampled_from(
            [
                {"sessionResumptionUpdate": {"newHandle": secret, "resumable": True}},
                {"session_resumption_update": {"new_handle": secret}},
                {"setupComplete": {"sessionId": secret}},
                {"setup": {"sessionResumption": {"handle": secret}}},
                {"setup": {"session_resumption": {"handle": secret}}},
                {"setup": {"tools": [{"googleMaps": {"authConfig": {"apiKeyConfig": {"apiKeyString": secret}}}}]}},
                {"setup": {"tools": [{"mcp": {"headers": {"Authorization": secret}}}]}},
            ]
        )
    )
    output = io.StringIO()
    connection = Recorder(output, data.draw(redactions()), lambda: 0.0).connection(PATH, [])
    connection.server_frame(json.dumps(told))
    connection.client_frame(json.dumps(data.draw(embedded(secret))))
    connection.closed("client", 1008, f"{secret} not found")
    assert secret not in output.getvalue()


def redactions() -> st.SearchStrategy[Redaction]:
    return st.builds(Redaction, keep_audio=st.booleans(), keep_text=st.booleans())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Use AIzaSyA0123456789abcdefghijklmnopqrstuv now", "Use key-1 now"),
        ("ya29.a0AfB_by-x and ya29.a0AfB_by-x", "token-1 and token-1"),
        ("auth_tokens/0123abcd is spent", "token-1 is spent"),
        ("Bearer abc.def-ghi=", "Bearer token-1"),
        ("projects/my-own/locations/us/publishers", "projects/project-1/locations/us/publishers"),
        ("nothing secret", "nothing secret"),
    ],
)
def test_what_looks_secret_is_replaced_unasked(text: str, left: str) -> None:
    assert Redaction().text(text) == left


def test_pseudonyms_are_stable_and_tell_secrets_apart() -> None:
    redaction = Redaction()
    path, headers = redaction.handshake(f"{PATH}?key=first-key", [("x-goog-api-key", "second-key"), ("Host", "here")])
    assert (path, headers) == (f"{PATH}?key=key-1", [["x-goog-api-key", "key-2"], ["Host", "here"]])
    assert redaction.handshake(PATH, [("x-goog-api-key", "first-key")])[1] == [["x-goog-api-key", "key-1"]]
    for handle in ("a", "b", "a"):
        redaction.message({"sessionResumptionUpdate": {"newHandle": handle}}, 24000)
    assert redaction.message({"handle": "b"}, 16000) == {"handle": "handle-2"}
    # What is empty says something, and is no secret.
    assert redaction.message({"handle": ""}, 16000) == {"handle": ""}


def tone(seconds: float, peak: int) -> bytes:
    return (peak * np.sin(2 * np.pi * 200 * np.arange(round(seconds * 16000)) / 16000)).astype("<i2").tobytes()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda data: {"realtimeInput": {"audio": {"data": data, "mimeType": "audio/pcm;rate=16000"}}},
        lambda data: {"realtime_input": {"audio": {"data": data, "mime_type": "audio/pcm"}}},
        lambda data: {"realtimeInput": {"mediaChunks": [{"data": data, "mimeType": "audio/pcm;rate=16000"}]}},
        lambda data: {"parts": [{"inlineData": {"data": data, "mimeType": "audio/pcm;rate=16000"}}]},
    ],
)
def test_audio_is_kept_by_length_and_level_or_in_full(wrap: Any) -> None:
    pcm = tone(0.04, 32767) + bytes(640)
    for encode in (b64encode, urlsafe_b64encode):
        message = wrap(encode(pcm).decode())
        assert Redaction().message(message, 16000) == wrap({"bytes": len(pcm), "dbfs": [-3, -3, -100]})
        assert Redaction(keep_audio=True).message(message, 16000) == message


def test_images_are_kept_by_length_only() -> None:
    video = {"video": {"data": b64encode(b"jpeg").decode(), "mimeType": "image/jpeg"}}
    for redaction in (Redaction(), Redaction(keep_audio=True)):
        assert redaction.message(video, 16000) == {"video": {"data": {"bytes": 4}, "mimeType": "image/jpeg"}}


def test_what_is_no_base64_is_kept_by_length_only() -> None:
    assert Redaction().message({"audio": {"data": "?!", "mimeType": "audio/pcm"}}, 16000) == {
        "audio": {"data": {"characters": 2}, "mimeType": "audio/pcm"}
    }


def test_without_text_only_names_and_enums_are_left() -> None:
    message = {
        "setup": {"model": "models/m", "systemInstruction": {"parts": [{"text": "Be kind."}], "role": "user"}},
        "toolCall": {"functionCalls": [{"id": "function-call-1", "name": "look_up", "args": {"name": "Marta"}}]},
        "serverContent": {"turnComplete": True, "outputTranscription": {"text": ""}},
    }
    assert Redaction(keep_text=False).message(message, 16000) == {
        "setup": {
            "model": "models/m",
            "systemInstruction": {"parts": [{"text": {"characters": 8}}], "role": "user"},
        },
        "toolCall": {
            "functionCalls": [{"id": "function-call-1", "name": "look_up", "args": {"name": {"characters": 5}}}]
        },
        "serverContent": {"turnComplete": True, "outputTranscription": {"text": ""}},
    }
    assert Redaction().message(message, 16000) == message


@given(
    st.lists(st.integers(-80, 0), min_size=1, max_size=20),
    st.sampled_from([8000, 16000, 24000, 44100, 48000]),
    st.integers(-19, 0),
)
def test_synthesized_audio_has_the_length_and_levels_that_were_asked_for(
    wanted: list[int], rate: int, missing: int
) -> None:
    size = 2 * round(rate * 0.02) * len(wanted) + missing
    pcm = synthesize(size, wanted, rate)
    assert len(pcm) == size
    assert levels(pcm, rate) == pytest.approx(wanted, abs=1)


def test_silence_stays_silent() -> None:
    assert synthesize(1281, [-100, -100], 16000) == bytes(1281)
    assert synthesize(3, [], 16000) == bytes(3)
    assert levels(b"", 16000) == []
