"""The composition root: the one module that knows every room."""

import asyncio
import gc
import logging
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import aiohttp
from aiohttp import web

from paas_agent.contract import Order
from paas_controller.base.addresses import is_loopback, split_address
from paas_controller.base.clock import Clock, SystemClock
from paas_controller.base.crypto import Vault
from paas_controller.base.errors import PaasError, Refused
from paas_controller.base.principal import Principal
from paas_controller.base.settings import Settings
from paas_controller.caas import apps
from paas_controller.caas.parts import Room
from paas_controller.caas.ports import pools
from paas_controller.events.metrics import of_stream
from paas_controller.events.routes import Pace, stream_routes
from paas_controller.events.stream import Stream
from paas_controller.hosts.agents import Agents
from paas_controller.hosts.bootstrap.keeping import Keeping
from paas_controller.hosts.bootstrap.parts import bootstraps
from paas_controller.hosts.bootstrap.routes import bootstrap_routes
from paas_controller.hosts.metrics import of_hosts
from paas_controller.hosts.reports import Reports
from paas_controller.hosts.routes import agent_routes, host_routes
from paas_controller.hosts.service import Hosts
from paas_controller.hosts.trust.door import Listener
from paas_controller.hosts.trust.refusals import Refusal
from paas_controller.hosts.trust.routes import trust_routes
from paas_controller.hosts.trust.trust import Trust, trust
from paas_controller.hosts.tunnel.routes import Keys, Tunnels
from paas_controller.hosts.upgrade.routes import upgrade_routes
from paas_controller.hosts.upgrade.service import Upgrades
from paas_controller.hosts.upgrade.shelf import Shelf
from paas_controller.identity.audit import Audit, Outcome
from paas_controller.identity.audit_routes import audit_routes
from paas_controller.identity.routes import token_routes
from paas_controller.identity.service import Identity
from paas_controller.identity.tenant_routes import tenant_routes
from paas_controller.identity.tenants import Tenants
from paas_controller.migrations.schema import bring_up_to_date
from paas_controller.software.adoption import Adoption
from paas_controller.software.board import Board
from paas_controller.software.days import Days
from paas_controller.software.drain_route import drain_route
from paas_controller.software.draining import Maintenance, drained
from paas_controller.software.hiding import Hiding
from paas_controller.software.history import History
from paas_controller.software.intake import Intake
from paas_controller.software.keeping import InEarnest, Rehearsal
from paas_controller.software.metrics import of_software
from paas_controller.software.operations import Operation, Operations
from paas_controller.software.orders import Specs, order_for, timeout_of
from paas_controller.software.reconciler import Reconciler
from paas_controller.software.records import members_on
from paas_controller.software.routes import software_routes
from paas_controller.software.service import Software
from paas_controller.software.views import Views
from paas_controller.software.writes import Acting
from paas_controller.store.store import Store
from paas_controller.web.docs import document_routes
from paas_controller.web.idempotency import Idempotency
from paas_controller.web.metrics import Requests, metrics_route, of_process, of_store
from paas_controller.web.repo import repo_routes
from paas_controller.web.routing import Hooks, application, health_routes

_log = logging.getLogger(__name__)
_OUSTED = web.AppKey[asyncio.Future[str]]("ousted")
LISTENER = web.AppKey[Listener]("listener")


@asynccontextmanager
async def controller(
    settings: Settings, clock: Clock | None = None, pace: Pace | None = None
) -> AsyncIterator[web.Application]:
    """The controller, alive until the context is left."""
    await asyncio.to_thread(settings.data_dir.mkdir, mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        store = await Store.open(settings.database, bring_up_to_date)
        stack.push_async_callback(store.close)
        vault = await asyncio.to_thread(Vault, settings.data_dir / "secret.key")
        house = _House(settings, clock or SystemClock(), store, vault)
        await house.start(stack)
        yield house.application(pace or Pace())


class _House:
    """Every room, made here and nowhere else; then started; then given its routes."""

    def __init__(self, settings: Settings, clock: Clock, store: Store, vault: Vault) -> None:
        self.settings, self.clock, self.store, self.vault = settings, clock, store, vault
        self.identity = Identity(store, clock, no_auth=settings.no_auth)
        self.tenants = Tenants(store, self.identity, clock, [apps.of_tenant, pools.of_tenant])
        self.hosts = hosts = Hosts(store, self.identity, vault, clock, settings.report_interval, members_on)
        hosts.forgetful = settings.forget_credentials
        self.known = known = trust(settings, store, hosts, self.identity, vault, clock)
        connector = aiohttp.TCPConnector(limit=1000, ssl=known.contexts.asking)
        self.session = aiohttp.ClientSession(connector=connector)
        agents = Agents(self.session, known.refusals.note, plain_http=settings.plain_http)
        self.specs, days = Specs(store, vault, credentials=not settings.forget_credentials), Days(settings.time_zone)
        self.stream, self.audit, self.once = Stream(store), Audit(store, clock), Idempotency(store, vault, clock)
        note = partial(_keep_told, self.audit)
        keeping = Keeping(store, hosts, vault, clock, settings.forget_credentials, note)
        self.bootstraps = bootstraps(settings, hosts, keeping, self.identity, known)
        self.board = Board(store, days)
        self.operations = Operations(store, hosts, agents, clock)
        self.reconciler = Reconciler(self.board, self.specs, self.operations, hosts, clock, drained(hosts, days))
        self.maintenance = Maintenance(hosts, self.board, self.reconciler, days, clock)
        self.adoption = Adoption(self.specs, agents, settings.operator_address)
        dice = random.Random()  # noqa: S311 - spreads retries, keeps no secret
        self.caas = Room(settings, store, clock, dice)
        hiding = Hiding(self.board, self.specs)
        self.intake = Intake(self.board, self.operations, hosts, self.adoption, hiding, clock=clock, dice=dice)
        in_earnest, rehearsal = InEarnest(store, self.board, self.specs, hosts), Rehearsal(store, hosts)
        self.acting = Acting(
            Software(in_earnest, self.board, self.specs, self.operations, hosts, clock),
            Software(rehearsal, self.board, self.specs, self.operations, hosts, clock),
            self.reconciler.rehearse,
        )
        self.history = History(store, self.board, self.operations, days, clock)
        self.views = Views(store, self.board, self.specs, days, self.reconciler.deciding, self.history.shown)
        self.reports = Reports(hosts, self.intake, clock, settings.report_interval)
        self.upgrades = Upgrades(store, hosts, known.contexts, Shelf(settings.packages_dir), clock, note)

    async def start(self, stack: AsyncExitStack) -> None:
        """Loads what is kept, takes up what was in flight, and begins what goes on for ever; the stack ends it."""
        stack.push_async_callback(self.session.close)
        await self.hosts.start()
        await self.specs.start()
        await self.known.start(self.settings, self.vault, self.clock.time())
        await asyncio.to_thread(self.vault.keep)  # it has opened what there is
        await self.identity.start(self.settings.data_dir / "admin.token")
        await self.board.start()
        self.bootstraps.start(self.intake.members_of, self._wake_on)
        for room in (self.adoption, self.operations, self.bootstraps, self.reconciler):
            stack.push_async_callback(room.stop)
        await self.caas.start()
        stack.push_async_callback(self.caas.stop)
        await self.upgrades.start(self.intake.standing_on, self.known.refusals.note)
        make_order = partial(_order, self.board, self.specs, self.settings.operator_address)
        await self.operations.start(make_order, self.intake.give_up)
        loops = {"silence": self.reports.watch, "resync": self.reconciler.resync, "retention": self.history.retain}
        loops |= {"stream": self.stream.pump, "retention of the audit": self.audit.retain}
        loops |= {"retention of keys": self.once.retain, "certificates": self.known.contexts.renew_for_ever}
        loops |= self.caas.loops
        loops |= {"refusals": partial(_keep_refused, self.known, self.audit), "upgrades": self.upgrades.watch}
        for name, loop in loops.items():
            stack.push_async_callback(_stop, asyncio.create_task(_keep_going(name, loop), name=name))

    def _wake_on(self, host: str) -> None:
        for instance, _ in self.board.on_host(host):
            self.reconciler.wake(instance.id)

    def application(self, pace: Pace) -> web.Application:
        """All routes, and what stands around them."""
        identity, settings, known = self.identity, self.settings, self.known
        routes = health_routes() + token_routes(identity) + trust_routes(known, self.hosts, identity)
        routes += tenant_routes(self.tenants) + self.caas.routes()
        routes += agent_routes(self.hosts, self.reports, identity, known.enrolment.used)
        routes += host_routes(self.hosts, self.intake.members_of, self.maintenance.pending)
        routes.append(drain_route(self.maintenance))
        routes += bootstrap_routes(self.bootstraps) + upgrade_routes(self.upgrades)
        routes += software_routes(self.acting, self.views, self.intake, self.history, self.operations)
        routes += stream_routes(self.stream, known.guard.authenticate, pace)
        routes += audit_routes(self.audit)
        if settings.repo_dir:
            routes += repo_routes(settings.repo_dir, open_to_all=settings.repo_open)
        keys = Keys(known.guard.authenticate, identity, known.enrolment.used, known.refusals.note)
        tunnels = Tunnels(self.hosts, self.reports, keys)
        routes += tunnels.routes()
        requests = Requests()
        parts = [requests.collect, of_software(self.board, self.operations), of_hosts(self.hosts)]
        parts += [of_stream(self.stream), of_store(self.store), of_process]
        routes.append(metrics_route(parts))
        hooks = Hooks(requests.measure, self.audit.around, self.once.around, known.guard.overhear)
        app = application(routes + document_routes(routes), known.guard.authenticate, hooks)
        app.on_shutdown.extend((self.stream.close, tunnels.close))
        app[_OUSTED], app[LISTENER] = self.store.ousted, known.listener
        return app


async def _keep_refused(known: Trust, audit: Audit) -> None:
    async def write(refusal: Refusal) -> None:
        who = Principal(f"agent {refusal.host}" if refusal.host else "nobody known", "agent", refusal.host)
        await audit.keep_refused(who, refusal.host, refusal.sentence, refusal.peer)

    await known.refusals.keep(write)


async def _keep_told(audit: Audit, by: str, host: str, sentence: str, done: bool) -> None:
    outcome = Outcome(200, "", sentence) if done else Outcome(Refused.status, Refused.code, sentence)
    await audit.keep(Principal(by or "controller", "administrator"), host, outcome)


async def _order(board: Board, specs: Specs, operator: tuple[str, int], operation: Operation) -> Order:
    """The order of an operation, as the spec is now; Refused where its instance is gone."""
    instance = board.find(operation.instance)
    member = instance.member(operation.member) if instance else None
    if instance is None or member is None:
        raise Refused(f"{operation.kind} {operation.name} was deleted")
    body = await specs.of(instance)
    order = order_for(instance, member, body, operator)
    order.operation_id, order.epoch = operation.id, operation.epoch
    order.timeout = timeout_of(body, operation.action)
    return order


async def _keep_going(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """A loop that must not end: whatever stops it is logged, and it goes on."""
    while True:
        try:
            await loop()
        except PaasError as error:
            _log.warning("%s: %s", name, error.message)
        except Exception:
            _log.exception("%s failed and goes on", name)
        await asyncio.sleep(1)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT."""
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, done.set)
    async with controller(settings) as app:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
        await runner.setup()
        assert runner.server
        listening: asyncio.Server | None = None
        try:
            listening = await app[LISTENER].listen(runner.server, settings.listen)
            tell(settings)
            gc.freeze()  # what is here stays; looking through it again and again is in vain
            app[_OUSTED].add_done_callback(lambda _: done.set())
            await done.wait()
            if app[_OUSTED].done():
                raise PaasError(app[_OUSTED].result())
            _log.info("stopping")
        finally:
            if listening:
                listening.close()
            await runner.cleanup()


def tell(settings: Settings) -> None:
    """What people should know of these settings once it listens."""
    scheme = "https" if settings.serves_tls else "http"
    _log.info("listening on %s://%s, data in %s", scheme, settings.listen, settings.data_dir)
    if settings.plain_http and not settings.serves_tls:
        _log.warning("plain HTTP as asked for: whoever is on the way can read tokens and passwords")
    if settings.advertise and settings.only_here and not is_loopback(split_address(settings.advertise)[0]):
        told = "agents are sent to %s, but %s is for this machine alone; set --listen, unless something passes them on"
        _log.warning(told, settings.advertise, settings.listen)
