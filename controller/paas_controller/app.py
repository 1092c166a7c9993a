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
from paas_controller.base.clock import Clock, SystemClock
from paas_controller.base.crypto import Vault
from paas_controller.base.errors import PaasError, Refused
from paas_controller.base.settings import Settings, split_address
from paas_controller.events.metrics import of_stream
from paas_controller.events.routes import Pace, stream_routes
from paas_controller.events.stream import Stream
from paas_controller.hosts.agents import Agents
from paas_controller.hosts.metrics import of_hosts
from paas_controller.hosts.reports import Reports
from paas_controller.hosts.routes import host_routes
from paas_controller.hosts.service import Hosts
from paas_controller.identity.audit import Audit
from paas_controller.identity.audit_routes import audit_routes
from paas_controller.identity.routes import token_routes
from paas_controller.identity.service import Identity
from paas_controller.migrations.schema import bring_up_to_date
from paas_controller.software.adoption import Adoption
from paas_controller.software.board import Board
from paas_controller.software.days import Days
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


@asynccontextmanager
async def controller(
    settings: Settings, clock: Clock | None = None, pace: Pace | None = None
) -> AsyncIterator[web.Application]:
    """The controller, alive until the context is left. Every room is made here and nowhere else."""
    clock = clock or SystemClock()
    await asyncio.to_thread(settings.data_dir.mkdir, mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        store = await Store.open(settings.database, bring_up_to_date)
        stack.push_async_callback(store.close)
        connector = aiohttp.TCPConnector(limit=1000, ssl=settings.client_tls())
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        vault = await asyncio.to_thread(Vault, settings.data_dir / "secret.key")
        identity = Identity(store, clock, no_auth=settings.no_auth)
        hosts = Hosts(store, identity, vault, clock, settings.report_interval, members_on)
        agents, specs, days = Agents(session), Specs(store, vault), Days(settings.time_zone)
        stream, audit, once = Stream(store), Audit(store, clock), Idempotency(store, vault, clock)
        board = Board(store, days)
        operations = Operations(store, hosts, agents, clock)
        reconciler = Reconciler(board, specs, operations, hosts, clock)
        adoption = Adoption(specs, agents, settings.operator_address)
        dice = random.Random()  # noqa: S311 - spreads retries, keeps no secret
        intake = Intake(board, operations, hosts, adoption, clock, dice)
        in_earnest, rehearsal = InEarnest(store, board, specs, hosts), Rehearsal(store, hosts)
        acting = Acting(
            Software(in_earnest, board, specs, operations, hosts, clock),
            Software(rehearsal, board, specs, operations, hosts, clock),
            reconciler.rehearse,
        )
        history = History(store, board, operations, days, clock)
        views = Views(store, board, specs, days, reconciler.deciding, history.shown)
        reports = Reports(hosts, intake, clock, settings.report_interval)

        await identity.start(settings.data_dir / "admin.token")
        await hosts.start()
        await board.start()
        for room in (adoption, operations, reconciler):
            stack.push_async_callback(room.stop)
        await operations.start(partial(_order, board, specs, settings.operator_address), intake.give_up)
        loops = {"silence": reports.watch, "resync": reconciler.resync, "retention": history.retain}
        loops |= {"stream": stream.pump, "retention of the audit": audit.retain, "retention of keys": once.retain}
        for name, loop in loops.items():
            stack.push_async_callback(_stop, asyncio.create_task(_keep_going(name, loop), name=name))

        routes = health_routes() + token_routes(identity) + host_routes(hosts, reports, identity, intake.members_of)
        routes += software_routes(acting, views, intake, history, operations)
        routes += stream_routes(stream, identity.authenticate, pace or Pace()) + audit_routes(audit)
        if settings.repo_dir:
            routes += repo_routes(settings.repo_dir, open_to_all=settings.repo_open)
        requests = Requests()
        parts = [requests.collect, of_software(board, operations), of_hosts(hosts), of_stream(stream)]
        routes.append(metrics_route([*parts, of_store(store), of_process]))
        hooks = Hooks(requests.measure, audit.around, once.around)
        app = application(routes + document_routes(routes), identity.authenticate, hooks)
        app.on_shutdown.append(stream.close)
        app[_OUSTED] = store.ousted
        yield app


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
        try:
            host, port = split_address(settings.listen)
            await web.TCPSite(runner, host, port, backlog=4096, ssl_context=settings.server_tls()).start()
            _log.info("listening on %s, data in %s", settings.listen, settings.data_dir)
            gc.freeze()  # what is here stays; looking through it again and again is in vain
            app[_OUSTED].add_done_callback(lambda _: done.set())
            await done.wait()
            if app[_OUSTED].done():
                raise PaasError(app[_OUSTED].result())
            _log.info("stopping")
        finally:
            await runner.cleanup()
