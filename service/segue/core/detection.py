"""GATEWAY turn detection: when the user begins to speak and has finished, told from voiced frames.

A model is asked where frames alone take noise for speech. It needs 300 ms of a sound, so it cannot be asked before an
activity begins: it denies one that was none.
"""

from collections import deque
from enum import Enum, auto
from math import inf

from segue.core.actions import JudgeSpeech
from segue.core.options import Sensitivity, ServerDetection

# So much voiced audio begins an activity, and so much before it belongs to it, in seconds.
ONSET = 0.1
PRE_ROLL = 0.3
# Silence after which the user has finished, by how readily that is to be taken, in seconds.
HANG_OVERS = {Sensitivity.HIGH: 0.4, None: 0.6, Sensitivity.LOW: 0.9}
# An activity with less voiced audio is not ended: what follows is joined to it.
SHORTEST = 0.25
# One that lasts longer is noise, however it sounds.
LONGEST = 60.0
# A model is asked once so much was voiced, hears so much, and says no with less than this probability.
_JUDGED_AFTER = 0.3
_JUDGED = 0.4
_DENIED, _AFFIRMED = 0.3, 0.5
# Before an end its answer is waited for so long; what it takes for speech goes on for so long at least.
_JUDGEMENT_TIMEOUT = 0.1
_EXTENSION = 0.3
# Where the client's audio pauses the end is put off so much: late frames may be on their way.
_PAUSE = 0.4

Frame = tuple[bytes, bool]


class Stage(Enum):
    SILENT = auto()
    SPEAKING = auto()
    # The silence was long enough, and the model is asked whether it is one.
    ENDING = auto()


class Verdict(Enum):
    """What became of an activity."""

    # The user has finished.
    ENDED = auto()
    # There was too little of it to say: it stays open for what follows.
    SHORT = auto()
    # It was noise.
    NOISE = auto()
    # It lasts for so long that there must be noise in it.
    LONG = auto()


class Detection:
    """One session's. Times are in seconds, sizes of 16-bit mono in bytes."""

    def __init__(self, bytes_per_second: int, tuning: ServerDetection) -> None:
        self._bytes_per_second = bytes_per_second
        padding = tuning.prefix_padding_ms
        self._onset = ONSET if padding is None else padding / 1000
        silence = tuning.silence_ms
        self._hang_over = HANG_OVERS[tuning.end_sensitivity] if silence is None else silence / 1000
        self._stage = Stage.SILENT
        # The last audio: before the activity the pre-roll, in it what a model may judge.
        self._recent: deque[Frame] = deque()
        self._recent_bytes = 0
        # Voiced audio of late, less the silence in it; that of the activity; and the silence at its end.
        self._rising = self._voiced = self._silence = 0.0
        self._began_at = self._heard_at = self._asked_at = -inf
        # When the user was last audible, and when the first sound came of what may be, or became, an activity.
        self.voiced_at = self.rising_at = -inf
        self._judged = self._extended = False
        # How many were asked, and which of them of the present activity's onset and of its end.
        self._questions = self._of_onset = self._of_end = 0

    @property
    def speaking(self) -> bool:
        """Return whether the user is speaking."""
        return self._stage is not Stage.SILENT

    def hear(self, audio: bytes, voiced: bool, now: float) -> list[Frame]:
        """Take a frame. Returns what of it, and of what came before, belongs to an activity; nothing where none is."""
        seconds = len(audio) / self._bytes_per_second
        self._keep(audio, voiced, PRE_ROLL + self._onset if self._stage is Stage.SILENT else _JUDGED)
        if self._stage is not Stage.SILENT:
            self._follow(seconds, voiced, now)
            return [(audio, voiced)]
        if voiced and not self._rising:
            self.rising_at = now
        self._rising = self._rising + seconds if voiced else max(0.0, self._rising - seconds)
        if not voiced or self._rising < self._onset - 1e-6:
            return []
        self._stage, self._began_at = Stage.SPEAKING, now
        frames = list(self._recent)
        for before, loud in frames:
            self._follow(len(before) / self._bytes_per_second, loud, now)
        return frames

    def ask(self, now: float) -> JudgeSpeech | None:
        """Return what a model is to be asked now; None for nothing."""
        if self._stage is Stage.SPEAKING and not self._judged and self._voiced >= _JUDGED_AFTER:
            self._judged = True
            self._of_onset = self._questions + 1
            return self._question()
        ending = self._voiced >= SHORTEST and not self._extended and now >= self._silent_at()
        if self._stage is Stage.SPEAKING and ending:
            self._stage, self._asked_at = Stage.ENDING, now
            self._of_end = self._questions + 1
            return self._question()
        return None

    def judge(self, question: int, probability: float) -> bool:
        """Take how probably what a model was asked about is speech. Returns whether it denies the activity."""
        if self._stage is Stage.ENDING and question == self._of_end:
            if probability > _AFFIRMED:
                self._stage, self._extended = Stage.SPEAKING, True
                self._silence = max(0.0, self._hang_over - _EXTENSION)
            else:
                self._asked_at = -inf
        return self.speaking and question == self._of_onset and probability < _DENIED

    def deadline(self) -> float:
        """Return when `ask` or `end` has something to do if nothing more is heard; inf for never."""
        if self._stage is Stage.SILENT:
            return inf
        at = self._asked_at + _JUDGEMENT_TIMEOUT if self._stage is Stage.ENDING else self._silent_at()
        return min(at, self._began_at + LONGEST)

    def end(self, now: float) -> Verdict | None:
        """End the activity if that is due. Returns what became of it; None while it goes on."""
        if now < self.deadline():
            return None
        if now >= self._began_at + LONGEST:
            self.reset()
            return Verdict.LONG
        verdict = Verdict.SHORT if self._voiced < SHORTEST else Verdict.ENDED
        self.reset()
        return verdict

    def reset(self) -> None:
        """Take it that the user does not speak."""
        self._stage = Stage.SILENT
        self._rising = self._voiced = self._silence = 0.0
        self._judged = self._extended = False
        self._of_onset = self._of_end = 0
        self._recent.clear()
        self._recent_bytes = 0

    def _silent_at(self) -> float:
        left = self._hang_over - self._silence
        # What counts is how long the audio was silent: it may come late, and then faster than it was spoken.
        return -inf if left < 1e-6 else self._heard_at + left + _PAUSE

    def _follow(self, seconds: float, voiced: bool, now: float) -> None:
        self._heard_at = now
        if voiced:
            self._voiced += seconds
            self.voiced_at, self._silence, self._extended = now, 0.0, False
            self._stage = Stage.SPEAKING
        else:
            self._silence += seconds

    def _keep(self, audio: bytes, voiced: bool, seconds: float) -> None:
        self._recent.append((audio, voiced))
        self._recent_bytes += len(audio)
        while self._recent_bytes - len(self._recent[0][0]) >= seconds * self._bytes_per_second:
            self._recent_bytes -= len(self._recent.popleft()[0])

    def _question(self) -> JudgeSpeech:
        self._questions += 1
        return JudgeSpeech(self._questions, b"".join(audio for audio, _ in self._recent))
