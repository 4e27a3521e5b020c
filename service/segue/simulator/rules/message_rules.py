"""What a client may send once it is set up, by model family and service.

What depends on the turn under way is with the conversation: explicit activities, empty ones, and a bare `turnComplete`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from segue.simulator.conversation.intake import sample_rate
from segue.simulator.conversation.stamps import rate_of
from segue.simulator.families import ContentRule, Family
from segue.simulator.rules import rules, strict_rules
from segue.simulator.rules.rulebook import Rule, Violation
from segue.simulator.switches import Switches
from segue.simulator.wire.reader import (
    Blob,
    ClientContent,
    ClientMessage,
    ContextUpdate,
    FunctionResponse,
    RealtimeInput,
    Setup,
    ToolResponse,
)
from segue.simulator.wire.schema import Flavour

_PCM = re.compile(r"audio/pcm\s*(;\s*rate=(?P<rate>[0-9]{4,5}))?")
_ROLES = frozenset({"", "user", "model"})
_RATES = range(8_000, 96_001)
# An activity that begins sooner after another may be lost, or become one with it (measured 2026-09-10).
BETWEEN_ACTIVITIES = 0.5


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a conversation is when a message comes.

    Attributes:
        has_spoken: the model has had a turn.
        seeding: client content is taken as initial history.
        activity: an activity that the client signalled is open.
        since_activity: seconds since the last one ended.
        calls: the ids of the calls that wait for responses.
        blocking_calls: those for which the model waits.
    """

    has_spoken: bool = False
    seeding: bool = False
    activity: bool = False
    since_activity: float = float("inf")
    calls: frozenset[str] = frozenset()
    blocking_calls: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MessageRules:
    """The rules for one connection.

    Attributes:
        setup: what was agreed.
        family: that of its model.
        flavour: which service it is.
        switches: how the service behaves where that is disputed.
        strict: what the service ignores is refused, too.
    """

    setup: Setup
    family: Family
    flavour: Flavour
    switches: Switches
    strict: bool = False

    def violation(self, message: ClientMessage, situation: Situation) -> Violation | None:
        """Return the first rule that a message breaks, if any."""
        if violation := self._closing(message, situation):
            return violation
        return next(self._silent(message, situation), None) if self.strict else None

    @property
    def _roles(self) -> frozenset[str]:
        """Those that content may have; none stands for the user."""
        return _ROLES | {"system"} if self.flavour is Flavour.VERTEX else _ROLES

    def _closing(self, message: ClientMessage, situation: Situation) -> Violation | None:
        match message:
            case RealtimeInput() if message.media_chunks and not self.family.takes_media_chunks:
                return rules.MEDIA_CHUNKS_DEPRECATED
            case ClientContent() if not self._roles.issuperset(turn.role for turn in message.turns):
                return rules.ROLE_UNSUPPORTED
            case ClientContent() if self.family.content is ContentRule.BEFORE_FIRST_TURN:
                if situation.seeding and self.switches.initial_history_refused:
                    return rules.HISTORY_REFUSED
                if situation.has_spoken and not self.switches.content_after_model_turn:
                    return rules.CONTENT_IN_SESSION
            case ContextUpdate() if self.flavour is Flavour.DEVELOPER:
                if not self.switches.context_update_on_developer:
                    return rules.field_unknown("contextUpdate", "")
        return None

    def _silent(self, message: ClientMessage, situation: Situation) -> Iterator[Violation]:
        match message:
            case RealtimeInput():
                yield from self._of_media(message, situation)
                if self.setup.detection.disabled:
                    yield from (rule.broken() for rule in _of_activities(message, situation))
                if message.text and not self.family.realtime_text:
                    yield strict_rules.TEXT_UNSUPPORTED.broken()
                if _is_empty(message):
                    yield strict_rules.EMPTY_INPUT.broken()
            case ClientContent():
                yield from self._of_content(message)
            case ToolResponse():
                for response in message.responses:
                    yield from self._of_response(response, situation)

    def _of_media(self, message: RealtimeInput, situation: Situation) -> Iterator[Violation]:
        if message.media_chunks > 1 and self.flavour is Flavour.DEVELOPER:
            yield strict_rules.SECOND_MEDIA_CHUNK.broken()
        if message.audio:
            yield from _of_audio(message.audio)
            if situation.blocking_calls and self.family.holds_audio_in_calls:
                yield strict_rules.INPUT_DURING_CALL.broken()
        if message.video and not message.video.mime_type.startswith("image/"):
            yield strict_rules.VIDEO_FORMAT.broken(mime_type=message.video.mime_type)

    def _of_content(self, message: ClientContent) -> Iterator[Violation]:
        seeds = bool(message.turns) and not message.turn_complete
        if seeds and message.turns[-1].role == "model" and self.family.seed_ends_with_user:
            yield strict_rules.SEED_ENDS_WITH_MODEL.broken()

    def _of_response(self, response: FunctionResponse, situation: Situation) -> Iterator[Violation]:
        # Older Vertex models give no ids; a response without one then belongs to the function of its name.
        nameless = not response.id and self.flavour is Flavour.VERTEX and bool(situation.calls)
        if not nameless and response.id not in situation.calls:
            yield strict_rules.RESPONSE_UNASKED.broken(id=response.id)
        if response.scheduling and (not self.family.schedules or response.id in situation.blocking_calls):
            yield strict_rules.SCHEDULING_UNSUPPORTED.broken()


def _of_audio(audio: Blob) -> Iterator[Violation]:
    match = _PCM.fullmatch(audio.mime_type)
    if match is None or int(match["rate"] or _RATES.start) not in _RATES:
        yield strict_rules.AUDIO_FORMAT.broken(mime_type=audio.mime_type)
        return
    if len(audio.content) % 2:
        yield strict_rules.AUDIO_ODD.broken()
    declared = sample_rate(audio.mime_type)
    if (sounds := rate_of(audio.content)) not in (None, declared):
        yield strict_rules.AUDIO_RATE.broken(declared=declared, sounds=sounds)


def _of_activities(message: RealtimeInput, situation: Situation) -> Iterator[Rule]:
    """Yield the rules for signalled activities that a message breaks."""
    is_open = situation.activity or message.activity_start
    if message.activity_start and situation.activity:
        yield strict_rules.NESTED_ACTIVITY
    if message.activity_start and situation.since_activity < BETWEEN_ACTIVITIES:
        yield strict_rules.ACTIVITY_TOO_SOON
    if message.audio and not is_open:
        yield strict_rules.AUDIO_OUTSIDE_ACTIVITY
    if message.activity_end and not is_open:
        yield strict_rules.ACTIVITY_NOT_OPEN
    if message.audio_stream_end:
        yield strict_rules.STREAM_END_SIGNALLED


def _is_empty(message: RealtimeInput) -> bool:
    media = [blob for blob in (message.audio, message.video) if blob]
    return message == RealtimeInput() or message.text == "" or any(not blob.content for blob in media)
