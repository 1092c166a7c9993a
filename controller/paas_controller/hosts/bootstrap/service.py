"""Which hosts are being bootstrapped: one task for each, until the agent reports; taken up again after a restart."""

import asyncio
import logging
from contextlib import suppress
from functools import partial

from paas_controller.base.errors import Conflict, NotFound, PaasError
from paas_controller.hosts.bootstrap.attempt import Attempt
from paas_controller.hosts.bootstrap.hostkeys import fingerprint
from paas_controller.hosts.bootstrap.keeping import Keeping
from paas_controller.hosts.bootstrap.means import Means
from paas_controller.hosts.bootstrap.progress import LONGEST_WAIT, Failure
from paas_controller.hosts.host import Host
from paas_controller.hosts.service import Hosts, MembersOf, Tell

_log = logging.getLogger(__name__)
_HICCUP = 5.0


class Bootstraps:
    """Asked by people, and by work that is due on a host that never had an agent."""

    def __init__(self, hosts: Hosts, keeping: Keeping, means: Means, at_once: int) -> None:
        self._hosts, self._keeping, self._means = hosts, keeping, means
        self._turns = asyncio.Semaphore(at_once)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._now: dict[str, asyncio.Event] = {}
        self._members_of: MembersOf
        self._wake: Tell

    def start(self, members_of: MembersOf, wake: Tell) -> None:
        """Takes up again what was under way when the controller ended. `wake` has the work on a host looked at."""
        self._members_of, self._wake = members_of, wake
        self._hosts.wanted, self._hosts.edited, self._hosts.forgotten = self.want, self.again, self._drop
        for host in self._hosts.all():
            if host.bootstrap and host.bootstrap.state != "done":
                self._care_for(host.id)

    async def stop(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._means.pool.shutdown(wait=False, cancel_futures=True)

    def want(self, identifier: str) -> None:
        """There is work on this host: the agent is installed if it never was, and if it is known how to get there."""
        host = self._hosts.get(identifier)
        if host.auth and identifier not in self._tasks and not self._agent_at(host.address):
            self._care_for(identifier)

    def again(self, identifier: str) -> None:
        """How SSH reaches it has changed: what waits for another try, or for credentials, does not wait any longer."""
        if identifier in self._now:
            self._now[identifier].set()
        else:
            self._wake(identifier)

    def _agent_at(self, address: str) -> str:
        """The host of this address that has an agent: there is one unit, and another agent would take its place."""
        return next((host.id for host in self._hosts.at(address) if host.controller_token), "")

    async def ask(self, identifier: str, by: str, accept: str = "", *, dry_run: bool = False) -> None:
        """A person wants it, now. Conflict where no credentials are known, and for a key that no host has shown."""
        host = self._hosts.get(identifier)
        if not host.auth:
            told = f"no credentials are known for {host.id}; give some with paasctl host edit {host.id} -f FILE"
            raise Conflict(f"{told}, or join it by hand with a token from paasctl host token")
        if (other := self._agent_at(host.address)) not in ("", identifier):
            raise Conflict(f"{other} is the agent of {host.address}, and would be replaced; delete that host first")
        keys = {"host_key": _accepted(host, accept), "host_key_refused": ""} if accept else {}
        if dry_run:
            return
        if not host.installing:
            await self._keeping.begun(host, by, **keys)
        elif keys:
            await self._keeping.keep(host, **keys)
        if accept:
            await self._keeping.note(by, host.id, f"its SSH key is {accept} from now on", True)
        if identifier in self._tasks:
            self.again(identifier)
        else:
            self._care_for(identifier)

    def _care_for(self, identifier: str) -> None:
        now = self._now[identifier] = asyncio.Event()
        task = self._tasks[identifier] = asyncio.create_task(
            self._care(identifier, now), name=f"bootstrap {identifier}"
        )
        task.add_done_callback(partial(self._ended, identifier))

    def _ended(self, identifier: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(identifier) is task:
            del self._tasks[identifier], self._now[identifier]

    def _drop(self, identifier: str) -> None:
        """The host was forgotten: one that is named so later has nothing to do with it."""
        if identifier in self._tasks:
            self._tasks[identifier].cancel()
            del self._tasks[identifier], self._now[identifier]

    async def _care(self, identifier: str, now: asyncio.Event) -> None:
        """Tries until it is done, or nobody wants it any more."""
        with suppress(NotFound):  # the host was forgotten meanwhile
            while True:
                await self._until_due(self._hosts.get(identifier), now)
                host = self._hosts.get(identifier)
                by = host.bootstrap.by if host.bootstrap else ""
                if not by and (host.enrolled or not self._members_of(identifier)):
                    return await self._keeping.keep(host, bootstrap=None)
                try:
                    if await self._try(host):
                        return None
                except NotFound:
                    raise
                except PaasError as error:
                    _log.warning("bootstrapping %s goes on: %s", identifier, error.message)
                    await asyncio.sleep(_HICCUP)
                except Exception:
                    _log.exception("bootstrapping %s failed and is tried again", identifier)
                    await asyncio.sleep(_HICCUP)

    async def _until_due(self, host: Host, now: asyncio.Event) -> None:
        """Waits for the next try: what is written down of it may be long over."""
        due = host.bootstrap.next_try if host.bootstrap else None
        wait = min(due - self._keeping.clock.time(), LONGEST_WAIT) if due else 0.0
        if wait > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await now.wait()
        now.clear()

    async def _try(self, host: Host) -> bool:
        """One attempt, in its turn; whether it is done. What failed is kept, and told in the audit when it is new."""
        host.installing, former, keeping = True, host.bootstrap, self._keeping
        try:
            if former is None or former.state != "running":
                await keeping.begun(host)
            async with self._turns:
                attempt = Attempt(await keeping.target(host), self._means, keeping.watcher(host))
                await keeping.done(host, await attempt.run())
                return True
        except Failure as failure:
            await keeping.failed(host, failure, known=former.sentence if former else "")
            return False
        finally:
            host.installing = False


def _accepted(host: Host, accept: str) -> str:
    """The key of this fingerprint that waits for a person's word; Conflict."""
    if accept in (fingerprint(host.host_key_refused), fingerprint(host.host_key)):
        return host.host_key_refused if accept == fingerprint(host.host_key_refused) else host.host_key
    waits = f"{fingerprint(host.host_key_refused)} waits" if host.host_key_refused else "none waits"
    raise Conflict(f"{host.id} has shown no SSH key {accept}; {waits} to be accepted")
