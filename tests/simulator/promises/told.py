"""A history as three witnesses would tell it, written by hand: one question, its answer, a link that changes."""

from segue.simulator.history import History, Value

CALL = "call-1"


class Told(History):
    """The history of one session. Times are given, since most of what is checked is about them."""

    def client(self, at: float, kind: str, **fields: Value) -> "Told":
        self.add(at, "client", CALL, kind, **fields)
        return self

    def gateway(self, at: float, kind: str, **fields: Value) -> "Told":
        self.add(at, "gateway", CALL, kind, **fields)
        return self

    def service(self, at: float, link: int, kind: str, **fields: Value) -> "Told":
        self.add(at, "simulator", f"{CALL}/{link}", kind, **fields)
        return self

    def output(self, at: float, arm: str, turn: int = 1, **fields: Value) -> "Told":
        return self.client(at, "output_received", seq=len(self), turn=turn, arm=arm, **fields)

    def dialled(self, at: float, link: int, purpose: str = "OPEN", *, resumes: bool = False) -> "Told":
        held = purpose == "RENEWAL"
        return self.gateway(at, "link_dialled", link=link, purpose=purpose, hold=held, resumes=resumes)

    def opened(self, at: float, link: int, **fields: Value) -> "Told":
        return self.service(at - 0.2, link, "connection_opened").gateway(at, "link_opened", link=link, **fields)

    def lost(self, at: float, link: int, cause: str = "TRANSIENT") -> "Told":
        self.service(at, link, "connection_closed", code=1006, reason="", closed_by="server", rule="")
        return self.gateway(at, "link_lost", link=link, cause=cause, code=1006, message="it broke")

    def asked(self, at: float, first: int, last: int) -> "Told":
        """The user says something for as long as the stamps take; `at` is when it ends."""
        self.client(at - (last - first + 1) * 0.02, "utterance_begun", first=first)
        return self.client(at, "utterance_ended", first=first, last=last)

    def understood(self, at: float, link: int, turn: int, first: int, last: int) -> "Told":
        """The service hears these stamps, and begins a turn to answer them."""
        stamps = f"{first}-{last}"
        self.service(at, link, "activity_ended", stamps=stamps, text="What time is it?")
        return self.service(at, link, "turn_begun", turn=turn, stamps=stamps, text="")

    def answered(
        self, at: float, link: int, turn: int, blocks: tuple[int, int], *, reaches: bool = True, says: int = 1
    ) -> "Told":
        """The service says blocks in a turn, and all of them reach the client, as the turn `says`."""
        first, last = blocks
        self.service(at, link, "speech_planned", first=first, last=last)
        self.service(at, link, "audio_sent", turn=turn, bytes=960 * (last - first + 1))
        self.gateway(at, "speech_received", link=link, first=first, last=last)
        self.service(at + 1.0, link, "turn_complete_sent", turn=turn)
        if reaches:
            self.output(at, "audio", says, bytes=960 * (last - first + 1), first=first, last=last)
            self.output(at + 1.0, "turn_ended", says, reason="COMPLETED")
        return self

    def ended(self, at: float) -> "Told":
        self.output(at, "closed", 0, reason="COMPLETED")
        return self.gateway(at, "session_ended", links=0, timers=0)


def conversation(**link: Value) -> Told:
    """Return a session that was opened over such a link, asked once, and answered."""
    told = Told().client(0.0, "session_opened").dialled(0.0, 1).opened(0.5, 1, **link)
    return told.asked(5.0, 0, 99).understood(5.8, 1, 1, 0, 99).answered(6.5, 1, 1, (1, 50))
