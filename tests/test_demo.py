"""The demo's client against a scripted server that plays along, and against ones that do not; and what it records."""

import io
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from segue.config import Settings
from segue.core.actions import Purpose, Setup
from segue.core.events import LinkEvent, LinkLost, LossCause, ModelAudio
from segue.core.options import Modality, ServerDetection
from segue.demo import UTTERANCES, DemoOutcome, command, converse
from segue.demo.links import WatchedAccount, attributed
from segue.demo.noticed import said_twice, silence_within
from segue.demo.numbered import NumberedVoice, numbers_in
from segue.simulator.conversation.stamps import StampReader, stamp
from segue.simulator.history import History
from segue.simulator.promises import Broke, check
from segue.talk.wav import level, read_utterance
from segue_client.segue.v1.server_event_pb2 import (
    Interrupted,
    Notice,
    ServerEvent,
    SessionOpened,
    Transcript,
    TurnEnded,
)
from tests.clients.python.scripted_server import COMPLETED, Script, Stream, serving
from tests.scripted_backend import ScriptedBackend
from tests.test_talk import VirtualClock, hear_utterance, tone, transcript

CUT = Interrupted(cause=Interrupted.CAUSE_USER, heard_text="Once upon", unheard_text=" a time")
LOUD, QUIET = tone(0.04, 24000), bytes(1920)
RENEWED = Notice(kind=Notice.KIND_RENEWED, message="the link was replaced")
RENEWED.took.FromMilliseconds(160)
HEALED = (
    Notice(kind=Notice.KIND_WEDGED, message="no answer"),
    Notice(kind=Notice.KIND_RECOVERED, message="replaced"),
    Notice(kind=Notice.KIND_INPUT_REPLAYED, message="given again"),
)
NAMES = [path.name for path in UTTERANCES]


def speech(turn: int, seconds: float, pcm: bytes) -> list[ServerEvent]:
    return [ServerEvent(turn=turn, audio=pcm) for _ in range(round(seconds * 25))]


def ended(turn: int, reason: "TurnEnded.Reason" = TurnEnded.REASON_COMPLETED) -> ServerEvent:
    return ServerEvent(turn=turn, turn_ended=TurnEnded(reason=reason))


class Numbered:
    """A stream whose output is numbered."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._numbers = count(1)

    async def say(self, *events: ServerEvent) -> None:
        for event in events:
            event.seq = next(self._numbers)
        await self._stream.say(*events)


def story(
    *,
    words: str = "Tell me a story.",
    cut: Interrupted = CUT,
    after_cut: tuple[ServerEvent, ...] = (),
    pcm: bytes = LOUD,
    second: bool = True,
    renewed: tuple[Notice, ...] = (RENEWED,),
    third_words: str = "And then the boat came home.",
    stumble: int = 0,
    wedged: bool = True,
    healed: tuple[Notice, ...] = HEALED,
    answers: int = 1,
) -> Script:
    """A server that tells a story; `stumble` is how long it stops in the middle of the third turn, in frames."""

    def answer(turn: int, text: str, *middle: ServerEvent) -> list[ServerEvent]:
        said = transcript(Transcript.SPEAKER_MODEL, text, turn)
        return [transcript(Transcript.SPEAKER_USER, words), said, *speech(turn, 1.0, pcm), *middle, ended(turn)]

    async def tell(stream: Stream) -> None:
        output = Numbered(stream)
        await stream.say(ServerEvent(opened=SessionOpened(session_id="s7")))
        await hear_utterance(stream)
        await output.say(transcript(Transcript.SPEAKER_USER, words), *speech(1, 30.0, pcm))
        while level((await stream.hear_until("audio")).audio) < 100:
            pass
        await output.say(ServerEvent(turn=1, interrupted=cut), *after_cut, ended(1, TurnEnded.REASON_INTERRUPTED))
        await hear_utterance(stream)
        await output.say(*(answer(2, "Her name was, as I said, Marta.") if second else answer(2, "")[:1]))
        await hear_utterance(stream)
        await output.say(*(ServerEvent(notice=notice) for notice in renewed))
        *beginning, end = answer(3, third_words)
        await output.say(*beginning)
        for _ in range(50 + stumble if stumble else 0):
            await stream.hear_until("audio")
        await output.say(*speech(3, 1.0, pcm), end)
        if wedged:
            await hear_utterance(stream)
            await output.say(*(ServerEvent(notice=notice) for notice in healed))
            for turn in range(4, 4 + answers):
                await output.say(*answer(turn, "They stayed for breakfast."))
        await stream.hear_out()
        await stream.say(COMPLETED)

    return tell


async def run(script: Script, output: Path, history: History, *, wedged: bool = True) -> tuple[DemoOutcome, str]:
    console = Console(file=io.StringIO(), force_terminal=False)
    wedges: list[str] = []
    async with serving(script) as server:
        wedge = (lambda: wedges.append("now")) if wedged else None
        clock = VirtualClock()
        outcome = await converse(server.target, UTTERANCES, output, console, history, wedge=wedge, clock=clock)
        assert server.streams[0].heard[0].open.include_notices
    assert wedges == ["now"] * wedged
    assert isinstance(console.file, io.StringIO)
    return outcome, console.file.getvalue()


def test_the_utterances_are_speech_of_a_few_seconds() -> None:
    for utterance in map(read_utterance, UTTERANCES):
        assert 1.5 < utterance.duration < 5.0
        assert level(utterance.pcm) > 1000
        assert utterance.duration - utterance.words_end < 0.2


async def test_all_of_it_happens_and_is_recorded(tmp_path: Path) -> None:
    history = History()
    outcome, shown = await run(story(), tmp_path / "reply.wav", history)
    assert outcome.missing == []
    outputs = history.of("client", "output_received")
    assert [record.fields["arm"] for record in outputs][-2:] == ["turn_ended", "closed"]
    numbers = [record.fields["seq"] for record in outputs if record.fields["seq"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert {record.session for record in outputs} == {"s7"}
    cut = next(record for record in outputs if record.fields["arm"] == "interrupted")
    assert (cut.fields["cause"], cut.fields["heard_text"], cut.fields["unheard_text"]) == (
        "USER",
        "Once upon",
        " a time",
    )
    assert {record.fields["bytes"] for record in outputs if record.fields["arm"] == "audio"} == {1920}
    notices = [record.fields for record in outputs if record.fields["arm"] == "notice"]
    assert [notice["notice"] for notice in notices] == ["RENEWED", "WEDGED", "RECOVERED", "INPUT_REPLAYED"]
    assert [notice["took"] for notice in notices] == [0.16, None, None, None]
    begun, over = history.of("client", "utterance_begun"), history.of("client", "utterance_ended")
    assert [record.fields["utterance"] for record in begun] == NAMES
    assert [record.fields["utterance"] for record in over] == NAMES
    first_audio = next(record for record in outputs if record.fields["arm"] == "audio")
    assert begun[1].at - first_audio.at == pytest.approx(6.0, abs=0.5)
    # The first answer was cut after six seconds and a bit, not played for thirty.
    assert 12.0 < (tmp_path / "reply.wav").stat().st_size / 48000 < 60.0
    assert "turn 1 interrupted (USER)" in shown
    assert "heard:   “Once upon”" in shown
    assert "unheard: “a time”" in shown
    assert "the user noticed nothing: 0 ms of silence" in shown
    assert "no sentence said twice" in shown
    assert "they did not have to repeat themselves" in shown


async def test_the_users_words_are_numbered_so_that_nothing_of_them_gets_lost_unseen(tmp_path: Path) -> None:
    heard: list[int] = []

    async def listen(stream: Stream) -> None:
        await story()(stream)
        reader = StampReader()
        heard.extend(number for event in stream.heard for number in reader.read(event.audio))

    history = History()
    await run(listen, tmp_path / "reply.wav", history)
    said = [(record.fields["first"], record.fields["last"]) for record in history.of("client", "utterance_ended")]
    assert heard == list(range(heard[-1] + 1))
    assert [first for first, _ in said] == [0, *(int(last or 0) + 1 for _, last in said[:-1])]
    assert said[-1][1] == heard[-1]


async def test_where_nobody_can_make_the_model_fail_that_is_said(tmp_path: Path) -> None:
    history = History()
    outcome, shown = await run(story(wedged=False), tmp_path / "reply.wav", history, wedged=False)
    assert outcome.missing == []
    assert "not shown: only the simulator can be made to fail" in shown
    # What became of the user's words nobody knows, so no checker may find them.
    said = [(record.fields["what"], record.fields["utterance"]) for record in history.of("client", "input_sent")]
    assert said == [(what, name) for name in NAMES[:3] for what in ("utterance_begun", "utterance_ended")]
    assert not history.of("client", "utterance_begun", "utterance_ended")


@pytest.mark.parametrize(
    ("script", "missing"),
    [
        (lambda: story(words=" "), "transcribed"),
        (lambda: story(cut=Interrupted(cause=Interrupted.CAUSE_USER, heard_text="Once")), "heard and unheard text"),
        (lambda: story(after_cut=(ServerEvent(turn=1, audio=QUIET),)), "no audio of the interrupted turn"),
        (lambda: story(pcm=QUIET), "audible"),
        (lambda: story(second=False), "answered each of them"),
        (lambda: story(renewed=()), "the link to the model was replaced"),
        (lambda: story(third_words="Her name was, as I said, Marta."), "hardly anybody noticed"),
        (lambda: story(stumble=150), "hardly anybody noticed"),
        (lambda: story(healed=HEALED[1:]), "the silent link"),
        (lambda: story(healed=HEALED[:2]), "the silent link"),
        (lambda: story(answers=2), "the silent link"),
    ],
)
async def test_what_did_not_happen_is_named(tmp_path: Path, script: Callable[[], Script], missing: str) -> None:
    outcome, _ = await run(script(), tmp_path / "reply.wav", History())
    assert len(outcome.missing) == 1
    assert missing in outcome.missing[0]


async def test_what_did_not_happen_is_told_line_by_line(tmp_path: Path, plain_environment: pytest.MonkeyPatch) -> None:
    names = dict.fromkeys(DemoOutcome.__slots__, True) | {"renewed": False, "healed": False}

    async def nothing(*_arguments: Any, **_options: Any) -> DemoOutcome:
        return DemoOutcome(**names)

    plain_environment.setattr(command, "converse", nothing)
    console = Console(file=io.StringIO(), force_terminal=False)
    assert not await command.demo(Settings(port=0, metrics_port=0), tmp_path, console)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "✗ on the recorded history: " in shown
    assert "✗ this did not happen: the link to the model was replaced while the conversation went on" in shown
    assert "✗ this did not happen: the gateway found out the silent link" in shown
    assert f"history: {tmp_path / 'history.jsonl'}" in shown


def output(history: History, at: float, arm: str, turn: int, **fields: str | float) -> None:
    history.add(at, "client", "s7", "output_received", seq=0, turn=turn, arm=arm, **fields)


def test_silence_is_what_a_player_without_a_buffer_plays_in_the_middle_of_a_turn() -> None:
    history = History()
    for at, turn in ((1.0, 1), (1.05, 1), (1.3, 1), (2.0, 2), (2.1, 2)):
        output(history, at, "audio", turn, bytes=4800)
    assert silence_within(history, {1}) == pytest.approx(0.1)
    assert silence_within(history, {2}) == pytest.approx(0.0)
    assert silence_within(history, {1, 2}) == pytest.approx(0.1)


def test_a_sentence_said_twice_is_found_and_a_short_one_is_not_looked_for() -> None:
    history = History()
    for turn, text in ((1, "Of course. The keeper was "), (1, "called Marta."), (2, "Of course. She left.")):
        output(history, 1.0, "transcript", turn, speaker="MODEL", text=text)
    output(history, 1.0, "transcript", 3, speaker="USER", text="The keeper was called Marta.")
    output(history, 1.0, "transcript", 3, speaker="MODEL", text="The keeper was called Marta.")
    assert said_twice(history, {1, 2}) == []
    assert said_twice(history, {1, 2, 3}) == ["the keeper was called marta."]


class Tone:
    def speak(self, sentence: str) -> bytes:
        return tone(len(sentence) / 100, 24000)


def test_the_models_words_are_numbered_from_turn_to_turn() -> None:
    history = History()
    voice = NumberedVoice(Tone(), history)
    history.add(1.0, "simulator", "connection-1", "turn_begun", turn=1)
    spoken = voice.speak("Ten letters") + voice.speak("More")
    history.add(2.0, "simulator", "connection-2", "turn_begun", turn=1)
    spoken += voice.speak("Four")
    assert numbers_in(StampReader(), spoken) == {"blocks": "0-8"}
    planned = [
        (record.session, record.fields["first"], record.fields["last"])
        for record in history.of("simulator", "speech_planned")
    ]
    assert planned == [("connection-1", 0, 4), ("connection-1", 5, 6), ("connection-2", 7, 8)]
    assert numbers_in(StampReader(), tone(0.1, 24000)) == {}


def setup(handle: str = "") -> Setup:
    return Setup("m", "", "", "", Modality.AUDIO, ServerDetection(), None, handle=handle)


async def test_what_becomes_of_links_is_recorded_and_reported_all_the_same() -> None:
    history, reported = History(), list[LinkEvent]()
    scripted = ScriptedBackend()
    backend = WatchedAccount(scripted, history)
    first = backend.dial(1, setup(), reported.append)
    second = backend.dial(2, setup("h"), reported.append, purpose=Purpose.RENEWAL, hold=True)
    scripted.links[0].open()
    scripted.links[0].say(ModelAudio(1, stamp(tone(0.1, 24000), 5, 24000)))
    scripted.links[1].hold()
    first.send_audio(b"\0\0", 16_000)
    first.hang_up()
    second.set_up(setup("h2"))
    scripted.links[1].say(LinkLost(2, LossCause.TRANSIENT, "gone", code=1011))
    assert (scripted.links[0].sent, scripted.links[0].hung_up) == ([b"\0\0"], True)
    assert scripted.links[1].setup.handle == "h2"
    assert [type(event).__name__ for event in reported] == ["LinkOpened", "ModelAudio", "LinkHeld", "LinkLost"]
    recorded = [(record.kind, record.fields) for record in history.of("gateway")]
    assert recorded == [
        ("link_dialled", {"link": 1, "purpose": "OPEN", "hold": False, "resumes": False}),
        ("link_dialled", {"link": 2, "purpose": "RENEWAL", "hold": True, "resumes": True}),
        ("link_opened", {"link": 1}),
        ("speech_received", {"link": 1, "blocks": "5-9"}),
        ("link_held", {"link": 2}),
        ("link_hung_up", {"link": 1}),
        ("link_set_up", {"link": 2, "resumes": True}),
        ("link_lost", {"link": 2, "cause": "TRANSIENT", "code": 1011, "message": "gone"}),
    ]


def renewal(gap: float) -> History:
    """A session whose link was renewed, as its witnesses record it."""
    history = History()
    for at, kind, fields in (
        (0.0, "link_dialled", {"link": 1, "purpose": "OPEN", "hold": False, "resumes": False}),
        (0.1, "link_opened", {"link": 1}),
        (5.0, "link_set_up", {"link": 2, "resumes": True}),
        (5.15, "link_opened", {"link": 2}),
    ):
        history.add(at, "gateway", "", kind, **fields)
    output(history, 5.2, "notice", 0, notice="RENEWED", message="", took=gap)
    history.add(9.0, "gateway", "s7", "session_ended", links=0, timers=0)
    history.add(9.1, "gateway", "", "stopped", sessions=0, tasks=0)
    return history


def test_a_history_of_one_session_is_put_down_to_it() -> None:
    history = renewal(0.16)
    history.add(0.05, "simulator", "connection-1", "connection_opened")
    history.add(6.99, "gateway", "", "link_hung_up", link=2)
    output(history, 7.0, "notice", 0, notice="WEDGED", message="no answer")
    told = attributed(history)
    assert {record.session for record in told.of("gateway") if record.kind != "stopped"} == {"s7"}
    assert [record.session for record in told.of("simulator")] == ["s7/1"]
    assert [(record.at, record.fields) for record in told.of("gateway", "renewed")] == [
        (5.2, {"gap": 0.16, "cut": False})
    ]
    assert [(record.at, record.fields) for record in told.of("gateway", "wedged")] == [(6.99, {"sign": "no answer"})]


def test_a_renewal_that_takes_longer_than_its_setup_breaks_the_promise() -> None:
    assert "Seamless" in check(attributed(renewal(0.16))).checked
    with pytest.raises(Broke, match="Seamless"):
        check(attributed(renewal(0.9)))


def test_a_link_that_was_given_up_is_not_judged_where_the_simulator_is_no_witness() -> None:
    history = renewal(0.16)
    output(history, 7.0, "notice", 0, notice="WEDGED", message="no answer")
    assert "Recovering" not in check(attributed(history)).checked


def test_its_gateway_needs_no_credentials_whatever_else_does() -> None:
    file = Path("/none")
    settings = Settings(
        tls_cert_file=file, tls_key_file=file, tls_client_ca_file=file, tenants_file=file, jwks="/none", port=7
    )
    assert settings.fault() is not None
    assert command.open_to_itself(settings) == Settings(port=7)
    assert command.open_to_itself(settings).fault() is None


def test_links_are_renewed_soon_whatever_else_is_set_for_them() -> None:
    settings = Settings(model="gemini-3.8-live", profiles={"3.8-live": {"window": 1000}})
    policy = command.renewing_soon(settings).policy()
    profile = next(profile for profile in policy.profiles if profile.family == "3.8-live")
    assert (profile.age_limit, profile.window, policy.renewal_jitter) == (15.0, 1000, 0.0)
