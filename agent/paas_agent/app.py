"""The composition root: the only module that knows every room."""

import asyncio
import fcntl
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from time import time

import aiohttp
from aiohttp import web

from paas_agent import cgroups, checkscript, host, output, process, systemd
from paas_agent.api import Api
from paas_agent.checks import Checks, CheckScript
from paas_agent.contract import InstanceName, Order
from paas_agent.instances import Instances
from paas_agent.journal import Journal
from paas_agent.keys import key_of_a_child
from paas_agent.membership import Membership
from paas_agent.operations import Operations
from paas_agent.packages import FetchFailed, Packages
from paas_agent.performer import Performer
from paas_agent.renewal import Needs, Renewal
from paas_agent.reporter import Bell, Line, Reporter
from paas_agent.server import application
from paas_agent.settings import DEFAULT_LISTEN, Settings, address, features
from paas_agent.tls import client_tls
from paas_agent.trust import Trust, look_at
from paas_agent.tunnel import Ends, Tunnel
from paas_agent.upgrade.taking import Taking, root_of
from paas_agent.watch import Watch
from paas_agent.world import World

log = logging.getLogger(__name__)

SCRIPT_AGE = 60.0
"""Seconds for which a check script is not asked for anew."""
_TIDY_EVERY = 60.0


class AlreadyRunning(Exception):
    """Another agent works in this folder."""


async def run(settings: Settings, membership: Membership) -> None:
    """Serve until SIGTERM or SIGINT. Raises AlreadyRunning, BadSetting, and OSError when it cannot listen."""
    os.umask(0o077)
    gc.collect()
    gc.freeze()  # what was imported stays: to look through it again and again would only cost time and memory
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with alone(settings.work_dir):
        unit = cgroups.delegated()
        world = World(time, Random(), process.spawn, process.boot_id(), unit=unit)  # noqa: S311 - for jitter
        async with agent(settings, membership, world) as works:
            systemd.notify("READY=1")
            ended, _ = await asyncio.wait(
                [asyncio.create_task(stop.wait()), *works], return_when=asyncio.FIRST_COMPLETED
            )
            systemd.notify("STOPPING=1")
            for task in ended:
                task.result()


@asynccontextmanager
async def agent(settings: Settings, membership: Membership, world: World) -> AsyncIterator[list[asyncio.Task[None]]]:
    """All rooms, furnished and connected; yields what works without end."""
    bell = Bell()
    journal = Journal(settings.work_dir, world.write)
    instances = Instances(journal, world.now, bell.wake)
    async with AsyncExitStack() as stack:
        stack.callback(journal.close)
        trust = Trust(membership, settings)
        # aiohttp has the system's certificates in memory already
        connector = aiohttp.TCPConnector(ssl=client_tls(settings) if settings.ca_file else True)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        packages = Packages(settings.work_dir / "cache", session, own=trust.own)
        watch = Watch(instances, world.boot)
        stack.callback(watch.close)
        checks = Checks(instances, watch, partial(_check_script, packages), world)
        performer = Performer(world, journal, packages, watch, checks, bell.nudge)
        operations = Operations(world, instances, watch, checks, performer)

        async def forget(name: InstanceName) -> None:
            live = instances.get((name.type, name.name))
            if live is not None:
                await operations.forget(live)

        root = root_of(settings.work_dir, membership)
        taking = Taking(root, packages.exact, bell.wake)
        able = features(tls=trust.serving is not None, upgrade=root.listens)
        api = Api(trust, able, instances, operations, checks, packages)
        controller = _controller_of(membership, instances)
        tunnel = Tunnel(Ends(session, controller, api, bell.wake, world.random))

        def renewed() -> None:
            tunnel.renew()
            bell.wake()

        renewal = Renewal(trust, Needs(session, world.now, key_of_a_child, renewed))
        line = Line(session, controller, trust, able, renewal.ask, tunnel, taking)
        reporter = Reporter(line, instances, bell, world.random, partial(host.told, settings.work_dir), forget)
        for live in instances:
            checkscript.end_orphan(live.folder)
            watch.resume(live)
        checks.start()
        stack.push_async_callback(checks.close)
        operations.resume()
        stack.push_async_callback(operations.close)
        await _serve(stack, application(api), settings, trust)
        tidying = _tidy(instances, packages, settings, world)
        for_ever = (reporter.run(), tunnel.run(), renewal.run(), taking.run(), checks.keep_time(), tidying)
        works = [asyncio.create_task(work) for work in (*for_ever, systemd.keep_alive())]
        stack.push_async_callback(_cancel, works)
        yield works


async def _serve(stack: AsyncExitStack, app: web.Application, settings: Settings, trust: Trust) -> None:
    listen = settings.listen or trust.membership.listen or DEFAULT_LISTEN
    name, port = address(listen, "--listen")
    look_at(trust, settings, listen)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, name, port, ssl_context=trust.serving).start()
    log.info("serves on %s", listen)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _check_script(packages: Packages, order: Order) -> CheckScript:
    """Also an older one that was verified: whatever becomes of a repository, what runs is watched."""
    lately, trouble = asyncio.get_running_loop().time() - SCRIPT_AGE, ""
    try:
        script = await packages.fetch(order.repo_url, order.check, since=lately)
    except FetchFailed as error:
        last = await packages.last_verified(order.repo_url, order.check)
        if last is None:
            raise
        script, trouble = last, f"{error}; until then the last good one is used"
    return CheckScript(script, await packages.held(order), trouble)


async def _tidy(instances: Instances, packages: Packages, settings: Settings, world: World) -> None:
    """Keep from growing what services still print into, and what was fetched."""
    while True:
        instances.journal.reserve()
        cgroups.tidy(world.unit)
        folders = [instances.journal.operation_folder(operation_id) for operation_id in instances.ended_operations()]
        try:
            await packages.prune(settings.cache_bytes)
            for folder in folders:
                await output.trim(folder / "output", world.spawn)
        except OSError as error:
            log.warning("the work folder cannot be tidied: %s", error)
        await asyncio.sleep(_TIDY_EVERY)


def _controller_of(membership: Membership, instances: Instances) -> Callable[[], str]:
    """Where to report: as joined, else as the orders say."""

    def controller() -> str:
        said = (
            f"http://{live.order.operator_ip}:{live.order.operator_port}"
            for live in instances
            if live.order.operator_ip
        )
        return membership.controller or next(said, "")

    return controller


@contextmanager
def alone(work_dir: Path) -> Iterator[None]:
    """Keeps a folder to one agent, running or joining. Raises AlreadyRunning."""
    descriptor = os.open(work_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise AlreadyRunning(f"another agent is running in {work_dir}") from None
    try:
        yield
    finally:
        os.close(descriptor)
