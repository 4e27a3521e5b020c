"""A conversation that is recorded: its history is what a client, a gateway and a simulator would have seen of it."""

from heapq import heappop, heappush
from itertools import count
from math import inf
from random import Random

from segue.core import events as ev
from segue.core.actions import (
    Action,
    Dial,
    End,
    HangUp,
    Recovered,
    Send,
    SendActivity,
    SendAudio,
    SendNote,
    SendText,
    SendToolResult,
    SetUp,
)
from segue.core.options import FunctionDeclaration, Options
from segue.core.outputs import (
    Audio,
    Closed,
    InputAck,
    InputRejected,
    Interrupted,
    Notice,
    Opened,
    Output,
    Text,
    ToolCall,
    ToolCallCancelled,
    Transcript,
    TurnEnded,
    UserActivity,
)
from segue.core.policy import Policy
from segue.core.session import State
from segue.simulator.history import History, Value
from tests.core.conversation import OPTIONS, Conversation, speech, voice

ARMS: dict[type[Output], str] = {
    Opened: "opened",
    Audio: "audio",
    Text: "text",
    Transcript: "transcript",
    UserActivity: "user_activity",
    Interrupted: "interrupted",
    TurnEnded: "turn_ended",
    ToolCall: "tool_call",
    ToolCallCancelled: "tool_call_cancelled",
    Notice: "notice",
    InputAck: "input_ack",
    InputRejected: "input_rejected",
    Closed: "closed",
}
MODELS = ("gemini-3.8-live", "gemini-3.1-flash-live-preview", "gemini-2.5-flash-native-audio")
# The second of these models always waits.
FUNCTIONS = {
    model: (FunctionDeclaration("weather"), FunctionDeclaration("remind", blocking=None if "3.1" in model else False))
    for model in MODELS
}


class Link:
    """A link as the service knows it."""

    def __init__(self, *, held: bool) -> None:
        self.held = held
        self.up = False
        # The calls that the model remembers, and those whose results it waits for before it hears anything.
        self.calls: set[str] = set()
        self.waiting: set[str] = set()


class Recorded(Conversation):
    """Records what its witnesses see. Its service answers dials, some of them late and some with a refusal.

    It closes a link on which anything comes before it is up, a result for a call that it does not know, or, where the
    model is one of those, audio while a call is under way.
    """

    def __init__(self, options: Options, history: History, chance: Random) -> None:
        super().__init__(options, Policy(), chance.random)
        self.history = history
        self.chance = chance
        self.links: dict[int, Link] = {}
        # What is under way from the service: when, in which order, and what.
        self._arriving: list[tuple[float, int, ev.LinkHeld | ev.LinkOpened | ev.LinkLost]] = []
        self._order = count()
        self._remembered: dict[str, set[str]] = {}
        self._handles = count(1)

    def wait(self, seconds: float = inf) -> None:
        until = self.now + seconds
        while self._arriving and self._arriving[0][0] <= until:
            at, _, event = self._arriving[0]
            # What the session does meanwhile may bring something that is here sooner.
            soon = min(at, max(self.now, self.session.deadline()))
            super().wait(soon - self.now)
            if soon < at or self._arriving[0][2] is not event:
                continue
            heappop(self._arriving)
            if event.link in self.links:
                self.receive(event)
        super().wait(until - self.now)

    def step(self, event: ev.Event) -> list[Action]:
        link = self.links.get(getattr(event, "link", 0))
        if link is not None:
            self._happen(link, event)
        actions = super().step(event)
        for action in actions:
            self._record(action)
        return actions

    def stop(self) -> None:
        """End the gateway's process."""
        alive = int(self.history.of("gateway", "session_ended") == [])
        self.history.add(self.now, "gateway", "", "stopped", tasks=0, sessions=alive, links=len(self.links))

    def weigh(self) -> None:
        self._act("session_weighed", bytes=self.session.held_bytes, audio=self.session.held_bytes)

    def remember(self) -> None:
        """Let the service give a handle."""
        handle = f"h{next(self._handles)}"
        if self.link in self.links:
            self._remembered[handle] = set(self.links[self.link].calls)
            self.hand_over(handle)

    def _happen(self, link: Link, event: ev.Event) -> None:
        match event:
            case ev.LinkOpened():
                link.up = True
                self._act("link_opened", link=event.link)
            case ev.LinkLost():
                self._act("link_lost", link=event.link, cause=event.cause.name)
                self._close_connection(event.link, 1011, "server")
            case ev.ToolCalled() if link.up:
                link.calls.add(event.call_id)
                if event.name != "remind" and self.options.model == MODELS[-1]:
                    link.waiting.add(event.call_id)
            case ev.ToolCallsCancelled():
                link.calls -= set(event.call_ids)
                link.waiting -= set(event.call_ids)

    def _record(self, action: Action) -> None:
        match action:
            case Dial():
                self.links[action.link] = Link(held=action.hold)
                self._act("link_dialled", link=action.link, purpose=action.purpose.name, resumes=False)
                self.history.add(self.now, "simulator", self._connection(action.link), "connection_opened")
                self._answer(action)
            case SetUp():
                self.links[action.link].held = False
                self._answer(action)
            case SendAudio() | SendText() | SendNote() | SendToolResult() | SendActivity():
                rule = self._violated(action)
                if rule:
                    self._close_connection(action.link, 1007, "server", rule=rule)
            case HangUp():
                self._act("link_hung_up", link=action.link)
                self._close_connection(action.link, 1000, "client")
            case Recovered():
                self._act("recovered", cause=action.cause.name, outcome=action.outcome.name)
            case Send():
                self._record_output(action.seq, action.output)
            case End():
                timers = int(self.session.deadline() < inf)
                self._act("session_ended", links=len(self.links), timers=timers, tasks=0)

    def _answer(self, asked: Dial | SetUp) -> None:
        """Have the service answer a dial or a setup some time later."""
        held = isinstance(asked, Dial) and asked.hold
        if not held:
            self.links[asked.link].calls = set(self._remembered.get(asked.setup.handle, set()))
        event: ev.LinkHeld | ev.LinkOpened | ev.LinkLost
        event = ev.LinkHeld(asked.link) if held else ev.LinkOpened(asked.link)
        if self.chance.random() < 0.15:
            cause = self.chance.choice([ev.LossCause.TRANSIENT, ev.LossCause.UNAVAILABLE, ev.LossCause.HANDLE])
            event = ev.LinkLost(asked.link, cause, "not now")
        at = self.now + self.chance.choice([0.05, 0.3, 2.0])
        heappush(self._arriving, (at, next(self._order), event))

    def _violated(self, action: SendAudio | SendText | SendNote | SendToolResult | SendActivity) -> str:
        """Return which of the service's rules this breaks; empty for none."""
        link = self.links.get(action.link)
        match action:
            case _ if link is None:
                return ""
            case _ if not link.up:
                return "nothing before setup"
            case SendActivity():
                return "no activity where the model detects it"
            case SendToolResult() if action.call_id not in link.calls:
                return "no result without a call"
            case SendToolResult():
                link.waiting.discard(action.call_id)
            case SendAudio() if link.waiting:
                return "no audio during a call"
        return ""

    def _record_output(self, seq: int, output: Output) -> None:
        fields: dict[str, Value] = {"seq": seq, "turn": getattr(output, "turn", 0), "arm": ARMS[type(output)]}
        if isinstance(output, Audio):
            fields["bytes"] = len(output.audio)
        if isinstance(output, Interrupted):
            fields["cause"] = output.cause.name
        if isinstance(output, TurnEnded):
            fields["reason"] = output.reason.name
        self.history.add(self.now, "client", self.session.session_id, "output_received", **fields)

    def _close_connection(self, link: int, code: int, closed_by: str, rule: str = "") -> None:
        if self.links.pop(link, None) is not None:
            fields: dict[str, Value] = {"code": code, "reason": "", "closed_by": closed_by, "rule": rule}
            self.history.add(self.now, "simulator", self._connection(link), "connection_closed", **fields)

    def _connection(self, link: int) -> str:
        return f"{self.session.session_id}/{link}"

    def _act(self, kind: str, **fields: Value) -> None:
        self.history.add(self.now, "gateway", self.session.session_id, kind, **fields)


def record(seed: int, history: History) -> None:
    """Let a user and a model talk as chance will have it, and record it; the same seed tells the same story."""
    chance = Random(seed)
    model = chance.choice(MODELS)
    options = Options(model, input_format=OPTIONS.input_format, functions=FUNCTIONS[model])
    call = Recorded(options, history, chance)
    call.open(seq=1)
    call.receive(ev.AudioReceived(2, voice(0.02), True))
    call.wait(chance.choice([0.1, 2.0]))
    for _ in range(chance.randint(4, 10)):
        # A client that reads slowly gets what it missed later.
        call.reading = chance.random() < 0.8
        _talk(call, chance)
        _trouble(call, chance)
        call.wait(chance.choice([0.0, 0.3, 1.0]))
        call.weigh()
    call.reading = True
    if call.woken:
        call.read()
    _say_goodbye(call, chance)
    call.wait()
    if call.session.state is not State.ENDED:
        call.receive(ev.StreamLost())
    call.stop()


def _talk(call: Recorded, chance: Random) -> None:
    call.say(chance.choice([0.1, 0.5]))
    call.understand("What about it?")
    if chance.random() < 0.3:
        _call_a_function(call, chance)
    call.answer(chance.choice([0.5, 3.0, 7.0]), "It is a long story.")
    call.wait(chance.choice([0.0, 0.5, 2.0]))
    match chance.choice(["listen", "barge in", "interrupt", "interrupt late"]):
        case "listen":
            call.finish_generation()
            call.complete()
            call.remember()
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


def _call_a_function(call: Recorded, chance: Random) -> None:
    call_id = f"c{call.now}"
    call.call(call_id, chance.choice(["weather", "remind"]))
    if chance.random() < 0.3:
        call.remember()
    call.say(0.5)
    if chance.random() < 0.3:
        call.lose_link()
    call.wait(chance.choice([0.0, 1.0]))
    match chance.choice(["answer", "answer", "cancel", "forget"]):
        case "answer":
            call.respond(call_id)
        case "cancel":
            call.cancel_calls(call_id)


def _trouble(call: Recorded, chance: Random) -> None:
    match chance.choice(["none", "none", "none", "loss", "goodbye", "silence", "phantom", "empty turn", "stop"]):
        case "none":
            return
        case "loss":
            call.lose_link(chance.choice([ev.LossCause.TRANSIENT, ev.LossCause.STALLED, ev.LossCause.INVALID]))
        case "goodbye":
            call.go_away(10.0)
            call.wait(8.0)
        case "silence":
            call.write("Are you there?")
            call.wait(9.0)
        case "phantom":
            call.answer(3.0, "By the way. ")
            call.interrupted(by_sound=False)
            call.wait(2.0)
        case "empty turn":
            call.say(0.5)
            call.wait(2.0)
            call.complete()
        case "stop":
            call.receive(ev.ModelAudio(call.link, speech(0.5)))
            call.wait(10.0)
    call.wait(chance.choice([5.0, 20.0]))


def _say_goodbye(call: Recorded, chance: Random) -> None:
    match chance.choice(["close", "half-close", "lose the link", "vanish"]):
        case "close":
            call.receive(ev.CloseReceived(0, False))
        case "half-close":
            call.end_input()
        case "lose the link":
            call.lose_link(ev.LossCause.CREDENTIALS)
        case "vanish":
            call.receive(ev.StreamLost())
