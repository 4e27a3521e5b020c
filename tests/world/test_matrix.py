"""Every fault at every moment: what the design promises holds, and the committed table says what the user notices."""

import pytest

from segue.simulator.faults import ALL_FAULTS
from segue.simulator.faults.closing import CLOSES, CloseConnection
from tests.world.matrix.cells import CELLS, Cell, outcome
from tests.world.matrix.moments import Moment
from tests.world.matrix.rows import ROWS, Manner
from tests.world.matrix.stage import Staging
from tests.world.matrix.table import PATH, cell_text, committed, render

POSSIBLE = [cell for cell in CELLS if not cell.impossible]
# There are few others, and each is argued.
MOST_IMPOSSIBLE = 8


def test_every_fault_and_every_close_has_a_row() -> None:
    assert {row.kind for row in ROWS} == set(ALL_FAULTS)
    assert [row.settings["cause"] for row in ROWS if row.kind is CloseConnection] == list(CLOSES)
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_few_cells_are_impossible() -> None:
    assert len(CELLS) - len(POSSIBLE) <= MOST_IMPOSSIBLE


@pytest.mark.parametrize("cell", POSSIBLE, ids=str)
def test_cell(cell: Cell) -> None:
    assert not outcome(cell).wrong
    assert cell_text(cell) == committed().get(str(cell)), "run `python -m tests.world.matrix`"


def test_the_table_is_complete() -> None:
    cells = committed()
    assert PATH.read_text(encoding="utf-8") == render(lambda cell: cells[str(cell)])


@pytest.mark.parametrize("manner", Manner, ids=lambda manner: manner.name.lower())
@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.name.lower())
def test_the_moment_is_what_it_says(moment: Moment, manner: Manner) -> None:
    row = next(row for row in ROWS if row.manner is manner)
    stage = Staging(row, moment, faultless=True)
    before = [record for record in stage.play() if record.at <= stage.struck_at]

    def last(*kinds: str) -> str:
        return next((record.kind for record in reversed(before) if record.kind in kinds), "")

    situation = (
        last("link_dialled", "link_set_up", "link_opened"),
        last("utterance_begun", "utterance_ended"),
        last("turn_begun", "audio_sent", "generation_complete_sent", "tool_call_sent", "turn_complete_sent"),
    )
    expected = {
        Moment.OPENING: ("link_dialled", "utterance_begun", ""),
        Moment.IDLE: ("link_opened", "utterance_ended", "turn_complete_sent"),
        Moment.USER_SPEAKING: ("link_opened", "utterance_begun", "turn_complete_sent"),
        Moment.MODEL_SPEAKING: ("link_opened", "utterance_ended", "audio_sent"),
        Moment.PLAYING_OUT: ("link_opened", "utterance_ended", "generation_complete_sent"),
        Moment.TOOL_PENDING: ("link_opened", "utterance_ended", "tool_call_sent"),
        Moment.RENEWING: ("link_set_up", "utterance_ended", "turn_complete_sent"),
        Moment.RECOVERING: ("link_dialled", "utterance_ended", "turn_complete_sent"),
    }
    assert situation == expected[moment]
    assert bool(last("link_lost")) == (moment is Moment.RECOVERING)
    calls = [record.fields.get("arm") for record in before].count("tool_call")
    results = [record.kind for record in before].count("tool_result_sent")
    pending = (1 if manner is Manner.WRITES else 2) if moment is Moment.TOOL_PENDING else 0
    assert calls - results == pending
