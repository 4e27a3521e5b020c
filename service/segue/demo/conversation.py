"""Plays the demo conversation against a gateway, and says whether everything happened in it that should."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import grpc
from rich.console import Console

import segue_client
from segue.demo.witness import Witness
from segue.simulator.history import History
from segue.talk.clock import Clock
from segue.talk.conversation import Conversation
from segue.talk.playback import Playback
from segue.talk.timeline import Timeline
from segue.talk.voice import Reader
from segue.talk.wav import level, read_utterance, write_recording

UTTERANCES = tuple(Path(__file__).parent / "utterances" / name for name in ("lighthouse.wav", "name.wav"))

# How much of the first answer the user hears before the interruption, in seconds.
_PATIENCE = 6.0
_OPEN_TIMEOUT = 20.0
_ANSWER_TIMEOUT = 120.0
# Speech is at several thousand of 32768; a file of silence and dither stays below ten.
_AUDIBLE_LEVEL = 100.0


def _check(what: str) -> bool:
    return field(metadata={"what": what})  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """Which of the things happened that the demo is there to show."""

    transcribed: bool = _check("both of the user's utterances were transcribed")
    answered_twice: bool = _check("the model answered twice, with audio, the second time to the end")
    interrupted: bool = _check("the first answer was interrupted, with heard and unheard text")
    silent: bool = _check("no audio of the interrupted turn came after Interrupted")
    audible: bool = _check("the recorded reply is audible")
    completed: bool = _check("the session closed with COMPLETED after the half-close")

    @property
    def missing(self) -> list[str]:
        """What did not happen, in words; empty when all is well."""
        return [check.metadata["what"] for check in fields(self) if not getattr(self, check.name)]


async def converse(
    target: str,
    wavs: Sequence[Path],
    output: Path,
    console: Console,
    history: History,
    *,
    options: segue_client.OpenSession | None = None,
    channel_credentials: grpc.ChannelCredentials | None = None,
    token: str | None = None,
    clock: Clock | None = None,
) -> DemoOutcome:
    """Ask for a story, interrupt it by voice after six seconds, hear the next answer out, and half-close.

    Args:
        target: the gateway's address.
        wavs: the two utterances, as `UTTERANCES`.
        output: where to write what the user heard, in real time (WAV, 24000 Hz mono).
        console: where to show the conversation.
        history: gets what the client saw, on the clock of `time.monotonic`.
        options: the session's options.
        channel_credentials: TLS; None means an unencrypted connection.
        token: sent as a bearer token.
        clock: for tests.

    Raises:
        TalkError: a WAV file cannot be used.
        segue_client.SegueError: the gateway could not be reached, or closed the session for a reason of its own.
    """
    question, interruption = map(read_utterance, wavs)
    clock = clock or Clock()
    playback = Playback(clock.now())
    witness = Witness(history, clock)
    reader = Reader()
    with Timeline(console, clock.now()) as timeline:
        async with segue_client.connect(
            target, options=options, channel_credentials=channel_credentials, token=token, on_event=witness.received
        ) as session:
            conversation = Conversation(session, playback, timeline, clock)
            async with conversation.running(reader):
                await conversation.until(lambda: session.opened is not None, within=_OPEN_TIMEOUT)
                for utterance in (question, interruption):
                    witness.said("utterance_started", utterance.name)
                    await conversation.read(reader, utterance)
                    witness.said("utterance_ended", utterance.name)
                    if utterance is question:
                        await conversation.until(lambda: _heard_enough(conversation, playback, clock), _ANSWER_TIMEOUT)
                await conversation.until(lambda: conversation.answered, _ANSWER_TIMEOUT)
                await session.finish()
                await conversation.end()
    recording = playback.recording()
    write_recording(output, recording)
    return _outcome(conversation, history, recording, session.closed)


def _heard_enough(conversation: Conversation, playback: Playback, clock: Clock) -> bool:
    """Whether some answer was heard for long enough to interrupt it, or is over before that."""
    now = clock.now()
    return conversation.answered or any(playback.heard(turn, now) >= _PATIENCE for turn in conversation.turns)


def _outcome(
    conversation: Conversation, history: History, recording: bytes, closed: segue_client.Closed | None
) -> DemoOutcome:
    turns = conversation.turns
    cuts = {number: turn.interrupted for number, turn in turns.items() if turn.interrupted is not None}
    spoken = [turn for turn in turns.values() if turn.audio_bytes]
    return DemoOutcome(
        transcribed=len(conversation.words) == 2 and all(words.strip() for words in conversation.words),
        answered_twice=len(spoken) >= 2 and conversation.answered,
        interrupted=any(cut.heard_text.strip() and cut.unheard_text.strip() for cut in cuts.values()),
        silent=bool(cuts) and not any(_audio_after_interrupted(history, turn) for turn in cuts),
        audible=level(recording) >= _AUDIBLE_LEVEL,
        completed=closed is not None and closed.reason == "COMPLETED",
    )


def _audio_after_interrupted(history: History, turn: int) -> bool:
    arms = [r.fields["arm"] for r in history.of("client", "output_received") if r.fields["turn"] == turn]
    return "audio" in arms[arms.index("interrupted") :]
