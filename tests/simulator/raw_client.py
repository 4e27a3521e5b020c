"""A raw client for breaking rules with: it sends frames to the script in virtual time and sees how that ends."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.outgoing import Close, Output, Send
from segue.simulator.script import LiveScript
from segue.simulator.service import Service
from segue.simulator.speech import SpeechLikeVoice
from segue.simulator.switches import Switches
from segue.simulator.wire.tokens import Tokens
from segue.simulator.wire.upgrade import Upgrade, read_upgrade

DEVELOPER = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
VERTEX = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"

DIALOGUE = parse_dialogue(
    """
    [[utterances]]
    user = "Yes?"
    model = "Yes."
    [[texts]]
    words = ["weather"]
    model = "It rains."
    call = { name = "get_weather", args = { city = "Lodz" } }
    delay = 0.1
    [[fallback]]
    model = "I see."
    delay = 0.1
    """,
    "rules",
)
_VOICE = SpeechLikeVoice()

# A frame, seconds to wait, a frame made of what the client got, or "reconnect".
Step: TypeAlias = Mapping[str, Any] | str | bytes | float | Callable[["RawClient"], Mapping[str, Any]]

RECONNECT = "reconnect"


@dataclass(frozen=True)
class Session:
    """What a client does.

    Attributes:
        steps: in order, each as soon as the one before it is done.
        target: the request target; a query may hold the key.
        headers: of the handshake.
        switches: how it behaves where that is disputed.
    """

    steps: tuple[Step, ...]
    target: str = f"{DEVELOPER}?key=good"
    headers: Mapping[str, str] = field(default_factory=dict)
    switches: Mapping[str, Any] = field(default_factory=dict)


class RawClient:
    """One client and the service it talks to.

    Attributes:
        got: what it received, on all of its connections.
        close: how its last connection ended; None while it is open.
    """

    def __init__(self, session: Session, *, strict: bool = False, tokens: Tokens | None = None) -> None:
        upgrade = read_upgrade(session.target, session.headers)
        assert upgrade
        self._upgrade: Upgrade = upgrade
        minted = tokens or Tokens()
        self._service = Service(
            DIALOGUE,
            _VOICE,
            valid_credential=lambda key: key == "good",
            switches=Switches(**session.switches),
            strict=strict,
            tokens=minted,
        )
        self._now = 0.0
        self.got: list[dict[str, Any]] = []
        self._connect()

    def _connect(self) -> None:
        self._script = LiveScript(self._service, self._upgrade, Random(1), self._now)
        self.close: Close | None = None

    def do(self, steps: tuple[Step, ...]) -> None:
        """Take these steps, and wait a moment for what comes of them."""
        for step in (*steps, 1.0):
            match step:
                case float():
                    self._wait(step)
                case "reconnect":
                    self._connect()
                case str() | bytes():
                    self._send(step)
                case Mapping():
                    self._send(json.dumps(step))
                case _:
                    self._send(json.dumps(step(self)))

    def last(self, key: str) -> Any:
        """Return the newest message of this kind."""
        return next(message[key] for message in reversed(self.got) if message.get(key))

    def _send(self, frame: str | bytes) -> None:
        if self.close is None:
            self._take(self._script.receive(frame, self._now))

    def _wait(self, seconds: float) -> None:
        end_at = self._now + seconds
        while self.close is None and self._script.deadline() <= end_at:
            self._now = max(self._now, self._script.deadline())
            self._take(self._script.tick(self._now))
        self._now = end_at

    def _take(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case Send(frame):
                    self.got.append(json.loads(frame))
                case Close():
                    self.close = output


def violated(session: Session, *, strict: bool = False, tokens: Tokens | None = None) -> Close | None:
    """Return how a session ends; None where its connection stays open."""
    client = RawClient(session, strict=strict, tokens=tokens)
    client.do(session.steps)
    return client.close


def frames(steps: tuple[Step, ...]) -> Iterator[str | bytes]:
    """Yield those steps that are frames as they are."""
    for step in steps:
        match step:
            case Mapping():
                yield json.dumps(step)
            case str() | bytes():
                yield step
