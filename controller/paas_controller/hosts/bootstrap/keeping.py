"""What is kept and told of a bootstrap: the row of its host first, then memory, the log and the audit."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from paas_controller.base.clock import Clock
from paas_controller.base.crypto import Vault
from paas_controller.hosts.bootstrap import progress as course
from paas_controller.hosts.bootstrap.hostkeys import fingerprint
from paas_controller.hosts.bootstrap.means import Target, Watcher
from paas_controller.hosts.bootstrap.progress import Failure, Phase, Progress
from paas_controller.hosts.credentials import of_text
from paas_controller.hosts.host import Host
from paas_controller.hosts.naming import HOST, unknown
from paas_controller.hosts.service import Hosts, Note
from paas_controller.store.store import Store

_log = logging.getLogger(__name__)
_REPORT_SECONDS = 60.0
_LOOK_EVERY = 0.1


@dataclass(frozen=True)
class Keeping:
    """Every method raises NotFound where the host was forgotten meanwhile."""

    store: Store
    hosts: Hosts
    vault: Vault
    clock: Clock
    forget_credentials: bool
    note: Note

    async def begun(self, host: Host, by: str = "", **values: Any) -> None:
        """Another try begins; by a person it begins anew."""
        await self.keep(host, bootstrap=course.begun(host.bootstrap, self.clock.time(), by), **values)

    async def target(self, host: Host) -> Target:
        """The host, with its credentials opened; Failure where there are none."""
        query = select(HOST.c.credentials).where(HOST.c.id == host.id)
        sealed = await self.store.read(lambda connection: connection.execute(query).scalar())
        auth = of_text(self.vault.open(sealed)) if sealed else []
        if not auth:
            told = f"no credentials are known for {host.id} any more: give some with paasctl host edit"
            raise Failure(told, lasting=True)
        heard = host.enrolled and not host.lost and self.hosts.silence(host) < self.hosts.patience
        others = frozenset(other.id for other in self.hosts.all() if other.controller_token and other is not host)
        asked = bool(_known(host).by)
        where = (host.id, host.address, host.port, host.ssh_port or 22)
        return Target(*where, tuple(auth), host.host_key, heard, asked, others)

    def watcher(self, host: Host) -> Watcher:
        """Keeps what an attempt at this host tells."""
        before = ("", 0)

        async def entered(phase: Phase) -> None:
            nonlocal before
            before = (host.epoch, host.sequence) if phase == "install" else before
            _log.info("bootstrapping %s: %s", host.id, phase)
            await self.keep(host, bootstrap=course.entered(_known(host), phase, self.clock.time()))

        async def shown(key: str) -> None:
            if not host.host_key:
                await self.keep(host, host_key=key)
                await self.note(_known(host).by, host.id, f"its SSH key is {fingerprint(key)} from now on", True)
            refused = "" if key == host.host_key else key
            if refused != host.host_key_refused:
                await self.keep(host, host_key_refused=refused)

        async def reported(version: str) -> bool:
            with suppress(TimeoutError):
                async with asyncio.timeout(_REPORT_SECONDS):
                    while (host.epoch, host.sequence) == before or host.version != version:  # noqa: ASYNC110
                        await asyncio.sleep(_LOOK_EVERY)
                    return True
            return False

        return Watcher(entered, shown, reported)

    async def failed(self, host: Host, failure: Failure, known: str) -> None:
        """A phase failed; the audit is told where it is not what was `known`."""
        after = course.failed(_known(host), failure, self.clock.time())
        await self.keep(host, bootstrap=after)
        _log.warning("bootstrapping %s: %s: %s", host.id, after.phase, after.sentence)
        if after.sentence != known:
            await self.note(after.by, host.id, f"{after.phase}: {after.sentence}", False)

    async def done(self, host: Host, sentence: str) -> None:
        """Its agent reports; the sentence says what was done."""
        after = course.done(_known(host), sentence, self.clock.time())
        values: dict[str, Any] = {"bootstrap": after}
        if self.forget_credentials:
            values |= {"credentials": "", "auth": []}
        await self.keep(host, **values)
        _log.info("bootstrapped %s: %s", host.id, sentence)
        await self.note(after.by, host.id, f"bootstrapped: {sentence}", True)

    async def keep(self, host: Host, **values: Any) -> None:
        """Changes the host: the database first. NotFound where it was forgotten meanwhile."""
        row = {name: value for name, value in values.items() if name != "auth"}
        if "bootstrap" in row:
            row["bootstrap"] = course.written(row["bootstrap"])

        def write(connection: Connection) -> None:
            if connection.execute(update(HOST).where(HOST.c.id == host.id).values(row)).rowcount != 1:
                raise unknown(host.id)

        await self.store.write(write)
        values.pop("credentials", None)
        self.hosts.change(host.id, **values)


def _known(host: Host) -> Progress:
    assert host.bootstrap
    return host.bootstrap
