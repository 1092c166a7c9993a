"""A changed spec: masked values are filled in again, hosts come and go, and what follows for the members. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from paas_agent.contract import is_secret
from paas_controller.base.errors import Conflict
from paas_controller.hosts.credentials import kept
from paas_controller.hosts.credentials import unmasked as unmasked_auth
from paas_controller.hosts.schemas import Auth
from paas_controller.software import turns
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member
from paas_controller.software.schemas import HostSpec, InstanceBody

Apply = Literal["", "restart", "reinstall"]
Removed = Literal["", "uninstall", "orphan"]


def unmasked(fresh: InstanceBody, known: InstanceBody | None) -> InstanceBody:
    """The new spec with every masked value as it was. Invalid where there was none."""
    former = known.app.metadata if known else {}
    metadata = {
        key: kept(f"app.metadata.{key}", value, former.get(key)) if is_secret(key) else value
        for key, value in fresh.app.metadata.items()
    }
    hosts = {host.id: host.auth for host in known.host} if known else {}
    changed = {"app": fresh.app.model_copy(update={"metadata": metadata} if metadata else {})}
    listed = [_unmasked_host(f"host.{index}", host, hosts.get(host.id, [])) for index, host in enumerate(fresh.host)]
    return fresh.model_copy(update=changed | {"host": listed})


def _unmasked_host(path: str, fresh: HostSpec, known: Sequence[Auth]) -> HostSpec:
    return fresh.model_copy(update={"auth": unmasked_auth(f"{path}.auth", fresh.auth, known)}) if fresh.auth else fresh


def revised(
    instance: Instance, known: InstanceBody, fresh: InstanceBody, *, apply: Apply, removed: Removed,
    new_id: Callable[[], int], now: float,
) -> Instance:  # fmt: skip
    """The instance with this spec in place of the known one; the same one where nothing differs.

    Conflict where a host is taken off and nobody says what becomes of it, or where there is nothing to apply it to.
    """
    _require_applicable(instance, apply)
    members = _members(instance, [host.id for host in fresh.host], removed, new_id, now)
    if _words(instance, known) == _words(instance, fresh) and tuple(members) == instance.members and not apply:
        return instance
    changed = _spec_of(instance, known) != _spec_of(instance, fresh) or apply == "reinstall"
    generation = instance.generation + changed
    if changed:
        members = [turns.wished(member) for member in members]
    if apply == "restart":
        members = [member if member.leaving else turns.restart_wished(member) for member in members]
    return replace(
        with_words_of(instance, fresh),
        members=tuple(members),
        generation=generation,
        reinstall=generation if apply == "reinstall" else instance.reinstall,
        revision=instance.revision + 1,
    )


def with_words_of(instance: Instance, body: InstanceBody) -> Instance:
    """The instance with the words of this spec that are needed without opening it."""
    return replace(
        instance,
        self_heal=body.self_heal(instance.kind),
        check_fall=body.app.check_fall,
        check_rise=body.app.check_rise,
        has_restart=bool(body.app.restart),
        labels=tuple(sorted(body.labels.items())),
        depends_on=tuple(sorted({_name(entry) for entry in body.depends_on})),
    )


def _name(entry: str) -> tuple[str, str]:
    kind, _, name = entry.partition("/")
    return kind, name


def _words(instance: Instance, body: InstanceBody) -> object:
    return body.model_dump(exclude={"app"}), _app(instance, body)


def _spec_of(instance: Instance, body: InstanceBody) -> object:
    """What scripts can tell apart: credentials, labels and order are for others."""
    return _app(instance, body), [host.id for host in body.host]


def _app(instance: Instance, body: InstanceBody) -> object:
    return body.app.model_dump(exclude={"status"}) | {"self_heal": body.self_heal(instance.kind)}


def _require_applicable(instance: Instance, apply: Apply) -> None:
    if instance.deleting:
        raise Conflict(f"{instance.name} is being deleted; expect it running or stopped to take that back")
    if apply == "restart" and instance.expect != "running":
        raise Conflict(f"{instance.name} is expected {instance.expect}; apply=restart takes running")
    if apply == "reinstall" and instance.expect == "not-installed":
        raise Conflict(f"{instance.name} is expected not-installed; apply=reinstall takes running or stopped")


def _members(
    instance: Instance, hosts: Sequence[str], removed: Removed, new_id: Callable[[], int], now: float
) -> list[Member]:
    """The members in the order of the list; behind them those that are to go."""
    members, known, listed = [], {member.host: member for member in instance.members}, set(hosts)
    for position, host in enumerate(hosts):
        member = known.get(host) or Member(id=new_id(), host=host, position=position, settled_at=now)
        members.append(replace(member, position=position, leaving=False))
    off = [member for member in instance.members if member.host not in listed and not instance.gone_from(member)]
    if unsaid := [member.host for member in off if not member.leaving and not removed]:
        raise Conflict(
            f"{', '.join(unsaid)} would be taken off the list; say what becomes of {instance.name} there",
            ["?removed=uninstall uninstalls it there", "?removed=orphan forgets it there and leaves it as it is"],
        )
    if removed != "orphan":
        members += [
            replace(turns.wished(member), position=len(hosts) + index, leaving=True) for index, member in enumerate(off)
        ]
    return members
