"""Recorded histories: what client, gateway and simulator each saw, merged in the order of their clocks."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

Witness: TypeAlias = Literal["client", "gateway", "simulator"]
Value: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that one witness saw.

    Attributes:
        at: when, in seconds of the clock that all witnesses of a history share.
        by: who saw it.
        session: the conversation it belongs to; the simulator, which knows none, gives its connection's name.
        kind: what it was, in the past tense: "audio_received", "connection_closed".
        fields: the particulars; sizes in bytes, durations in seconds. Never audio itself, never a secret.
    """

    at: float
    by: Witness
    session: str
    kind: str
    fields: dict[str, Value] = field(default_factory=dict)


class History:
    """A growing list of records. Witnesses call `add`; checkers iterate."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._records = list(records)

    def add(self, at: float, by: Witness, session: str, kind: str, **fields: Value) -> None:
        """Append a record. Records of one witness arrive in the order in which it saw them."""
        self._records.append(Record(at, by, session, kind, fields))

    def __iter__(self) -> Iterator[Record]:
        return iter(sorted(self._records, key=lambda record: record.at))

    def __len__(self) -> int:
        return len(self._records)

    def of(self, by: Witness, *kinds: str) -> list[Record]:
        """Return the records of one witness, in its own order; of some kinds only, where any are named."""
        return [record for record in self._records if record.by == by and (not kinds or record.kind in kinds)]

    def save(self, path: Path) -> None:
        """Write one JSON object a line."""
        lines = [
            json.dumps({"at": round(r.at, 6), "by": r.by, "session": r.session, "kind": r.kind, **r.fields})
            for r in self
        ]
        path.write_text("".join(f"{line}\n" for line in lines))
