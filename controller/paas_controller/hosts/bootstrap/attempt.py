"""One attempt: the course of the phases on one host, its blocking steps in a bounded pool of threads."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from shlex import quote
from typing import Any, TypeVar

from paas_agent.manifest import order_of
from paas_controller.base.addresses import is_loopback
from paas_controller.base.masking import hidden
from paas_controller.hosts.bootstrap import recipe
from paas_controller.hosts.bootstrap.hostkeys import require_pinned
from paas_controller.hosts.bootstrap.inspection import Facts, facts_of, owner_of, require_fit, require_free, script
from paas_controller.hosts.bootstrap.means import Means, Target, Watcher
from paas_controller.hosts.bootstrap.progress import Failure
from paas_controller.hosts.bootstrap.recipe import Joining, Login
from paas_controller.hosts.bootstrap.ssh import Ran
from paas_controller.hosts.packages import Package, newest, packages_in
from paas_controller.hosts.schemas import Auth

T = TypeVar("T")
_UPLOAD_SECONDS, _INSTALL_SECONDS, _GRACE = 300.0, 300.0, 15.0


class Attempt:
    """Phase by phase; whatever an earlier one left half done is done again. Raises Failure."""

    def __init__(self, target: Target, means: Means, watcher: Watcher) -> None:
        self._target, self._means, self._watcher = target, means, watcher
        self._connection = means.open(target.address, target.ssh_port)
        self._login = Login(root=True)

    async def run(self) -> str:
        """What was done, as a sentence. The connection is closed in any case."""
        try:
            return await self._phases()
        finally:
            # Off the loop: paramiko waits for a thread of its own.
            await asyncio.get_running_loop().run_in_executor(None, self._connection.close)

    async def _phases(self) -> str:
        entered, target = self._watcher.entered, self._target
        await entered("connect")
        if self._means.loopback and not is_loopback(target.address):
            told = f"agents know this controller as {self._means.controller}, which {target.id} cannot reach"
            raise Failure(f"{told}: start the controller with --listen and --advertise", lasting=True)
        shown = await self._call(self._connection.connect, target.pinned)
        await entered("host-key")
        await self._watcher.shown(shown)
        require_pinned(target.id, target.pinned, shown)
        await entered("connect")
        await self._call(self._connection.log_in, target.login)
        await entered("inspect")
        facts = await self._inspect()
        package = self._package(facts)
        works = target.heard and facts.active
        if works and order_of(facts.version) >= order_of(package.version):
            return f"left alone: agent {facts.version} is up there already"
        await entered("upload")
        await self._upload(package)
        await entered("install")
        install = recipe.install(package.kind, package.path.name, package.version, works=works)
        await self._as_root(install, seconds=_INSTALL_SECONDS)
        if not works:
            await self._join()
        await entered("report")
        await self._report(package)
        return f"agent {package.version} runs as {target.runs_as}"

    async def _inspect(self) -> Facts:
        target, login = self._target, self._target.login
        facts = facts_of((await self._run(f"sh -c {quote(script(target.runs_as))}")).out)
        require_fit(facts, target.id, login.username, target.runs_as)
        if not facts.root:
            self._login = await self._sudo(login)
        if facts.active:
            whose = await self._run(self._login.command(recipe.WHOSE), self._login.told())
            require_free(owner_of(whose.out), target.id, self._means.controller, target.others, asked=target.asked)
        return facts

    async def _sudo(self, login: Auth) -> Login:
        """Which of both ways of sudo works."""
        if (await self._run("sudo -k -n true")).code == 0:
            return Login(root=False)
        asked = Login(root=False, asks=True, password=login.password)
        ran = await self._run(asked.command("true"), asked.told()) if login.password else None
        if ran is None or ran.code:
            said = f" ({self._hidden(_last(ran.err))})" if ran else ", and no password is known for it"
            who = f"{login.username} may not become root on {self._target.id} by sudo{said}"
            raise Failure(f"{who}: let it, or connect as somebody who may", lasting=True)
        return asked

    def _package(self, facts: Facts) -> Package:
        folder = self._means.packages
        found = newest(packages_in(folder), facts.kind, facts.machine) if folder else None
        if found is None:
            where = f"in {folder}" if folder else "here, because no folder of packages is set (agent_packages)"
            told = (
                f"there is no {facts.kind} of the agent for {facts.machine} {where}: put there what make package makes"
            )
            raise Failure(told)
        return found

    async def _upload(self, package: Package) -> None:
        made = await self._run(recipe.MAKE_ROOM)
        folder = made.out.strip()
        if made.code or not folder.startswith("/"):
            raise Failure(f"no folder could be made on {self._target.id}: {_last(made.err)}")
        to = f"{folder}/{package.path.name}"
        try:
            await self._call(self._connection.put, package.path, to, _UPLOAD_SECONDS, seconds=_UPLOAD_SECONDS)
            sha256 = await self._call(package.sha256)
            await self._as_root(recipe.place(to, package.path.name, sha256))
        except Failure:
            with suppress(Failure):  # the first one is what is told
                await self._run(recipe.clear(folder))
            raise

    async def _join(self) -> None:
        target, means = self._target, self._means
        joining = Joining(target.runs_as, means.controller, means.plain_http, target.address, target.port)
        token = await means.join_token()
        await self._as_root(joining.script(), f"{token}\n", seconds=_INSTALL_SECONDS)

    async def _report(self, package: Package) -> None:
        if await self._watcher.reported(package.version):
            return
        ran = await self._run(self._login.command(recipe.LAST_WORDS), self._login.told())
        said = f"; its log there ends with: {self._hidden(_told(ran.out))}" if ran.out.strip() else ""
        raise Failure(
            f"the agent of {self._target.id} was started and did not report to {self._means.controller}{said}"
        )

    async def _as_root(self, shell_script: str, data: str = "", *, seconds: float = 60.0) -> None:
        """Failure with the last words of the script where it fails."""
        command, told = self._login.command(shell_script), self._login.told(data)
        ran = await self._run(command, told, seconds)
        if ran.code:
            raise Failure(f"{self._target.id} says: {self._hidden(_last(ran.err)) or f'exit code {ran.code}'}")

    def _hidden(self, said: str) -> str:
        """What a host says is shown to people, and the host knows the password."""
        return hidden(said, {"password": self._target.login.password})

    async def _run(self, command: str, told: bytes = b"", seconds: float = 30.0) -> Ran:
        return await self._call(self._connection.run, command, told, seconds, seconds=seconds)

    async def _call(self, step: Callable[..., T], *arguments: Any, seconds: float = 30.0) -> T:
        """One blocking step, in a thread of the pool. Each has its own deadline; this one is for what overruns it."""
        work = asyncio.get_running_loop().run_in_executor(self._means.pool, partial(step, *arguments))
        try:
            async with asyncio.timeout(seconds + _GRACE):
                return await work
        except TimeoutError:
            raise Failure(f"{self._target.id} did not answer in time: is it overloaded?") from None
        except OSError as error:  # of a file here
            raise Failure(f"{error.filename} cannot be read here: {error.strerror}") from None


def _last(printed: str) -> str:
    """The last line that says something; dpkg goes on with lists."""
    said = [line.rstrip() for line in printed.splitlines() if line[:1].strip()]
    lines = [line for line in said if not line.startswith("Errors were encountered")]
    return lines[-1][:300] if lines else ""


def _told(line: str) -> str:
    """The sentence in a line of the agent's log."""
    try:
        return str(json.loads(_last(line))["message"])
    except (ValueError, KeyError, TypeError):
        return _last(line)
