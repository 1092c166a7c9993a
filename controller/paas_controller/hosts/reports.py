"""What agents report: taken once, on this controller's clock, and who fell silent."""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec import to_builtins
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, update
from sqlmodel import SQLModel

from paas_agent.contract import Acknowledged, Change, InstanceName, Report
from paas_controller.base.clock import Clock
from paas_controller.base.errors import Forbidden, PaasError
from paas_controller.base.principal import Principal
from paas_controller.hosts.host import Host
from paas_controller.hosts.service import MISSED_REPORTS, Hosts

_log = logging.getLogger(__name__)
_HOST = SQLModel.metadata.tables["host"]
_HEARD = update(_HOST).where(_HOST.c.id == bindparam("of"))
_TOLERATED_SKEW = 2.0
_LATE = 1.5
"""Intervals after which a report is overdue."""

Write = Callable[[Connection], object]


class ReportSink(Protocol):
    """What a room above makes of what agents say. Declared here, implemented there, passed in by `app`."""

    async def reported(
        self, host: Host, report: Report, changes: Sequence[Change], keep: Write | None
    ) -> list[InstanceName]:
        """Stores what is new, `keep` in the same transaction (None: nothing to keep); returns what is to be forgotten.

        `changes` are those not merged before, on this controller's clock.
        """

    async def silent(self, host: Host) -> None:
        """The host has not been heard of for too long."""


def _facts(report: Report) -> dict[str, Any] | None:
    """What it tells of the host, as it is kept; None where it tells nothing."""
    if report.facts is None:
        return None
    return report.facts | {"disks": to_builtins(report.disks)}


class Reports:
    """Takes reports and passes on what is new in them."""

    def __init__(self, hosts: Hosts, sink: ReportSink, clock: Clock, interval: float) -> None:
        self._hosts, self._sink, self._clock, self._interval = hosts, sink, clock, interval

    async def take(self, principal: Principal, report: Report) -> Acknowledged:
        """Takes one report, once; what it says is committed when this returns. Forbidden for another host's."""
        if principal.host != report.host:
            raise Forbidden(f"this token speaks for {principal.host} and not for {report.host}")
        host = self._hosts.get(report.host)
        async with host.lock:
            # It is there, also where what it says cannot be stored now.
            host.heard_at, host.silent_since = self._clock.time(), self._clock.monotonic()
            known = report.epoch == host.epoch
            if known and report.sequence <= host.sequence:
                return self._acknowledged(host)
            report = self._on_our_clock(report)
            seen = host.changes_seen if known else 0
            changes = [change for change in report.changes if change.number > seen]
            last = max((change.number for change in changes), default=seen)
            keep = self._keep(host, report, last) if self._worth_keeping(host, report, last) else None
            forget = await self._sink.reported(host, report, changes, keep)
            self._heard(host, report, last)
        return self._acknowledged(host, forget)

    def _acknowledged(self, host: Host, forget: Sequence[InstanceName] = ()) -> Acknowledged:
        return Acknowledged(
            acknowledged=host.sequence, interval=self._interval, forget=list(forget),
            renew=host.rotating, tunnel=host.way != "direct", upgrade=host.offered,
        )  # fmt: skip

    def _on_our_clock(self, report: Report) -> Report:
        """With moments at which something can have been seen; 0 stays 0, which says nothing."""
        if not report.changes and not report.outcomes and not any(seen.operation for seen in report.instances):
            return report
        now = self._clock.time()
        skew = now - report.sent_at
        shift = skew if abs(skew) > _TOLERATED_SKEW else 0.0

        def ours(at: float) -> float:
            return max(0.0, min(at + shift, now)) if at else 0.0

        changes = [replace(change, at=ours(change.at)) for change in report.changes]
        outcomes = [
            replace(outcome, started_at=ours(outcome.started_at), ended_at=ours(outcome.ended_at))
            for outcome in report.outcomes
        ]
        instances = [
            replace(seen, operation=replace(flying, started_at=ours(flying.started_at)))
            if (flying := seen.operation)
            else seen
            for seen in report.instances
        ]
        return replace(report, changes=changes, outcomes=outcomes, instances=instances)

    def _worth_keeping(self, host: Host, report: Report, last: int) -> bool:
        told = _facts(report) not in (None, host.facts) or tuple(report.features) != host.features
        told = told or report.version not in ("", host.version)
        return report.epoch != host.epoch or last != host.changes_seen or bool(report.outcomes) or told

    def _keep(self, host: Host, report: Report, last: int) -> Write:
        row = {"epoch": report.epoch, "sequence": report.sequence, "changes_seen": last}
        row |= {"version": report.version or host.version, "of": host.id}
        row["features"] = " ".join(report.features)
        if (facts := _facts(report)) is not None:
            row["facts"] = json.dumps(facts)
        return lambda connection: connection.execute(_HEARD, row)

    def _heard(self, host: Host, report: Report, last: int) -> None:
        if host.lost:
            _log.info("%s is heard again", host.id)
        host.epoch, host.sequence, host.changes_seen = report.epoch, report.sequence, last
        host.hear(self._clock.time(), self._clock.monotonic())
        host.version, host.features = report.version or host.version, tuple(report.features)
        host.news = report.upgrade or host.news
        if (facts := _facts(report)) is not None:
            host.facts = facts

    async def watch(self) -> None:
        """Looks for hosts that fell silent, for ever."""
        while True:
            await asyncio.sleep(self._interval / 5)
            for host in self._hosts.all():
                host.late = self._hosts.silence(host) > _LATE * self._interval
                if self._silent(host):
                    await self._lose(host)

    def _silent(self, host: Host) -> bool:
        return host.enrolled and not host.lost and self._hosts.silence(host) > self._hosts.patience

    async def _lose(self, host: Host) -> None:
        """Gives a host up, unless a report of it is being taken."""
        async with host.lock:
            if self._silent(host):
                _log.warning("%s has not been heard of for %d reports", host.id, MISSED_REPORTS)
                host.lost = True  # before it is written, so that whatever is heard meanwhile has the last word
                try:
                    await self._sink.silent(host)
                except PaasError:
                    host.lost = False
                    raise
