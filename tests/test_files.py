"""Files that are used again when they change."""

from pathlib import Path

import pytest
import structlog

from segue.files import Contents, FileWatcher, UnusableError


class Taker:
    """Takes what is in files, unless it begins with "bad"."""

    def __init__(self) -> None:
        self.used: list[Contents] = []

    def adopt(self, contents: Contents) -> None:
        if contents[0].startswith(b"bad"):
            raise UnusableError("it is bad")
        self.used.append(contents)


async def test_a_file_is_used_at_once_and_whenever_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1")
    taker, watcher = Taker(), FileWatcher()
    watcher.use((file,), taker.adopt)
    await watcher.look()
    assert taker.used == [(b"1",)]
    file.write_bytes(b"2")
    await watcher.look()
    await watcher.look()
    assert taker.used == [(b"1",), (b"2",)]


async def test_a_link_that_leads_elsewhere_is_a_change(tmp_path: Path) -> None:
    # As Kubernetes mounts secrets.
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    (tmp_path / "current").symlink_to("old")
    taker, watcher = Taker(), FileWatcher()
    watcher.use((tmp_path / "current" / "file",), taker.adopt)
    (tmp_path / "next").symlink_to("new")
    (tmp_path / "next").rename(tmp_path / "current")
    await watcher.look()
    assert taker.used == [(b"old",), (b"new",)]


async def test_files_that_belong_together_are_used_together(tmp_path: Path) -> None:
    chain, key = tmp_path / "chain", tmp_path / "key"
    chain.write_bytes(b"chain 1")
    key.write_bytes(b"key 1")
    taker, watcher = Taker(), FileWatcher()
    watcher.use((chain, key), taker.adopt)
    key.write_bytes(b"key 2")
    await watcher.look()
    assert taker.used == [(b"chain 1", b"key 1"), (b"chain 1", b"key 2")]


async def test_what_cannot_be_used_is_said_once_and_what_was_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1")
    taker, watcher = Taker(), FileWatcher()
    watcher.use((file,), taker.adopt)
    with structlog.testing.capture_logs() as logs:
        file.write_bytes(b"bad")
        await watcher.look()
        await watcher.look()
        file.unlink()
        await watcher.look()
        await watcher.look()
        file.write_bytes(b"3")
        await watcher.look()
    assert taker.used == [(b"1",), (b"3",)]
    assert [entry["event"] for entry in logs] == ["file_not_used", "file_not_used", "file_used"]
    assert "it is bad; what was there before is still used" in logs[0]["message"]
    assert "cannot be read: No such file" in logs[1]["message"]


async def test_what_comes_back_as_it_was_is_no_news_and_a_later_fault_is(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1")
    taker, watcher = Taker(), FileWatcher()
    watcher.use((file,), taker.adopt)
    with structlog.testing.capture_logs() as logs:
        for content in (b"bad", b"1", b"bad"):
            file.write_bytes(content)
            await watcher.look()
    assert taker.used == [(b"1",)]
    assert [entry["event"] for entry in logs] == ["file_not_used", "file_not_used"]


def test_files_that_cannot_be_used_to_begin_with_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="none cannot be read: No such file"):
        FileWatcher().use((tmp_path / "none",), Taker().adopt)
    (tmp_path / "file").write_bytes(b"bad")
    with pytest.raises(UnusableError, match="it is bad"):
        FileWatcher().use((tmp_path / "file",), Taker().adopt)
