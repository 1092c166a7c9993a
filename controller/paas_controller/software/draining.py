"""Hosts under maintenance: what runs there is stopped in turn, and nothing is brought up until that ends.

What people expect of an instance stays as it was; draining is a fact beside it, as a hold is.
"""

from collections.abc import Iterator
from functools import partial

from paas_controller.base.clock import Clock
from paas_controller.base.principal import Principal
from paas_controller.hosts import draining
from paas_controller.hosts.host import Host
from paas_controller.hosts.service import Hosts
from paas_controller.software.board import Board
from paas_controller.software.days import Days
from paas_controller.software.decide import Settled, Wait
from paas_controller.software.drafts import Draft, Told
from paas_controller.software.gates import Drained
from paas_controller.software.members import Moved
from paas_controller.software.reconciler import Reconciler
from paas_controller.software.rehearsal import Step


def drained(hosts: Hosts, days: Days) -> Drained:
    """Why nothing is to run on a host, as it is now."""

    def reason(identifier: str) -> str:
        host = hosts.find(identifier)
        return f"{host.id} {_told(host.draining, days)}" if host and host.draining else ""

    return reason


def _told(known: draining.Draining, days: Days) -> str:
    return f"is drained by {known.by} since {days.written(known.since)}"


class Maintenance:
    """Drains hosts, and ends it."""

    def __init__(self, hosts: Hosts, board: Board, reconciler: Reconciler, days: Days, clock: Clock) -> None:
        self._hosts, self._board, self._reconciler = hosts, board, reconciler
        self._days, self._clock = days, clock
        self._drained = drained(hosts, days)

    async def drain(self, identifier: str, by: Principal, *, enabled: bool) -> str:
        """Begins or ends it, and says so; what is so already stays. NotFound."""
        host = self._hosts.get(identifier)
        if enabled and host.draining:
            return f"{_told(host.draining, self._days)} already"
        if not enabled and not host.draining:
            return "was not drained"
        await self._board.commit(self._draft(host, by, enabled=enabled))
        if not enabled:
            return "is drained no longer; what is expected there comes up again"
        told = "is drained: what runs there is stopped, and nothing is brought up until that ends"
        return f"{told}; it has not been heard of, so that waits until it is" if host.lost else told

    def _draft(self, host: Host, by: Principal, *, enabled: bool) -> Draft:
        now, draft = self._clock.time(), Draft()
        after = draining.Draining(by.name, now) if enabled else None
        sentence = f"{by.name} drains {host.id}" if enabled else f"{by.name} drains {host.id} no longer"
        there = self._board.on_host(host.id)
        for instance, member in there:
            moved = Moved(member.realtime, member.realtime, now, "wish", sentence)
            draft.story.append(Told(instance, host.id, moved))
        draft.writes.append(partial(draining.keep, identifier=host.id, draining=after))
        draft.afterwards.append(partial(self._hosts.change, host.id, draining=after))
        draft.afterwards += [partial(self._board.notify, instance.id) for instance, _ in there]
        return draft

    def rehearse(self, identifier: str, by: Principal, *, enabled: bool) -> Iterator[Step]:
        """The steps that it would lead to, each with the instance that it is about. NotFound."""
        reason = ""
        if enabled:
            known = self._hosts.get(identifier).draining or draining.Draining(by.name, self._clock.time())
            reason = f"{identifier} {_told(known, self._days)}"

        def then(host: str) -> str:
            return reason if host == identifier else self._drained(host)

        for instance, _ in self._board.on_host(self._hosts.get(identifier).id):
            for step in self._reconciler.rehearse(instance, then):
                if not reason or step["why"] != reason:  # that it stays down is what was asked for
                    about = "/".join(instance.key)
                    yield step | {"why": f"{about}: {step['why']}" if step["why"] else about}

    def pending(self, host: str) -> list[dict[str, str]]:
        """The members on a host that are not yet as they are to be there, and what each waits for."""
        left, reason = [], self._drained(host)
        for instance, member in self._board.on_host(host):
            decision = self._reconciler.deciding(instance)(member)
            why = decision.why if isinstance(decision, Wait) else ""
            if not isinstance(decision, Settled) and (not reason or why != reason):
                left.append({"member": "/".join(instance.key), "why": why})
        return left
