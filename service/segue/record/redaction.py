"""Takes out of what is recorded whatever is secret, or private and not needed.

Keys, tokens, resumption handles, session ids and project ids become pseudonyms ("key-1", "handle-2"): the same secret
has the same pseudonym throughout a recording. They are looked for where they belong, and what was found once, or looks
like a key of Google's, is replaced wherever it occurs. Secrets shorter than eight characters are only replaced where
they stand alone, since in a text they might be a word.
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote_plus

import numpy as np

from segue.simulator.speech import SAMPLE_BYTES

LEVEL_SECONDS = 0.02
SILENCE_DBFS = -100
_SHORTEST_IN_TEXT = 8

_SAFE_HEADERS = frozenset(
    {
        *("host", "connection", "upgrade", "content-type", "user-agent", "x-goog-api-client", "origin"),
        *("sec-websocket-version", "sec-websocket-extensions"),
    }
)
_KINDS_OF_QUERY = {"key": "key", "access_token": "token"}
_KINDS_OF_HEADER = {"x-goog-api-key": "key", "authorization": "token", "x-goog-user-project": "project"}
# By their names in small letters without underscores, which snake and camel case have in common.
_KINDS_OF_FIELD = {
    "handle": "handle",
    "newhandle": "handle",
    "sessionid": "session",
    "apikey": "key",
    "apikeystring": "key",
    "xgoogapikey": "key",
    "accesstoken": "token",
    "authorization": "token",
    "idtoken": "token",
    "password": "password",
}
_LOOKS_SECRET = {
    "key": r"AIza[\w-]{20,}|\bAQ\.[\w-]{20,}",
    "token": r"\bya29\.[\w.-]+|\bauth_tokens/[\w.-]+|(?<=Bearer )[\w.~+/-]{8,}=*",
    "project": r"(?<=\bprojects/)[^/\s\"]+(?=/)",
}
# Where a field holds a blob: by the name of the field, or since the blob has a MIME type.
_BLOBS = frozenset({"audio", "video", "inlinedata", "mediachunks"})
# What is kept of a message without its texts. In the arguments and results of tools nothing is.
_NO_TEXT = frozenset(
    {
        *("model", "mimetype", "role", "id", "ids", "name", "type", "languagecode", "languagecodes", "voicename"),
        *("modality", "responsemodalities", "timeleft", "audiooffset", "startofspeechsensitivity", "behavior"),
        *("endofspeechsensitivity", "activityhandling", "turncoverage", "mediaresolution", "scheduling"),
        *("turncompletereason", "interactionstatus", "vadsignaltype", "traffictype", "thinkinglevel"),
        *("triggertokens", "targettokens", "lastconsumedclientmessageindex", "targetlanguagecode"),
        *_KINDS_OF_FIELD,
    }
)
_OF_TOOLS = frozenset({"args", "response"})


class Redaction:
    """What one recording leaves out.

    Args:
        keep_audio: keep audio in full, instead of its length and level. Images are always kept by length only.
        keep_text: keep texts, instead of their lengths.
    """

    def __init__(self, *, keep_audio: bool = False, keep_text: bool = True) -> None:
        self._keep_audio = keep_audio
        self._keep_text = keep_text
        self._pseudonyms: dict[str, str] = {}
        self._numbers: Counter[str] = Counter()
        self._secrets = self._compile()

    def handshake(self, target: str, headers: Iterable[tuple[str, str]]) -> tuple[str, list[list[str]]]:
        """Return the request target and the headers with every value replaced that might be secret."""
        path, mark, query = target.partition("?")
        parameters = [parameter.partition("=") for parameter in query.split("&")] if query else []
        # All secrets first: one may stand in what comes before the place where it belongs.
        values = [
            self._name(_KINDS_OF_QUERY.get(name, "value"), unquote_plus(value), value) for name, _, value in parameters
        ]
        hidden = [(name, self._hidden(name.lower(), value)) for name, value in headers]
        query = "&".join(
            f"{self.text(name)}{equals}{value}" for (name, equals, _), value in zip(parameters, values, strict=True)
        )
        return f"{self.text(path)}{mark}{query}", [[self.text(name), self.text(value)] for name, value in hidden]

    def message(self, message: Any, default_rate: int) -> Any:
        """Return a JSON value without secrets, and without the media and texts that are not to be kept.

        Args:
            default_rate: samples a second of audio whose MIME type names no rate.
        """
        self._learn(message)
        return self._rewrite(message, "", default_rate, of_tool=False)

    def text(self, text: str) -> str:
        """Return a text with all known secrets, and all that looks like one, replaced."""
        return self._secrets.sub(self._pseudonym_of, text)

    def reason(self, reason: str) -> str:
        """Return the reason of a close without secrets, also without one that its limit of 123 bytes cut."""
        for secret in sorted(self._pseudonyms, key=len, reverse=True):
            for length in range(len(secret) - 1, _SHORTEST_IN_TEXT - 1, -1):
                if reason.endswith(secret[:length]):
                    return self.text(reason[:-length]) + self._pseudonyms[secret]
        return self.text(reason)

    def _hidden(self, name: str, value: str) -> str:
        """Return a header's value, or a pseudonym if it might be secret."""
        if name in _SAFE_HEADERS:
            return value
        scheme, space, token = value.rpartition(" ") if name == "authorization" else ("", "", value)
        return f"{scheme}{space}{self._name(_KINDS_OF_HEADER.get(name, 'value'), token)}"

    def _learn(self, value: Any, kind: str = "") -> None:
        """Give a pseudonym to every string below a field that holds a secret."""
        match value:
            case dict():
                for key, item in value.items():
                    self._learn(item, kind or _KINDS_OF_FIELD.get(plain_name(key), ""))
            case list():
                for item in value:
                    self._learn(item, kind)
            case str() if kind:
                self._name(kind, value)

    def _rewrite(self, value: Any, field: str, default_rate: int, *, of_tool: bool) -> Any:
        match value:
            case dict() if is_blob(value, field):
                return {
                    self.text(key): self._media(value, default_rate)
                    if key == "data"
                    else self._rewrite(item, plain_name(key), default_rate, of_tool=of_tool)
                    for key, item in value.items()
                }
            case dict():
                return {
                    self.text(key): self._rewrite(
                        item, plain_name(key), default_rate, of_tool=of_tool or plain_name(key) in _OF_TOOLS
                    )
                    for key, item in value.items()
                }
            case list():
                return [self._rewrite(item, field, default_rate, of_tool=of_tool) for item in value]
            case str() if value in self._pseudonyms:
                return self._pseudonyms[value]
            case str() if value and not self._keep_text and (of_tool or field not in _NO_TEXT):
                return {"characters": len(value)}
            case str():
                return self.text(value)
            case _:
                return value

    def _media(self, blob: dict[str, Any], default_rate: int) -> Any:
        mime_type = mime_type_of(blob)
        content = decode(blob["data"])
        if content is None:
            return {"characters": len(blob["data"])}
        if mime_type.startswith("audio/") and self._keep_audio:
            return self.text(blob["data"])
        if mime_type.startswith("audio/pcm"):
            return {"bytes": len(content), "dbfs": levels(content, rate_of(mime_type, default_rate))}
        return {"bytes": len(content)}

    def _name(self, kind: str, secret: str, *other_forms: str) -> str:
        """Return the pseudonym of a secret, which is new or known."""
        if not secret or secret in self._pseudonyms.values():
            return secret
        if secret not in self._pseudonyms:
            self._numbers[kind] += 1
            pseudonym = f"{kind}-{self._numbers[kind]}"
            for form in (secret, quote(secret), quote(secret, safe=""), *other_forms):
                self._pseudonyms.setdefault(form, pseudonym)
            self._secrets = self._compile()
        return self._pseudonyms[secret]

    def _compile(self) -> re.Pattern[str]:
        """Return what matches any known secret, the longest first, or anything that looks like one."""
        known = sorted((form for form in self._pseudonyms if len(form) >= _SHORTEST_IN_TEXT), key=len, reverse=True)
        return re.compile("|".join([*map(re.escape, known), *(f"(?P<{k}>{p})" for k, p in _LOOKS_SECRET.items())]))

    def _pseudonym_of(self, match: re.Match[str]) -> str:
        return self._name(match.lastgroup or "", match.group())


def plain_name(key: str) -> str:
    """Return a field's name in small letters without separators: the same for snake, camel and header case."""
    return key.replace("_", "").replace("-", "").lower()


def is_blob(value: dict[str, Any], field: str) -> bool:
    """Return whether an object, found in the field of this plain name, holds media in base64."""
    return isinstance(value.get("data"), str) and (field in _BLOBS or bool(mime_type_of(value)))


def mime_type_of(blob: dict[str, Any]) -> str:
    """Return the MIME type of a blob, written in either case; empty for none."""
    mime_type = blob.get("mimeType", blob.get("mime_type", ""))
    return mime_type if isinstance(mime_type, str) else ""


def rate_of(mime_type: str, default: int) -> int:
    """Return the sample rate that a MIME type such as `audio/pcm;rate=24000` names."""
    found = re.search(r"rate=([1-9]\d{3,5})\b", mime_type)
    return int(found[1]) if found else default


def decode(text: str) -> bytes | None:
    """Decode base64 of either alphabet, padded or not; None where it is no base64."""
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def levels(pcm: bytes, rate: int) -> list[int]:
    """Return the RMS level of every 20 ms in dBFS, 0 being a square wave at full scale, -100 digital silence."""
    samples = np.frombuffer(pcm, dtype="<i2", count=len(pcm) // SAMPLE_BYTES).astype(np.float64) / 32768
    length = round(rate * LEVEL_SECONDS)
    powers = [float(np.mean(samples[begin : begin + length] ** 2)) for begin in range(0, len(samples), length)]
    return [max(SILENCE_DBFS, round(10 * float(np.log10(power)))) if power else SILENCE_DBFS for power in powers]


def synthesize(size: int, dbfs: list[int], rate: int) -> bytes:
    """Return so many bytes of 16-bit PCM with these levels, one every 20 ms: a square wave of 200 Hz."""
    count = size // SAMPLE_BYTES
    index = np.arange(count)
    frame = np.minimum(index // round(rate * LEVEL_SECONDS), max(len(dbfs) - 1, 0))
    amplitudes = np.array([0.0 if level <= SILENCE_DBFS else 10 ** (level / 20) for level in dbfs or [SILENCE_DBFS]])
    sign = np.where((index * 400 // rate) % 2, -1, 1)
    wave: bytes = np.clip(np.rint(amplitudes[frame] * sign * 32768), -32768, 32767).astype("<i2").tobytes()
    return wave + bytes(size - len(wave))
