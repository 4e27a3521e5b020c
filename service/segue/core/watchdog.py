"""Wedges: links that look alive and give no answer, recognised by what is missing.

A reply is expected from the end of the user's words, of a text or of the last tool result on. Whatever shows that the
model has taken them settles it.
"""

from math import inf

from segue.core.profiles import Profile

# On a link that is suspect, or that replaced a lost one, a reply is waited for no longer than this, in seconds.
_SUSPECT_TIMEOUT = 3.0
# What ends sooner than this after the user's words answers something before them, in seconds.
_SHORTEST_REPLY = 0.25
# So many turns in a row without output are a wedge.
_EMPTY_TURNS = 2
_EMPTY_TURNS_PROACTIVE = 3
# Work that was said to go on is waited for no longer than this, in seconds.
_BUSY_TIMEOUT = 30.0


class Watchdog:
    """What a link owes. Times are in seconds."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        # When the allowance for a reply began; None while none is expected.
        self.since: float | None = None
        # When what is to be answered had all been said.
        self._said_at = -inf
        # The link behaved oddly, or replaced one that was lost.
        self._suspect = False
        # What it does is judged strictly then, but it may be as slow as any.
        self._patient = False
        # When the first sign of trouble came that no answer has cleared since.
        self.trouble_at = inf
        # A result was given once more, in other words, and no turn has answered it yet. A model may call for it again
        # then, and so on: that it calls, or says that it will, shows nothing.
        self.retold = False
        # Turns in a row that ended without output.
        self._empty = 0
        self._busy_since = inf
        self._faint = 0.0
        self._rejections = 0

    @property
    def timeout(self) -> float:
        """How long a reply may take."""
        usual = self._profile.reply_timeout
        hurried = self._suspect and not self._patient
        return (min(usual, _SUSPECT_TIMEOUT) if hurried else usual) + self._profile.thinking

    def expect(self, at: float) -> None:
        """Note that the model is to answer what ended, or ends, at this time."""
        self._said_at = at if self.since is None else max(self._said_at, at)
        self.wait(at)

    def wait(self, at: float) -> None:
        """Note that the allowance for a reply begins no sooner than this."""
        self.since = at if self.since is None else max(self.since, at)

    def too_soon(self, now: float) -> bool:
        """Return whether what the model ends now answers something before what it is to answer."""
        return self.since is not None and now < self._said_at + _SHORTEST_REPLY

    def settle(self) -> None:
        """Note that what was owed was given, or that nothing is owed any more."""
        self.since = None

    def hear(self, *, more: bool = False) -> None:
        """Note that the model begins to answer: that mostly shows that the link works.

        It settles what is owed, unless `more` is than this answers.
        """
        if not more:
            self.since = None
        if not self.retold:
            self.trust()

    def trust(self) -> None:
        """Note that the link works."""
        self._suspect = self._patient = self.retold = False
        self._empty = 0
        self.trouble_at = inf

    def suspect(self, now: float) -> None:
        """Note that the link behaves oddly."""
        self._suspect = True
        self.trouble_at = min(self.trouble_at, now)

    def renew(self, *, suspect: bool, patient: bool = False) -> None:
        """Begin with another link, that is given its time if `patient`; what is expected stays so."""
        self._suspect, self._patient = suspect, patient
        self._empty = 0
        self._busy_since = inf
        self._faint = 0.0

    def note_busy(self, busy: bool, now: float) -> None:
        """Note that the model says that it works, or is idle."""
        self._busy_since = now if busy else inf

    def note_empty_turn(self, now: float) -> bool:
        """Note that a turn ended without output where a reply was expected. Returns whether that is a wedge."""
        self.trouble_at = min(self.trouble_at, now)
        self._empty += 1
        usual = _EMPTY_TURNS_PROACTIVE if self._profile.proactive else _EMPTY_TURNS
        return self._empty >= (1 if self._suspect or self.retold else usual)

    def note_rejection(self, rejected: bool) -> bool:
        """Note that the service rejected a reply, or did not. Returns whether that is a wedge."""
        self._rejections = self._rejections + 1 if rejected else 0
        return 0 < self._profile.rejections_limit <= self._rejections

    def note_faint(self, seconds: float) -> bool:
        """Note so much audio that nobody could hear; 0 for audible audio. Returns whether that is a wedge."""
        self._faint = self._faint + seconds if seconds else 0.0
        return 0 < self._profile.faint_audio_limit <= self._faint

    @property
    def busy(self) -> bool:
        """Whether the model says that it works."""
        return self._busy_since < inf

    @property
    def busy_until(self) -> float:
        """When the model has worked for longer than it may take; -inf when it does not say that it works."""
        return -inf if self._busy_since == inf else self._busy_since + _BUSY_TIMEOUT

    def deadline(self) -> float:
        """Return when the link is wedged unless the model answers; inf for never."""
        if self.since is None:
            return inf
        return max(self.since + self.timeout, self.busy_until)
