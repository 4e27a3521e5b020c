"""OpenSession.backend_options, read: extra fields of the Live API's setup, less those that Segue decides."""

from collections.abc import Iterator

from google.protobuf.struct_pb2 import Struct

from segue.edge.json_text import write_json
from segue_client.wire import plain_object

_TRANSCRIBED = "the Live API is always asked for both, and OpenSession.transcripts decides which the client gets"
# What Segue decides, spelled as `_spelling` does, and what a client can do instead.
_DECIDED = {
    "model": "set OpenSession.model",
    "sessionresumption": "links are resumed without the client",
    "systeminstruction": "set OpenSession.system_instruction",
    "tools": "set OpenSession.tools",
    "inputaudiotranscription": _TRANSCRIBED,
    "outputaudiotranscription": _TRANSCRIBED,
    "historyconfig": "set OpenSession.initial_history",
    "generationconfig.responsemodalities": "set OpenSession.response_modality",
    "generationconfig.audiotranscriptionconfig": _TRANSCRIBED,
    "realtimeinputconfig.automaticactivitydetection": "set OpenSession.turn_detection",
    "realtimeinputconfig.activityhandling": "set OpenSession.barge_in",
}
# The objects with such fields.
_HOLDERS = {path.partition(".")[0] for path in _DECIDED if "." in path}


def wrong_backend_options(options: Struct) -> Iterator[str]:
    """Say which of the extra fields cannot be set here, in any spelling, and what to do instead."""
    fields = plain_object(options)
    for name, value in fields.items():
        yield from _decided(name)
        if _spelling(name) in _HOLDERS:
            if isinstance(value, dict):
                for inner in value:
                    yield from _decided(f"{name}.{inner}")
            else:
                yield f"backend_options.{name} is no object: it holds fields of its own"
    if write_json(fields) is None:
        yield "backend_options hold a number that JSON does not have"


def read_backend_options(options: Struct) -> str:
    """Return extra fields with which nothing is wrong as a JSON object, in text; empty where there are none."""
    return (write_json(plain_object(options)) or "") if options.fields else ""


def _decided(path: str) -> Iterator[str]:
    if advice := _DECIDED.get(_spelling(path)):
        yield f"backend_options.{path} is for Segue to decide, so leave it out: {advice}"


def _spelling(path: str) -> str:
    # The service takes snake case as well as camel case.
    return path.replace("_", "").lower()
