"""Tells the controller what is there: the full state each time, and what it has not acknowledged yet."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import aiohttp
import msgspec
from msgspec.structs import replace

from paas_agent import __version__, systemd
from paas_agent.contract import Acknowledged, Disk, InstanceName, InstanceReport, Report
from paas_agent.download import why_of
from paas_agent.errors import sentence
from paas_agent.instances import Instances
from paas_agent.manifest import status_of
from paas_agent.trust import Trust
from paas_agent.tunnel import Tunnel
from paas_agent.upgrade.taking import Taking

log = logging.getLogger(__name__)

Facts = tuple[dict[str, str | int | float], list[Disk]]

_PATH = "/apis/v1alpha1/agents/report"
_COALESCE = 0.01
_FIRST_DELAY = 0.5
_FACTS_EVERY = 3600.0
_LARGEST = 1_000_000  # bytes; the controller takes a MiB
_SHORTER_TEXTS = (250, 120, 60, 30, 0)  # characters
_LIMIT = 10.0
_TIMEOUT = aiohttp.ClientTimeout(total=_LIMIT, connect=5)


@dataclass(frozen=True)
class Line:
    """The way to the controller. `controller` gives its address, empty while nobody has said it; `renew` hears that the
    controller wants other tokens used; `tunnel` is taken where there is one; `taking` has to do with upgrades."""

    session: aiohttp.ClientSession
    controller: Callable[[], str]
    trust: Trust
    features: list[str]
    renew: Callable[[], None]
    tunnel: Tunnel
    taking: Taking


class Bell:
    """Rung when the controller should hear something: at once, or with what else comes within ten milliseconds."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def wake(self) -> None:
        """Report at once."""
        self._rung.set()

    def nudge(self) -> None:
        """Report soon."""
        asyncio.get_running_loop().call_later(_COALESCE, self._rung.set)

    async def wait(self, seconds: float) -> None:
        """Until it rings, `seconds` at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        self._rung.clear()


class Reporter:
    """Sends report after report, for ever. `forget` takes the instances the controller no longer wants checked."""

    def __init__(
        self,
        line: Line,
        instances: Instances,
        bell: Bell,
        random: Random,
        facts: Callable[[], Facts],
        forget: Callable[[InstanceName], Awaitable[None]],
    ) -> None:
        self._line = line
        self._instances = instances
        self._bell = bell
        self._random = random
        self._facts = facts
        self._forget = forget
        self._interval = line.trust.membership.interval
        self._facts_due = 0.0

    async def run(self) -> None:
        """Report until cancelled; what cannot be delivered is tried again, ever more slowly up to the interval."""
        delay = _FIRST_DELAY
        last: str | None = None
        while True:
            trouble = await self._deliver()
            if trouble and trouble != last:
                log.warning("the controller does not take reports: %s; they are kept and sent later", trouble)
            elif last and not trouble:
                log.info("the controller takes reports again")
            if trouble != last:
                systemd.notify(f"STATUS={trouble or status_of(__version__)}".replace("\n", " "))
            last = trouble
            if trouble:
                await asyncio.sleep(delay * self._random.uniform(0.5, 1))
                delay = min(2 * delay, self._interval)
            else:
                await self._bell.wait(self._interval)
                delay = min(_FIRST_DELAY, self._interval)

    async def _deliver(self) -> str:
        """Send one report; the trouble with it, empty when it was taken."""
        controller = self._line.controller()
        if not controller:
            return "nobody has said where it is"
        report, token = await self._report(), self._line.trust.membership.agent_token
        try:
            acknowledged = await self._send(controller.rstrip("/") + _PATH, _fitted(report))
        except _Turned as error:
            return str(error)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return why_of(error)
        if acknowledged.acknowledged > report.sequence:
            self._instances.journal.go_on_after(acknowledged.acknowledged)
            return "it has taken later ones of this host"
        await self._take(report, acknowledged)
        if acknowledged.renew and token == self._line.trust.membership.agent_token:  # else it is done already
            self._line.renew()
        return ""

    async def _report(self) -> Report:
        """All there is to say. What it says is on the disk, or is known not to get there, before it is said."""
        journal = self._instances.journal
        report = Report(
            host=self._line.trust.membership.host,
            epoch=journal.state.epoch,
            sequence=await journal.next_sequence(),
            full=True,
            sent_at=self._instances.now(),
            version=__version__,
            features=self._line.features,
            upgrade=self._line.taking.news(),
        )
        self._instances.fill(report)
        await self._instances.written()
        report.sent_at = self._instances.now()
        if asyncio.get_running_loop().time() >= self._facts_due:
            report.facts, report.disks = self._facts()
        return report

    async def _send(self, url: str, body: bytes) -> Acknowledged:
        answer = await self._line.tunnel.ask("POST", _PATH, body, _LIMIT)
        status, said = (answer.status, answer.body) if answer else await self._post(url, body)
        if status in (401, 403):
            raise _Turned(f"it does not accept this agent ({sentence(said)}); join this host again")
        if status >= 300:
            raise _Turned(f"it answered {status}")
        return msgspec.json.decode(said, type=Acknowledged)

    async def _post(self, url: str, body: bytes) -> tuple[int, bytes]:
        async with self._line.session.post(url, data=body, timeout=_TIMEOUT, **self._line.trust.request()) as answer:
            return answer.status, await answer.read()

    async def _take(self, report: Report, acknowledged: Acknowledged) -> None:
        self._instances.acknowledge(report)
        if report.facts is not None:
            self._facts_due = asyncio.get_running_loop().time() + _FACTS_EVERY
        self._interval = min(max(acknowledged.interval, 0.1), 3600)
        self._line.tunnel.want(acknowledged.tunnel)
        self._line.taking.acknowledged(report.upgrade, acknowledged.upgrade)
        for name in acknowledged.forget:
            await self._forget(name)
        if self._instances.more_to_tell():
            self._bell.wake()


def _fitted(report: Report) -> bytes:
    """The report as it is sent. What would make it too large is taken out of it: news come in the next ones."""
    body = msgspec.json.encode(report)
    for longest in _SHORTER_TEXTS:
        if len(body) <= _LARGEST:
            break
        report.outcomes = report.outcomes[: (len(report.outcomes) + 1) // 2]
        report.changes = report.changes[: (len(report.changes) + 1) // 2]
        report.instances = [_shortened(seen, longest) for seen in report.instances]
        body = msgspec.json.encode(report)
    return body


def _shortened(seen: InstanceReport, longest: int) -> InstanceReport:
    check = seen.check and replace(seen.check, msg=seen.check.msg[:longest])
    return replace(seen, reason=seen.reason[:longest], check=check)


class _Turned(Exception):
    """The controller answered, and did not take the report."""
