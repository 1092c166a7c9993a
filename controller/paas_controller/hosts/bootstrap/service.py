"""Which hosts are being bootstrapped: one task for each, until the agent reports; taken up again after a restart."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, select, update

from paas_controller.base.clock import Clock
from paas_controller.base.crypto import Vault
from paas_controller.base.errors import Conflict, NotFound, PaasError
from paas_controller.hosts.bootstrap import progress as course
from paas_controller.hosts.bootstrap.attempt import Attempt, Means, Target, Watcher
from paas_controller.hosts.bootstrap.hostkeys import fingerprint
from paas_controller.hosts.bootstrap.progress import Failure, Phase, Progress
from paas_controller.hosts.credentials import of_text
from paas_controller.hosts.host import Host
from paas_controller.hosts.naming import HOST, unknown
from paas_controller.hosts.service import Hosts, MembersOf, Tell
from paas_controller.store.store import Store

_log = logging.getLogger(__name__)
_REPORT_SECONDS = 60.0
_LOOK_EVERY = 0.1
_HICCUP = 5.0

Note = Callable[[str, str, str, bool], Awaitable[None]]
"""Keeps a row of the audit: who, which host, the sentence, and whether it was done."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How many hosts at once, and whether credentials go once the agent has reported."""

    at_once: int
    forget_credentials: bool


class Bootstraps:
    """Asked by people, and by work that is due on a host that never had an agent."""

    def __init__(self, store: Store, hosts: Hosts, vault: Vault, clock: Clock, terms: Terms, means: Means) -> None:
        self._store, self._hosts, self._vault, self._clock = store, hosts, vault, clock
        self._terms, self._means = terms, means
        self._turns = asyncio.Semaphore(terms.at_once)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._now: dict[str, asyncio.Event] = {}
        self._note: Note
        self._members_of: MembersOf
        self._wake: Tell

    def start(self, note: Note, members_of: MembersOf, wake: Tell) -> None:
        """Takes up again what was under way when the controller ended. `wake` has the work on a host looked at."""
        self._note, self._members_of, self._wake = note, members_of, wake
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
        key = _accepted(host, accept) if accept else host.host_key
        if dry_run:
            return
        begun = host.bootstrap if host.installing else course.begun(None, self._clock.time(), by)
        values = {"host_key": key, "host_key_refused": "" if accept else host.host_key_refused}
        await self._keep(host, bootstrap=begun, **values)
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
                    return await self._keep(host, bootstrap=None)
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
        wait = min(due - self._clock.time(), course.LONGEST_WAIT) if due else 0.0
        if wait > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(now.wait(), wait)
        now.clear()

    async def _try(self, host: Host) -> bool:
        """One attempt, in its turn; whether it is done. What failed is kept, and told in the audit when it is new."""
        host.installing, former = True, host.bootstrap
        try:
            if former is None or former.state != "running":
                await self._keep(host, bootstrap=course.begun(former, self._clock.time()))
            async with self._turns:
                attempt = Attempt(await self._target(host), self._means, self._watcher(host))
                await self._done(host, await attempt.run())
                return True
        except Failure as failure:
            await self._failed(host, failure, known=former.sentence if former else "")
            return False
        finally:
            host.installing = False

    async def _target(self, host: Host) -> Target:
        query = select(HOST.c.credentials).where(HOST.c.id == host.id)
        sealed = await self._store.read(lambda connection: connection.execute(query).scalar())
        auth = of_text(self._vault.open(sealed)) if sealed else []
        if not auth:
            told = f"no credentials are known for {host.id} any more: give some with paasctl host edit"
            raise Failure(told, lasting=True)
        heard = host.enrolled and not host.lost and self._hosts.silence(host) < self._hosts.patience
        return Target(host.id, host.address, host.port, host.ssh_port or 22, tuple(auth), host.host_key, heard)

    def _watcher(self, host: Host) -> Watcher:
        before = ("", 0)

        async def entered(phase: Phase) -> None:
            nonlocal before
            before = (host.epoch, host.sequence) if phase == "install" else before
            _log.info("bootstrapping %s: %s", host.id, phase)
            await self._keep(host, bootstrap=course.entered(_known(host), phase, self._clock.time()))

        async def shown(key: str) -> None:
            if not host.host_key:
                await self._keep(host, host_key=key)
                await self._note(_known(host).by, host.id, f"its SSH key is {fingerprint(key)} from now on", True)
            elif key not in (host.host_key, host.host_key_refused):
                await self._keep(host, host_key_refused=key)

        async def reported(version: str) -> bool:
            with suppress(TimeoutError):
                async with asyncio.timeout(_REPORT_SECONDS):
                    while (host.epoch, host.sequence) == before or host.version != version:  # noqa: ASYNC110
                        await asyncio.sleep(_LOOK_EVERY)
                    return True
            return False

        return Watcher(entered, shown, reported)

    async def _failed(self, host: Host, failure: Failure, known: str) -> None:
        after = course.failed(_known(host), failure, self._clock.time())
        await self._keep(host, bootstrap=after)
        _log.warning("bootstrapping %s: %s: %s", host.id, after.phase, after.sentence)
        if after.sentence != known:
            await self._note(after.by, host.id, f"{after.phase}: {after.sentence}", False)

    async def _done(self, host: Host, sentence: str) -> None:
        after = course.done(_known(host), sentence, self._clock.time())
        values: dict[str, Any] = {"bootstrap": after}
        if self._terms.forget_credentials:
            values |= {"credentials": "", "auth": []}
        await self._keep(host, **values)
        _log.info("bootstrapped %s: %s", host.id, sentence)
        await self._note(after.by, host.id, f"bootstrapped: {sentence}", True)

    async def _keep(self, host: Host, **values: Any) -> None:
        """Changes the host: the database first. NotFound where it was forgotten meanwhile."""
        row = {name: value for name, value in values.items() if name != "auth"}
        if "bootstrap" in row:
            row["bootstrap"] = course.written(row["bootstrap"])

        def write(connection: Connection) -> None:
            if connection.execute(update(HOST).where(HOST.c.id == host.id).values(row)).rowcount != 1:
                raise unknown(host.id)

        await self._store.write(write)
        values.pop("credentials", None)
        self._hosts.change(host.id, **values)


def _known(host: Host) -> Progress:
    assert host.bootstrap
    return host.bootstrap


def _accepted(host: Host, accept: str) -> str:
    """The key of this fingerprint that waits for a person's word; Conflict."""
    if accept in (fingerprint(host.host_key_refused), fingerprint(host.host_key)):
        return host.host_key_refused if accept == fingerprint(host.host_key_refused) else host.host_key
    waits = f"{fingerprint(host.host_key_refused)} waits" if host.host_key_refused else "none waits"
    raise Conflict(f"{host.id} has shown no SSH key {accept}; {waits} to be accepted")
