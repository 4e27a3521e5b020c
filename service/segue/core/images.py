"""Pictures for the model to see: the newest one counts, and models look at one a second."""

from math import inf

from segue.core.actions import Action, ImageDropped, SendImage
from segue.core.links import Links

# Between two images, and how long one is kept for a link that has not seen it, in seconds.
_PERIOD = 1.0
_KEPT = 60.0


class Images:
    """One session's, of which it keeps the newest. Actions that follow are appended to `actions`."""

    def __init__(self, links: Links, actions: list[Action]) -> None:
        self._links = links
        self._actions = actions
        self._content = b""
        self._mime_type = ""
        # The newest image waits for a link, and whether any has had it.
        self._waits = False
        self._given = False
        self._given_at = -inf

    @property
    def waiting(self) -> bool:
        """Return whether the newest one has not been seen."""
        return self._waits

    @property
    def held_bytes(self) -> int:
        """The size of what is kept."""
        return len(self._content)

    def show(self, content: bytes, mime_type: str) -> None:
        """Take an image; `tick` gives it to the model."""
        if self._waits and not self._given:
            self._actions.append(ImageDropped())
        self._content, self._mime_type = content, mime_type
        self._waits, self._given = True, False

    def change_link(self) -> None:
        """Take it that another link has seen nothing. What the service may have called invalid is not given again."""
        if self._given and self._links.refused:
            self._forget()
        self._waits = bool(self._content)

    def tick(self, now: float) -> None:
        """Give the model what is due."""
        if self._given and now >= self._given_at + _KEPT:
            self._forget()
        elif now >= self._given_at + _PERIOD:
            self.give(now, seen=True)

    def deadline(self) -> float:
        """Return when `tick` has something to do; inf for never."""
        if self._waits:
            return self._given_at + _PERIOD
        return self._given_at + _KEPT if self._content else inf

    def give(self, now: float, *, seen: bool) -> None:
        """Give the model the image that waits, if any: words that come after it may be about it.

        Unless it is sure to be `seen` then, it waits for the next time as well.
        """
        if self._waits:
            self._waits, self._given, self._given_at = not seen, True, now
            self._links.messages += 1
            self._actions.append(SendImage(self._links.number, self._content, self._mime_type))

    def _forget(self) -> None:
        self._content, self._waits, self._given = b"", False, False
