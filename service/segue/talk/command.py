"""A conversation from the terminal: a WAV file, a line of text, or a microphone."""

import asyncio
import math
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import grpc
from rich.console import Console

import segue_client
from segue.talk.clock import Clock
from segue.talk.conversation import Conversation
from segue.talk.devices import open_microphone, open_speaker
from segue.talk.errors import TalkError
from segue.talk.playback import Playback
from segue.talk.timeline import Timeline
from segue.talk.voice import Mute, Reader, Voice
from segue.talk.wav import read_utterance, write_recording

# How long the model may keep the user waiting, in seconds.
_ANSWER_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class TalkResult:
    """How a conversation went.

    Attributes:
        answered: whether the user's last words were answered to the end; True for a microphone once anything was.
        turns: how many replies the model began.
        interruptions: how many of them were cut.
        first_audio: the seconds from the user's words to the first audio of each reply, where they are known.
        closed: how the session ended.
    """

    answered: bool
    turns: int
    interruptions: int
    first_audio: tuple[float, ...]
    closed: segue_client.Closed | None


async def talk(
    target: str,
    *,
    wav: Path | None = None,
    text: str | None = None,
    microphone: bool = False,
    output: Path | None = None,
    speaker: bool = False,
    options: segue_client.OpenSession | None = None,
    channel_credentials: grpc.ChannelCredentials | None = None,
    token: str | None = None,
    console: Console,
    clock: Clock | None = None,
) -> TalkResult:
    """Hold one conversation with the gateway at `target` and show it on `console`.

    With `wav` or `text` it ends when they are answered, with `microphone` when the user presses Ctrl-C, which ends
    the others early. What the user heard, in real time, is written to `output` (WAV, 24000 Hz mono), also then.

    Args:
        target: the gateway's address.
        wav: what the user says: 16-bit mono PCM at 16000 Hz.
        text: what the user writes.
        microphone: whether the user speaks into the default microphone.
        output: where to write what the user heard.
        speaker: whether to play it.
        options: the session's options; the audio formats are talk's own, and it always asks for notices.
        channel_credentials: TLS; None means an unencrypted connection.
        token: sent as a bearer token.
        console: where to show the conversation.
        clock: for tests.

    Raises:
        TalkError: something about the arguments, the file or the devices; the message says what to do.
        segue_client.SegueError: the gateway could not be reached, or closed the session for a reason of its own.
    """
    if [wav is not None, text is not None, microphone].count(True) != 1:
        raise TalkError("Say what to talk with: one of --wav, --text and --microphone.")
    utterance = read_utterance(wav) if wav is not None else None
    clock = clock or Clock()
    playback = Playback(clock.now())
    with ExitStack() as open_things:
        voice: Voice = open_things.enter_context(open_microphone()) if microphone else Reader() if wav else Mute()
        loudspeaker = open_things.enter_context(open_speaker()) if speaker else None
        if output is not None:
            open_things.callback(_save, output, playback)
        timeline = open_things.enter_context(Timeline(console, clock.now()))
        async with segue_client.connect(
            target, options=_own_options(options), channel_credentials=channel_credentials, token=token
        ) as session:
            stopped = open_things.enter_context(_ctrl_c())
            conversation = Conversation(session, playback, timeline, clock, loudspeaker, stopped)
            async with conversation.running(voice):
                if utterance is not None and isinstance(voice, Reader):
                    await conversation.read(voice, utterance)
                elif text is not None:
                    await conversation.type(text)
                await _listen_out(conversation, clock, math.inf if microphone else _ANSWER_TIMEOUT)
                await (session.close() if stopped.is_set() else session.finish())
                await conversation.end()
    turns = conversation.turns.values()
    return TalkResult(
        answered=any(turn.ended for turn in turns) if microphone else conversation.answered,
        turns=len(turns),
        interruptions=sum(turn.interrupted is not None for turn in turns),
        first_audio=tuple(turn.waited for turn in turns if turn.waited is not None),
        closed=session.closed,
    )


async def _listen_out(conversation: Conversation, clock: Clock, patience: float) -> None:
    """Wait until the user's words are answered, or the model has been silent for `patience` seconds."""
    quiet_since = clock.now()

    def at_an_end() -> bool:
        nonlocal quiet_since
        if not conversation.quiet:
            quiet_since = clock.now()
        return (patience < math.inf and conversation.answered) or clock.now() > quiet_since + patience

    await conversation.until(at_an_end, within=math.inf)


def _save(output: Path, playback: Playback) -> None:
    recording = playback.recording()
    if recording:
        write_recording(output, recording)


def _own_options(options: segue_client.OpenSession | None) -> segue_client.OpenSession:
    own = segue_client.OpenSession()
    if options is not None:
        own.CopyFrom(options)
    own.ClearField("input_format")
    own.ClearField("output_format")
    own.include_notices = True
    return own


@contextmanager
def _ctrl_c() -> Iterator[asyncio.Event]:
    """Yield an event that the first Ctrl-C sets; the next one interrupts as ever."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        loop.remove_signal_handler(signal.SIGINT)

    # Other threads than the main one, and Windows, have no signal handlers in the loop.
    with suppress(NotImplementedError, RuntimeError, ValueError):
        loop.add_signal_handler(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.remove_signal_handler(signal.SIGINT)
