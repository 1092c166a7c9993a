"""Instances to rows and back. Everything here runs inside a transaction of the caller."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
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
_SAVED = ("expect", "held", "deleting", "generation", "version")

_INSTANCE_FIELDS = tuple(field.name for field in fields(Instance) if field.name != "members")
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
    return [
        Instance(**{name: row[name] for name in _INSTANCE_FIELDS}, members=tuple(of[row["id"]]))
        for row in connection.execute(instances).mappings()
    ]


def _member(row: Any) -> Member:
    values = {name: row[name] for name in _MEMBER_FIELDS}
    return Member(**values | {"route": tuple(filter(None, row["route"].split(",")))})


def _row(member: Member) -> dict[str, Any]:
    return {name: getattr(member, name) for name in _MEMBER_FIELDS} | {"route": ",".join(member.route)}


def create(connection: Connection, instance: Instance, spec: str, now: float) -> Instance:
    """Inserts an instance and its members; returns it with the ids it got. Conflict where the name is taken."""
    row = {name: getattr(instance, name) for name in _INSTANCE_FIELDS if name != "id"}
    try:
        result = connection.execute(insert(INSTANCE).returning(INSTANCE.c.id), row | {"spec": spec, "created_at": now})
    except IntegrityError:
        raise Conflict(f"a {instance.kind} named {instance.name} exists already") from None
    identifier = int(result.scalar_one())
    for member in instance.members:
        values = {key: value for key, value in _row(member).items() if key != "id"}
        connection.execute(insert(MEMBER), values | {"instance": identifier})
    return load(connection, identifier)[0]


def save(connection: Connection, before: Instance, after: Instance) -> None:
    """Writes what differs, guarded by the version: Retryable where somebody else, or a failure, came between."""
    columns = {name: getattr(after, name) for name in _SAVED}
    if connection.execute(_SAVE_INSTANCE, columns | {"of": before.id, "before": before.version}).rowcount != 1:
        raise Retryable(f"{before.name} changed meanwhile; try again")
    known = {member.id: member for member in before.members}
    for member in after.members:
        if member != known[member.id]:
            connection.execute(_SAVE_MEMBER, _row(member) | {"of": member.id})


def remove(connection: Connection, instance: Instance, now: float) -> None:
    """Deletes an instance; the agents of its hosts are to forget it as well. Guarded by the version."""
    guarded = delete(INSTANCE).where(INSTANCE.c.id == instance.id, INSTANCE.c.version == instance.version)
    if connection.execute(guarded).rowcount != 1:
        raise Retryable(f"{instance.name} changed meanwhile; try again")
    connection.execute(delete(MEMBER).where(MEMBER.c.instance == instance.id))
    unfinished = (OPERATION.c.instance == instance.id, OPERATION.c.state.not_in(ENDED))
    dropped = {"state": "interrupted", "message": f"{instance.name} was forgotten meanwhile", "ended_at": now}
    connection.execute(update(OPERATION).where(*unfinished).values(dropped))
    for member in instance.members:
        told(connection, member.host, instance.kind, instance.name)
        connection.execute(insert(FORGOTTEN), {"host": member.host, "kind": instance.kind, "name": instance.name})


def forgotten(connection: Connection) -> Sequence[Any]:
    return connection.execute(select(FORGOTTEN)).all()


def told(connection: Connection, host: str, kind: str, name: str) -> None:
    """The agent need not be told to forget it any more."""
    key = (FORGOTTEN.c.host == host, FORGOTTEN.c.kind == kind, FORGOTTEN.c.name == name)
    connection.execute(delete(FORGOTTEN).where(*key))


def last_operations(connection: Connection, instance: int) -> dict[int, dict[str, Any]]:
    """The last operation of each member, by the member's id."""
    latest = select(OPERATION).where(OPERATION.c.instance == instance).order_by(OPERATION.c.number)
    return {row["member"]: dict(row) for row in connection.execute(latest).mappings()}


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
