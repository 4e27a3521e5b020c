"""The model's speech on its way out."""

import pytest

from segue.core.events import GenerationCompleted, LinkEvent, ModelAudio, ModelInterrupted, TurnCompleted
from segue.core.options import AudioFormat, Encoding
from segue.node.rendering import Rendering

TELEPHONE = AudioFormat(Encoding.ALAW, 8_000)
SECOND = bytes(48_000)


def rendered(rendering: Rendering, *events: LinkEvent) -> tuple[int, list[type]]:
    """Return how many bytes come out, and the kinds of events."""
    said = [said for event in events for said in rendering.render(event)]
    return sum(len(event.audio) for event in said if isinstance(event, ModelAudio)), [type(event) for event in said]


@pytest.mark.parametrize("end", [GenerationCompleted(1), TurnCompleted(1, "")])
def test_a_turn_is_as_long_as_the_model_made_it(end: LinkEvent) -> None:
    chunks = [ModelAudio(1, SECOND[:size]) for size in (2, 9_600, 11_521, 11_521, 15_356)]
    length, kinds = rendered(Rendering(TELEPHONE), *chunks, end)
    assert length == 8_000
    # What was left in the converter comes before the end.
    assert kinds == [ModelAudio] * 6 + [type(end)]


def test_the_end_of_a_turn_is_said_once() -> None:
    _, kinds = rendered(Rendering(TELEPHONE), ModelAudio(1, SECOND), GenerationCompleted(1), TurnCompleted(1, ""))
    assert kinds == [ModelAudio, ModelAudio, GenerationCompleted, TurnCompleted]


def test_nothing_of_what_was_interrupted_is_in_the_next_turn() -> None:
    rendering = Rendering(TELEPHONE)
    loud = b"\xff\x7f" * 24_001
    _, kinds = rendered(rendering, ModelAudio(1, loud[:-1]), ModelInterrupted(1), TurnCompleted(1, ""))
    assert kinds == [ModelAudio, ModelInterrupted, TurnCompleted]
    [event] = rendering.render(ModelAudio(1, SECOND))
    assert isinstance(event, ModelAudio)
    # A-law writes silence as 0xD5.
    assert set(event.audio) == {0xD5}
