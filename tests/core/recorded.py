"""A conversation that is recorded: its history is what a client, a gateway and a simulator would have seen of it."""

from random import Random

from segue.core import events as ev
from segue.core.actions import Action, Dial, End, HangUp, Send, SendAudio, SendText
from segue.core.options import Options
from segue.core.outputs import (
    Audio,
    Closed,
    InputAck,
    InputRejected,
    Interrupted,
    Opened,
    Output,
    Text,
    Transcript,
    TurnEnded,
    UserActivity,
)
from segue.simulator.history import History, Value
from tests.core.conversation import OPTIONS, Conversation, voice

ARMS: dict[type[Output], str] = {
    Opened: "opened",
    Audio: "audio",
    Text: "text",
    Transcript: "transcript",
    UserActivity: "user_activity",
    Interrupted: "interrupted",
    TurnEnded: "turn_ended",
    InputAck: "input_ack",
    InputRejected: "input_rejected",
    Closed: "closed",
}


class Recorded(Conversation):
    """Records what its witnesses see. Its simulator closes a link on which anything comes before it is up."""

    def __init__(self, options: Options, history: History) -> None:
        super().__init__(options)
        self.history = history
        self.links: dict[int, bool] = {}

    def step(self, event: ev.Event) -> list[Action]:
        if isinstance(event, ev.LinkOpened) and event.link in self.links:
            self.links[event.link] = True
        if isinstance(event, ev.LinkLost):
            self._close_connection(event.link, 1011, "server")
        actions = super().step(event)
        for action in actions:
            self._record(action)
        return actions

    def stop(self) -> None:
        """End the gateway's process."""
        alive = int(self.history.of("gateway", "session_ended") == [])
        self.history.add(self.now, "gateway", "", "stopped", tasks=0, sessions=alive, links=len(self.links))

    def _record(self, action: Action) -> None:
        match action:
            case Dial():
                self.links[action.link] = False
                self.history.add(self.now, "simulator", f"link {action.link}", "connection_opened")
            case SendAudio() | SendText() if self.links.get(action.link) is False:
                self._close_connection(action.link, 1007, "server", rule="nothing before setup")
            case HangUp():
                self._close_connection(action.link, 1000, "client")
            case Send():
                self._record_output(action.seq, action.output)
            case End():
                timers = int(self.session.deadline() < float("inf"))
                remains = {"links": len(self.links), "timers": timers, "tasks": 0}
                self.history.add(self.now, "gateway", self.session.session_id, "session_ended", **remains)

    def _record_output(self, seq: int, output: Output) -> None:
        fields: dict[str, Value] = {"seq": seq, "turn": getattr(output, "turn", 0), "arm": ARMS[type(output)]}
        if isinstance(output, Audio):
            fields["bytes"] = len(output.audio)
        if isinstance(output, Interrupted):
            fields["cause"] = output.cause.name
        self.history.add(self.now, "client", self.session.session_id, "output_received", **fields)

    def _close_connection(self, link: int, code: int, closed_by: str, rule: str = "") -> None:
        if self.links.pop(link, None) is not None:
            fields: dict[str, Value] = {"code": code, "reason": "", "closed_by": closed_by, "rule": rule}
            self.history.add(self.now, "simulator", f"link {link}", "connection_closed", **fields)


def record(seed: int, history: History) -> None:
    """Let a user and a model talk as chance will have it, and record it; the same seed tells the same story."""
    chance = Random(seed)
    call = Recorded(OPTIONS, history)
    call.open(seq=1)
    call.receive(ev.AudioReceived(2, voice(0.02), True))
    call.wait(chance.choice([0.1, 2.0]))
    call.link_up()
    for _ in range(chance.randint(4, 10)):
        # A client that reads slowly gets what it missed later.
        call.reading = chance.random() < 0.8
        _talk(call, chance)
        call.wait(chance.choice([0.0, 0.3, 1.0]))
    call.reading = True
    if call.woken:
        call.read()
    _say_goodbye(call, chance)
    call.wait()
    call.stop()


def _talk(call: Recorded, chance: Random) -> None:
    call.say(chance.choice([0.1, 0.5]))
    call.understand("What about it?")
    call.answer(chance.choice([0.5, 3.0, 7.0]), "It is a long story.")
    call.wait(chance.choice([0.0, 0.5, 2.0]))
    match chance.choice(["listen", "barge in", "interrupt", "interrupt late"]):
        case "listen":
            call.finish_generation()
            call.complete()
            call.wait(chance.choice([0.5, 8.0]))
        case "barge in":
            call.say(0.3)
            call.interrupted()
            call.answer(0.3)
            call.complete()
        case "interrupt":
            call.interrupt(heard=chance.choice([None, 0.4]))
            call.answer(1.0, "And so on.")
            call.complete()
        case "interrupt late":
            call.complete()
            call.interrupt()


def _say_goodbye(call: Recorded, chance: Random) -> None:
    match chance.choice(["close", "half-close", "lose the link", "vanish"]):
        case "close":
            call.receive(ev.CloseReceived(0, False))
        case "half-close":
            call.end_input()
        case "lose the link":
            call.lose_link()
        case "vanish":
            call.receive(ev.StreamLost())
