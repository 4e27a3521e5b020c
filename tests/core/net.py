"""Links without a session, for tests of them."""

from dataclasses import replace

from segue.core.actions import Action, Dial, Setup
from segue.core.events import LinkLost, LossCause
from segue.core.handles import Handle
from segue.core.links import Links
from segue.core.options import Modality, ServerDetection
from segue.core.outputs import Closed
from segue.core.policy import Policy
from segue.core.profiles import Profile

PROFILE = Profile("test", ("test",))
POLICY = Policy(renewal_jitter=0.0)
SETUP = Setup("test", "", "", "", Modality.AUDIO, ServerDetection(), None)


class Net:
    """Links at 1000 s, and what they do."""

    def __init__(self, policy: Policy = POLICY, drawn: float = 0.5) -> None:
        self.actions: list[Action] = []
        self.now = 1000.0
        # Whether what a handle lacks can be told.
        self.sufficient = True
        self.links = Links(
            PROFILE,
            policy,
            lambda handle: replace(SETUP, handle=handle.token if handle else ""),
            lambda handle: self.sufficient,
            lambda: drawn,
            self.actions,
        )
        self.links.open(self.now)

    @classmethod
    def up(cls, policy: Policy = POLICY, drawn: float = 0.5) -> "Net":
        """Return links of which the first is up."""
        net = cls(policy, drawn)
        net.links.go_up(1, net.now)
        net.take()
        return net

    @classmethod
    def due(cls, policy: Policy = POLICY) -> "Net":
        """Return links of which the first is up and is to end in 50 s, and the second is held."""
        net = cls.up(policy)
        net.keep("h1")
        net.links.hurry(net.now, 50.0)
        net.links.prepare(net.now)
        net.links.hold(net.now)
        net.take()
        return net

    def take(self) -> list[Action]:
        """Return what was done since last asked."""
        taken = self.actions.copy()
        self.actions.clear()
        return taken

    def keep(self, token: str) -> None:
        self.links.keep(Handle(token, self.now, 0, 0))

    def lose(self, cause: LossCause = LossCause.TRANSIENT, retry_delay: float | None = None) -> Closed | None:
        return self.links.lose(LinkLost(self.links.number, cause, "gone", retry_delay), self.now)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, with a tick at every deadline."""
        until = self.now + seconds
        while (at := self.links.deadline()) <= until:
            self.now = max(self.now, at)
            self.links.tick(self.now)
            self.links.prepare(self.now)
            assert self.links.deadline() > self.now
        self.now = until

    def dial(self) -> Dial:
        """Return the one dial since last asked."""
        [dial] = [action for action in self.take() if isinstance(action, Dial)]
        return dial


def pauses(net: Net, cause: LossCause, count: int) -> list[float]:
    """Return the pauses before the next dials while each link is lost at once."""
    taken = []
    for _ in range(count):
        assert net.lose(cause) is None
        lost_at = net.now
        while not net.links.number:
            net.pass_time(max(0.0, net.links.deadline() - net.now))
        taken.append(net.now - lost_at)
    return taken
