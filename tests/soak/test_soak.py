"""The soak itself, in a short form, and that its witness and its figures notice what they are there for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration

from segue.config import load
from segue.simulator.dialogue_file import load_dialogue
from segue.simulator.settings import load_settings
from segue_client.segue.v1.server_event_pb2 import Interrupted, Notice, ServerEvent, SessionOpened, ToolCall, TurnEnded

from .plan import FAMILIES, Plan
from .soak import GAP_BOUND_S, GATEWAY, RECOVERY_BOUND_S, complaints, grown, left, repeated, slow
from .watch import Metrics, Sample, Usage
from .witness import Ended, Witness

ROOT = Path(__file__).parents[2]
SESSIONS = 12
AUDIO = bytes(4800)


@pytest.mark.timeout(240)
def test_a_short_soak_fails_no_session(tmp_path: Path) -> None:
    report = tmp_path / "soak.json"
    limits = ["--sessions", str(SESSIONS), "--minutes", "0.75", "--age-limit", "12", "--calamity", "2"]
    command = [sys.executable, "-m", "tests.soak", *limits, "--report", str(report)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(report.read_text())
    assert figures["broken"] == []
    assert figures["sessions"] == SESSIONS
    # Each link lives for nine to twelve seconds and up to a quiet moment, unless it is lost before.
    assert sum(figures["renewals"].values()) >= SESSIONS // 2
    assert sum(figures["renewals"].values()) + sum(figures["recoveries"].values()) >= 2 * SESSIONS
    assert sum(figures["recoveries"].values()) >= 3
    assert sum(figures["exchanges"].values()) >= 2 * SESSIONS
    assert figures["renewal_gap_s"]["n"] >= SESSIONS // 2
    assert figures["over_time"][-1]["second"] > 30
    assert set(figures["cores"]) == {"gateway", "simulator", "users", "others"}


def _output(seq: int, turn: int = 0, **output: object) -> ServerEvent:
    return ServerEvent(seq=seq, turn=turn, **output)  # type: ignore[arg-type]


def _seen(*outputs: ServerEvent) -> Witness:
    witness = Witness(7)
    for at, output in enumerate(outputs):
        witness.receive(output, float(at))
    return witness


def test_a_witness_of_a_sound_session_has_nothing_to_say() -> None:
    cut = Interrupted(cause=Interrupted.CAUSE_RECOVERY)
    witness = _seen(
        _output(0, opened=SessionOpened(session_id="abc")),
        _output(1, 1, audio=AUDIO),
        _output(2, 1, interrupted=cut),
        _output(3, 1, turn_ended=TurnEnded(reason=TurnEnded.REASON_INTERRUPTED, unheard_text="And")),
        _output(0, notice=Notice(kind=Notice.KIND_RECOVERED)),
    )
    assert witness.unfinished
    assert (witness.broken_off, witness.ended) == (1, Ended(1, "INTERRUPTED", "RECOVERY", unheard=True))
    witness.receive(_output(4, 2, audio=AUDIO), 9.0)
    assert (witness.audio_turn, witness.first_audio_at, witness.heard, witness.speaking) == (2, 9.0, 0.1, 2)
    witness.receive(_output(5, 2, turn_ended=TurnEnded(reason=TurnEnded.REASON_COMPLETED)), 10.0)
    assert not witness.unfinished
    assert not witness.speaking
    assert witness.broken == []


@pytest.mark.parametrize(
    ("outputs", "promise"),
    [
        ([_output(1, 1, audio=AUDIO), _output(3, 1, audio=AUDIO)], "Gapless"),
        ([_output(1, 1, audio=AUDIO), _output(1, 1, audio=AUDIO)], "Gapless"),
        ([_output(1, 1, interrupted=Interrupted()), _output(2, 1, audio=AUDIO)], "Silent"),
        ([_output(1, 2, audio=AUDIO), _output(2, 1, audio=AUDIO)], "Ordered"),
        ([_output(1, 1, turn_ended=TurnEnded()), _output(2, 1, audio=AUDIO)], "Ordered"),
        ([_output(1, 1, turn_ended=TurnEnded()), _output(2, 1, turn_ended=TurnEnded())], "Ordered"),
    ],
    ids=["a gap", "a repetition", "audio after an interruption", "turns mixed", "audio after the end", "two ends"],
)
def test_a_witness_notices(outputs: list[ServerEvent], promise: str) -> None:
    [broken] = _seen(*outputs).broken
    assert broken.startswith(f"{promise}: session 7")


def _sample(
    at: float, *, rss: float = 100.0, descriptors: int = 50, sessions: float = 0.0, links: float = 0.0
) -> Sample:
    return Sample(at, {GATEWAY: Usage(rss, descriptors, 10, 0.0)}, 0.0, sessions, links, 0.0, 0.0)


@pytest.mark.parametrize(
    ("last", "what"),
    [({"rss": 130.0}, "Frugal: the gateway's rss_mib"), ({"descriptors": 70}, "Frugal: the gateway's descriptors")],
)
def test_what_grows_is_noticed(last: dict[str, float], what: str) -> None:
    plan = Plan(sessions=1)
    flat = [_sample(float(at), sessions=1.0) for at in range(6)]
    assert list(grown([*flat, *(_sample(float(at), sessions=1.0) for at in range(6, 9))], plan)) == []
    [found] = grown([*flat, *(_sample(float(at), sessions=1.0, **last) for at in range(6, 9))], plan)  # type: ignore[arg-type]
    assert found.startswith(what)


def test_what_is_left_is_noticed() -> None:
    before = _sample(0.0)
    assert list(left(_sample(1.0), before)) == []
    assert list(left(_sample(1.0, links=1.0), before))
    assert list(left(_sample(1.0, descriptors=60), before))


def test_a_turn_that_nobody_asked_for_is_counted() -> None:
    witness = _seen()
    witness.due = 1
    cut = Interrupted(cause=Interrupted.CAUSE_RECOVERY)
    for output in (
        _output(1, 1, audio=AUDIO),
        _output(2, 1, interrupted=cut),
        _output(3, 1, turn_ended=TurnEnded(reason=TurnEnded.REASON_INTERRUPTED)),
    ):
        witness.receive(output, 1.0)
    assert witness.broke_off
    # It goes on, and has a function called.
    witness.receive(_output(4, 2, audio=AUDIO), 2.0)
    assert not witness.broke_off
    witness.receive(_output(5, 2, tool_call=ToolCall(call_id="c")), 2.0)
    witness.receive(_output(6, 3, audio=AUDIO), 3.0)
    assert (witness.due, witness.unasked) == (0, [])
    witness.receive(_output(7, 4, audio=AUDIO), 4.0)
    [unasked] = witness.unasked
    assert "turn 4 answers nothing" in unasked


@pytest.mark.parametrize(
    ("kind", "usual", "how"),
    [
        (Notice.KIND_RENEWED, GAP_BOUND_S, "Seamless: one in five of 10"),
        (Notice.KIND_RECOVERED, RECOVERY_BOUND_S, "Recovering: one in five of 10"),
    ],
)
def test_what_takes_too_long_is_noticed(kind: "Notice.Kind", usual: float, how: str) -> None:
    def found(times: list[float]) -> list[str]:
        took = [Duration(nanos=round(seconds * 1e9) % 10**9, seconds=int(seconds)) for seconds in times]
        return list(slow([_seen(*(_output(0, notice=Notice(kind=kind, took=each)) for each in took))]))

    assert found([usual] * 8 + [60.0]) == []
    [text] = found([usual] * 8 + [usual + 0.01] * 2)
    assert text.startswith(how)


def test_answers_that_come_twice_are_noticed() -> None:
    witness = Witness(7, turns=40, unasked=["turn 4 answers nothing"] * 2)
    assert list(repeated([witness], Plan())) == []
    witness.unasked.append("turn 5 answers nothing")
    [text] = repeated([witness], Plan())
    assert text.startswith("Recovering: 3 of 40 turns answered nothing that was asked, such as: turn 4")


def test_what_the_gateway_should_not_write_is_noticed(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text('{"event": "serving", "level": "info"}\n{"event": "link_lost", "level": "warning"}\n')
    assert list(complaints(log)) == []
    log.write_text('{"event": "link_failed", "level": "error"}\nTask exception was never retrieved\n')
    failed, traced = complaints(log)
    assert "link_failed" in failed
    assert "never retrieved" in traced


def test_metrics_are_read() -> None:
    lines = [
        'segue_renewals_total{trigger="age",outcome="resumed"} 3.0',
        'segue_renewals_total{trigger="age",outcome="cut"} 1.0',
        'segue_lag_bucket{le="0.1"} 50.0',
        'segue_lag_bucket{le="1.0"} 99.0',
        'segue_lag_bucket{le="+Inf"} 100.0',
    ]
    metrics = Metrics("\n".join([*lines, ""]))
    assert metrics.total("renewals_total") == 4.0
    assert metrics.total("renewals_total", outcome="cut") == 1.0
    assert metrics.by_labels("renewals_total") == {"age resumed": 3.0, "age cut": 1.0}
    assert metrics.quantile("lag", 0.5) == 0.1
    assert metrics.quantile("lag", 0.99) == 1.0
    assert metrics.quantile("nothing", 0.99) == 0.0


@pytest.mark.parametrize("age_limit", [12.0, 60.0])
def test_the_files_of_a_plan_are_understood(tmp_path: Path, age_limit: float) -> None:
    settings, faults, dialogue = Plan(age_limit=age_limit, calamity=3).write(tmp_path)
    profiles = {profile.family: profile for profile in load(settings).policy().profiles}
    assert {profiles[family].age_limit for family in FAMILIES} == {age_limit}
    assert len(load_settings(faults).faults) > 30
    assert load_dialogue(dialogue).texts[0].calls
