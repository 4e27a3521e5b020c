"""What can be said of one connection: the turns of the model, and what was measured in them.

Recorded and simulated connections are measured alike. Names of fields are compared without regard to their case, so
that a message in another case is still understood; `shape_of` keeps the case.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from segue.record.recording import CLIENT_RATE, SERVER_RATE, Connection, Frame
from segue.record.redaction import decode, is_blob, levels, mime_type_of, plain_name, rate_of
from segue.simulator.speech import SAMPLE_BYTES

# Louder than a line at rest, softer than speech; and how much silence parts two utterances, in levels of 20 ms.
_VOICED_DBFS = -45
_PAUSE_LEVELS = 15
_PARTS_OF_TURN = {
    "generationcomplete": "generationComplete",
    "interrupted": "interrupted",
    "waitingforinput": "waitingForInput",
    "turncomplete": "turnComplete",
}
_OUTPUT = frozenset({"modelturn", "outputtranscription"})


@dataclass(slots=True)
class Turn:
    """One turn of the model. Times are in seconds of the recording.

    Attributes:
        order: its messages in order, an uninterrupted run of output as one.
        at: when each kind of them first came.
        chunks: audio, as time and seconds.
        fragments: the transcript of the output, as time, seconds of audio before it, and characters.
        heard: the transcript of the input, as time and words.
        words: words of output, in text or its transcript.
    """

    order: list[str] = field(default_factory=list)
    at: dict[str, float] = field(default_factory=dict)
    chunks: list[tuple[float, float]] = field(default_factory=list)
    fragments: list[tuple[float, float, int]] = field(default_factory=list)
    heard: list[tuple[float, int]] = field(default_factory=list)
    words: int = 0

    @property
    def audio(self) -> float:
        """Seconds of audio that were sent."""
        return sum(seconds for _, seconds in self.chunks)

    @property
    def complete(self) -> bool:
        """The service ended it."""
        return "turnComplete" in self.at

    def add(self, kind: str, at: float) -> None:
        """Take a message of this kind."""
        self.at.setdefault(kind, at)
        if self.order[-1:] != [kind] or kind != "output":
            self.order.append(kind)


def messages(connection: Connection) -> Iterator[tuple[Frame, dict[str, Any]]]:
    """Yield the server's messages that are JSON objects, with their frames."""
    for frame in connection.frames:
        if frame.by == "server" and isinstance(frame.message, dict):
            yield frame, frame.message


def plain(value: Any) -> dict[str, Any]:
    """Return an object's fields under their plain names; none of what is no object."""
    return {plain_name(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def completes_turn(frame: Frame) -> bool:
    """Return whether a frame is the service's `turnComplete`."""
    return frame.by == "server" and "turncomplete" in plain(plain(frame.message).get("servercontent"))


def kinds_of(message: dict[str, Any]) -> list[str]:
    """Return what a server message is: names in camel case, of `serverContent` those of its fields."""
    kinds: list[str] = []
    for key, value in message.items():
        if plain_name(key) == "servercontent" and isinstance(value, dict):
            kinds += [_camel_case(name) for name in value] or ["serverContent"]
        else:
            kinds.append(_camel_case(key))
    return sorted(kinds)


def turns_of(connection: Connection) -> list[Turn]:
    """Return the turns in order; the last one may not be complete."""
    turns = [Turn()]
    for frame, message in messages(connection):
        top = plain(message)
        content = plain(top.get("servercontent"))
        turn = turns[-1]
        if "inputtranscription" in content:
            turn.heard.append((frame.at, _words(plain(content["inputtranscription"]).get("text", ""))))
        if "toolcall" in top:
            turn.add("toolCall", frame.at)
        if "toolcallcancellation" in top:
            turn.add("toolCallCancellation", frame.at)
        if _OUTPUT & content.keys():
            turn.add("output", frame.at)
            _take_output(turn, frame.at, content)
        for name, kind in _PARTS_OF_TURN.items():
            if name in content:
                turn.add(kind, frame.at)
        if "turncomplete" in content:
            turns.append(Turn())
    return turns if turns[-1].order else turns[:-1]


def _take_output(turn: Turn, at: float, content: dict[str, Any]) -> None:
    transcript = plain(content.get("outputtranscription")).get("text", "")
    if transcript:
        turn.fragments.append((at, turn.audio, _length(transcript)))
        turn.words += _words(transcript)
    for part in _parts(content):
        for name, value in part.items():
            if name == "text":
                turn.words += _words(value)
            elif name == "inlinedata" and isinstance(value, dict):
                rate = rate_of(mime_type_of(value), SERVER_RATE)
                turn.chunks.append((at, media_size(value.get("data")) / (rate * SAMPLE_BYTES)))


def audio_formats(connection: Connection) -> list[str]:
    """Return the MIME types of the model's audio."""
    found = set()
    for _, message in messages(connection):
        for part in _parts(plain(plain(message).get("servercontent"))):
            if isinstance(part.get("inlinedata"), dict):
                found.add(mime_type_of(part["inlinedata"]))
    return sorted(found)


def _parts(content: dict[str, Any]) -> list[dict[str, Any]]:
    parts = plain(content.get("modelturn")).get("parts")
    return [plain(part) for part in parts] if isinstance(parts, list) else []


def media_size(data: Any) -> int:
    """Return the length in bytes of media, recorded in full or by its length."""
    if isinstance(data, str):
        return len(decode(data) or b"")
    return int(data.get("bytes", 0)) if isinstance(data, dict) else 0


def shape_of(value: Any, path: str) -> Iterator[str]:
    """Yield the paths of the fields, in their own case, with the types of their values.

    The arguments of tool calls are the user's own: they have no shape.
    """
    match value:
        case dict() if value and not value.keys() <= {"bytes", "dbfs", "characters"}:
            for key, item in value.items():
                yield from [f"{path}.{key}"] if key == "args" else shape_of(item, f"{path}.{key}")
        case list():
            for item in value:
                yield from shape_of(item, f"{path}[]")
        case bool():
            yield f"{path} boolean"
        case int() | float():
            yield f"{path} number"
        case str():
            yield f"{path} string"
        case dict():
            # Media and texts that were recorded by length only.
            yield f"{path} string" if value else f"{path} object"
        case _:
            yield f"{path} null"


def onsets(connection: Connection) -> list[float]:
    """Return when the client began to say something: with speech, a text, content or a signal."""
    found: list[float] = []
    silent_levels = _PAUSE_LEVELS
    for frame in connection.frames:
        if frame.by != "client":
            continue
        message = plain(frame.message)
        realtime = plain(message.get("realtimeinput"))
        if "clientcontent" in message or realtime.keys() & {"text", "activitystart"}:
            found.append(frame.at)
        for level in _levels_in(realtime):
            if level >= _VOICED_DBFS:
                if silent_levels >= _PAUSE_LEVELS:
                    found.append(frame.at)
                silent_levels = 0
            else:
                silent_levels += 1
    return found


def _levels_in(realtime: dict[str, Any]) -> list[int]:
    chunks = realtime.get("mediachunks")
    blob = realtime.get("audio") or (chunks[0] if isinstance(chunks, list) and chunks else None)
    if not isinstance(blob, dict):
        return []
    data = blob.get("data")
    if isinstance(data, dict):
        found = data.get("dbfs", [])
        return [level for level in found if isinstance(level, int)] if isinstance(found, list) else []
    if not is_blob(blob, "audio") or not mime_type_of(blob).startswith("audio/pcm"):
        return []
    return levels(decode(blob["data"]) or b"", rate_of(mime_type_of(blob), CLIENT_RATE))


def resumption_updates(connection: Connection) -> list[str]:
    """Return when which kind of update came, each but once: "handle after turnComplete"."""
    found: dict[str, None] = {}
    last = "setup"
    for _, message in messages(connection):
        top = plain(message)
        content = plain(top.get("servercontent"))
        if "setupcomplete" in top:
            last = "setupComplete"
        elif _OUTPUT & content.keys():
            last = "output"
        for name, kind in _PARTS_OF_TURN.items():
            if name in content:
                last = kind
        if "sessionresumptionupdate" in top:
            update = plain(top["sessionresumptionupdate"])
            found[f"{'handle' if update.get('newhandle') else 'empty' if not update else 'other'} after {last}"] = None
    return sorted(found)


def transcript_leads(turn: Turn) -> list[float]:
    """Return by how many seconds of audio each fragment came before the audio that it is about; negative for after.

    Text is taken to be spread evenly over the audio, so one value means little and many mean something.
    """
    total = sum(length for *_, length in turn.fragments)
    leads, before = [], 0
    for _, sent, length in turn.fragments:
        leads.append(turn.audio * before / total - sent)
        before += length
    return leads


def pace(turn: Turn) -> float | None:
    """Return how many times faster than real time audio came; None where one cannot tell."""
    if len(turn.chunks) < 3:
        return None
    took = turn.chunks[-1][0] - turn.chunks[0][0]
    return (turn.audio - turn.chunks[-1][1]) / took if took > 0 else None


def _camel_case(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(word.capitalize() for word in others)


def _length(text: Any) -> int:
    return len(text) if isinstance(text, str) else int(text.get("characters", 0)) if isinstance(text, dict) else 0


def _words(text: Any) -> int:
    # English has about six characters a word, its space included.
    return len(text.split()) if isinstance(text, str) else -(-_length(text) // 6)
