"""GATEWAY turn detection at work: where the user begins to speak and has finished, Segue says so as a client would."""

from segue.core.actions import Relearn
from segue.core.admission import Fault
from segue.core.detection import Detection, Verdict
from segue.core.journal import Edge
from segue.core.options import MODEL_TAKES
from segue.core.outputs import UserActivity
from segue.core.parts import Parts
from segue.core.user import User


class Activities:
    """One session's. In other modes it is given no audio, and finds nothing."""

    def __init__(self, parts: Parts, user: User) -> None:
        self._detection = Detection(MODEL_TAKES.bytes_per_second, parts.options.detection)
        self._user = user
        self._actions = parts.actions
        self._outbox = parts.playback.outbox
        self._downlink = parts.downlink
        self._uplink = parts.uplink
        self._journal = parts.journal
        self._watchdog = parts.watchdog
        self._cuts = parts.cuts

    def hear(self, audio: bytes, voiced: bool, now: float) -> Fault | None:
        """Take a frame of the user's audio; return why it cannot be used, and what to do, where it cannot."""
        spoke, so_far = self._detection.speaking, self._uplink.audio_seconds
        frames = self._detection.hear(audio, voiced, now)
        if self._detection.speaking and not spoke:
            self._user.signal(Edge.START, now, self._detection.rising_at)
            self._outbox.put_urgent(UserActivity(started=True))
        faults = [self._user.hear(part, loud, now) for part, loud in frames]
        self._uplink.audio_seconds = so_far + len(audio) / MODEL_TAKES.bytes_per_second
        self._ask(now)
        return next(filter(None, faults), None)

    def judge(self, question: int, probability: float, now: float) -> None:
        """Take how probably what a model was asked about is speech."""
        if self._detection.judge(question, probability):
            # A noise that has just begun is taken for speech until it is known.
            self._stop(Verdict.NOISE, now)
        self._end(now)

    def tick(self, now: float) -> None:
        """Do what is due: ask whether it is speech, and end an activity."""
        self._ask(now)
        self._end(now)

    def deadline(self) -> float:
        """Return when `tick` has something to do; inf for never."""
        return self._detection.deadline()

    def _ask(self, now: float) -> None:
        if question := self._detection.ask(now):
            self._actions.append(question)

    def _end(self, now: float) -> None:
        if verdict := self._detection.end(now):
            self._stop(verdict, now)

    def _stop(self, verdict: Verdict, now: float) -> None:
        spoke_at = self._detection.voiced_at
        self._detection.reset()
        self._outbox.put_urgent(UserActivity(started=False))
        if verdict in (Verdict.NOISE, Verdict.LONG):
            self._actions.append(Relearn())
        if verdict in (Verdict.ENDED, Verdict.LONG):
            self._user.signal(Edge.END, now)
            self._downlink.words_at = spoke_at
            return
        if not self._uplink.worded:
            self._uplink.hush()
        if verdict is Verdict.NOISE:
            self._journal.forget_span()
            self._cuts.deny()
            if not self._journal.has_words_since(0):
                # Nobody waits for an answer to noise.
                self._watchdog.settle()
                self._downlink.words_at = None
        if self._uplink.worded:
            # They have an end.
            self._user.signal(Edge.END, now)
