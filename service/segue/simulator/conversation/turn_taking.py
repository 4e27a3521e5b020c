"""The user's side of a conversation: activities, texts and content, and what of it the model is to answer.

An activity opens with detected speech, or with the client's signal where automatic detection is off, and ends by
silence or by signal. Its end is a prompt; so is text outside of one, and content whose turn is complete.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from segue.simulator.conversation.context import VIDEO_TOKENS_PER_FRAME, Entry, audio_tokens, text_tokens
from segue.simulator.conversation.echo import Echo
from segue.simulator.conversation.intake import Intake, is_pcm, sample_rate
from segue.simulator.conversation.model import Model
from segue.simulator.conversation.sessions import Resumed
from segue.simulator.conversation.stamps import StampReader, ranges, seconds
from segue.simulator.conversation.tools import Functions
from segue.simulator.conversation.vad import SpeechDetector, SpeechEnded, SpeechStarted
from segue.simulator.dialogue import NOTHING_HEARD, Line
from segue.simulator.families import ContentRule, Family
from segue.simulator.outgoing import Outgoing
from segue.simulator.rules import endings, rules
from segue.simulator.rules.message_rules import MessageRules, Situation
from segue.simulator.rules.rulebook import Violation
from segue.simulator.service import Service
from segue.simulator.wire import messages
from segue.simulator.wire.reader import (
    Blob,
    ClientContent,
    ClientMessage,
    Content,
    ContextUpdate,
    Detection,
    RealtimeInput,
    Setup,
    ToolResponse,
)
from segue.simulator.wire.schema import Flavour

# Less speech than this in a signalled activity is taken for none.
_WORD_SECONDS = 0.1
# What a longer `silenceDurationMs` counts for where it is not respected (gemini-live-api-examples issue 50).
_LONGEST_SILENCE = 2.0


@dataclass(slots=True)
class _Activity:
    """A stretch of user input; where it began in the audio, in seconds, and how much was voiced before."""

    began_at: float
    voiced_before: float
    texts: list[Entry] = field(default_factory=list)
    # There was a text in it of which the model takes no notice.
    has_ignored: bool = False


class Conversation:
    """Turn taking on one connection.

    Attributes:
        intake: what the client sent; `advance` reads it.
        model: who answers.
    """

    def __init__(
        self,
        service: Service,
        setup: Setup,
        family: Family,
        flavour: Flavour,
        rng: Random,
        outgoing: Outgoing,
        resumed: Resumed,
    ) -> None:
        self._service = service
        self._switches = service.switches
        self._setup = setup
        self._family = family
        self._flavour = flavour
        self._outgoing = outgoing
        self._rules = MessageRules(setup, family, flavour, service.switches, service.strict)
        self._detector = SpeechDetector(
            _detection(setup.detection, respected=service.switches.long_silence_respected),
            # The defaults differ: high on the Developer API, low on Vertex (google-genai types.py).
            "LOW" if flavour is Flavour.VERTEX else "HIGH",
            zeros_are_silence=service.switches.zeros_are_silence or not family.name.startswith("3.8"),
        )
        self._stamps = StampReader()
        # Those that belong to no turn yet.
        self._stamps_heard: list[int] = []
        # The newest stamp that came on this connection.
        self._newest_stamp = -1
        # The message being read.
        self._index = 0
        self._activity: _Activity | None = None
        self._activity_ended_at = float("-inf")
        self._signalled_once = False
        # How much of the audio belongs to turns already.
        self._taken_until = 0.0
        self._video_frames = 0
        # Content that was appended and not answered yet.
        self._open_content: list[Entry] = []
        self._seeding = setup.initial_history
        # The next spoken turn is answered without the seeded history.
        self._history_unheard = False
        self._echo = Echo(service.timing, setup, family, flavour, rng, outgoing)
        self.intake = Intake()
        self.model = Model(service, setup, family, flavour, rng, outgoing, resumed)

    def deadline(self) -> float:
        """Return when `advance` has something to do; infinity for never."""
        return min(self.intake.deadline(), self._echo.deadline(), self.model.deadline())

    def advance(self, now: float) -> Violation | None:
        """Read and send what is due, in the order of its times; return the rule that what was read breaks, if any."""
        while (due_at := self.deadline()) <= now and not self._outgoing.closed:
            if self._echo.deadline() == due_at:
                self._echo.step(now)
            elif self.model.deadline() == due_at:
                self.model.step(now)
            elif violation := self._read_next(now):
                return violation
        return None

    def _read_next(self, now: float) -> Violation | None:
        arrived = self.intake.take(now)
        self._index = arrived.index
        violation = arrived.begun and self._rules.violation(arrived.begun, self._situation(now))
        violation = violation or self._read(arrived.piece, now)
        if arrived.whole and not self._listening:
            self._settle()
        return violation

    def _settle(self) -> None:
        """Have what was read be part of the next handle: not so while the user is in the middle of something."""
        self.model.settled = (self.model.account, self._index)

    def _situation(self, now: float) -> Situation:
        pending = self.model.calls.pending
        return Situation(
            has_spoken=self.model.has_spoken,
            seeding=self._seeding,
            activity=bool(self._activity),
            since_activity=now - self._activity_ended_at,
            calls=frozenset(pending),
            blocking_calls=frozenset(call.id for call in pending.values() if call.blocking),
        )

    def _read(self, message: ClientMessage, now: float) -> Violation | None:
        match message:
            case RealtimeInput():
                return self._realtime_input(message, now)
            case ClientContent():
                return self._client_content(message, now)
            case ToolResponse():
                for response in message.responses:
                    self.model.respond(response, now)
            case ContextUpdate():
                self._update_context(message)
        return None

    def _realtime_input(self, message: RealtimeInput, now: float) -> Violation | None:
        signalled = self._setup.detection.disabled
        if (message.activity_start or message.activity_end) and not signalled:
            return rules.EXPLICIT_ACTIVITY
        if message.audio and self._refuses_audio:
            return endings.AUDIO_DURING_CALL
        if message.activity_start:
            self._signalled_once = True
            self._signal_start(now)
        if message.audio is not None:
            if signalled and not self._signalled_once and self._switches.early_audio_closes:
                return rules.EARLY_AUDIO
            self._hear(message.audio, now)
        if message.video and (self._activity or self._coverage != "TURN_INCLUDES_ONLY_ACTIVITY"):
            self._video_frames += 1
        elif message.video:
            self._outgoing.record(now, "video_ignored")
        if message.text and self._family.realtime_text:
            self._read_text(message.text, now, ignored=message.text_ignored)
        if message.audio_stream_end and not signalled and self._switches.stream_end_ends_speech:
            self._notice(self._detector.end(), now)
        if message.activity_end and self._activity:
            return self._end_signalled_activity(self._activity, now)
        return None

    def _client_content(self, message: ClientContent, now: float) -> Violation | None:
        """Append turns to the conversation, and answer them where asked to."""
        if message.turn_complete and not message.turns and not self._open_content and not self._seeding:
            return rules.BARE_TURN_COMPLETE
        entries = self._append(message)
        if self._seeding:
            self._seeding = not message.turn_complete
            return None
        # Whatever the activity handling, content interrupts (generative_service.proto).
        if message.turn_complete or not (self._switches.open_content_waits and self._family.name.startswith("3.8")):
            self.model.interrupt(now)
        self._open_content += entries
        if self._activity and self._setup.detection.disabled and not message.turn_complete:
            # The end of the activity has it answered.
            self._activity.texts += entries
        # New instructions alone ask for no answer.
        if message.turn_complete and self._open_content:
            self._answer_text(self._open_content[-1], now)
        return None

    def _append(self, message: ClientContent) -> list[Entry]:
        """Take turns into the context; return them."""
        seeds = self._seeding or not message.turn_complete
        entries = [_entry(turn, seeded=seeds) for turn in message.turns if turn.role != "system"]
        # Vertex takes new instructions so (docs.cloud.google.com, start-manage-session).
        for turn in message.turns:
            if turn.role == "system":
                self.model.context.instruction = turn.text
        older = self._family.seed_ends_with_user
        if not (older and seeds and entries and entries[-1].speaker == "model"):
            for entry in entries:
                self.model.context.add(entry)
        # 2.5 answers the next spoken turn as if it had heard nothing (pipecat issue 4355).
        self._history_unheard |= older and seeds and self._switches.seeded_history_skipped
        return entries

    def _update_context(self, message: ContextUpdate) -> None:
        if message.system_instruction is not None:
            self.model.context.instruction = message.system_instruction
        if message.tools is not None:
            self.model.functions = Functions(message.tools, self._family)

    def _hear(self, audio: Blob, now: float) -> None:
        # Audio in another format than PCM is not understood, and nobody is told.
        if not is_pcm(audio):
            return
        found = self._detector.hear(audio.content, sample_rate(audio.mime_type))
        signalled = self._setup.detection.disabled
        # Outside a signalled activity, audio counts for its offset and for nothing else (measured 2026-09-10).
        if self._activity or not signalled:
            self._account_for(self._stamps.read(audio.content), now)
        if not signalled:
            self._notice(found, now)
        if self._activity:
            heard = self._detector.offset - self._activity.began_at
            self._echo.hearing(self.model.cursor.coming().user, heard, now)

    def _account_for(self, stamps: list[int], now: float) -> None:
        """Write down which of the client's stamped audio the model never got, or got twice."""
        if not stamps:
            return
        self._stamps_heard += stamps
        before = self.model.account
        after = self.model.account = before.add(stamps)
        for first, last in after.lost:
            if first > before.newest:
                self._outgoing.record(now, "audio_lost", first=first, last=last, seconds=seconds(last - first + 1))
        if again := after.repeated - before.repeated:
            here = stamps[0] <= self._newest_stamp
            self._outgoing.record(now, "audio_repeated", first=stamps[0], seconds=seconds(again), here=here)
        self._newest_stamp = max(self._newest_stamp, stamps[-1])

    def _notice(self, found: Iterable[SpeechStarted | SpeechEnded], now: float) -> None:
        for event in found:
            if isinstance(event, SpeechStarted):
                self._start_activity(event.offset, now)
            elif self._activity and event.offset - self._activity.began_at < self._switches.wordless_speech:
                self._drop_sound(self._activity, self._activity.texts, event.offset, now)
            elif self._activity:
                self._end_activity(self._activity, self.model.cursor.spoken(), event.offset, now)

    def _read_text(self, text: str, now: float, *, ignored: bool) -> None:
        if ignored:
            if self._activity:
                self._activity.has_ignored = True
            return
        entry = Entry("user", text, {"TEXT": text_tokens(text)})
        self.model.context.add(entry)
        self._echo.typed(text, now)
        if self._activity:
            self._activity.texts.append(entry)
        elif self._setup.detection.disabled:
            # Only signals count as activity then (generative_service.proto): the text waits for one.
            self._open_content.append(entry)
        else:
            if self._interruptible:
                self.model.interrupt(now)
            self._answer_text(entry, now)

    def _signal_start(self, now: float) -> None:
        # A start inside an activity is ignored, and one too soon after it lost (measured 2026-09-10).
        if self._activity:
            return
        if now - self._activity_ended_at < self._service.timing.activity_gap:
            self._outgoing.record(now, "activity_start_dropped")
            return
        self._start_activity(self._detector.offset, now)

    def _start_activity(self, offset: float, now: float) -> None:
        self._activity = _Activity(offset, self._detector.voiced)
        self._echo.activity(offset, now, starts=True)
        if self._interruptible:
            self.model.interrupt(now)

    def _end_signalled_activity(self, activity: _Activity, now: float) -> Violation | None:
        self._activity_ended_at = now
        texts = activity.texts or self._open_content
        voiced = self._detector.voiced - activity.voiced_before
        if voiced >= max(_WORD_SECONDS, self._switches.wordless_speech):
            self._end_activity(activity, self.model.cursor.spoken(), self._detector.offset, now)
        elif voiced >= _WORD_SECONDS:
            self._drop_sound(activity, texts, self._detector.offset, now)
        elif texts and self._switches.text_activity_closes and self._family.content is ContentRule.ALWAYS:
            return rules.TEXT_ACTIVITY
        elif texts:
            self._end_activity(activity, self.model.cursor.written(texts[-1].text), self._detector.offset, now)
        elif self._detector.offset > activity.began_at:
            self._end_activity(activity, NOTHING_HEARD, self._detector.offset, now)
        elif activity.has_ignored:
            self._drop_activity(self._detector.offset, now)
        else:
            # The turn is closed before the connection is (measured 2026-09-10).
            ended = messages.server_content(messages.turn_complete()) | {"usageMetadata": {}}
            self._outgoing.send(now, ended, "turn_complete_sent", turn=0)
            return rules.EMPTY_ACTIVITY
        return None

    def _drop_sound(self, activity: _Activity, texts: Sequence[Entry], offset: float, now: float) -> None:
        """End an activity in which nobody said a word; these texts, which wait for its end, are answered."""
        if texts:
            self._end_activity(activity, self.model.cursor.written(texts[-1].text), offset, now)
        else:
            self._drop_activity(offset, now)

    def _drop_activity(self, offset: float, now: float) -> None:
        self._activity = None
        self._echo.activity(offset, now, starts=False)

    def _end_activity(self, activity: _Activity, line: Line, offset: float, now: float) -> None:
        self._drop_activity(offset, now)
        began_at = self._taken_until if self._coverage == "TURN_INCLUDES_ALL_INPUT" else activity.began_at
        self._taken_until = offset
        tokens = {"AUDIO": audio_tokens(offset - began_at), "VIDEO": self._take_video()}
        heard, self._stamps_heard = ranges(self._stamps_heard), []
        self._outgoing.record(now, "activity_ended", stamps=heard, text=line.user)
        said = Entry("user", line.user, tokens)
        self.model.context.add(said)
        # Where a text is answered, that was taken into the context when it came.
        texts = () if line.user else activity.texts or self._open_content
        asked = texts[-1] if texts else said
        with_history, self._history_unheard = not self._history_unheard, False
        read = "\n".join(entry.text for entry in activity.texts)
        self._settle()
        answer_at = self._prompt(line, asked, now, with_history=with_history, heard=heard, read=read)
        self._echo.spoken(line.user, now, answer_at)

    def _answer_text(self, text: Entry, now: float) -> None:
        if video := self._take_video():
            self.model.context.add(Entry("user", "", {"VIDEO": video}))
        if not self._listening:
            self._settle()
        self._prompt(self.model.cursor.written(text.text), text, now)

    def _prompt(
        self, line: Line, asked: Entry, now: float, *, with_history: bool = True, heard: str = "", read: str = ""
    ) -> float:
        self._open_content.clear()
        return self.model.prompt(line, asked, now, with_history=with_history, heard=heard, read=read)

    def _take_video(self) -> int:
        """Return the tokens of the frames since the last turn."""
        frames, self._video_frames = self._video_frames, 0
        return frames * VIDEO_TOKENS_PER_FRAME

    @property
    def _listening(self) -> bool:
        """Whether the user is in the middle of something, or may just have begun it."""
        return bool(self._activity) or not (self._setup.detection.disabled or self._detector.quiet)

    @property
    def _coverage(self) -> str:
        return self._setup.turn_coverage or self._family.turn_coverage

    @property
    def _refuses_audio(self) -> bool:
        refuses = self._switches.audio_in_calls_refused and self._family.holds_audio_in_calls
        return refuses and self.model.waiting

    @property
    def _interruptible(self) -> bool:
        older = self._family.name.startswith("2.5")
        return self._setup.interruptible or (older and not self._switches.no_interruption_respected)


def _detection(detection: Detection, *, respected: bool) -> Detection:
    if respected or detection.silence_duration is None:
        return detection
    return replace(detection, silence_duration=min(detection.silence_duration, _LONGEST_SILENCE))


def _entry(turn: Content, *, seeded: bool) -> Entry:
    return Entry("model" if turn.role == "model" else "user", turn.text, {"TEXT": text_tokens(turn.text)}, seeded)
