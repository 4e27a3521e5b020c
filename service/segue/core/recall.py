"""What was said in a session, in words: for a model that has forgotten it, or never heard it.

The user's words count as asked once they were answered; of the model's words those that were heard.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

# At most so much is remembered, in characters and exchanges.
_MOST_CHARACTERS = 4096
_MOST_EXCHANGES = 64
# Of one turn's words at most so many characters: a summary needs no more.
_MOST_OF_A_TURN = 1200
# What was said before the session is of turn 0.
FROM_THE_START = -1
_QUOTED = str.maketrans('"[]', "'()")


@dataclass(slots=True, eq=False)
class Exchange:
    """What the user said and what the model answered; either may be empty. `turn` is the answer's number."""

    turn: int
    user: str
    model: str = ""

    def __len__(self) -> int:
        return len(self.user) + len(self.model)


class Recall:
    """The last exchanges of a session, oldest first."""

    def __init__(self, before: Iterable[tuple[str, str]] = ()) -> None:
        """Take what was said before the session: what the user said and what the model answered, oldest first."""
        self._exchanges = deque(Exchange(0, user[-_MOST_OF_A_TURN:], model[:_MOST_OF_A_TURN]) for user, model in before)
        self._size = sum(map(len, self._exchanges))
        # The user's words that are not answered.
        self.asked = ""
        self._bound()

    def hear_user(self, words: str, turn: int) -> None:
        """Take words of the user; `turn` is the one that answers them already, 0 for none."""
        exchange = self._of(turn)
        if exchange is None:
            self.asked = (self.asked + words)[-_MOST_OF_A_TURN:]
        else:
            exchange.user = (exchange.user + words)[-_MOST_OF_A_TURN:]
            self._size += len(words)
            self._bound()

    def file(self) -> None:
        """Take it that the last turn answered what the user said so far."""
        if self._exchanges and self._exchanges[-1].turn and self.asked:
            self.hear_user(self.asked, self._exchanges[-1].turn)
            self.asked = ""

    def answer(self, turn: int) -> None:
        """Take it that this turn answers what the user said so far."""
        self._exchanges.append(Exchange(turn, self.asked.strip()))
        self._size += len(self.asked)
        self.asked = ""
        self._bound()

    def hear_model(self, turn: int, words: str) -> None:
        """Take what was heard of a turn that is over."""
        exchange = self._of(turn)
        if exchange is not None:
            exchange.model = words.strip()[:_MOST_OF_A_TURN]
            self._size += len(exchange.model)
            self._bound()

    def question(self, turn: int) -> str:
        """Return what the user had said that this turn answers; empty where it is not known."""
        exchange = self._of(turn)
        return exchange.user if exchange else ""

    def since(self, turn: int, but: int = 0) -> list[Exchange]:
        """Return the exchanges after this turn that hold any words, less the one of the turn `but`, 0 for none."""
        less = self._of(but)
        return [exchange for exchange in self._exchanges if exchange.turn > turn and exchange is not less and exchange]

    def _of(self, turn: int) -> Exchange | None:
        return next((exchange for exchange in self._exchanges if turn and exchange.turn == turn), None)

    def _bound(self) -> None:
        while len(self._exchanges) > 1 and (self._size > _MOST_CHARACTERS or len(self._exchanges) > _MOST_EXCHANGES):
            self._exchanges.popleft()
            self._size = sum(map(len, self._exchanges))


def told(exchanges: Iterable[Exchange]) -> str:
    """Return exchanges as a script of a play, each line quoted."""
    lines = []
    for exchange in exchanges:
        if exchange.user:
            lines.append(f"User: {quoted(exchange.user)}")
        if exchange.model:
            lines.append(f"You: {quoted(exchange.model)}")
    return "\n".join(lines)


def quoted(words: str) -> str:
    """Return words as data: on one line, in quotation marks and without brackets, which could end what quotes them."""
    return f'"{" ".join(words.split()).translate(_QUOTED)}"'
