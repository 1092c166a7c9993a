"""What an agent is told: the spec of an instance, opened, as an order for one of its hosts."""

from collections import OrderedDict

from sqlalchemy import select

from paas_agent.contract import Action, Order, Status
from paas_controller.base.crypto import Vault
from paas_controller.base.errors import NotFound
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member
from paas_controller.software.records import INSTANCE
from paas_controller.software.schemas import InstanceBody
from paas_controller.store.store import Store

_KEPT = 4096


class Specs:
    """The specs of instances: sealed in the database, the ones last used open in memory.

    Where credentials are to be forgotten they are not kept here at all: the host has them until its agent is there.
    """

    def __init__(self, store: Store, vault: Vault, *, credentials: bool = True) -> None:
        self._store, self._vault, self._credentials = store, vault, credentials
        self._open: OrderedDict[tuple[int, int], InstanceBody] = OrderedDict()

    async def start(self) -> None:
        """Opens one of them: PaasError where the key is not the one that they were sealed with."""
        sealed = await self._store.read(lambda c: c.execute(select(INSTANCE.c.spec).limit(1)).scalar())
        if sealed is not None:
            self._vault.open(sealed)

    def seal(self, body: InstanceBody) -> str:
        return self._vault.seal(self._kept(body).model_dump_json(exclude_unset=True))

    def keep(self, instance: Instance, body: InstanceBody) -> None:
        """The spec as it is being written, or was read."""
        self._open[instance.id, instance.revision] = self._kept(body)
        if len(self._open) > _KEPT:
            self._open.popitem(last=False)

    def drop(self, instance: Instance) -> None:
        """It could not be written."""
        self._open.pop((instance.id, instance.revision), None)

    def known(self, instance: Instance) -> InstanceBody | None:
        """The spec, if it is open already."""
        return self._open.get((instance.id, instance.revision))

    async def of(self, instance: Instance) -> InstanceBody:
        key = (instance.id, instance.revision)
        if key not in self._open:
            wanted = select(INSTANCE.c.spec).where(INSTANCE.c.id == instance.id)
            sealed = await self._store.read(lambda c: c.execute(wanted).scalar())
            if sealed is None:
                raise NotFound(f"{instance.kind} {instance.name} was deleted")
            self.keep(instance, InstanceBody.model_validate_json(self._vault.open(sealed)))
        self._open.move_to_end(key)
        return self._open[key]

    def _kept(self, body: InstanceBody) -> InstanceBody:
        if self._credentials or not any(host.auth for host in body.host):
            return body
        return body.model_copy(update={"host": [host.model_copy(update={"auth": []}) for host in body.host]})


def timeout_of(body: InstanceBody, action: Action) -> float:
    """Seconds this action may take."""
    return float(getattr(body.app.timeouts, action))


def order_for(instance: Instance, member: Member, body: InstanceBody, operator: tuple[str, int]) -> Order:
    """The order for one member, without the operation it is for. `operator` is where agents report to."""
    app, hosts = body.app, [host.ip for host in body.host]
    index = next((place for place, host in enumerate(body.host) if host.id == member.host), len(hosts))
    if index == len(hosts):  # it was taken off the list, and is told of the others as the last one
        hosts.append(_address(member.host))
    return Order(
        name=instance.name,
        type=instance.kind,
        repo_url=app.repo_url,
        install=app.install,
        start=app.start,
        stop=app.stop,
        restart=app.restart,
        check=app.check,
        uninstall=app.uninstall,
        package=app.package,
        metadata=app.metadata,
        operator_ip=operator[0],
        operator_port=str(operator[1]),
        generation=instance.generation,
        check_timeout=app.timeouts.check,
        check_interval=app.check_interval,
        check_fall=app.check_fall,
        check_rise=app.check_rise,
        believed=_believed(member),
        host_ip=_address(member.host),
        hosts=hosts,
        host_index=index,
    )


def _address(host: str) -> str:
    return host.rpartition(":")[0]


def _believed(member: Member) -> Status:
    if not member.installed:
        return "not-installed"
    return member.realtime if member.realtime in ("running", "failed") else "stopped"
