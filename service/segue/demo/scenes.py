"""The scenes of the demo: what the user says and waits for, and what they would have noticed."""

from collections.abc import Callable
from statistics import median

from rich.console import Console

from segue.demo.noticed import said_twice, silence_within, told_at
from segue.demo.witness import Witness
from segue.simulator.history import History
from segue.talk.clock import Clock
from segue.talk.conversation import Conversation, Turn
from segue.talk.playback import Playback
from segue.talk.timeline import Timeline
from segue.talk.voice import Reader
from segue.talk.wav import Utterance

# How much of the first answer the user hears before the interruption, in seconds.
_PATIENCE = 6.0
_ANSWER_TIMEOUT = 120.0
# A link that is due is renewed at the first quiet moment, and there is one after each answer.
_RENEWAL_TIMEOUT = 20.0
# Nobody hears less silence than this in the middle of an answer, in seconds.
_AUDIBLE_SILENCE = 0.05
# Five times what a renewal may add, a setup's round trip and 50 ms: a busy machine alone does not come to that.
_TOO_MUCH_SILENCE = 1.0

_INTERRUPTION = "1. A long answer, which the user interrupts by voice."
_RENEWAL = (
    "2. The link, the gateway's connection to the model, is replaced in mid-conversation. The service ends each one "
    "after some ten minutes; to show it, this gateway replaces it when it is 15 s old."
)
_WEDGE = (
    "3. The model falls silent: nothing comes over the link any more, and no error says so. The real service was seen "
    "to do that; here the simulator is told to."
)
_NO_WEDGE = "3. A model that falls silent is not shown: only the simulator can be made to fail."


class Scenes:
    """The scenes of one conversation, to be played in their order.

    Attributes:
        reader: the user's voice.
    """

    def __init__(
        self,
        conversation: Conversation,
        playback: Playback,
        timeline: Timeline,
        console: Console,
        clock: Clock,
        witness: Witness,
        history: History,
    ) -> None:
        """Play them in `conversation`; `history` is what the witness adds to."""
        self.reader = Reader()
        self._conversation = conversation
        self._playback = playback
        self._timeline = timeline
        self._console = console
        self._clock = clock
        self._witness = witness
        self._history = history
        # When the user began to say what, in seconds of the clock.
        self._spoke_at: list[float] = []

    def answers(self, utterance: int) -> dict[int, Turn]:
        """Return the turns that began after this utterance did, counted from 0, and before the next one."""
        begin, end = [*self._spoke_at, float("inf")][utterance : utterance + 2]
        return {number: turn for number, turn in self._conversation.turns.items() if begin <= turn.began_at < end}

    async def interrupt(self, question: Utterance, interruption: Utterance) -> None:
        """Interrupt the answer to a question after six seconds of it, and hear out the answer to that."""
        self._announce(_INTERRUPTION)
        await self._say(question)
        await self._conversation.until(self._heard_enough, _ANSWER_TIMEOUT)
        await self._ask(interruption)

    async def renew(self, question: Utterance) -> None:
        """Ask on while the link is replaced."""
        self._announce(_RENEWAL)
        await self._ask(question)
        if not await self._conversation.until(lambda: self.renewed, _RENEWAL_TIMEOUT):
            self._conclude("the link was not replaced")
            return
        silence, repeated = self._around_renewal()
        noticed = "nothing" if silence < _AUDIBLE_SILENCE and not repeated else "that"
        self._conclude(
            f"the user noticed {noticed}: {1000 * silence:.0f} ms of silence in the "
            f"middle of the answers around it, {len(repeated) or 'no'} sentence said twice; "
            f"the answers so far came after {', '.join(f'{wait:.1f} s' for wait in self._waits(0, 1, 2))}"
        )

    async def wedge(self, question: Utterance, wedge: Callable[[], object]) -> None:
        """Ask a question of a model that was made to fall silent by `wedge`."""
        self._announce(_WEDGE)
        wedge()
        await self._ask(question)
        usual, late, found_at = self._waits(0, 1, 2), self._waits(3), told_at(self._history, "WEDGED")
        if not usual or not late or found_at is None or self._conversation.words_ended_at is None:
            self._conclude("the silent link was not found out, or no answer came")
            return
        self._conclude(
            f"the user noticed that the answer came {late[0]:.1f} s after the end of their words instead of "
            f"{median(usual):.1f} s, since the gateway waited {found_at - self._conversation.words_ended_at:.1f} s "
            "before it gave up the link; they did not have to repeat themselves"
        )

    def leave_out_wedge(self) -> None:
        """Say why there is no such scene."""
        self._announce(_NO_WEDGE)

    @property
    def renewed(self) -> bool:
        """Whether the link was replaced as planned."""
        return told_at(self._history, "RENEWED") is not None

    @property
    def unnoticed(self) -> bool:
        """Whether hardly anybody could notice that the link was replaced."""
        silence, repeated = self._around_renewal()
        return silence < _TOO_MUCH_SILENCE and not repeated

    @property
    def healed(self) -> bool:
        """Whether the gateway found out that the model fell silent, and the user's last words were answered once."""
        notices = (told_at(self._history, notice) for notice in ("WEDGED", "RECOVERED", "INPUT_REPLAYED"))
        return None not in notices and len(self.answers(3)) == 1

    def _waits(self, *utterances: int) -> list[float]:
        """Return how long the user waited for the first answer to each of these, in seconds, where there was any."""
        answers = [next(iter(self.answers(utterance).values()), None) for utterance in utterances]
        return [answer.waited for answer in answers if answer is not None and answer.waited is not None]

    def _around_renewal(self) -> tuple[float, list[str]]:
        turns = {*self.answers(1), *self.answers(2)}
        return silence_within(self._history, turns), said_twice(self._history, turns)

    async def _ask(self, utterance: Utterance) -> None:
        await self._say(utterance)
        await self._conversation.until(lambda: self._conversation.answered, _ANSWER_TIMEOUT)

    async def _say(self, utterance: Utterance) -> None:
        self._spoke_at.append(self._clock.now())
        with self._witness.saying(utterance) as words:
            await self._conversation.read(self.reader, words)

    def _heard_enough(self) -> bool:
        """Return whether some answer was heard for long enough to interrupt it, or is over before that."""
        now, conversation = self._clock.now(), self._conversation
        return conversation.answered or any(self._playback.heard(turn, now) >= _PATIENCE for turn in conversation.turns)

    def _announce(self, scene: str) -> None:
        self._console.print(f"\n[bold]{scene}[/bold]", highlight=False, soft_wrap=not self._console.is_terminal)

    def _conclude(self, what: str) -> None:
        self._timeline.line(self._clock.now(), "", f"⇒ {what}")
