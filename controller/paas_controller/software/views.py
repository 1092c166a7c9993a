"""How instances are shown: as status, as a page, as the whole record with its secrets masked."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from paas_agent.contract import Kind
from paas_controller.base.clock import rfc3339
from paas_controller.base.errors import Conflict
from paas_controller.base.masking import masked
from paas_controller.software import records
from paas_controller.software.board import Board
from paas_controller.software.days import Days
from paas_controller.software.decide import Decision, Wait
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member
from paas_controller.software.orders import Specs
from paas_controller.software.rehearsal import Deciding
from paas_controller.software.schemas import InstanceBody
from paas_controller.store.store import Store


def status(instance: Instance) -> dict[str, Any]:
    return {"name": instance.name, "status": {"expect": instance.expect, "realtime": instance.realtime}}


_LOOKS = 10
"""How often it is looked again at what changes all the time, before two moments are shown as one."""
Shown = Callable[[dict[str, Any]], dict[str, Any]]
"""An operation's row for people, with how far it is."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which instances are wanted; what is empty takes all."""

    expect: str = ""
    realtime: str = ""
    host: str = ""
    drift: bool = False
    labels: frozenset[tuple[str, str]] = frozenset()

    def takes(self, instance: Instance) -> bool:
        return (
            self.expect in ("", instance.expect)
            and self.realtime in ("", instance.realtime)
            and (not self.host or instance.on(self.host) is not None)
            and (not self.drift or instance.drifts)
            and self.labels.issubset(instance.labels)
        )


class Views:
    """Reads only; answers with plain JSON documents. `deciding` says what is waited for, `shown` shows an operation."""

    def __init__(self, store: Store, board: Board, specs: Specs, days: Days, deciding: Deciding, shown: Shown) -> None:
        self._store, self._board, self._specs = store, board, specs
        self._days, self._deciding, self._shown = days, deciding, shown

    def instance(self, kind: Kind, name: str) -> Instance:
        return self._board.get(kind, name)

    def status(self, kind: Kind, name: str) -> dict[str, Any]:
        return status(self._board.get(kind, name))

    def echo(self, instance: Instance, body: InstanceBody) -> dict[str, Any]:
        """The body as it was given, with type, CreateAt and status: what creating answers. Nothing is masked."""
        document = body.model_dump(mode="json", exclude_unset=True)
        document["app"]["metadata"] = body.app.metadata | {"CreateAt": self._days.written(instance.created_at)}
        document["app"]["status"] = status(instance)["status"]
        return {"name": instance.name, "type": instance.kind} | document

    async def made_of(self, kind: Kind, body: InstanceBody) -> Instance:
        """The instance of this very body. NotFound; Conflict where its spec is another one by now."""
        instance = self._board.get(kind, body.name)
        if await self._specs.of(instance) != body:
            raise Conflict(f"{body.name} was created and then changed; read it: GET {kind}/{body.name}")
        return instance

    async def record(self, kind: Kind, name: str) -> dict[str, Any]:
        """The whole record: the spec with its defaults and secrets masked, the members, each one's last operation."""
        instance, last = await self._at_one_moment(kind, name)
        body = await self._specs.of(instance)
        document = self.echo(instance, body)
        document["app"] = _defaults(body) | document["app"] | {"self_heal": instance.self_heal}
        document |= {"labels": body.labels, "depends_on": body.depends_on}
        shown = masked(document)
        applied = [member.generation for member in instance.members if member.installed]
        shown |= {"generation": instance.generation, "applied_generation": min(applied, default=None)}
        shown |= {"version": instance.version, "drift": instance.drifts}
        shown |= {"held": instance.held, "deleting": instance.deleting}
        decided = self._deciding(instance)
        shown["members"] = [
            _member(member, decided(member)) | {"last_operation": last.get(member.id)} for member in instance.members
        ]
        return shown

    async def _at_one_moment(self, kind: Kind, name: str) -> tuple[Instance, dict[int, dict[str, Any]]]:
        """An instance and its members' last operations, as they were together."""
        for _ in range(_LOOKS):
            instance = self._board.get(kind, name)
            last = await self._store.read(partial(records.last_operations, instance=instance))
            if self._board.get(kind, name) is instance:
                break
        return instance, {member: self._shown(row) for member, row in last.items()}

    def page(self, kind: Kind, wanted: Filter, after: str, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """Instances by name, those after `after`; with the name to go on from, where there are more."""
        matching = (_listed(instance) for instance in self._board.after(kind, after) if wanted.takes(instance))
        found = list(islice(matching, limit + 1))
        return found[:limit], found[limit - 1]["name"] if len(found) > limit > 0 else None


def _listed(instance: Instance) -> dict[str, Any]:
    hosts = [member.host for member in instance.members]
    more = {"type": instance.kind, "hosts": hosts, "labels": dict(instance.labels)}
    return status(instance) | more | {"drift": instance.drifts, "held": instance.held, "deleting": instance.deleting}


def _defaults(body: InstanceBody) -> dict[str, Any]:
    return body.app.model_dump(mode="json", exclude={"metadata", "status"})


def _member(member: Member, decision: Decision) -> dict[str, Any]:
    shown = {"host": member.host, "realtime": member.realtime, "installed": member.installed, "alive": member.alive}
    shown |= {"reason": member.reason, "failures": member.failures, "applied_generation": member.generation}
    shown |= {"leaving": member.leaving}
    shown["waiting"] = decision.why if isinstance(decision, Wait) else None
    return shown | {"operation": member.operation or None, "retry_at": rfc3339(member.retry_at or None)}
