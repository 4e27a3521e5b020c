"""What Segue itself said that the service repeats as if the user had, word by word and in order."""

from collections import deque

# So many texts at most are listened for.
_MOST = 4


class Echoes:
    """Those of the link that is up."""

    def __init__(self) -> None:
        # What of each text is still to be repeated.
        self._texts: deque[str] = deque(maxlen=_MOST)

    def expect(self, text: str) -> None:
        """Listen for a text that the link is sent."""
        self._texts.append(_spaced(text))

    def take(self, words: str) -> bool:
        """Return whether these words of the user are Segue's own; they are not listened for again."""
        words = _spaced(words)
        for index, text in enumerate(self._texts):
            if words and text.startswith(words):
                self._texts[index] = text[len(words) :].lstrip()
                return True
        return False

    def clear(self) -> None:
        """Take it that another link repeats nothing of this."""
        self._texts.clear()


def _spaced(text: str) -> str:
    return " ".join(text.split())
