"""What the simulator would have sent: the client's messages of a recording, at their times, to its script.

No time passes. What the client sent once a turn was complete, perhaps because it was, waits for that turn here, too, if
it takes a moment longer. Media that were recorded by length and level are made anew, so that they sound voiced or
silent as they did; a handle or a tool call that the service named stands for the one that the simulator named in its
place.
"""

import base64
import json
from collections.abc import Iterable
from random import Random
from typing import Any

from segue.record.measures import completes_turn, messages, plain, turns_of
from segue.record.recording import CLIENT_RATE, SERVER_RATE, Closed, Connection, Frame
from segue.record.redaction import Redaction, mime_type_of, plain_name, rate_of, synthesize
from segue.simulator.outgoing import Close, Output, Send
from segue.simulator.script import LiveScript
from segue.simulator.service import Service
from segue.simulator.wire.upgrade import read_upgrade

# How long a simulated connection outlives the recorded one, if its turns take longer.
_OVERTIME = 30.0
# How long a message waits for the turn that it followed.
_PATIENCE = 1.0
_NOT_FOUND = 404
_WORD = "word "


def sessions_of(connections: Iterable[Connection]) -> list[list[Connection]]:
    """Group connections into sessions: one that resumes what came before belongs to it."""
    sessions: list[list[Connection]] = []
    issued: dict[str, list[Connection]] = {}
    for connection in connections:
        session = next((issued[handle] for handle in _handles_used(connection) if handle in issued), None)
        if session is None:
            session = []
            sessions.append(session)
        session.append(connection)
        issued |= dict.fromkeys(_names(connection).handles, session)
    return sessions


def replay(session: list[Connection], service: Service, seed: int) -> list[Connection]:
    """Return what the simulator would have made of each connection of a session."""
    recorded, simulated = _Names(), _Names()
    done = []
    for connection in session:
        names = _names(connection)
        recorded.handles += names.handles
        recorded.calls += names.calls
        rng = Random(f"{seed}/{connection.number}")
        done.append(_Replay(connection, service, rng, recorded, simulated).run())
    return done


class _Names:
    """What a service named, in order: resumption handles and tool calls."""

    def __init__(self) -> None:
        self.handles: list[str] = []
        self.calls: list[str] = []

    def see(self, message: dict[str, Any]) -> None:
        """Take in a message of the service."""
        top = plain(message)
        handle = plain(top.get("sessionresumptionupdate")).get("newhandle")
        if isinstance(handle, str) and handle:
            self.handles.append(handle)
        calls = plain(top.get("toolcall")).get("functioncalls")
        if isinstance(calls, list):
            self.calls += [call["id"] for call in calls if isinstance(call, dict) and isinstance(call.get("id"), str)]


def _names(connection: Connection) -> _Names:
    names = _Names()
    for _, message in messages(connection):
        names.see(message)
    return names


def _handles_used(connection: Connection) -> list[str]:
    setups = (plain(plain(frame.message).get("setup")) for frame in connection.frames if frame.by == "client")
    used = (plain(setup.get("sessionresumption")).get("handle") for setup in setups)
    return [handle for handle in used if isinstance(handle, str)]


class _Replay:
    """One connection under way in the simulator."""

    def __init__(
        self, recorded: Connection, service: Service, rng: Random, recorded_names: _Names, simulated_names: _Names
    ) -> None:
        self._recorded = recorded
        self._recorded_names = recorded_names
        self._names = simulated_names
        self._service = service
        self._rng = rng
        self._redaction = Redaction()
        self._complete = 0
        self._simulated = Connection(recorded.number, recorded.at, recorded.path, recorded.headers)

    def run(self) -> Connection:
        """Return what came of it."""
        recorded, simulated = self._recorded, self._simulated
        upgrade = read_upgrade(recorded.path, {name.lower(): value for name, value in recorded.headers})
        if upgrade is None:
            simulated.rejected = _NOT_FOUND
            return simulated
        script = LiveScript(self._service, upgrade, self._rng, recorded.at)
        now = recorded.at
        complete = 0
        for frame in recorded.frames:
            if frame.by == "server":
                complete += completes_turn(frame)
                continue
            now = max(now, frame.at)
            self._pass_time(script, now)
            while self._complete < complete and (at := script.deadline()) <= now + _PATIENCE:
                now = at
                self._take(script.tick(now), now)
            if simulated.closed:
                return simulated
            simulated.frames.append(Frame(now, "client", frame.opcode, frame.message, frame.size))
            self._take(script.receive(self._restored(frame), now), now)
        self._finish(script, complete)
        return simulated

    def _finish(self, script: LiveScript, complete: int) -> None:
        """Go on to the recorded end, and beyond it until as many turns are complete."""
        recorded, simulated = self._recorded, self._simulated
        ended_at = recorded.closed.at if recorded.closed else max((frame.at for frame in recorded.frames), default=0.0)
        self._pass_time(script, ended_at)
        closed_by_server = recorded.closed is not None and recorded.closed.by == "server"
        # A turn that the recorded end cut off is cut off here, too.
        ended_with_turn = all(turn.complete for turn in turns_of(recorded))
        while (at := script.deadline()) <= ended_at + _OVERTIME and (
            closed_by_server or (ended_with_turn and self._complete < complete)
        ):
            self._take(script.tick(at), at)
        if recorded.closed and not closed_by_server and not simulated.closed:
            script.connection_lost(recorded.closed.code, recorded.closed.reason, "client", ended_at)
            simulated.closed = recorded.closed
        if not closed_by_server and ended_with_turn and not _after_turn(recorded, complete):
            # The recorded client did not wait for what may follow a turn.
            for frame in _after_turn(simulated, complete):
                simulated.frames.remove(frame)

    def _pass_time(self, script: LiveScript, until: float) -> None:
        while (at := script.deadline()) <= until:
            self._take(script.tick(at), at)

    def _take(self, outputs: list[Output], now: float) -> None:
        for output in outputs:
            match output:
                case Send():
                    message = json.loads(output.frame)
                    self._names.see(message)
                    # Measured like a recording, so written like one.
                    redacted = self._redaction.message(message, SERVER_RATE)
                    frame = Frame(now, "server", "binary", redacted)
                    self._complete += completes_turn(frame)
                    self._simulated.frames.append(frame)
                case Close():
                    self._simulated.closed = Closed(now, "server", output.code, output.reason)

    def _restored(self, frame: Frame) -> str | bytes:
        text = "?" * frame.size if frame.message is None else json.dumps(self._restore(frame.message))
        return text if frame.opcode == "text" else text.encode()

    def _restore(self, value: Any) -> Any:
        match value:
            case {"characters": int(count), **others} if not others:
                return (_WORD * count)[:count]
            case {"data": dict(media), **others}:
                return {**others, "data": _media(media, mime_type_of(value))}
            case dict():
                return {
                    key: restored
                    for key, item in value.items()
                    if (restored := self._renamed(key, item)) is not None or item is None
                }
            case list():
                return [self._restore(item) for item in value]
            case _:
                return value

    def _renamed(self, key: str, value: Any) -> Any:
        """Return a field's value; None for a handle that no connection of the recording was given."""
        match plain_name(key):
            case "handle" if isinstance(value, str) and value:
                return _counterpart(value, self._recorded_names.handles, self._names.handles)
            case "id" if value in self._recorded_names.calls:
                return _counterpart(value, self._recorded_names.calls, self._names.calls) or value
            case _:
                return self._restore(value)


def _counterpart(name: str, recorded: list[str], simulated: list[str]) -> str | None:
    """Return what the simulator named where the service named this, or next before."""
    if name not in recorded or not simulated:
        return None
    return simulated[min(recorded.index(name), len(simulated) - 1)]


def _media(media: dict[str, Any], mime_type: str) -> str:
    if "characters" in media:
        return "!" * int(media["characters"])
    size = int(media.get("bytes", 0))
    levels = media.get("dbfs")
    content = synthesize(size, levels, rate_of(mime_type, CLIENT_RATE)) if isinstance(levels, list) else bytes(size)
    return base64.b64encode(content).decode("ascii")


def _after_turn(connection: Connection, count: int) -> list[Frame]:
    """Return the server's frames after so many complete turns; none where there were no turns."""
    complete = 0
    after: list[Frame] = []
    for frame in connection.frames:
        if frame.by == "server":
            if count and complete >= count:
                after.append(frame)
            complete += completes_turn(frame)
    return after
