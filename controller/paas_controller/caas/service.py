"""What people ask of apps and their instances; REST and the client end here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

from paas_controller.base.clock import Clock
from paas_controller.base.errors import Conflict, Forbidden, PaasError, Refused, Retryable
from paas_controller.caas.app import App, AppInstance, AppKind, new_id, require_made, require_there
from paas_controller.caas.apps import Apps, taken
from paas_controller.caas.building import of_components, of_templates
from paas_controller.caas.clusters import Clusters
from paas_controller.caas.memory import told
from paas_controller.caas.placing import New, Placing, taking
from paas_controller.caas.schemas import AppBody, AppInstanceBody, CaasInstanceBody, KubeAppChange
from paas_controller.caas.settling import Settling
from paas_controller.caas.spaces import Spaces
from paas_controller.caas.views import Views
from paas_controller.caas.wishing import Wishing
from paas_controller.caas.words import UNIT

_TURN = 5.0
"""Seconds that a change of an app waits for the one before it."""
MOST_INSTANCES = 200
"""Of an app: what is stopped or waits takes no memory, and would be without number."""


@dataclass(frozen=True, slots=True)
class Plans:
    """What an app on the free plan may have at most."""

    free_units: int
    free_ports: int


@dataclass(frozen=True)
class Caas:
    """Apps, of both kinds: those that portals fill with components, and those of single containers."""

    apps: Apps
    clusters: Clusters
    spaces: Spaces
    placing: Placing
    settling: Settling
    views: Views
    wishing: Wishing
    clock: Clock
    plans: Plans

    async def create(self, kind: AppKind, body: AppBody, *, dry_run: bool = False) -> App:
        """Makes an app and its namespace. Conflict, Refused, Retryable: then nothing is left of it."""
        self._require_plan(body.plan, body.memory_units, body.max_ports)
        site = self.clusters.chosen(body.cluster)
        await site.mirror.ready()
        app = App(
            0, kind, body.name, body.tenant, site.settings.name, f"{kind}-{body.name}", body.plan, body.memory_units,
            body.max_ports, "making", self.clock.time(),
        )  # fmt: skip
        app = await self.apps.add(app, dry_run=dry_run)
        if dry_run:
            await self.spaces.require_free(app)
            return app
        try:
            await self.spaces.make(app)
            return await self.apps.change(app, phase="there")
        except BaseException as error:
            with suppress(PaasError):  # on the disk it is `making` still, which leads to the same
                app = await self.apps.change(app, phase="going", alone=True)
            self.settling.app(app, late=isinstance(error, Retryable))
            raise

    async def change(self, app: App, change: KubeAppChange, *, dry_run: bool = False) -> App:
        """Another size or plan. Conflict where it would be less than what runs."""
        values = {name: value for name, value in change.model_dump().items() if value is not None}
        async with self._alone(app) as now:
            wanted = replace(now, **values)
            self._require_plan(wanted.plan, wanted.memory_units, wanted.max_ports)
            self._require_enough(wanted)
            if dry_run or not values:
                return now
            await self.apps.touch(now)
            await self.spaces.resize(wanted)
            try:
                self._require_enough(wanted)  # pods may have been let in while the cluster was asked
                return await self.apps.change(now, **values)
            except PaasError:
                await self.spaces.resize(now)
                raise

    @asynccontextmanager
    async def _alone(self, app: App) -> AsyncIterator[App]:
        """For one who looks at the pool and then acts: the app as the one before has left it. Retryable, Conflict."""
        await self.clusters.site(app.cluster).mirror.ready()
        lock = self.spaces.alone(app)
        try:
            async with asyncio.timeout(_TURN):
                await lock.acquire()
        except TimeoutError:
            raise Retryable(f"another change of {app.name} is under way: try again") from None
        try:
            now = self.apps.in_namespace(app.cluster, app.namespace) or app
            require_there(now.phase, now.name)
            self.spaces.require_ours(now)
            yield now
        finally:
            lock.release()

    async def delete(self, app: App, *, orphan: bool = False) -> bool:
        """Begins to delete it with all that is in it; whether it is gone already. An orphan is only forgotten here:
        Conflict unless its cluster is no longer in the settings.
        """
        require_made(app.phase, app.name)
        if orphan:
            self.clusters.require_absent(app.cluster)
            await self.settling.orphan(app)
            return True
        self.clusters.site(app.cluster)
        if app.phase != "going":
            app = await self.apps.change(app, phase="going")
        return await self.settling.within(self.settling.app(app))

    async def create_instance(
        self, app: App, body: AppInstanceBody, *, strict: bool = False, dry_run: bool = False
    ) -> AppInstance | list[str]:
        """Makes an instance of components; the steps where it is a dry run. Forbidden where it is `strict` and the
        pool has too little.
        """
        new = New(body.name, body.environment, partial(of_components, app, body))
        return await self._make(app, new, strict=strict, dry_run=dry_run)

    async def create_container(
        self, app: App, body: CaasInstanceBody, *, strict: bool = False, dry_run: bool = False
    ) -> AppInstance | list[str]:
        """Makes a single container and its Service from templates."""
        new = New(body.name, "", partial(of_templates, app, body))
        return await self._make(app, new, strict=strict, dry_run=dry_run)

    async def _make(self, app: App, new: New, *, strict: bool, dry_run: bool) -> AppInstance | list[str]:
        require_there(app.phase, app.name)
        if len(app.instances) >= MOST_INSTANCES:
            raise Conflict(f"{app.name} has {MOST_INSTANCES} instances, and an app has no more; delete one first")
        make = self.placing.rehearse if dry_run else self.placing.place
        if not strict:
            await self.clusters.site(app.cluster).mirror.ready()
            self.spaces.require_ours(app)
            return await make(app, new)
        async with self._alone(app) as now:
            if there := now.instances.get(new.name):
                raise taken(there.name, there.phase)
            asked, pool = taking(new.parts(new_id())), self.views.pool(now)
            if asked > pool.free:
                raise Forbidden(f"does not fit: asked {told(asked)}, {pool.sentence()}")
            return await make(now, new)

    async def delete_instance(self, app: App, instance: AppInstance) -> bool:
        """Begins to delete it with all that has its label; whether it is gone already."""
        require_made(instance.phase, instance.name)
        self.clusters.site(app.cluster)
        if instance.phase != "going":
            instance = await self.apps.phase(app, instance, "going")
        return await self.settling.within(self.settling.instance(app, instance))

    def _require_enough(self, wanted: App) -> None:
        pool, has = self.views.pool(wanted), wanted.port_count
        if wanted.memory_units * UNIT < pool.in_use:
            less = f"{wanted.memory_units} unit{'' if wanted.memory_units == 1 else 's'} would be less than what runs"
            raise Conflict(f"{less}: {pool.sentence()}; stop something first")
        if wanted.max_ports < has:
            raise Conflict(
                f"{wanted.name} has {has} ports, and {wanted.max_ports} would be fewer; delete something first"
            )

    def _require_plan(self, plan: str, units: int, ports: int) -> None:
        limits = self.plans
        if plan == "free" and (units > limits.free_units or ports > limits.free_ports):
            told = f"the free plan has at most {limits.free_units} memory units and {limits.free_ports} ports"
            raise Refused(f"{told}; {units} and {ports} take the plan standard")
