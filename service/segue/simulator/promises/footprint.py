"""What a session costs: Frugal."""

from bisect import bisect_right

from segue.simulator.history import History, Record
from segue.simulator.promises.chronicle import Chronicle, chronicles
from segue.simulator.promises.verdict import Broke, Verdict

_KIB = 1024
# 180 s of unreleased output at 48,000 bytes a second, and 30 s of input at 32,000 twice over: what waits, and what may
# have to be given again.
_MOST_AUDIO = 180 * 48_000 + 2 * 30 * 32_000
# All else, for which 85 KiB at most were measured, and what the pieces of audio take besides their bytes, be it so many
# each where frames are small.
_MOST_BESIDES = 128 * _KIB
_SHARE_BESIDES = 1 / 8
_BESIDES_A_FRAME = 100
# What was sent to a client that may come back, and was not acknowledged.
_MOST_SENT = 1_000_000
# So much at most is held by a session that waits for speech to be answered, which does not last for so many seconds. It
# does not wait while its client takes what it is given more slowly than it was made, and took some so shortly before.
_MOST_WAITING = 1280 * _KIB
_WAITS_WITHIN = 300.0
_TAKES_WITHIN = 10.0
# A session at rest is one whose last words were answered so many seconds ago, while nothing was said since. It keeps no
# audio; 30 KiB were measured, in sessions of half an hour.
_MOST_AT_REST = 64 * _KIB
_RESTS_AFTER = 5.0
_SAID_BY_USER = frozenset({"utterance_begun", "utterance_ended", "text_written"})
_SAID_BY_MODEL = frozenset({"audio", "text", "tool_call"})
# An image is kept for so long after a link has seen it, which looks at one a second.
_IMAGE_KEPT = 62.0
_MOST_LINKS = 2
# So many dials in so many seconds are a loop.
_MOST_DIALS = 15
_SPAN = 60.0
# A long session may hold so many times more in its last third than in its first, and so much more.
_LONG = 3600.0
_GROWTH = 1.5
_GROWTH_BYTES = 64 * _KIB


def frugal(history: History) -> Verdict:
    """A session's memory is bounded, and so are its links and how often it dials, whatever happens."""
    lacking = "no session was weighed"
    for chronicle in chronicles(history):
        if chronicle.acted("session_weighed"):
            lacking = ""
        _check_memory(chronicle)
        _check_rest(chronicle)
        _check_growth(chronicle)
        _check_links(chronicle)
        _check_dials(chronicle)
    return Verdict("Frugal", lacking)


def _check_memory(chronicle: Chronicle) -> None:
    waits_since = 0.0
    given = chronicle.got("audio")
    frame = max((_whole(record.fields.get("bytes")) for record in given), default=0)
    share = max(_SHARE_BESIDES, _BESIDES_A_FRAME / frame) if frame else _SHARE_BESIDES
    limited = any("acknowledges_within" in record.fields for record in chronicle.client)
    times = [record.at for record in given]
    for record in chronicle.acted("session_weighed"):
        size, audio = _whole(record.fields["bytes"]), _whole(record.fields["audio"])
        what = f"session {chronicle.name} holds {size} bytes, {audio} of them audio, at {record.at:.3f} s"
        sent = _whole(record.fields.get("unacknowledged"))
        if sent > _MOST_SENT or audio > _MOST_AUDIO or size - audio > _MOST_BESIDES + share * audio:
            raise Broke("Frugal", what)
        before = bisect_right(times, record.at)
        takes = limited and before and times[before - 1] > record.at - _TAKES_WITHIN
        if size - sent <= _MOST_WAITING or takes:
            waits_since = record.at
        if record.at - waits_since > _WAITS_WITHIN:
            raise Broke("Frugal", f"{what}, and over {_MOST_WAITING} since {waits_since:.3f} s")


def _check_rest(chronicle: Chronicle) -> None:
    said = [record for record in chronicle.client if record.fields.get("arm") not in ("input_ack", "notice")]
    times = [record.at for record in said]
    if not any(record.kind == "utterance_begun" for record in said):
        # Whose client does not say when the user speaks cannot be known to be at rest.
        return
    settling = _settling(said)
    for record in chronicle.acted("session_weighed"):
        before = bisect_right(times, record.at)
        if not before or record.at < times[before - 1] + _RESTS_AFTER or not settling[before - 1]:
            continue
        size = _whole(record.fields["bytes"])
        # What was sent and nobody acknowledged has a bound of its own.
        sent = _whole(record.fields.get("unacknowledged"))
        if size > _MOST_AT_REST + _image_bytes(chronicle, record.at) + sent + sent // 8:
            raise Broke("Frugal", f"session {chronicle.name} holds {size} bytes at rest, at {record.at:.3f} s")


def _image_bytes(chronicle: Chronicle, at: float) -> int:
    """Return the size of the image that may be kept at a time: the newest, for a link that has not seen it."""
    images = [record for record in chronicle.client if record.kind == "image_shown" and record.at <= at]
    given = [up for up, _ in chronicle.up.values() if up <= at]
    kept = [image for image in images[-1:] if max([image.at, *given]) > at - _IMAGE_KEPT]
    return sum(_whole(image.fields["bytes"]) for image in kept)


def _settling(said: list[Record]) -> list[bool]:
    """Return of each of these whether it ends a whole turn that began after the user's last words.

    A turn that began before they were over does not answer them, even if it goes on after them.
    """
    settling = []
    # How much the user had said when each turn began.
    before: dict[object, int] = {}
    words = 0
    for record in said:
        fields = record.fields
        words += record.kind in _SAID_BY_USER
        if fields.get("arm") in _SAID_BY_MODEL:
            before.setdefault(fields["turn"], words)
        whole = fields.get("arm") == "turn_ended" and str(fields.get("reason")).removeprefix("REASON_") == "COMPLETED"
        settling.append(whole and before.get(fields["turn"]) == words)
    return settling


def _check_growth(chronicle: Chronicle) -> None:
    weighed = chronicle.acted("session_weighed")
    if not weighed or weighed[-1].at - weighed[0].at < _LONG:
        return
    third = len(weighed) // 3
    before = sorted(_whole(record.fields["bytes"]) for record in weighed[:third])
    after = sorted(_whole(record.fields["bytes"]) for record in weighed[-third:])
    # The median, since what is being played comes and goes.
    was, became = before[third // 2], after[third // 2]
    if became > was * _GROWTH + _GROWTH_BYTES:
        raise Broke("Frugal", f"session {chronicle.name} grew from {was} to {became} bytes")


def _check_links(chronicle: Chronicle) -> None:
    up: set[object] = set()
    for record in chronicle.acted("link_dialled", "link_lost", "link_hung_up"):
        if record.kind == "link_dialled":
            up.add(record.fields["link"])
        else:
            up.discard(record.fields["link"])
        if len(up) > _MOST_LINKS:
            raise Broke("Frugal", f"session {chronicle.name} has {len(up)} links at {record.at:.3f} s")


def _check_dials(chronicle: Chronicle) -> None:
    dials = [record.at for record in chronicle.acted("link_dialled")]
    for number, at in enumerate(dials[_MOST_DIALS:]):
        if at - dials[number] < _SPAN:
            how = f"{_MOST_DIALS + 1} times from {dials[number]:.3f} s to {at:.3f} s"
            raise Broke("Frugal", f"session {chronicle.name} dialled {how}")


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
