"""Plays the demo conversation against a gateway, and says whether everything happened in it that should."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import grpc
from rich.console import Console

import segue_client
from segue.demo.noticed import audio_after_interrupted
from segue.demo.scenes import Scenes
from segue.demo.witness import Witness
from segue.simulator.history import History
from segue.talk.clock import Clock
from segue.talk.conversation import Conversation, Turn
from segue.talk.playback import Playback
from segue.talk.timeline import Timeline
from segue.talk.wav import level, read_utterance, write_recording

UTTERANCES = tuple(
    Path(__file__).parent / "utterances" / name for name in ("lighthouse.wav", "name.wav", "boat.wav", "go_on.wav")
)

_OPEN_TIMEOUT = 20.0
# Speech is at several thousand of 32768; a file of silence and dither stays below ten.
_AUDIBLE_LEVEL = 100.0


def _check(what: str) -> bool:
    return field(metadata={"what": what})  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """Which of the things happened that the demo is there to show."""

    transcribed: bool = _check("all of the user's utterances were transcribed")
    answered: bool = _check("the model answered each of them with audio, and to the end where nobody interrupted it")
    interrupted: bool = _check("the first answer was interrupted, with heard and unheard text")
    silent: bool = _check("no audio of the interrupted turn came after Interrupted")
    renewed: bool = _check("the link to the model was replaced while the conversation went on")
    unnoticed: bool = _check(
        "hardly anybody noticed: under 1 s of silence in the answers around it, no sentence said twice"
    )
    healed: bool = _check("the gateway found out the silent link, replaced it, and gave the model the words again")
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
    wedge: Callable[[], object] | None = None,
    options: segue_client.OpenSession | None = None,
    channel_credentials: grpc.ChannelCredentials | None = None,
    token: str | None = None,
    clock: Clock | None = None,
) -> DemoOutcome:
    """Ask for a story, interrupt it by voice after six seconds, ask on while links are replaced, and half-close.

    Args:
        target: the gateway's address. It is to renew links after 15 seconds or so.
        wavs: the four utterances, as `UTTERANCES`.
        output: where to write what the user heard, in real time (WAV, 24000 Hz mono).
        console: where to show the conversation.
        history: gets what the client saw, on the clock of `time.monotonic`.
        wedge: makes the model fall silent; None where nobody can, and then the last utterance is left out.
        options: the session's options; it always asks for notices.
        channel_credentials: TLS; None means an unencrypted connection.
        token: sent as a bearer token.
        clock: for tests.

    Raises:
        TalkError: a WAV file cannot be used.
        segue_client.SegueError: the gateway could not be reached, or closed the session for a reason of its own.
    """
    question, interruption, further, last = map(read_utterance, wavs)
    clock = clock or Clock()
    playback = Playback(clock.now())
    witness = Witness(history, clock, simulated=wedge is not None)
    with Timeline(console, clock.now()) as timeline:
        async with segue_client.connect(
            target,
            options=_with_notices(options),
            channel_credentials=channel_credentials,
            token=token,
            on_event=witness.received,
        ) as session:
            conversation = Conversation(session, playback, timeline, clock)
            scenes = Scenes(conversation, playback, timeline, console, clock, witness, history)
            async with conversation.running(scenes.reader):
                await conversation.until(lambda: session.opened is not None, within=_OPEN_TIMEOUT)
                await scenes.interrupt(question, interruption)
                await scenes.renew(further)
                if wedge is None:
                    scenes.leave_out_wedge()
                else:
                    await scenes.wedge(last, wedge)
                await session.finish()
                await conversation.end()
    recording = playback.recording()
    write_recording(output, recording)
    completed = session.closed is not None and session.closed.reason == "COMPLETED"
    return _outcome(conversation, scenes, history, recording, wedged=wedge is not None, completed=completed)


def _with_notices(options: segue_client.OpenSession | None) -> segue_client.OpenSession:
    own = segue_client.OpenSession()
    if options is not None:
        own.CopyFrom(options)
    own.include_notices = True
    return own


def _outcome(
    conversation: Conversation, scenes: Scenes, history: History, recording: bytes, *, wedged: bool, completed: bool
) -> DemoOutcome:
    said = 4 if wedged else 3
    cuts = {number: turn.interrupted for number, turn in conversation.turns.items() if turn.interrupted is not None}
    return DemoOutcome(
        transcribed=len(conversation.words) == said and all(words.strip() for words in conversation.words),
        answered=all(any(map(_is_whole, scenes.answers(number).values())) for number in range(1, said)),
        interrupted=any(cut.heard_text.strip() and cut.unheard_text.strip() for cut in cuts.values()),
        silent=bool(cuts) and not any(audio_after_interrupted(history, number) for number in cuts),
        renewed=scenes.renewed,
        unnoticed=scenes.unnoticed,
        healed=not wedged or scenes.healed,
        audible=level(recording) >= _AUDIBLE_LEVEL,
        completed=completed,
    )


def _is_whole(answer: Turn) -> bool:
    return bool(answer.audio_bytes) and answer.ended is not None and answer.interrupted is None
