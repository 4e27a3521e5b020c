"""A history, session by session: who said what, what answered it, and what went wrong meanwhile.

A connection is known to belong to a session by its name: "call-1/2" is that of link 2 of session "call-1".
"""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache

from segue.simulator.history import History, Record
from segue.simulator.promises.spoken import NEVER, ModelTurn, Words

# Records of what makes an answer late: it is awaited anew from then on.
_TROUBLES = frozenset(
    {
        "fault_struck",
        "connection_broke",
        "connection_closed",
        "dial_obstructed",
        "handle_poisoned",
        "prompt_swallowed",
        "activity_start_dropped",
        "setup_refused",
        "tool_response_unexpected",
    }
)
# A turn that is refused for a reason or cannot be heard leaves words unanswered.
_SILENCING = frozenset({"response_rejected", "near_silent_audio"})
# So many empty turns in a row are a wedge, for every family.
_EMPTY_IN_A_ROW = 3
# Where turns do not end where the service says so, nobody can tell whose answer output is.
_BLURRING = frozenset({"early_turn_complete", "missing_turn_complete", "generation_stops"})
# An exhausted quota is trouble for a minute.
_QUOTA_LASTS = (20.0, 40.0, 60.0)
# A user who does one of these lets what was said before rest.
_GOES_ON = frozenset({"utterance_begun", "text_written", "sound_made", "interrupt_sent", "session_left"})


class Chronicle:
    """One session of a history.

    Attributes:
        client: what the client recorded, in order.
        gateway: what the gateway did.
        turns: the model's turns, over all links.
        words: what the user said and wrote.
        outputs: what the client got.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.client: list[Record] = []
        self.gateway: list[Record] = []
        self.service: list[Record] = []
        self.turns: list[ModelTurn] = []
        self.words: list[Words] = []
        self._troubles: list[float] = []
        # Links whose turn under way, or next one, says nothing.
        self._silenced: set[int] = set()
        self._blurred: set[int] = set()
        self._understood: list[tuple[float, tuple[tuple[int, int], ...]]] = []
        # When the client got each block of the model's speech, the first time.
        self.got_at: dict[int, float] = {}
        # And in which turn.
        self.got_in: dict[int, object] = {}
        self.got_times: dict[int, int] = defaultdict(int)
        self.arrived: dict[int, int] = defaultdict(int)
        self.outputs: list[Record] = []
        self._left_at = NEVER
        self._acted: dict[str, list[Record]] = defaultdict(list)
        self._got: dict[object, list[Record]] = defaultdict(list)

    @property
    def over_at(self) -> float:
        """When the session was over for the client."""
        ends = [record.at for record in (*self.got("closed"), *self.acted("session_ended"))]
        return min([self._left_at, *ends])

    @property
    def thinks(self) -> bool:
        """Whether the model may think for long before it answers."""
        opened = [record for record in self.client if record.kind == "session_opened"]
        return any("thinking" in str(record.fields.get("model")) for record in opened)

    def acted(self, *kinds: str) -> list[Record]:
        """Return what the gateway recorded of these kinds."""
        if len(kinds) == 1:
            return self._acted[kinds[0]]
        return [record for record in self.gateway if record.kind in kinds]

    def got(self, arm: str) -> list[Record]:
        """Return the client's output of one kind."""
        return self._got[arm]

    def troubles(self, begin: float, end: float) -> list[float]:
        """Return when something went wrong in a span of time."""
        return self._troubles[bisect_left(self._troubles, begin) : bisect_right(self._troubles, end)]

    def answers(self, words: Words) -> Iterator[ModelTurn]:
        """Yield the turns that answer some words."""
        length = words.last - words.first + 1
        for turn in self.turns:
            heard = words.last >= 0 and 2 * turn.holds(words.first, words.last) >= length
            if heard or (turn.begun_at >= words.at and self._asks(turn, words)):
                yield turn

    def was_left_empty(self, turn: ModelTurn) -> bool:
        """Return whether a turn ended without a word, and not so many before it did that the link is wedged."""
        before = [other for other in self.turns if other.link == turn.link and other.number <= turn.number]
        empty = [other.over_at < NEVER and not (other.said or other.interrupted) for other in before]
        return empty[-1] and not all(empty[-_EMPTY_IN_A_ROW:] + [False] * (_EMPTY_IN_A_ROW - len(empty)))

    def understood(self, lost: Record) -> bool:
        """Return whether the service had taken all of some lost stamps for words, on a link before."""
        first, last = lost.fields["first"], lost.fields["last"]
        assert isinstance(first, int)
        assert isinstance(last, int)
        heard = [span for at, spans in self._understood if at <= lost.at for span in spans]
        return all(any(begin <= stamp <= end for begin, end in heard) for stamp in range(first, last + 1))

    def reached_at(self, turn: ModelTurn) -> float:
        """Return when the client got the first of a turn; infinity for never."""
        got = [
            self.got_at[block]
            for first, last in turn.blocks
            for block in range(first, last + 1)
            if block in self.got_at
        ]
        if turn.wrote_at < NEVER:
            got += [record.at for record in self.got("text") if record.at >= turn.wrote_at][:1]
        if turn.called_at < NEVER:
            got += [record.at for record in self.got("tool_call") if record.at >= turn.called_at][:1]
        return min(got, default=NEVER)

    def _asks(self, turn: ModelTurn, words: Words) -> bool:
        """Return whether the text that a turn answers is these words."""
        if words.text:
            return words.text in turn.asked
        said = [text for text in words.heard_as if text in turn.asked]
        # The service may take different words for the same: a text means the last of them.
        later = [other for other in self.words if words.at < other.at <= turn.begun_at]
        return any(not any(text in other.heard_as for other in later) for text in said)

    def add(self, record: Record, link: int = 0) -> None:
        """Take the next record of the session."""
        if record.kind in _TROUBLES and record.fields.get("closed_by") != "client":
            insort(self._troubles, record.at)
        match record.by:
            case "client":
                self.client.append(record)
                self._hear_client(record)
            case "gateway":
                self.gateway.append(record)
                self._acted[record.kind].append(record)
                self._hear_gateway(record)
            case "simulator":
                self.service.append(record)
                self._hear_service(record, link)

    def _hear_client(self, record: Record) -> None:
        if self.words and record.kind in _GOES_ON:
            self.words[-1].until = min(self.words[-1].until, record.at)
        fields = record.fields
        match record.kind:
            case "output_received":
                self.outputs.append(record)
                self._got[fields["arm"]].append(record)
                for block in _span(record):
                    self.got_at.setdefault(block, record.at)
                    self.got_in.setdefault(block, fields["turn"])
                    self.got_times[block] += 1
                if fields["arm"] == "closed" and self.words:
                    self.words[-1].until = min(self.words[-1].until, record.at)
            case "utterance_ended":
                self.words.append(Words(record.at, int(fields["first"] or 0), int(fields["last"] or 0)))
            case "session_left":
                self._left_at = min(self._left_at, record.at)
            case "text_written":
                self.words.append(Words(record.at, text=str(fields["text"])))

    def _hear_gateway(self, record: Record) -> None:
        fields = record.fields
        # A quota is not there again at once.
        if record.kind == "link_lost" and fields["cause"] == "QUOTA":
            for seconds in _QUOTA_LASTS:
                insort(self._troubles, record.at + seconds)
        match record.kind:
            case "speech_received":
                for block in _span(record):
                    self.arrived[block] += 1
            case "link_lost" | "link_hung_up":
                for turn in self.turns:
                    if turn.link == fields["link"]:
                        turn.ended_at = min(turn.ended_at, record.at)
            case "session_ended" if self.words:
                self.words[-1].until = min(self.words[-1].until, record.at)

    def _hear_service(self, record: Record, link: int) -> None:
        fields = record.fields
        if record.kind == "turn_begun":
            stamps = _ranges(str(fields["stamps"]))
            turn = ModelTurn(link, int(fields["turn"] or 0), record.at, stamps, str(fields["text"]))
            turn.answers = link not in self._silenced
            turn.blurred = link in self._blurred
            self._silenced.discard(link)
            self.turns.append(turn)
            return
        if record.kind == "fault_struck" and fields["fault"] in _SILENCING:
            self._silenced.add(link)
        if record.kind == "fault_struck" and fields["fault"] in _BLURRING:
            self._blurred.add(link)
        if record.kind == "activity_ended":
            self._understood.append((record.at, _ranges(str(fields["stamps"]))))
            for words in self.words:
                if words.last >= 0 and any(
                    first <= words.last <= last for first, last in _ranges(str(fields["stamps"]))
                ):
                    words.heard_as |= {str(fields["text"])} - {""}
            return
        latest = next((turn for turn in reversed(self.turns) if turn.link == link), None)
        if latest is None:
            return
        turn = latest
        if link in self._silenced and turn.over_at == NEVER:
            turn.answers = False
            self._silenced.discard(link)
        match record.kind:
            case "speech_planned":
                turn.blocks.append((int(fields["first"] or 0), int(fields["last"] or 0)))
            case "turn_without_answer":
                turn.answers = False
            case "interrupted_sent":
                turn.interrupted = True
            case "turn_complete_sent":
                turn.over_at = min(turn.over_at, record.at)
                turn.ended_at = min(turn.ended_at, record.at)
            case "audio_sent":
                turn.said = True
            case "text_sent":
                turn.said = True
                turn.wrote_at = min(turn.wrote_at, record.at)
            case "tool_call_sent":
                turn.said = True
                turn.called_at = min(turn.called_at, record.at)


def chronicles(history: History) -> list[Chronicle]:
    """Return the sessions of a history whose connections are known, in the order in which they began."""
    return _chronicles(history, len(history))


# Several checkers read the same history, which grows and never shrinks.
@lru_cache(maxsize=1)
def _chronicles(history: History, _length: int) -> list[Chronicle]:
    sessions: dict[str, Chronicle] = {}
    for record in history:
        name, link = record.session, 0
        if record.by == "simulator":
            name, _, number = record.session.rpartition("/")
            if not number.isdecimal():
                continue
            link = int(number)
        if name:
            sessions.setdefault(name, Chronicle(name)).add(record, link)
    return [chronicle for chronicle in sessions.values() if chronicle.client and chronicle.gateway]


def _span(record: Record) -> Sequence[int]:
    first, last = record.fields.get("first"), record.fields.get("last")
    if isinstance(first, int) and isinstance(last, int):
        return range(first, last + 1)
    pieces = _ranges(str(record.fields.get("blocks", "")))
    return [block for first, last in pieces for block in range(first, last + 1)]


def _ranges(text: str) -> tuple[tuple[int, int], ...]:
    pairs = (piece.split("-") for piece in text.split(",") if piece)
    return tuple((int(first), int(last)) for first, last in pairs)
