"""Instances to rows and back. Everything here runs inside a transaction of the caller."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from paas_agent.contract import ENDED
from paas_controller.base.errors import Conflict, Retryable
from paas_controller.software import tables as _tables  # noqa: F401 - makes the tables known
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member

INSTANCE = SQLModel.metadata.tables["instance"]
MEMBER = SQLModel.metadata.tables["member"]
OPERATION = SQLModel.metadata.tables["operation"]
CHANGE = SQLModel.metadata.tables["change"]
FORGOTTEN = SQLModel.metadata.tables["forgotten"]

# Statements are built once: building one costs more than running it.
_SAVE_INSTANCE = update(INSTANCE).where(INSTANCE.c.id == bindparam("of"), INSTANCE.c.version == bindparam("before"))
_SAVE_MEMBER = update(MEMBER).where(MEMBER.c.id == bindparam("of"))
_ADD_MEMBER = insert(MEMBER)
_FORGET = insert(FORGOTTEN)

_INSTANCE_FIELDS = tuple(field.name for field in fields(Instance) if field.name != "members")
_AS_JSON = ("labels", "depends_on")
_SAVED = tuple(name for name in _INSTANCE_FIELDS if name not in ("id", "kind", "name", "created_at"))
_MEMBER_FIELDS = tuple(field.name for field in fields(Member))


def load(connection: Connection, identifier: int | None = None) -> list[Instance]:
    """All instances, or the one with this id if it is there."""
    instances, members = select(INSTANCE), select(MEMBER).order_by(MEMBER.c.position)
    if identifier is not None:
        instances = instances.where(INSTANCE.c.id == identifier)
        members = members.where(MEMBER.c.instance == identifier)
    of: defaultdict[int, list[Member]] = defaultdict(list)
    for row in connection.execute(members).mappings():
        of[row["instance"]].append(_member(row))
    return [_instance(row, of[row["id"]]) for row in connection.execute(instances).mappings()]


def members_on(connection: Connection, host: str) -> list[str]:
    """The members on a host, as `kind/name`."""
    named = select(INSTANCE.c.kind, INSTANCE.c.name).join(MEMBER, MEMBER.c.instance == INSTANCE.c.id)
    found = connection.execute(named.where(MEMBER.c.host == host).order_by(INSTANCE.c.kind, INSTANCE.c.name))
    return [f"{row.kind}/{row.name}" for row in found]


def last_member_id(connection: Connection) -> int:
    """The highest id that a member has, or that an operation remembers one by."""
    highest = (select(func.max(MEMBER.c.id)), select(func.max(OPERATION.c.member)))
    return max(connection.execute(query).scalar() or 0 for query in highest)


def _instance(row: Any, members: Iterable[Member]) -> Instance:
    values = {name: row[name] for name in _INSTANCE_FIELDS}
    for name in _AS_JSON:
        values[name] = tuple(tuple(pair) for pair in json.loads(values[name]))
    return Instance(**values, members=tuple(members))


def _columns(instance: Instance, names: Iterable[str]) -> dict[str, Any]:
    columns = {name: getattr(instance, name) for name in names}
    for name in _AS_JSON:
        columns[name] = json.dumps(columns[name])
    return columns


def _member(row: Any) -> Member:
    values = {name: row[name] for name in _MEMBER_FIELDS}
    return Member(**values | {"route": tuple(filter(None, row["route"].split(",")))})


def _row(member: Member) -> dict[str, Any]:
    return {name: getattr(member, name) for name in _MEMBER_FIELDS} | {"route": ",".join(member.route)}


def create(connection: Connection, instance: Instance, spec: str) -> Instance:
    """Inserts an instance and its members; returns it with the id it got. Conflict where the name is taken."""
    row = {"kind": instance.kind, "name": instance.name, "spec": spec, "created_at": instance.created_at}
    try:
        added = insert(INSTANCE).returning(INSTANCE.c.id)
        result = connection.execute(added, row | _columns(instance, _SAVED))
    except IntegrityError:
        raise Conflict(f"a {instance.kind} named {instance.name} exists already") from None
    identifier = int(result.scalar_one())
    connection.execute(_ADD_MEMBER, [_row(member) | {"instance": identifier} for member in instance.members])
    return replace(instance, id=identifier)


Edit = tuple[Instance, Instance]
"""An instance as it was, and as it is to be."""


def save(connection: Connection, edits: Collection[Edit]) -> None:
    """Writes what differs, guarded by the versions: Retryable where somebody else, or a failure, came between."""
    if not edits:
        return
    rows = [_columns(after, _SAVED) | {"of": before.id, "before": before.version} for before, after in edits]
    if connection.execute(_SAVE_INSTANCE, rows).rowcount != len(rows):
        raise Retryable(f"{' or '.join(before.name for before, _ in edits)} changed meanwhile; try again")
    changed = [_row(member) | {"of": member.id} for edit in edits for member in _changed(*edit)]
    if changed:
        connection.execute(_SAVE_MEMBER, changed)
    for before, after in edits:
        _save_set(connection, before, after)


def _changed(before: Instance, after: Instance) -> list[Member]:
    """The members that are there before and after, and differ."""
    known = {member.id: member for member in before.members}
    changed = (member for member in after.members if known.get(member.id) is not member)  # most are the same ones
    return [member for member in changed if member.id in known and member != known[member.id]]


def _save_set(connection: Connection, before: Instance, after: Instance) -> None:
    """Writes which members there are."""
    known, staying = ({member.id for member in instance.members} for instance in (before, after))
    for member in after.members:
        if member.id not in known:
            connection.execute(_ADD_MEMBER, _row(member) | {"instance": after.id})
    for member in before.members:
        if member.id not in staying:
            connection.execute(delete(MEMBER).where(MEMBER.c.id == member.id))
            _forget_at(connection, member, after)


def remove(connection: Connection, instance: Instance, now: float) -> None:
    """Deletes an instance; the agents of its hosts are to forget it as well. Guarded by the version."""
    guarded = delete(INSTANCE).where(INSTANCE.c.id == instance.id, INSTANCE.c.version == instance.version)
    if connection.execute(guarded).rowcount != 1:
        raise Retryable(f"{instance.name} changed meanwhile; try again")
    connection.execute(delete(MEMBER).where(MEMBER.c.instance == instance.id))
    drop_operations(connection, instance, now)
    for member in instance.members:
        _forget_at(connection, member, instance)


def _forget_at(connection: Connection, member: Member, instance: Instance) -> None:
    told(connection, member.host, instance.kind, instance.name)
    connection.execute(_FORGET, {"host": member.host, "kind": instance.kind, "name": instance.name})


def drop_operations(connection: Connection, instance: Instance, now: float, members: Sequence[int] = ()) -> None:
    """Ends what is in flight of an instance that was forgotten, or of some of its members."""
    unfinished = [*_operations_of(instance), OPERATION.c.state.not_in(ENDED)]
    if members:
        unfinished.append(OPERATION.c.member.in_(members))
    dropped = {"state": "interrupted", "message": f"{instance.name} was forgotten meanwhile", "ended_at": now}
    connection.execute(update(OPERATION).where(*unfinished).values(dropped))


def save_spec(connection: Connection, instance: int, spec: str) -> None:
    connection.execute(update(INSTANCE).where(INSTANCE.c.id == instance).values(spec=spec))


def forgotten(connection: Connection) -> Sequence[Any]:
    return connection.execute(select(FORGOTTEN)).all()


def told(connection: Connection, host: str, kind: str, name: str) -> None:
    """The agent need not be told to forget it any more."""
    key = (FORGOTTEN.c.host == host, FORGOTTEN.c.kind == kind, FORGOTTEN.c.name == name)
    connection.execute(delete(FORGOTTEN).where(*key))


def last_operations(connection: Connection, instance: Instance) -> dict[int, dict[str, Any]]:
    """The last operation of each member, by the member's id."""
    latest = select(func.max(OPERATION.c.number)).where(*_operations_of(instance)).group_by(OPERATION.c.member)
    found = connection.execute(select(OPERATION).where(OPERATION.c.number.in_(latest)))
    return {row["member"]: dict(row) for row in found.mappings()}


def _operations_of(instance: Instance) -> Sequence[ColumnElement[bool]]:
    """Its own ones; an index finds them by kind and name, which former instances may have had as well."""
    of = OPERATION.c
    return of.kind == instance.kind, of.name == instance.name, of.instance == instance.id


def worked_on(connection: Connection, epoch: str, members: Iterable[tuple[Instance, Member]]) -> set[int]:
    """The ids of those of these members of which an operation succeeded under this journal of their agent's."""
    of = OPERATION.c
    succeeded = select(of.number).where(of.epoch == epoch, of.state == "succeeded").limit(1)
    return {
        member.id
        for instance, member in members
        if connection.execute(succeeded.where(*_operations_of(instance), of.member == member.id)).first()
    }


def operations_page(
    connection: Connection, kind: str, name: str, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Newest first, those with a number below `before`."""
    query = select(OPERATION).where(OPERATION.c.kind == kind, OPERATION.c.name == name)
    if before is not None:
        query = query.where(OPERATION.c.number < before)
    return [dict(row) for row in connection.execute(query.order_by(OPERATION.c.number.desc()).limit(limit)).mappings()]


def changed_on(connection: Connection, kind: str, day: str, cause: str) -> list[dict[str, Any]]:
    """The changes of a day, in the order in which they were taken in by time."""
    query = select(CHANGE).where(CHANGE.c.day == day, CHANGE.c.kind == kind)
    if cause:
        query = query.where(CHANGE.c.cause == cause)
    return [dict(row) for row in connection.execute(query.order_by(CHANGE.c.at, CHANGE.c.id)).mappings()]


def drop_old(connection: Connection, day: str, before: float) -> None:
    """Drops the lists of the days before this one, and the operations that ended before this moment."""
    connection.execute(delete(CHANGE).where(CHANGE.c.day < day))
    connection.execute(delete(OPERATION).where(OPERATION.c.ended_at < before))
