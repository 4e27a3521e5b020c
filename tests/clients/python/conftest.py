"""What the tests of the client library run on."""

import pytest


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have clients try again almost at once."""
    monkeypatch.setattr("segue_client.pauses.FIRST", 0.002)
