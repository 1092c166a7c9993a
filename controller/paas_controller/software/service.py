"""What can be done with databases and middleware, in the words of those who use them."""

from dataclasses import replace

from sqlalchemy import Connection

from paas_agent.contract import Kind
from paas_controller.base.clock import Clock
from paas_controller.base.errors import Conflict, Invalid
from paas_controller.base.principal import Principal
from paas_controller.events import tables as events
from paas_controller.hosts.service import Hosts, NamedHost
from paas_controller.software import records, turns
from paas_controller.software.board import Board, Draft, Told, story_row
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member, Moved
from paas_controller.software.orders import Specs
from paas_controller.software.schemas import HostSpec, InstanceBody
from paas_controller.software.states import Expect
from paas_controller.store.store import Store


class Software:
    """Instances: created, wished for, restarted, held, deleted. Every change is committed before it is answered."""

    def __init__(self, store: Store, board: Board, specs: Specs, hosts: Hosts, clock: Clock) -> None:
        self._store, self._board, self._specs, self._hosts, self._clock = store, board, specs, hosts, clock

    async def create(self, kind: Kind, body: InstanceBody, by: Principal) -> Instance:
        """Creates an instance; expecting running starts the work at once. Conflict: the name is taken."""
        now, status = self._clock.time(), body.app.status
        if self._board.named(kind, body.name):
            raise Conflict(f"a {kind} named {body.name} exists already; delete it first, or take another name")
        there = status.realtime in ("running", "stopped", "failed")
        fresh = Instance(
            id=0, kind=kind, name=body.name, expect=status.wanted, self_heal=body.self_heal(kind),
            check_fall=body.app.check_fall, check_rise=body.app.check_rise, has_restart=bool(body.app.restart),
            members=tuple(
                Member(id=0, host=host.id, position=position, realtime=status.realtime, stable=status.realtime,
                       installed=there, settled_at=now)
                for position, host in enumerate(body.host)
            ),
        )  # fmt: skip
        named, spec = [_named(host) for host in body.host], self._specs.seal(body)
        told = Moved("not-installed", status.realtime, now, "wish", f"{by.name} created it, expecting {status.wanted}")

        def write(connection: Connection) -> Instance:
            self._hosts.name(connection, named)
            instance = records.create(connection, fresh, spec, now)
            events.append(connection, [story_row(instance, "", told)])
            return instance

        created = await self._store.write(write)
        self._hosts.admit(named)
        self._board.add(created)
        return created

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
            raise Conflict(f"{name} is expected {instance.expect}; a restart takes running: PUT {kind}/{name}/running")
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
            await self._board.commit(draft)
        return after

    def _said(self, instance: Instance, sentence: str) -> Moved:
        """A person's word about an instance, for its story."""
        return Moved(instance.realtime, instance.realtime, self._clock.time(), "wish", sentence)

    async def delete(self, kind: Kind, name: str, by: Principal, *, uninstall: bool, orphan: bool) -> str:
        """Forgets an instance, or begins to; the answer says which. Conflict names the two ways; Invalid for both."""
        if uninstall and orphan:
            raise Invalid("uninstall and orphan exclude each other; say one of them")
        instance = self._board.named(kind, name)
        if instance is None:
            return f"no {kind} is called {name}; nothing to delete"
        if orphan or (instance.gone and not uninstall) or (instance.gone and instance.expect == "not-installed"):
            sentence = "forgot it and left the software as it is" if orphan else "deleted it"
            await self._board.forget(instance, self._said(instance, f"{by.name} {sentence}"))
            return "forgotten; the software stays as it is" if orphan else "deleted"
        if not uninstall:
            raise Conflict(
                f"{name} is {instance.realtime}; say what becomes of it",
                ["?uninstall=true uninstalls it and forgets it then", "?orphan=true forgets it and leaves it as it is"],
            )
        members = tuple(turns.wished(member) for member in instance.members)
        after = replace(instance, expect="not-installed", deleting=True, held=False, members=members)
        await self._change(instance, after, f"{by.name} deletes it: uninstall, then forget")
        return "being deleted: it is uninstalled first"


def _named(host: HostSpec) -> NamedHost:
    credentials = "" if not host.auth else "[" + ",".join(auth.model_dump_json() for auth in host.auth) + "]"
    return NamedHost(host.ip, str(host.agent_port), host.ssh_port, credentials)
