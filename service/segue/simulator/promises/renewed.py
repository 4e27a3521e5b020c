"""One renewal of a link, as its witnesses tell it."""

from dataclasses import dataclass

from segue.simulator.history import Record
from segue.simulator.promises.chronicle import Chronicle
from segue.simulator.promises.spoken import NEVER

# A link that the service ends is replaced so long before that at the latest, or halfway there if that is later.
_GO_AWAY_MARGIN = 5.0
# What can keep a connection from being held.
_PREVENTS = ("dial_obstructed", "connection_broke", "connection_closed")
# What holds up what is sent on a link, for so long at most until all of it has come, in seconds, or for ever.
_STALLS = frozenset({"STALL_UP", "STALL_DOWN", "stalled_reads"})
_STALLS_LAST = 15.0
_ENDS = frozenset({"CUT", "RESET", "wedge", "total_silence", "go_away_then_silence"})


@dataclass(frozen=True, slots=True)
class Renewal:
    """One renewal, and what its witnesses say of both links.

    Attributes:
        record: what the gateway said of it.
        old: the link that was replaced.
        new: the one that followed.
        at: when it was chosen: the old link was hung up, or, where both overlap, the new one was set up.
        left_at: when the old link was hung up.
        opened_at: when the new one was up.
    """

    chronicle: Chronicle
    record: Record
    old: int
    new: int
    at: float
    left_at: float
    opened_at: float

    def __str__(self) -> str:
        return f"the renewal of session {self.chronicle.name} at {self.record.at:.3f} s"

    @property
    def unprepared(self) -> bool:
        """Whether something kept the connection of another link from being held until it was needed."""
        between = range(self.old + 1, self.new)
        return any(
            record.fields.get("closed_by") != "client" for link in between for record in self.on(link, *_PREVENTS)
        )

    def on(self, link: int, *kinds: str) -> list[Record]:
        """Return what the service recorded on a link."""
        connection = f"{self.chronicle.name}/{link}"
        return [r for r in self.chronicle.service if r.session == connection and r.kind in kinds]

    def first(self, link: int, kind: str) -> float:
        """Return when the service first recorded something on a link; NEVER where it did not."""
        return next((record.at for record in self.on(link, kind)), NEVER)

    @property
    def held_up(self) -> bool:
        """Whether something holds up what is sent on either link."""
        for link in (self.old, self.new):
            for record in self.on(link, "fault_struck", "connection_broke"):
                what = record.fields.get("fault") or record.fields.get("how")
                since = self.at - _STALLS_LAST if what in _STALLS else -NEVER
                if what in _STALLS | _ENDS and since <= record.at <= self.opened_at:
                    return True
        return False

    @property
    def round_trip(self) -> float:
        """How long the setup took, from the service's records where they tell, in seconds."""
        received, completed = self.first(self.new, "setup_received"), self.first(self.new, "setup_complete_sent")
        hung_up = (r.at for r in self.on(self.old, "connection_closed") if r.fields["closed_by"] == "client")
        closed = next(hung_up, NEVER)
        if NEVER not in (received, completed, closed):
            return completed - received + 2 * max(0.0, closed - self.left_at)
        set_up = [record.at for record in self.chronicle.acted("link_set_up") if record.fields["link"] == self.new]
        return self.opened_at - (set_up or [min(self.first(self.new, "connection_opened"), self.opened_at)])[-1]

    @property
    def deadline(self) -> float:
        """When the old link has to be left whatever goes on; -NEVER where nobody recorded that."""
        chosen = self.chronicle.acted("profile_chosen")
        if not chosen:
            return -NEVER
        age = chosen[0].fields["age_deadline"]
        assert isinstance(age, int | float)
        deadline = self.chronicle.up[self.old][0] + age
        for record in self.on(self.old, "go_away_sent"):
            left = record.fields["time_left"]
            assert isinstance(left, int | float)
            deadline = min(deadline, record.at + max(left - _GO_AWAY_MARGIN, left / 2))
        return deadline


def renewal_of(chronicle: Chronicle, renewed: Record) -> Renewal | None:
    """Return the renewal that the gateway recorded; None where a link of it is not known."""
    opened = [record for record in chronicle.acted("link_opened") if record.at <= renewed.at][-2:]
    if len(opened) < 2:
        return None
    old, new = (int(record.fields["link"] or 0) for record in opened)
    opened_at = opened[-1].at
    left_at = min(chronicle.up[old][1], opened_at)
    set_up = [r.at for r in chronicle.acted("link_set_up") if r.fields["link"] == new]
    return Renewal(chronicle, renewed, old, new, min([left_at, *set_up]), left_at, opened_at)
