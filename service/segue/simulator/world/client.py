"""A client of a gateway, and the person who uses it: speaks, listens, interrupts, writes, coughs and falls silent."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import TypeAlias

from segue.audio.level import Level
from segue.core import events as ev
from segue.core import outputs as out
from segue.core.actions import Send
from segue.core.options import Mode, Options, ResumePolicy, Scheduling, Update
from segue.simulator.history import History, Value
from segue.simulator.world.acknowledging import Acknowledger
from segue.simulator.world.clock import Clock
from segue.simulator.world.player import Player
from segue.simulator.world.setting import Habits
from segue.simulator.world.stream import Gateway, Stream
from segue.simulator.world.telling import told_of
from segue.simulator.world.voices import FRAME, STAMPS_PER_FRAME, silence, sound, speech

# What a person does takes time: each yield is for how long, in seconds.
Acting: TypeAlias = Iterator[float]

_GLANCE = 0.1
# The user has finished when nothing was said for so long.
_BREATH = 2.0
# So many frames are spoken before anybody who listens to the voice alone knows that it is speech.
_ONSET = 3
# So long nobody waits for an answer.
PATIENCE = 45.0


class Client:
    """One client with one session.

    Args:
        gateway: where its session is.
        aside: what the client does beside the user is drawn from this, and how its streams break from `breaks`.

    Attributes:
        over: the session is, for the client.
        holds_results: the results of calls wait until `return_results`.
        calls: the calls that do.
    """

    def __init__(
        self,
        clock: Clock,
        session_id: str,
        options: Options,
        habits: Habits,
        rng: Random,
        history: History,
        gateway: Gateway,
        aside: Random,
        breaks: Random,
    ) -> None:
        self.over = False
        self._left = self._half_closed = False
        self.holds_results = False
        self.calls: list[out.ToolCall] = []
        self._clock = clock
        self._session_id = session_id
        self._options = options
        self._habits = habits
        self._rng = rng
        self._history = history
        self._aside = aside
        self._level = Level()
        self._rate = options.input_format.sample_rate if options.input_format else 0
        self._seq = 0
        self._stamps = 0
        self._speaks_until = 0.0
        self._texts = self._notes = 0
        self._player = Player(clock)
        self._last_seq = 0
        self._acknowledger = Acknowledger(clock, habits.acknowledging, self._acknowledge)
        self._cancelled: set[str] = set()
        self._stream = Stream(
            clock, session_id, gateway, habits.latency, habits.breaking, breaks, history, self._receive, self._come_back
        )

    def live(self, acting: Acting) -> None:
        """Open the session now, and do what a person does: `talk`, or something that is written down."""
        options = self._options
        lead = float("inf") if options.unpaced else options.lead
        fields: dict[str, Value] = {"model": options.model, "lead": lead}
        if options.first_turn is not None:
            fields["speaks_first"] = True
        if options.barge_in_after:
            fields["barge_in_after"] = options.barge_in_after
        if options.max_unacked_bytes:
            fields["acknowledges_within"] = self._habits.acknowledging.most
        self._say(ev.OpenReceived(self._next_seq(), options), "session_opened", **fields)
        self._act(acting)
        for does, rate in (
            (self.tell, self._habits.notes),
            (self.demand, self._habits.demands),
            (self.show, self._habits.images),
            (self.update, self._habits.updates),
        ):
            if rate:
                self._act(self._now_and_then(does, rate / 60.0))

    def take(self, sends: list[Send]) -> None:
        """Take what the gateway put into one message, when it gets here."""
        self._stream.take(sends)

    def part(self, closed: out.Closed) -> None:
        """Take it that the gateway ends the stream, and not the session, when that gets here."""
        self._stream.part(closed)

    # The person.

    def talk(self, until: float) -> Acting:
        """Talk as chance will have it, and leave at a time."""
        habits, chance = self._habits, self._rng
        if self._options.first_turn is not None and habits.greeted:
            yield from self.hear_out(0)
        yield from self.quiet(chance.choice([0.0, 0.3, 2.0]))
        while self._clock.now < until:
            kind = chance.random()
            if kind < habits.idles:
                yield from self.quiet(chance.uniform(1.0, 20.0))
                continue
            answers = self.answers
            if kind < habits.idles + habits.writes:
                self.write()
            else:
                longest = 20.0 if chance.random() < habits.rambles else 4.0
                parts = chance.choice([1, 1, 1, 2, 3])
                yield from self.speak([chance.uniform(0.5, longest) / parts + 3 * FRAME for _ in range(parts)])
            # Who signals when to listen coughs unheard.
            if chance.random() < habits.coughs and not self._signals:
                yield from self.quiet(chance.uniform(0.5, 4.0))
                yield from self.cough()
            yield from self._react(answers)
        if chance.random() < 0.7:
            yield from self.quiet(chance.uniform(0.0, 5.0))
        self.leave(habits.ending)

    def speak(self, parts: Sequence[float]) -> Acting:
        """Say something in parts of so many seconds, with pauses between them that end nothing."""
        chance = self._rng
        first = self._stamps
        self._record("utterance_begun", first=first, signalled=self._options.mode.signals)
        self._signal(started=True)
        adds = self._addition(sum(round(part / FRAME) for part in parts))
        for number, part in enumerate(parts):
            if number:
                yield from self._hold_still(chance.choice([0.1, 0.2, 0.3]))
            for _ in range(round(part / FRAME)):
                if self._stamps == adds:
                    self.write()
                self._hear_oneself(speech(self._stamps, self._rate))
                self._stamps += STAMPS_PER_FRAME
                self._speaks_until = self._clock.now + FRAME
                yield FRAME
        self._record("utterance_ended", first=first, last=self._stamps - 1, seq=self._seq)
        self._signal(started=False)
        # A microphone closes a little after the last word, or not at all.
        yield from self._hold_still(chance.choice([0.0, 0.2]))

    def cough(self) -> Acting:
        """Make a sound that has no words."""
        self._record("sound_made")
        for _ in range(round(self._habits.cough_seconds / FRAME)):
            self._hear_oneself(sound(self._rate))
            yield FRAME
        yield from self._hold_still(0.1)

    def write(self) -> None:
        """Write something that is written only once."""
        self._texts += 1
        text = f"This is message {self._texts} of {self._session_id}."
        self._say(ev.TextReceived(self._next_seq(), text), "text_written", text=text)

    def tell(self) -> None:
        """Give the model a note that it need not answer."""
        self._note("The sun has set.", answer=False)

    def demand(self) -> None:
        """Give the model a note that it is to answer: one that does not press, unless the user speaks."""
        if self._habits.presses or self._clock.now > self._speaks_until + _BREATH:
            self._note("Say that somebody is at the door.", answer=True)

    def show(self) -> None:
        """Show the model an image."""
        content = b"\x89PNG\r\n\x1a\n" + bytes(self._aside.choice([500, 5_000, 200_000]))
        self._say(ev.ImageReceived(self._next_seq(), content, "image/png"), "image_shown", bytes=len(content))

    def update(self) -> None:
        """Change the session."""
        aside, functions = self._aside, self._options.functions
        update = aside.choice(
            [
                Update(system_instruction="You are a keeper of two lighthouses."),
                Update(functions=tuple(aside.sample(functions, aside.randint(0, len(functions))))),
                Update(lead=aside.choice([0.2, 1.0, 5.0])),
            ]
        )
        self._say(ev.UpdateReceived(self._next_seq(), update), "session_updated", lead=update.lead)

    def hear_out(self, answers: int, at_most: float = PATIENCE) -> Acting:
        """Listen until there were more answers than so many and all is said, or as long as one listens."""
        yield from self._until(lambda: self.answers > answers and not self._player.hears_more, at_most)

    def interrupt(self) -> None:
        """Have the client cut the turn."""
        turn = self._rng.choice([0, self._player.turn])
        heard = self._player.heard if self._habits.acknowledges and turn else None
        self._say(ev.InterruptReceived(self._next_seq(), turn, heard), "interrupt_sent", turn=turn)

    def quiet(self, seconds: float) -> Acting:
        """Say nothing, with the microphone open or closed."""
        if self._habits.streams:
            yield from self._hold_still(seconds)
        else:
            yield seconds

    def return_results(self) -> None:
        """Give the results of the calls that wait, and of later ones when they come."""
        self.holds_results = False
        calls, self.calls = self.calls, []
        for call in calls:
            self._return(call)

    def leave(self, how: str = "half-close") -> None:
        """End the session: "half-close", "finish", "close" or "vanish"."""
        self._left = True
        self._record("session_left", how=how)
        match how:
            case "half-close":
                self._half_closed = True
                self._later(ev.InputEnded())
            case "finish" | "close":
                self._later(ev.CloseReceived(self._next_seq(), how == "finish"))
            case _:
                self.over = True
                self._stream.leave()

    @property
    def answers(self) -> int:
        """How much of answers it got so far; grows with every piece."""
        return self._player.answers

    def _act(self, acting: Acting) -> None:
        if self.over:
            return
        seconds = next(acting, None)
        if seconds is not None:
            self._clock.after(seconds, lambda: self._act(acting))

    def _now_and_then(self, does: Callable[[], None], rate: float) -> Acting:
        """Do something so often in a second, until the session is left."""
        while True:
            yield self._aside.expovariate(rate)
            if self._left:
                return
            does()

    def _note(self, text: str, *, answer: bool) -> None:
        self._notes += 1
        text = f"This is note {self._notes} of {self._session_id}: {text}"
        # What is to be answered counts as the user's.
        fields: dict[str, Value] = {"demanded": True} if answer else {}
        kind = "text_written" if answer else "note_given"
        self._say(ev.NoteReceived(self._next_seq(), text, answer), kind, text=text, **fields)

    def _addition(self, frames: int) -> int:
        """Return at which stamp of an utterance of so many frames something is written; -1 for none."""
        if not self._habits.adds or frames <= _ONSET or self._aside.random() >= self._habits.adds:
            return -1
        return self._stamps + self._aside.randrange(_ONSET, frames) * STAMPS_PER_FRAME

    def _react(self, answers: int) -> Acting:
        """Listen until the answer is over, or do not let it come to that."""
        habits, chance = self._habits, self._rng
        manner = chance.random()
        patience = PATIENCE if chance.random() < 0.85 else chance.uniform(0.5, 6.0)
        if manner < habits.barges_in:
            yield from self._until(lambda: self.answers > answers and self._player.playing, patience)
            yield from self.quiet(chance.uniform(0.1, 4.0))
        elif manner < habits.barges_in + habits.interrupts:
            yield from self._until(lambda: self.answers > answers, patience)
            yield from self.quiet(chance.uniform(0.0, 3.0))
            self.interrupt()
            yield from self.quiet(chance.uniform(0.2, 2.0))
        else:
            yield from self.hear_out(answers, patience)
            yield from self.quiet(chance.uniform(0.2, 3.0))

    # What takes time.

    def _until(self, done: Callable[[], bool], at_most: float) -> Acting:
        late = self._clock.now + at_most
        while self._clock.now < late and not done():
            yield from self.quiet(_GLANCE)

    def _hold_still(self, seconds: float) -> Acting:
        """Say nothing into an open microphone."""
        for _ in range(round(seconds / FRAME)):
            self._hear_oneself(silence(self._rate))
            yield FRAME

    # To the gateway.

    @property
    def _signals(self) -> bool:
        return self._options.mode is Mode.MANUAL

    def _signal(self, *, started: bool) -> None:
        if self._signals:
            self._later(ev.ActivityReceived(self._next_seq(), started))

    def _hear_oneself(self, frame: bytes) -> None:
        self._record("frame_sent")
        self._later(ev.AudioReceived(self._next_seq(), frame, self._level.voiced(frame)))

    def _say(self, event: ev.ClientEvent, kind: str, **fields: Value) -> None:
        self._record(kind, **fields, seq=getattr(event, "seq", 0))
        self._later(event)

    def _later(self, event: ev.ClientEvent, delay: float = 0.0) -> None:
        self._stream.say(event, delay)

    def _next_seq(self) -> int:
        self._seq += self._habits.numbered
        return self._seq

    def _record(self, kind: str, **fields: Value) -> None:
        self._history.add(self._clock.now, "client", self._session_id, kind, **fields)

    # From the gateway.

    def _receive(self, sends: list[Send]) -> None:
        for send in sends:
            self._hear(send.seq, send.output)
            self._last_seq = max(self._last_seq, send.seq)
        if not self.over and self._habits.acknowledges:
            self._acknowledger.take(self._last_seq, self._player.plays_until)

    def _hear(self, seq: int, output: out.Output) -> None:
        fields = told_of(seq, output)
        match output:
            case out.Audio():
                self._player.play(output.turn, output.audio)
            case out.Text():
                self._player.read(output.turn)
            case out.Interrupted():
                fields["played"] = self._player.played(output.turn)
                # What is not cut plays on.
                if output.cause is not out.CutCause.NONE:
                    if self._reports(output.turn):
                        self._last_seq = seq
                        fields["reported_at"] = self._clock.now + self._acknowledger.delay + self._habits.latency
                    self._stop(output.turn)
                    self._resume(output)
            case out.TurnEnded():
                self._player.end(output.turn)
            case out.ToolCall():
                self._call(output)
            case out.ToolCallCancelled():
                self._cancelled.add(output.call_id)
            case out.Closed():
                self.over = output.next is not out.Next.RESUME
        self._record("output_received", **fields)

    def _reports(self, turn: int) -> bool:
        """Return whether what was played of a turn that is cut is told as the last word on it."""
        tells = self._habits.acknowledges and self._habits.reports_cuts and not self._half_closed
        return tells and turn == self._player.turn

    def _come_back(self) -> ev.ResumeReceived:
        heard = self._player.heard if self._habits.acknowledges and self._player.turn else None
        return ev.ResumeReceived(self._last_seq, self._player.turn, heard)

    def _stop(self, turn: int) -> None:
        self._player.stop()
        if self._habits.acknowledges and turn == self._player.turn:
            self._acknowledger.report(self._last_seq)

    def _resume(self, cut: out.Interrupted) -> None:
        told = self._options.resume_context.policy is ResumePolicy.CLIENT
        if told and not self._left:
            self._note(f"{cut.heard_text!r} was heard, {cut.unheard_text!r} was not.", answer=False)

    def _acknowledge(self, seq: int) -> None:
        if self._half_closed:
            return
        self._later(ev.AckReceived(seq, self._player.turn, self._player.heard), self._acknowledger.delay)

    def _call(self, call: out.ToolCall) -> None:
        if self.holds_results:
            self.calls.append(call)
            return
        self._clock.after(self._rng.uniform(0.05, self._habits.tool_delay), lambda: self._return(call))

    def _return(self, call: out.ToolCall) -> None:
        if self.over or call.call_id in self._cancelled:
            return
        result = ev.ToolResultReceived(self._next_seq(), call.call_id, '{"sky": "clear"}')
        if self._habits.schedules:
            result.scheduling = self._aside.choice([None, *Scheduling])
            result.will_continue = self._aside.random() < 0.3
        self._say(result, "tool_result_sent", call=call.call_id, name=call.name)
        if result.will_continue:
            self._clock.after(self._aside.uniform(0.05, self._habits.tool_delay), lambda: self._return(call))
