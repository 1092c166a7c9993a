"""Upgrades as people ask for them, and as they go on by themselves: kept with each host, taken up after a restart."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Protocol

from sqlalchemy import bindparam, update

from paas_agent.manifest import UPGRADE, Manifest
from paas_controller.base.clock import Clock
from paas_controller.base.errors import Conflict
from paas_controller.hosts.host import Host
from paas_controller.hosts.naming import HOST
from paas_controller.hosts.service import Hosts, Note
from paas_controller.hosts.trust.contexts import Contexts
from paas_controller.hosts.trust.refusals import Refusal
from paas_controller.hosts.upgrade import course
from paas_controller.hosts.upgrade.course import Course
from paas_controller.hosts.upgrade.shelf import Shelf, Sort
from paas_controller.hosts.upgrade.signing import LIFE, signed
from paas_controller.store.store import Store

_log = logging.getLogger(__name__)
_LOOK_EVERY = 1.0
_SHELF_EVERY = 60.0
_KEEP = update(HOST).where(HOST.c.id == bindparam("of")).values(upgrade=bindparam("upgraded"))


class StandingOn(Protocol):
    """The states of what stands on a host, by `kind/name`."""

    def __call__(self, host: str) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """Which hosts are upgraded, batch after batch, and why which others are not."""

    wave: str
    batches: list[list[str]]
    left_out: dict[str, str] = field(default_factory=dict)


class Upgrades:
    """One loop looks after all of them. `start` before anything else."""

    def __init__(self, store: Store, hosts: Hosts, contexts: Contexts, shelf: Shelf, clock: Clock, note: Note) -> None:
        self._store, self._hosts, self._contexts, self.shelf, self._clock = store, hosts, contexts, shelf, clock
        self._note = note
        self._asked = asyncio.Event()
        self._seen_at = 0.0
        self._standing_on: StandingOn
        self._refused: Callable[[Refusal], None]

    async def start(self, standing_on: StandingOn, refused: Callable[[Refusal], None]) -> None:
        """Offers again what was offered when the controller ended."""
        self._standing_on, self._refused = standing_on, refused
        await self._see()
        for host in self._hosts.all():
            if host.upgrade and host.upgrade.state == "fetching":
                self._offer(host, host.upgrade)

    async def one(self, identifier: str, by: str, *, dry_run: bool = False) -> None:
        """Upgrades one host. Conflict where that cannot be."""
        host = self._hosts.get(identifier)
        await self._see()
        if why := self._hindrance(host):
            raise Conflict(why)
        if not dry_run:
            await self._plan([host], 1, by)

    async def every(self, size: int, by: str, *, dry_run: bool = False) -> Plan:
        """All that are outdated and can be upgraded: one, then `size` at once. Conflict where nothing can be signed."""
        await self._see()
        if why := self._lacking():
            raise Conflict(why)
        whys = {host.id: self._hindrance(host) for host in self._hosts.all()}
        fit = [self._hosts.get(identifier) for identifier, why in whys.items() if not why]
        left_out = {name: why for name, why in whys.items() if why and self.shelf.outdates(self._hosts.get(name))}
        if dry_run:
            return Plan("", course.batches([host.id for host in fit], size), left_out)
        wave, batches = await self._plan(fit, size, by)
        return Plan(wave, batches, left_out)

    async def _plan(self, hosts: list[Host], size: int, by: str) -> tuple[str, list[list[str]]]:
        wave, now = token_hex(8), self._clock.time()
        batches = course.batches([host.id for host in hosts], size)
        versions = {host.id: file.version for host in hosts if (file := self.shelf.newest(Sort.of(host)))}
        serials = {host.id: host.upgrade.serial for host in hosts if host.upgrade}
        begun = {
            identifier: Course(wave, number, "waiting", versions[identifier], now, by, serials.get(identifier, 0))
            for number, batch in enumerate(batches)
            for identifier in batch
        }
        await self._keep(begun)
        self._asked.set()
        return wave, batches

    def _lacking(self) -> str:
        """What this controller lacks to upgrade any host; empty where it lacks nothing."""
        if self._contexts.authority is None:
            return "this controller has no CA of its own to sign upgrades with: install packages by hand"
        if self.shelf.folder is None:
            return "no folder of packages is set (agent_packages): make some with make package"
        return ""

    def _hindrance(self, host: Host) -> str:
        """Why it is not upgraded; empty where it can be."""
        if why := self._lacking() or host.obstacle:
            return why
        if host.installing or (host.upgrade and host.upgrade.is_open):
            what = "installation" if host.installing else "upgrade"
            return f"the {what} of the agent of {host.id} is under way"
        sort = Sort.of(host)
        newest = self.shelf.newest(sort)
        if newest is None:
            return f"there is no {sort.kind or 'package'} of the agent for {sort.machine} in {self.shelf.folder}"
        if not self.shelf.outdates(host):
            return f"{host.id} has version {host.version}, and there is no newer one"
        if UPGRADE not in host.features:
            return f"root of {host.id} does not know whose upgrades to take: as root join it again with paas-agent join"
        return ""

    async def watch(self) -> None:
        """Goes on with whatever is under way, for ever."""
        while True:
            now = self._clock.monotonic()
            if now - self._seen_at >= _SHELF_EVERY:
                await self._see()
            await self._go_on()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(_LOOK_EVERY, self._hosts.patience / 10)):
                    await self._asked.wait()
            self._asked.clear()

    async def _see(self) -> None:
        self._seen_at = self._clock.monotonic()
        try:
            await self.shelf.look()
        except OSError as error:
            _log.warning("the agent's packages cannot be read: %s", error)

    async def _go_on(self) -> None:
        now = self._clock.time()
        changed: dict[str, Course] = {}
        waves: defaultdict[str, dict[str, Course]] = defaultdict(dict)
        for host in self._hosts.all():
            host.outdated = self.shelf.outdates(host)
            after = self._after(host, now)
            if after is not None:
                waves[after.wave][host.id] = after
        for wave in waves.values():
            changed |= wave | course.stopped(wave, now) | self._begun(course.turn(wave), wave, now)
        await self._keep({name: after for name, after in changed.items() if after != self._hosts.get(name).upgrade})

    def _after(self, host: Host, now: float) -> Course | None:
        """What has become of its upgrade since the last look."""
        known, news = host.upgrade, host.news
        host.news = None
        if news and news.state == "refused":
            self._refused(Refusal(host.id, news.message))
        if known is None or not known.is_open:
            return known
        if news:
            known = course.told(known, news, now)
        version = host.version if not host.lost else ""
        return course.looked_at(known, version, self._standing_on(host.id), now)

    def _begun(self, turn: Iterable[str], wave: Mapping[str, Course], now: float) -> dict[str, Course]:
        found = {}
        for name in turn:
            serial = max(int(now * 1000), wave[name].serial + 1)  # whatever became of this machine's clock
            found[name] = course.begun(wave[name], serial, self._standing_on(name), now)
        return found

    async def _keep(self, changed: Mapping[str, Course]) -> None:
        """The database first, then what is offered."""
        if not changed:
            return
        rows = [{"of": name, "upgraded": course.written(after)} for name, after in changed.items()]
        await self._store.write(lambda connection: connection.execute(_KEEP, rows))
        for host in self._hosts.all():  # without those that were forgotten meanwhile
            if after := changed.get(host.id):
                _log.info("the upgrade of %s to %s: %s %s", host.id, after.version, after.state, after.sentence)
                host.upgrade = after
                self._offer(host, after)
                await self._tell(host.id, after)

    async def _tell(self, host: str, upgrade: Course) -> None:
        """The audit, how it ended."""
        if upgrade.state == "done":
            await self._note(upgrade.by, host, f"upgraded to {upgrade.version}", True)
        if upgrade.state == "failed":
            await self._note(upgrade.by, host, f"not upgraded to {upgrade.version}: {upgrade.sentence}", False)

    def _offer(self, host: Host, upgrade: Course) -> None:
        """What its agent is told with each acknowledgement, as long as it is to fetch it."""
        host.offered, authority = None, self._contexts.authority
        package = self.shelf.newest(Sort.of(host), upgrade.version)
        if upgrade.state != "fetching" or authority is None or package is None:
            return
        former = self.shelf.newest(Sort.of(host), host.version)
        expires = self._clock.time() + LIFE
        manifest = Manifest(host=host.id, serial=upgrade.serial, expires=expires, package=package, former=former)
        host.offered = signed(manifest, authority)
