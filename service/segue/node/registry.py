"""The sessions of this pod: opened here, let go here when they end."""

import asyncio
import secrets
from collections.abc import Callable
from random import Random

from segue.backend.link import Backend
from segue.core.events import QuotaReached, ResumeReceived, ShutdownRequested, StreamLost
from segue.core.outputs import Closed
from segue.core.policy import Policy
from segue.core.session import Session
from segue.node.driver import Driver, Listener, Remains
from segue.node.judge import Judge
from segue.node.load import Load
from segue.node.quotas import Account, Quotas
from segue.node.tokens import Tokens
from segue.telemetry.metrics import Metrics
from segue.tenants import ANYBODY, Tenant


class Registry:
    """Makes sessions and keeps them while they live.

    Args:
        backend: where their links are dialled.
        metrics: what is counted.
        policy: what holds for all of them.
        witness: told the id of each session that ends and what remains of it.
        load: what this pod carries, against what it may.
    """

    def __init__(
        self,
        backend: Backend,
        metrics: Metrics,
        policy: Policy,
        witness: Callable[[str, Remains], None] | None = None,
        load: Load | None = None,
    ) -> None:
        self._backend = backend
        self._metrics = metrics
        self._policy = policy
        self._witness = witness
        self._judge = Judge()
        self._load = load or Load()
        self.quotas = Quotas(self._tell_spent)
        self._drivers: set[Driver] = set()
        self._tokens: Tokens[Driver] = Tokens()
        # The sessions are ending, and a new one is to end as soon as it can.
        self.finishing = False
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._drivers)

    def refusal(self, tenant: Tenant) -> Closed | None:
        """Return why the tenant may have no new session now; None where it may, which counts as opened."""
        now = asyncio.get_running_loop().time()
        return self._load.refusal(len(self)) or self.quotas.refusal(tenant, now)

    def open(self, listener: Listener, tenant: Tenant = ANYBODY) -> Driver:
        """Make a session of a tenant."""
        account = self.quotas.account(tenant.name)
        token = self._tokens.make()

        def forget(driver: Driver, closed: Closed | None) -> None:
            self._drivers.discard(driver)
            self._tokens.withdraw(token, closed, asyncio.get_running_loop().time())
            account.sessions -= 1
            if not self._drivers:
                self._empty.set()
            if self._witness is not None:
                # The driver is still in the middle of it.
                asyncio.get_running_loop().call_soon(self._tell, self._witness, driver)

        session_id = secrets.token_hex(8)
        # Of the session's own seed, so that what it did can be done again.
        session = Session(session_id, self._policy, Random(session_id).random, token)
        driver = Driver(
            session,
            self._backend,
            self._metrics,
            self._judge,
            self._policy.profiles,
            listener,
            forget,
            account,
            allowed=tenant.credentials,
        )
        self._drivers.add(driver)
        self._tokens.give(token, tenant.name, driver)
        account.sessions += 1
        self._empty.clear()
        return driver

    def resume(
        self, token: str, event: ResumeReceived, listener: Listener, tenant: Tenant = ANYBODY
    ) -> Driver | Closed:
        """Have a session go on with another listener. Returns why it does not, where it does not."""
        driver = self._tokens.find(token, tenant.name)
        fault = driver if isinstance(driver, Closed) else driver.session.fault_of_resume(event.last_seq)
        if fault is not None or isinstance(driver, Closed):
            assert fault is not None
            self._metrics.reattaches.labels(fault.reason.name.lower()).inc()
            return fault
        self._metrics.reattaches.labels("resumed" if driver.session.detached else "taken_over").inc()
        driver.attach(listener)
        driver.feed(event)
        return driver

    def cut_off(self) -> None:
        """End the sessions that are left, whoever may come back to them."""
        for driver in list(self._drivers):
            driver.feed(StreamLost(for_good=True))

    def _tell_spent(self, account: Account) -> None:
        # A driver is still in the middle of what used it up.
        asyncio.get_running_loop().call_soon(self._end_all_of, account)

    def _end_all_of(self, account: Account) -> None:
        for driver in list(self._drivers):
            if driver.account is account:
                driver.feed(QuotaReached(self.quotas.audio_spent(account)))

    @staticmethod
    def _tell(witness: Callable[[str, Remains], None], driver: Driver) -> None:
        witness(driver.session.session_id, driver.remains)

    async def finish(self) -> None:
        """Let running turns finish and end the sessions; wait until none is left."""
        self.finishing = True
        for driver in list(self._drivers):
            driver.feed(ShutdownRequested())
        await self._empty.wait()
        self._judge.close()
