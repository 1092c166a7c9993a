"""Making an instance: row and ports in one commit, then its objects; whatever fails takes all of it back."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection

from paas_controller.base.clock import Clock
from paas_controller.base.errors import Conflict, PaasError, Refused, Retryable
from paas_controller.caas.app import App, AppInstance, new_id
from paas_controller.caas.apps import Apps
from paas_controller.caas.cluster import parsing
from paas_controller.caas.clusters import Clusters, Site
from paas_controller.caas.counting import once_counted
from paas_controller.caas.exposing import exposed
from paas_controller.caas.ports.choice import Claim
from paas_controller.caas.ports.service import Ports, Taken, Wanted
from paas_controller.caas.settling import Settling
from paas_controller.caas.spaces import Spaces
from paas_controller.caas.words import COMPONENT
from paas_controller.store.store import Store

_TURNS = 2.0
"""Seconds in which components that do not all fit wait for one another."""
_TRIES = 50
"""Ports that may turn out to be somebody else's before it is given up."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is made for one component, without its ports; it has no Service where it exports nothing."""

    controller: dict[str, Any]
    service: dict[str, Any] | None
    wanted: tuple[Wanted, ...] = ()

    @property
    def component(self) -> str:
        return str(self.controller["metadata"]["labels"][COMPONENT])

    def with_ports(self, taken: Mapping[Wanted, Taken]) -> "Part":
        """The same, with the ports that were given."""
        if self.service is None or not self.wanted:
            return self
        controller, service = exposed(self.controller, self.service, [taken[each] for each in self.wanted])
        return replace(self, controller=controller, service=service)


@dataclass(frozen=True, slots=True)
class New:
    """An instance that is to be made: of what, `parts` says for the id that it is given; or raises what is wrong."""

    name: str
    environment: str
    parts: Callable[[str], Sequence[Part]]


def _had_its_turn(site: Site, app: App, part: Part) -> bool:
    name = part.controller["metadata"]["name"]
    found = (one for one in site.mirror.controllers(app.namespace) if one.name == name)
    return any(one.failure or one.replicas >= one.desired for one in found)


def taking(parts: Iterable[Part]) -> int:
    """Bytes that all pods of these take."""
    made = [parsing.controller(part.controller) for part in parts]
    return sum(one.desired * one.memory for one in made)


class Placing:
    """Instances into the cluster, whole or not at all."""

    def __init__(
        self, store: Store, apps: Apps, ports: Ports, clusters: Clusters, settling: Settling, clock: Clock
    ) -> None:
        self._store, self._apps, self._ports, self._clusters = store, apps, ports, clusters
        self._settling, self._clock, self._spaces = settling, clock, Spaces(clusters)

    async def place(self, app: App, new: New) -> AppInstance:
        """Makes it. Whatever this raises, nothing is left."""
        (instance, parts), site = self._planned(app, new), self._clusters.site(app.cluster)
        # What keeps the request company belongs to the commit that says that all is there.
        taken = await self._store.write(self._writing_down(app, instance, parts), alone=True)
        exports = tuple((one.component, one.way) for one in taken.values())
        instance = self._apps.admit(app, replace(instance, exports=exports))
        try:
            if app.on_hosts:
                await self._spaces.allow_host_ports(app)
            # Services first: pods are told of those that are there, and set to work the machines that would make them.
            await _all_at_once(self._expose(site, app, instance, part, taken) for part in parts if part.service)
            await _all_at_once(self._controls(site, app, [part.with_ports(taken) for part in parts]))
            instance = await self._apps.phase(app, instance, "there")
        except BaseException as error:
            # Whoever was not answered, or did not wait for the answer, may have been heard all the same.
            await self._take_back(app, instance, late=isinstance(error, Retryable) or not isinstance(error, PaasError))
            raise
        self._clusters.changed(app.cluster, "controller", app.namespace, instance.id)  # it counts from now on
        return instance

    async def rehearse(self, app: App, new: New) -> list[str]:
        """What `place` would make, as sentences; the same errors as far as they can be known beforehand."""
        instance, parts = self._planned(app, new)
        taken = await self._store.rehearse(self._writing_down(app, instance, parts))
        made = [f"port {_told(one)} for {one.component}:{one.container}" for one in taken.values()]
        for part in parts:
            made += [f"Service {part.service['metadata']['name']}"] if part.service else []
            made.append(f"ReplicationController {part.controller['metadata']['name']}")
        return made

    def _planned(self, app: App, new: New) -> tuple[AppInstance, Sequence[Part]]:
        parts, now = new.parts(identifier := new_id()), self._clock.time()
        components = tuple(part.component for part in parts)
        return AppInstance(identifier, app.id, new.name, new.environment, components, "making", now), parts

    def _writing_down(
        self, app: App, instance: AppInstance, parts: Sequence[Part]
    ) -> Callable[[Connection], dict[Wanted, Taken]]:
        wanted = [each for part in parts for each in part.wanted]
        seen, claim = self._clusters.node_ports(app.cluster), _claim(app, instance)

        def write(connection: Connection) -> dict[Wanted, Taken]:
            self._apps.new_instance(connection, instance)
            has = self._ports.count(connection, app.label)
            if wanted and has + len(wanted) > app.max_ports:
                told = f"{app.name} may have {app.max_ports} ports and has {has}; {len(wanted)} more do not fit"
                raise Conflict(told)
            return self._ports.take(connection, wanted, claim, seen)

        return write

    def _controls(self, site: Site, app: App, parts: Sequence[Part]) -> list[Coroutine[Any, Any, None]]:
        """All at once, but one after another where not all of them fit: those that are named first are to run."""
        quota = site.mirror.quota(app.namespace)
        free = quota.memory - (quota.memory_used or 0) if quota else 0
        each = [[part] for part in parts] if taking(parts) <= free else [parts]
        return [self._control(site, app, some) for some in each]

    async def _control(self, site: Site, app: App, parts: Sequence[Part]) -> None:
        """Makes each controller once the one before has its pods, or is refused them."""
        path, loop = f"/api/v1/namespaces/{app.namespace}/replicationcontrollers", asyncio.get_running_loop()
        until = loop.time() + _TURNS
        for place, part in enumerate(parts):
            while place and (left := until - loop.time()) > 0 and not _had_its_turn(site, app, parts[place - 1]):
                await self._settling.news(app.namespace, left)
            site.mirror.put(await site.client.create(path, part.controller))

    async def _expose(
        self, site: Site, app: App, instance: AppInstance, part: Part, taken: dict[Wanted, Taken]
    ) -> None:
        """Makes the Service. A port that somebody else turns out to have is noted as his, and the next one taken."""
        path = f"/api/v1/namespaces/{app.namespace}/services"
        for _ in range(_TRIES):
            try:
                wanted = part.with_ports(taken).service or {}
                site.mirror.put(await once_counted(partial(site.client.create, path, wanted)))
                return
            except Refused as error:
                stolen = [each for each in part.wanted if _is_about(error, taken[each].port)]
                if not stolen:
                    raise
            for each in stolen:
                taken[each] = await self._another(site, app, instance, each, taken[each])
        raise Conflict(f"{_TRIES} ports of the pool turned out to be somebody else's; see paasctl port list")

    async def _another(self, site: Site, app: App, instance: AppInstance, wanted: Wanted, former: Taken) -> Taken:
        seen = dict(site.mirror.node_ports())
        seen.setdefault(former.port, "somebody outside of the platform")
        if wanted.asked:
            told = f"port {former.port} is taken by somebody else; take another one, or name none"
            raise Conflict(f"{wanted.at}: {told}" if wanted.at else told)
        claim = _claim(app, instance)
        return await self._store.write(lambda connection: self._ports.another(connection, former, claim, seen))

    async def _take_back(self, app: App, instance: AppInstance, *, late: bool) -> None:
        with suppress(PaasError):  # on the disk it is `making` still, which leads to the same
            instance = await self._apps.phase(app, instance, "going", alone=True)
        self._settling.instance(app, instance, late=late)


async def _all_at_once(calls: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Waits for each, whatever becomes of the others. Of several errors the one that leaves most open is raised."""
    done = await asyncio.gather(*calls, return_exceptions=True)
    errors = [each for each in done if each is not None]
    for error in sorted(errors, key=lambda each: not isinstance(each, Retryable)):
        raise error


def _claim(app: App, instance: AppInstance) -> Claim:
    return Claim(app.cluster, app.label, instance.id, app.tenant)


def _told(port: Taken) -> str:
    return f"{port.port} of {port.host.address}" if port.host.address else str(port.port)


def _is_about(error: Refused, port: int) -> bool:
    """Whether the cluster refused this node port because another Service has it."""
    return any(
        "nodePort" in detail and str(port) in detail and "already allocated" in detail for detail in error.details
    )
