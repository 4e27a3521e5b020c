"""A conversation on the terminal: a line for each thing that happens, and what is being said right now."""

from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

import segue_client

_STYLES = {"user": "cyan", "model": "green", "segue": "yellow"}
# How much of the words around an interruption is shown, in characters.
_EXCERPT = 160


class Timeline:
    """Shows events as they come: in a terminal with the words that are being said, elsewhere as plain lines."""

    def __init__(self, console: Console, began_at: float) -> None:
        """Show times relative to `began_at`, in seconds of the conversation's clock."""
        self._console = console
        self._began_at = began_at
        self._user_words = ""
        self._model_words = ""
        # The words that the terminal shows growing: (who, what) of both.
        self._growing: tuple[tuple[str, str], ...] = ()
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> "Timeline":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def line(self, now: float, who: str, what: str) -> None:
        """Show that somebody ("user", "model", "segue") did something."""
        when = f"{now - self._began_at:6.1f} s"
        if self._live is None:
            self._console.print(Text(f"{when}  {who:<5}  {what}"), soft_wrap=True)
        else:
            self._console.print(_row(Text(when, "dim"), who, Text(what)))

    def user_speaks(self, now: float, what: str) -> None:
        """Show that the user begins to say something."""
        self._end_user_words(now)
        self.line(now, "user", what)

    def turn_began(self, now: float, turn: int, waited: float | None) -> None:
        """Show that the model begins to speak, `waited` seconds after the user's last words where that is known."""
        self._end_user_words(now)
        self._model_words = ""
        self.line(
            now, "model", f"▶ turn {turn}" + (f", first audio after {waited:.2f} s" if waited is not None else "")
        )

    def show(self, event: segue_client.Event, now: float) -> None:
        """Show what the gateway said."""
        match event:
            case segue_client.Opened(session_id=session_id, model=model):
                self.line(now, "segue", f"session {session_id} with {model or 'the default model'}")
            case segue_client.Transcript(speaker="USER", text=text):
                self._user_words += text
            case segue_client.Transcript(text=text) | segue_client.Text(text=text):
                self._model_words += text
            case segue_client.Interrupted(cause="NONE"):
                self.line(now, "segue", "there was nothing to interrupt")
            case segue_client.Interrupted():
                self._show_interruption(event, now)
            case segue_client.TurnEnded():
                self._show_end(event, now)
            case segue_client.ToolCall(name=name):
                self.line(now, "model", f"calls {name}, which nobody here can answer")
            case segue_client.Notice(message=message, took=took):
                self.line(now, "segue", f"· {message}" + (f" ({took:.2f} s)" if took is not None else ""))
            case segue_client.InputRejected(reason=reason, message=message):
                self.line(now, "segue", f"{reason}: {message}")
            case segue_client.GoAway(deadline=deadline):
                self.line(now, "segue", f"the connection ends at {deadline:%H:%M:%S} UTC")
        self._refresh()

    def session_ended(self, closed: segue_client.Closed, now: float) -> None:
        """Show how the session ended."""
        self._end_user_words(now)
        sums = closed.totals
        what = (
            f"turns: {sums.turns}, interrupted: {sums.interruptions}, {sums.duration:.1f} s" if sums else closed.message
        )
        self.line(now, "segue", f"session closed, {closed.reason}: {what}")

    def _show_interruption(self, event: segue_client.Interrupted, now: float) -> None:
        self._model_words = ""
        self._refresh()
        self.line(now, "model", f"■ turn {event.turn} interrupted ({event.cause}), {event.heard:.1f} s heard")
        self.line(now, "", f"heard:   “{_last(event.heard_text)}”")
        self.line(now, "", f"unheard: “{_first(event.unheard_text)}”")

    def _show_end(self, event: segue_client.TurnEnded, now: float) -> None:
        self._end_user_words(now)
        if event.reason == "INTERRUPTED":
            return
        words, self._model_words = self._model_words.strip() or (event.heard_text + event.unheard_text).strip(), ""
        if words:
            self._refresh()
            self.line(now, "model", f"“{words}”")
        what = f"turn {event.turn} ended, {event.reason}, {event.audio_duration:.1f} s of audio"
        if event.first_audio_latency is not None:
            what += f", first audio after {event.first_audio_latency:.2f} s as the gateway saw it"
        self.line(now, "model", f"■ {what}" + (f" ({event.backend_reason})" if event.backend_reason else ""))

    def _end_user_words(self, now: float) -> None:
        words, self._user_words = self._user_words.strip(), ""
        if words:
            self._refresh()
            self.line(now, "user", f"“{words}”")

    def _refresh(self) -> None:
        words = (("user", self._user_words), ("model", self._model_words))
        if self._live is not None and words != self._growing:
            self._growing = words
            rows = [_row(Text("…", "dim"), who, Text(_last(said), "italic")) for who, said in words if said.strip()]
            self._live.update(Group(*rows), refresh=True)


def _row(when: Text, who: str, what: Text) -> Table:
    row = Table.grid(padding=(0, 2))
    row.add_column(width=8, justify="right")
    row.add_column(width=5)
    row.add_column(overflow="fold")
    row.add_row(when, Text(who, _STYLES.get(who, "")), what)
    return row


def _last(words: str) -> str:
    words = words.strip()
    return words if len(words) <= _EXCERPT else "…" + words[-_EXCERPT:]


def _first(words: str) -> str:
    words = words.strip()
    return words if len(words) <= _EXCERPT else words[:_EXCERPT] + "…"
