"""A history, session by session: who said what, what answered it, and what went wrong meanwhile.

A connection is known to belong to a session by its name: "call-1/2" is that of link 2 of session "call-1".
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from math import inf

from segue.simulator.history import History, Record
from segue.simulator.promises.spoken import FIRST_TURN, NEVER, ModelTurn, Words, with_demands
from segue.simulator.promises.troubles import DEAF, Trouble, trouble_of

# A turn that is refused for a reason or cannot be heard leaves words unanswered.
_REFUSAL = "response_rejected"
_SILENCING = frozenset({_REFUSAL, "near_silent_audio"})
# So many empty turns in a row are a wedge; the second where the model is no proactive one.
_EMPTY_IN_A_ROW = 2
_EMPTY_IN_A_ROW_PROACTIVE = 3
# Where a turn does not end where the service says so, nobody can tell where the next one begins.
_BLURRING = frozenset({"early_turn_complete", "missing_turn_complete", "generation_stops"})
# What keeps what the service says from coming.
_HOLDS_BACK = frozenset({"STALL_DOWN", "CUT"})
# A turn cannot be interrupted from when it comes, which is so long before it plays.
_UNPLAYED = 1.0
# What ends sooner than this after words answers something before them, in seconds.
_SHORTEST_REPLY = 0.25
# What is said again, the model is given so many times faster than it was said.
REPLAY_SPEED = 3.0
# So long the end of what was interrupted is awaited, in seconds.
_END_OF_INTERRUPTED = 2.0
# A user who does one of these lets what was said before rest.
_GOES_ON = frozenset({"utterance_begun", "text_written", "interrupt_sent", "session_left"})


class Chronicle:
    """One session of a history.

    Attributes:
        client: what the client recorded, in order.
        gateway: what the gateway did.
        turns: the model's turns, over all links.
        words: what the user said and wrote.
        outputs: what the client got.
        sounds: what the user made of them without words.
        delays: what went wrong on links that were up.
        absences: from when to when the client had no stream.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.client: list[Record] = []
        self.gateway: list[Record] = []
        self.service: list[Record] = []
        self.turns: list[ModelTurn] = []
        self.words: list[Words] = []
        self.delays: list[Trouble] = []
        # The fault by which a link's turn under way, or next one, says nothing.
        self._silenced: dict[int, object] = {}
        # Links on which the client has begun an activity and not ended it.
        self._signalled: set[int] = set()
        # When a link last said `interrupted` with nothing to interrupt.
        self._interrupted_at: dict[int, float] = {}
        # Links whose next turn begins nobody knows where.
        self._blurred: set[int] = set()
        self._understood: list[tuple[float, tuple[tuple[int, int], ...]]] = []
        # When the client got each block of the model's speech, the first time.
        self.got_at: dict[int, float] = {}
        # And in which turn.
        self.got_in: dict[int, object] = {}
        self.got_times: dict[int, int] = defaultdict(int)
        self.arrived: dict[int, int] = defaultdict(int)
        self.outputs: list[Record] = []
        self.sounds: list[Record] = []
        # The user is in the middle of an utterance that what is written is a part of, and says where it ends; and what
        # was written in it so far.
        self._speaking = self._signals = False
        self._written_beside: list[Words] = []
        # When the user went on to something else, or the session was over.
        self._went_on: list[float] = []
        self.left_at = NEVER
        # Since when each link has been up, or how long it was; and since when none is, or none was.
        self.up: dict[object, tuple[float, float]] = {}
        self.purposes: dict[object, object] = {}
        self.outages: list[tuple[float, float]] = []
        self.absences: list[tuple[float, float]] = []
        # The pieces of written answers that the client has not got.
        self._written: list[tuple[str, ModelTurn]] = []
        self._called: dict[str, ModelTurn] = {}
        # The functions that were called without an id, and that the client has got no such call of.
        self._nameless: list[tuple[str, ModelTurn]] = []
        self._acted: dict[str, list[Record]] = defaultdict(list)
        self._got: dict[object, list[Record]] = defaultdict(list)

    @property
    def over_at(self) -> float:
        """When the session was over for the client."""
        ended = [record for record in self.got("closed") if record.fields.get("next") != "RESUME"]
        ends = [record.at for record in (*ended, *self.acted("session_ended"))]
        # Who came back only to hear that it was over, or did not come back, got nothing since.
        gone = [since for since, until in self.absences[-1:] if until >= min(ends, default=NEVER)]
        return min([self.left_at, *ends, *gone])

    @cached_property
    def protected(self) -> list[tuple[float, float]]:
        """From when to when what the user said had to wait, because nobody could interrupt the model."""
        spans: list[tuple[float, float]] = []
        for at, ended_at in self.uninterruptible:
            begun_at = at - _UNPLAYED
            # What waits for one turn waits for the next as well that follows at once.
            if spans and begun_at <= spans[-1][1]:
                begun_at = spans.pop()[0]
            spans.append((begun_at, ended_at))
        return spans

    @cached_property
    def uninterruptible(self) -> list[tuple[float, float]]:
        """From when to when the client played each turn that nobody could interrupt meanwhile."""
        after = self._opened_with("barge_in_after")
        if not after:
            return []
        plays_at: dict[object, float] = {}
        for audio in self.got("audio"):
            plays_at.setdefault(audio.fields["turn"], audio.at)
        ends = [*self.got("interrupted"), *self.got("turn_ended")]
        return [
            (at, min([at + after, self.over_at, *(end.at for end in ends if end.fields["turn"] == turn)]))
            for turn, at in plays_at.items()
        ]

    def rests_at(self, words: Words) -> float:
        """Return when the user let words rest: going on to something else; not so while all had to wait together."""
        for begun_at, ended_at in self.uninterruptible:
            if begun_at <= words.at - words.seconds and words.at <= ended_at:
                return min((at for at in self._went_on if at > ended_at), default=NEVER)
        return words.until

    @property
    def acknowledges_within(self) -> float:
        """How long the client of a session that is given no more than it acknowledges may take to do so, in seconds."""
        return self._opened_with("acknowledges_within")

    @property
    def thinks(self) -> bool:
        """Whether the model may think for long before it answers."""
        return "thinking" in self._model

    @property
    def proactive(self) -> bool:
        """Whether the model may say nothing to what is not said to it."""
        return "3.8" in self._model

    @property
    def hears_text(self) -> bool:
        """Whether the model takes what is written while the user speaks for a part of what they say."""
        return "3.1" in self._model

    def _opened_with(self, what: str) -> float:
        """Return a number with which the client opened the session; 0 for none."""
        opened = next((record for record in self.client if record.kind == "session_opened"), None)
        return float(opened.fields.get(what) or 0.0) if opened else 0.0

    @property
    def _model(self) -> str:
        return next((str(record.fields.get("model")) for record in self.client if record.kind == "session_opened"), "")

    def acted(self, *kinds: str) -> list[Record]:
        """Return what the gateway recorded of these kinds."""
        if len(kinds) == 1:
            return self._acted[kinds[0]]
        return [record for record in self.gateway if record.kind in kinds]

    def got(self, arm: str) -> list[Record]:
        """Return the client's output of one kind."""
        return self._got[arm]

    def answers(self, words: Words) -> Iterator[ModelTurn]:
        """Yield the turns that answer some words."""
        length = words.last - words.first + 1
        for turn in self.turns:
            heard = words.last >= 0 and 2 * turn.holds(words.first, words.last) >= length
            if heard or (turn.begun_at >= words.at and self._asks(turn, words)):
                yield turn

    def is_let_be(self, turn: ModelTurn) -> bool:
        """Return whether a turn ended without a word, and that shows nothing yet.

        It is one that was explained, or one alone on a link that is sound.
        """
        if turn.empty and turn.explained:
            return True
        before = [other for other in self.turns if other.link == turn.link and other.number <= turn.number]
        before = [other for other in before if not other.doubtful]
        limit = _EMPTY_IN_A_ROW_PROACTIVE if self.proactive else _EMPTY_IN_A_ROW
        # On a link that replaced a lost one, and has not spoken yet, one is enough.
        if not self.proactive and self.purposes.get(turn.link) == "RECOVERY" and not any(o.said for o in before):
            return False
        unexplained = [other for other in before[-limit:] if other.empty and not other.explained]
        return turn.empty and len(unexplained) < limit

    def absent(self, begin: float, end: float) -> bool:
        """Return whether the client was away in between, or had still to say again what it had said meanwhile."""
        return any(since <= end and begin <= until + (until - since) / REPLAY_SPEED for since, until in self.absences)

    def passing_over(self, words: Words) -> Iterator[ModelTurn]:
        """Yield the turns that ended without a word and may be taken for the answer to words."""
        answers = list(self.answers(words))
        for turn in self.turns:
            # What answers these words answers nothing before them.
            soonest = words.at + (0.0 if turn in answers else _SHORTEST_REPLY)
            if soonest < turn.over_at and self.is_let_be(turn):
                yield turn

    def not_understood(self, first: int, last: int, until: float) -> int:
        """Return how many of some stamps the service had not taken for words, on any link, until a time."""
        heard = [span for at, spans in self._understood if at <= until for span in spans]
        return sum(not any(begin <= stamp <= end for begin, end in heard) for stamp in range(first, last + 1))

    def reached_at(self, turn: ModelTurn) -> float:
        """Return when the client got the first of a turn; infinity for never."""
        return min([turn.read_at, turn.called_at, *self._heard_at(turn)])

    def heard_until(self, turn: ModelTurn) -> float:
        """Return when the client got the last of a turn's speech; -infinity where it got none."""
        return self._heard_until[turn.link, turn.number]

    @cached_property
    def _heard_until(self) -> dict[tuple[int, int], float]:
        return {(turn.link, turn.number): max(self._heard_at(turn), default=-NEVER) for turn in self.turns}

    def held_back_at(self, turn: ModelTurn) -> float:
        """Return since when the network may have kept all from coming until a turn's link was gone; else infinity."""
        gone_at = self.up.get(turn.link, (NEVER, NEVER))[1]
        on_link = [trouble for trouble in self.delays if trouble.link == turn.link and trouble.what in _HOLDS_BACK]
        return min((trouble.at for trouble in on_link if gone_at <= trouble.at + trouble.delay.lasts), default=NEVER)

    def _heard_at(self, turn: ModelTurn) -> list[float]:
        """Return when the client got each block of a turn that it got."""
        return [self.got_at[block] for block in turn.spoken if block in self.got_at]

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
        if record.kind in _GOES_ON and not self._speaking:
            self._let_rest(record.at)
        fields = record.fields
        match record.kind:
            case "output_received":
                self.outputs.append(record)
                self._got[fields["arm"]].append(record)
                for block in blocks_of(record):
                    self.got_at.setdefault(block, record.at)
                    self.got_in.setdefault(block, fields["turn"])
                    self.got_times[block] += 1
                self._match(record)
                if fields["arm"] in ("resumed", "closed"):
                    self._come_back(record.at, int(fields.get("last_input_seq") or 0))
                if fields["arm"] == "closed" and fields.get("next") != "RESUME":
                    self._let_rest(record.at)
            case "stream_broke":
                if not self.absences or self.absences[-1][1] < NEVER:
                    self.absences.append((record.at, NEVER))
            case "utterance_begun":
                # Where somebody signals where it begins and ends, what is written within is a part of it.
                self._signals = bool(fields.get("signalled"))
                self._speaking = self._signals or self.hears_text
            case "utterance_ended":
                seq = int(fields.get("seq") or 0)
                said = Words(record.at, int(fields["first"] or 0), int(fields["last"] or 0), seq=seq)
                for words in self._written_beside:
                    if self._signals:
                        words.at, words.beside, words.waits = said.at, said.seconds, 0.0
                    else:
                        words.waits = said.at + said.seconds - words.at
                self.words.append(said)
                self._written_beside.clear()
                self._speaking = False
            case "session_opened":
                self.outages.append((record.at, NEVER))
                if fields.get("speaks_first"):
                    self.words.append(Words(record.at, text=FIRST_TURN))
            case "sound_made":
                self.sounds.append(record)
            case "session_left":
                self.left_at = min(self.left_at, record.at)
            case "text_written":
                demanded = bool(fields.get("demanded"))
                seq = int(fields.get("seq") or 0)
                self.words.append(Words(record.at, text=str(fields["text"]), demanded=demanded, seq=seq))
                if self._speaking:
                    self._written_beside.append(self.words[-1])
                    self.words[-1].waits = NEVER

    def _come_back(self, at: float, last_input_seq: int) -> None:
        """Have the client be back, and say again what the gateway has not got: that counts as said only now."""
        if not self.absences or self.absences[-1][1] < NEVER:
            return
        since = self.absences[-1][0]
        self.absences[-1] = (since, at)
        for words in self.words:
            if words.seq > last_input_seq:
                words.at = at

    def _let_rest(self, at: float) -> None:
        """Have the user go on to something else; what they wrote while they spoke rests with what they said."""
        self._went_on.append(at)
        for words in self.words:
            words.until = min(words.until, at)

    def _match(self, output: Record) -> None:
        """Look which turn a text or a call that the client got is of."""
        if output.fields["arm"] == "text":
            text = output.fields.get("text")
            # What is equal is taken for the newest: text is passed on as it comes.
            index = next((i for i in reversed(range(len(self._written))) if self._written[i][0] == text), None)
            if index is not None:
                turn = self._written.pop(index)[1]
                turn.read_at = min(turn.read_at, output.at)
        elif output.fields["arm"] == "tool_call" and (called := self._caller(output)):
            called.called_at = min(called.called_at, output.at)

    def _caller(self, output: Record) -> ModelTurn | None:
        """Return which turn a call that the client got is of; of those without ids, the newest that is like it."""
        if called := self._called.get(str(output.fields.get("call"))):
            return called
        names = [name for name, _ in self._nameless]
        name = str(output.fields.get("name"))
        return self._nameless.pop(len(names) - 1 - names[::-1].index(name))[1] if name in names else None

    def _hear_gateway(self, record: Record) -> None:
        fields = record.fields
        match record.kind:
            case "speech_received":
                for block in blocks_of(record):
                    self.arrived[block] += 1
            case "link_dialled":
                self.purposes[fields["link"]] = fields.get("purpose")
            case "link_opened":
                self.up[fields["link"]] = (record.at, NEVER)
                if self.outages and self.outages[-1][1] == NEVER:
                    self.outages[-1] = (self.outages[-1][0], record.at)
            case "link_lost" | "link_hung_up":
                self._go_down(fields["link"], record.at)
                for turn in self.turns:
                    if turn.link == fields["link"]:
                        turn.ended_at = min(turn.ended_at, record.at)
            case "session_ended":
                self._let_rest(record.at)

    def _go_down(self, link: object, at: float) -> None:
        since, until = self.up.get(link, (NEVER, NEVER))
        if since == NEVER or until < NEVER:
            return
        self.up[link] = (since, at)
        if all(until < NEVER for _, until in self.up.values()):
            self.outages.append((at, NEVER))

    def _hear_service(self, record: Record, link: int) -> None:
        fields = record.fields
        self._follow_activities(record, link)
        if trouble := trouble_of(record, link):
            deaf = trouble.what == DEAF and link in self._signalled
            self.delays.append(_lasting(trouble, inf) if deaf else trouble)
        if record.kind == "turn_begun":
            self._carry_over(link, record.at)
            stamps = _ranges(str(fields["stamps"]))
            text = with_demands(str(fields["text"]), (words.text for words in self.words if words.text))
            turn = ModelTurn(link, int(fields["turn"] or 0), record.at, stamps, text)
            turn.blurred = link in self._blurred
            self._silence(turn)
            self._blurred.discard(link)
            self.turns.append(turn)
            return
        if record.kind == "fault_struck" and fields["fault"] in _SILENCING:
            self._silenced[link] = fields["fault"]
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
        # A turn that was interrupted may end once the next one is being made.
        number = fields.get("turn")
        turns = [turn for turn in self.turns if turn.link == link]
        if not turns:
            return
        turn = next((turn for turn in turns if turn.number == number), turns[-1])
        if turn.over_at == NEVER:
            self._silence(turn)
        match record.kind:
            case "speech_planned":
                turn.blocks.append((int(fields["first"] or 0), int(fields["last"] or 0)))
                turn.sentences.append(str(fields.get("text") or ""))
            case "transcription_sent" if fields["speaker"] == "model" and fields["text"]:
                turn.fragments.append(str(fields["text"]))
            case "turn_without_answer":
                turn.answers = False
            case "waiting_for_input_sent":
                turn.explained = True
            case "interrupted_sent" if turn.over_at < NEVER:
                self._interrupted_at[link] = record.at
            case "interrupted_sent":
                turn.interrupted = True
            case "turn_complete_sent" if turn.over_at < NEVER and not turn.said:
                # What ended before was another one, of which there was nothing.
                turn.interrupted, turn.over_at, turn.ended_at = False, record.at, record.at
            case "turn_complete_sent":
                turn.finished = turn.said
                turn.over_at = min(turn.over_at, record.at)
                turn.ended_at = min(turn.ended_at, record.at)
                interrupted_at = self._interrupted_at.pop(link, -NEVER)
                turn.doubtful = turn.empty and record.at <= interrupted_at + _END_OF_INTERRUPTED
            case "audio_sent":
                self._speak(turn, record.at)
            case "text_sent":
                self._speak(turn, record.at)
                self._written.append((str(fields.get("text")), turn))
            case "tool_call_sent":
                self._speak(turn, record.at)
                ids, names = (str(fields.get(what) or "").split(",") for what in ("ids", "names"))
                self._called |= dict.fromkeys(filter(None, ids), turn)
                self._nameless += [(name, turn) for name in names if not any(ids)]

    def _follow_activities(self, record: Record, link: int) -> None:
        """Have the service be deaf to an activity that it did not notice the start of until that is over."""
        if record.kind == "activity_start_received":
            self._signalled.add(link)
        elif record.kind == "activity_end_received" and link in self._signalled:
            self._signalled.discard(link)
            deaf = [(trouble.link, trouble.what, trouble.delay.lasts) == (link, DEAF, inf) for trouble in self.delays]
            self.delays = [
                _lasting(trouble, record.at - trouble.at) if ends else trouble
                for trouble, ends in zip(self.delays, deaf, strict=True)
            ]

    def _speak(self, turn: ModelTurn, at: float) -> None:
        """Have a turn say something."""
        if turn.interrupted and turn.over_at < NEVER and not turn.said:
            # What was interrupted and ended before was another one, of which there was nothing.
            gone_at = self.up.get(turn.link, (NEVER, NEVER))[1]
            turn.interrupted, turn.over_at, turn.ended_at = False, NEVER, gone_at
        turn.said, turn.said_at = True, min(turn.said_at, at)

    def _silence(self, turn: ModelTurn) -> None:
        """Have what silences the turn under way on a link, or its next one, be in this turn."""
        if fault := self._silenced.pop(turn.link, None):
            turn.answers, turn.explained = False, fault == _REFUSAL

    def _carry_over(self, link: int, at: float) -> None:
        """Have what struck since the last turn of a link was over be in the turn that begins."""
        over_at = next((turn.over_at for turn in reversed(self.turns) if turn.link == link), 0.0)
        since = [trouble for trouble in self.delays if trouble.link == link and trouble.at > over_at]
        self.delays += [replace(trouble, at=at) for trouble in since if trouble.delay.of_turn]


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


def blocks_of(record: Record) -> Sequence[int]:
    """Return the numbers of the blocks of speech that a record is about; none where its audio has none."""
    first, last = record.fields.get("first"), record.fields.get("last")
    if isinstance(first, int) and isinstance(last, int):
        return range(first, last + 1)
    pieces = _ranges(str(record.fields.get("blocks", "")))
    return [block for first, last in pieces for block in range(first, last + 1)]


def _lasting(trouble: Trouble, seconds: float) -> Trouble:
    return replace(trouble, delay=replace(trouble.delay, lasts=seconds))


def _ranges(text: str) -> tuple[tuple[int, int], ...]:
    pairs = (piece.split("-") for piece in text.split(",") if piece)
    return tuple((int(first), int(last)) for first, last in pairs)
