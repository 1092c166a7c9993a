"""What can be done with databases and middleware, in the words of those who use them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from paas_agent.contract import Kind
from paas_controller.base.clock import Clock
from paas_controller.base.errors import Conflict, Invalid, Refused
from paas_controller.base.principal import Principal
from paas_controller.events import tables as events
from paas_controller.hosts.credentials import as_text
from paas_controller.hosts.naming import NamedHost
from paas_controller.hosts.service import Hosts
from paas_controller.software import records, turns
from paas_controller.software.board import Board, story_row
from paas_controller.software.dependencies import require_sound
from paas_controller.software.drafts import Draft, Told
from paas_controller.software.instances import Instance
from paas_controller.software.keeping import Keeping
from paas_controller.software.members import Member, Moved
from paas_controller.software.operations import Operation, Operations, cancel_row
from paas_controller.software.orders import Specs
from paas_controller.software.revision import Apply, Removed, revised, unmasked, with_words_of
from paas_controller.software.schemas import HostSpec, InstanceBody
from paas_controller.software.states import Expect

Guard = Callable[[Instance], None]


@dataclass(frozen=True, slots=True)
class Deleted:
    """What became of it, in a sentence; `left` is what is still to be uninstalled. Nothing where it was not there."""

    msg: str
    found: bool = True
    left: Instance | None = None


class Software:
    """Instances: created, changed, wished for, restarted, held, deleted. What is answered is committed."""

    def __init__(
        self, keeping: Keeping, board: Board, specs: Specs, operations: Operations, hosts: Hosts, clock: Clock
    ) -> None:
        self._keeping, self._board, self._specs = keeping, board, specs
        self._operations, self._hosts, self._clock = operations, hosts, clock

    async def create(self, kind: Kind, body: InstanceBody, by: Principal) -> Instance:
        """Creates an instance; expecting running starts the work at once. Conflict: the name is taken."""
        now, status = self._clock.time(), body.app.status
        if self._board.named(kind, body.name):
            raise Conflict(f"a {kind} named {body.name} exists already; delete it first, or take another name")
        unmasked(body, None)  # there is nothing that a mask could stand for
        there = status.realtime in ("running", "stopped", "failed")
        members = tuple(
            Member(id=self._board.new_member_id(), host=host.id, position=position, realtime=status.realtime,
                   stable=status.realtime, installed=there, settled_at=now, generation=int(there),
                   installed_generation=int(there))
            for position, host in enumerate(body.host)
        )  # fmt: skip
        bare = Instance(id=0, kind=kind, name=body.name, expect=status.wanted, members=members, created_at=now)
        fresh = with_words_of(bare, body)
        require_sound(fresh.key, fresh.depends_on, self._board.named)
        named, spec = [_named(host) for host in body.host], self._specs.seal(body)
        told = Moved("not-installed", status.realtime, now, "wish", f"{by.name} created it, expecting {status.wanted}")

        def write(connection: Connection) -> Instance:
            self._hosts.name(connection, named)
            instance = records.create(connection, fresh, spec)
            events.append(connection, [story_row(instance, "", told)])
            return instance

        return await self._keeping.create(write, named, body)

    async def respec(
        self, kind: Kind, name: str, body: InstanceBody, by: Principal, *, apply: Apply, removed: Removed, guard: Guard
    ) -> Instance:
        """Takes another spec. `guard` is asked, and may refuse, in the step in which the change is made."""
        if body.name != name:
            raise Refused(f"a name cannot be changed: the body says {body.name}, the path {name}")
        instance = self._board.get(kind, name)
        known = await self._specs.of(instance)
        fresh = unmasked(body, known)
        revise = partial(
            revised, known=known, fresh=fresh, apply=apply, removed=removed, new_id=self._board.new_member_id,
            now=self._clock.time(),
        )  # fmt: skip
        guard(instance)
        after = revise(instance)
        if after == instance:
            return instance
        require_sound(after.key, after.depends_on, self._board.named)
        former = {host.id: host for host in known.host}
        await self._keeping.introduce([_named(host, former.get(host.id)) for host in fresh.host])
        latest = self._board.get(kind, name)
        if latest.revision != instance.revision:
            raise Conflict(f"the spec of {name} was changed by somebody else meanwhile; read it again, then write")
        return await self._take_spec(latest, revise(latest), fresh, f"{by.name} changed its spec")

    async def _take_spec(self, instance: Instance, after: Instance, body: InstanceBody, sentence: str) -> Instance:
        staying = {member.id for member in after.members}
        left = [member for member in instance.members if member.id not in staying]
        # Named once more with the members that come: a host may have been forgotten since it was introduced.
        known = {member.host for member in instance.members}
        come = [_named(host) for host in body.host if host.id not in known]
        draft = Draft()
        draft.put(instance, after)
        draft.story.append(Told(instance, "", self._said(instance, sentence)))
        draft.writes.append(partial(self._hosts.name, named=come))
        draft.afterwards.append(partial(self._hosts.admit, come))
        draft.writes.append(partial(records.save_spec, instance=instance.id, spec=self._specs.seal(body)))
        if left:
            now, gone = self._clock.time(), [member.id for member in left]
            draft.writes.append(partial(records.drop_operations, instance=instance, now=now, members=gone))
            draft.afterwards.append(partial(self._operations.drop, instance.id, gone))
        await self._keeping.respec(draft, after, body)
        return draft.now(instance)

    async def wish(self, kind: Kind, name: str, expect: Expect, by: Principal) -> Instance:
        """Sets the expectation; a repeated wish tries again what had failed, another one takes a deletion back."""
        instance = self._board.get(kind, name)
        members = tuple(turns.wished(member) for member in instance.members)
        deleting = instance.deleting and expect == "not-installed"
        after = replace(instance, expect=expect, deleting=deleting, members=members)
        return await self._change(instance, after, f"{by.name} expects {expect}")

    async def restart(self, kind: Kind, name: str, by: Principal) -> Instance:
        """Wants one restart of each member; while one waits, another one is the same. Conflict unless running."""
        instance = self._board.get(kind, name)
        if instance.expect != "running":
            raise Conflict(f"{name} is expected {instance.expect}; a restart takes running")
        members = tuple(turns.restart_wished(member) for member in instance.members)
        return await self._change(instance, replace(instance, members=members), f"{by.name} wants a restart")

    async def hold(self, kind: Kind, name: str, by: Principal, *, held: bool) -> Instance:
        instance = self._board.get(kind, name)
        sentence = f"{by.name} holds it: hands off until it is released" if held else f"{by.name} released it"
        members = instance.members if held else tuple(turns.wished(member) for member in instance.members)
        return await self._change(instance, replace(instance, held=held, members=members), sentence)

    async def _change(self, instance: Instance, after: Instance, sentence: str) -> Instance:
        if after != instance:
            draft = Draft()
            draft.put(instance, after)
            draft.story.append(Told(instance, "", self._said(instance, sentence)))
            await self._keeping.commit(draft)
        return after

    def _said(self, instance: Instance, sentence: str) -> Moved:
        """A person's word about an instance, for its story."""
        return Moved(instance.realtime, instance.realtime, self._clock.time(), "wish", sentence)

    async def delete(self, kind: Kind, name: str, by: Principal, *, uninstall: bool, orphan: bool) -> Deleted:
        """Forgets an instance, or begins to. Conflict names the two ways, or who depends on it."""
        if uninstall and orphan:
            raise Invalid("uninstall and orphan exclude each other; say one of them")
        instance = self._board.named(kind, name)
        if instance is None:
            return Deleted(f"no {kind} is called {name}; nothing to delete", found=False)
        if dependents := ["/".join(other.key) for other in self._board.dependents(instance)]:
            raise Conflict(f"{name} is depended on; take it off their depends_on, or delete them first", dependents)
        if orphan or (instance.gone and not uninstall) or (instance.gone and instance.expect == "not-installed"):
            sentence = "forgot it and left the software as it is" if orphan else "deleted it"
            await self._keeping.forget(instance, self._said(instance, f"{by.name} {sentence}"))
            return Deleted("forgotten; the software stays as it is" if orphan else "deleted")
        if not uninstall:
            raise Conflict(
                f"{name} is {instance.realtime}; say what becomes of it",
                ["?uninstall=true uninstalls it and forgets it then", "?orphan=true forgets it and leaves it as it is"],
            )
        members = tuple(turns.wished(member) for member in instance.members)
        after = replace(instance, expect="not-installed", deleting=True, members=members)
        await self._change(instance, after, f"{by.name} deletes it: uninstall, then forget")
        once = "once it is released, because it is held" if instance.held else "first"
        return Deleted(f"being deleted: it is uninstalled {once}", left=after)

    async def cancel(self, operation: Operation, by: Principal) -> None:
        """Calls an operation in flight off; its member is left alone from now on, until a new wish."""
        instance = self._board.find(operation.instance)
        member = instance.member(operation.member) if instance else None
        if instance is None or member is None or operation.cancelled_by:
            return
        draft = Draft()
        draft.put(instance, instance.with_member(replace(member, cancelled=True)))
        sentence = f"{by.name} cancels the {operation.action}"
        moved = Moved(member.realtime, member.realtime, self._clock.time(), "wish", sentence, operation.id)
        draft.story.append(Told(instance, member.host, moved))
        draft.writes.append(partial(cancel_row, identifier=operation.id, by=by.name))
        draft.afterwards.append(partial(self._operations.call_off, operation, by.name))
        await self._keeping.commit(draft)


def _named(host: HostSpec, former: HostSpec | None = None) -> NamedHost:
    """What is said anew of a host: it may have been changed at the host since its former words."""
    fresh = former is None or host.auth != former.auth
    said = "ssh_port" in host.model_fields_set and (former is None or host.ssh_port != former.ssh_port)
    credentials = as_text(host.auth) if fresh else ""
    return NamedHost(host.ip, str(host.agent_port), host.ssh_port if said else 0, credentials)
