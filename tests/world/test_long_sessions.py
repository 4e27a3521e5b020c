"""Three hours of one conversation, with the service's own limits and its counting of tokens: nothing grows."""

from dataclasses import replace

import pytest

from segue.core.options import Compression
from segue.simulator.world.setting import Habits
from tests.world.scene import NEWEST, Scene, setting

_HOURS = 3 * 3600.0
# Nine minutes is the age at which the service ends a connection.
_FEWEST_RENEWALS = 15
_TALKER = Habits(barges_in=0.1, idles=0.3, writes=0.2, interrupts=0.05, rambles=0.05)


# The smallest context window is filled several times over.
@pytest.mark.parametrize(
    ("model", "compression"),
    [(NEWEST, Compression()), ("gemini-live-2.5-flash-preview", None)],
    ids=["compressed", "uncompressed"],
)
def test_three_hours_break_no_promise(model: str, compression: Compression | None) -> None:
    plain = setting(model, habits=_TALKER)
    options = replace(plain.options, compression=compression, output_frame_duration=0.2)
    scene = Scene(
        replace(plain, options=options), lambda client: client.talk(_HOURS), seconds=_HOURS, dialogue=None, seed=7
    )
    scene.check("Ordered", "Gapless", "Silent", "Seamless", "Frugal", "Clean", "Legal")
    assert len(scene.did("renewed")) >= _FEWEST_RENEWALS
    assert not scene.did("link_lost")
    closed = scene.closed()
    assert closed is not None
    assert closed.fields["reason"] == "COMPLETED"
    compressed = [record for record in scene.session.service if record.kind == "context_compressed"]
    assert bool(compressed) == (compression is not None)
