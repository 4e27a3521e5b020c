"""The gateway's part of the recorded history: what it did with its links, and what came of them.

A history of one session only: who belongs to whom is put in afterwards.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from segue.backend.link import Account, Link
from segue.core.actions import Purpose, Setup
from segue.core.events import GoingAway, LinkEvent, LinkHeld, LinkLost, LinkOpened, ModelAudio
from segue.demo.numbered import numbers_in
from segue.simulator.conversation.stamps import StampReader
from segue.simulator.history import History, Record, Value


class WatchedAccount:
    """An account whose one session is recorded; `attributed` says afterwards which one that is."""

    def __init__(self, account: Account, history: History) -> None:
        self._account = account
        self._history = history

    def dial(
        self,
        number: int,
        setup: Setup,
        report: Callable[[LinkEvent], None],
        *,
        purpose: Purpose = Purpose.OPEN,
        hold: bool = False,
    ) -> Link:
        """Dial as the account does."""
        self._note("link_dialled", link=number, purpose=purpose.name, hold=hold, resumes=bool(setup.handle))
        stamps = StampReader()

        def watched(event: LinkEvent) -> None:
            match event:
                case ModelAudio():
                    if numbers := numbers_in(stamps, event.audio):
                        self._note("speech_received", link=number, **numbers)
                case GoingAway():
                    self._note("going_away_received", link=number, time_left=event.time_left)
                case LinkHeld():
                    self._note("link_held", link=number)
                case LinkOpened():
                    self._note("link_opened", link=number)
                case LinkLost():
                    self._note("link_lost", link=number, cause=event.cause.name, code=event.code, message=event.message)
            report(event)

        return _WatchedLink(self._account.dial(number, setup, watched, purpose=purpose, hold=hold), self._note)

    async def close(self) -> None:
        """Close the account."""
        await self._account.close()

    def _note(self, kind: str, **fields: Value) -> None:
        self._history.add(time.monotonic(), "gateway", "", kind, **fields)


class _WatchedLink:
    def __init__(self, link: Link, note: Callable[..., None]) -> None:
        self._link = link
        self._note = note
        self.number = link.number
        self.send_audio, self.send_text, self.send_note = link.send_audio, link.send_text, link.send_note
        self.send_activity, self.send_tool_result = link.send_activity, link.send_tool_result
        self.send_image, self.send_update = link.send_image, link.send_update
        self.wait_closed = link.wait_closed

    def set_up(self, setup: Setup) -> None:
        self._note("link_set_up", link=self.number, resumes=bool(setup.handle))
        self._link.set_up(setup)

    def hang_up(self) -> None:
        self._note("link_hung_up", link=self.number)
        self._link.hang_up()


def attributed(history: History) -> History:
    """Return the history of one session with its links, its connections and what it told by notices put down to it."""
    session = next((record.session for record in history.of("gateway", "session_ended")), "")
    records = []
    for record in history:
        if record.by == "simulator":
            # Its connections are the gateway's links, in the same order.
            number = record.session.removeprefix("connection-")
            records.append(replace(record, session=f"{session}/{number}"))
        elif record.by == "gateway" and "link" in record.fields:
            records.append(replace(record, session=session))
        else:
            records.append(record)
        match record.fields:
            case {"notice": "RENEWED", "took": gap}:
                # At a quiet moment it cuts nothing, and so it is judged as one that nobody may notice.
                records.append(Record(record.at, "gateway", session, "renewed", {"gap": gap, "cut": False}))
            case {"notice": "WEDGED", "message": sign} if history.of("simulator"):
                # Nobody but the simulator can tell whether a link that was given up was to blame. The notice arrives
                # when that link has been hung up.
                ends = [other.at for other in history.of("gateway", "link_hung_up") if other.at <= record.at]
                records.append(Record(max(ends, default=record.at), "gateway", session, "wedged", {"sign": sign}))
    return History(records)
