"""Everything from one database into another one, in one transaction: whole, or nothing of it."""

from collections.abc import Callable

from sqlalchemy import Column, Connection, Table, func, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from paas_controller.base.errors import PaasError
from paas_controller.migrations.schema import bring_up_to_date, known, revision
from paas_controller.store.database import cause, named, parsed
from paas_controller.store.engines import transaction

_AT_ONCE = 1000
Tell = Callable[[str, int], None]
"""Called with each table that was moved and the number of its rows."""


def move(source_url: str, target_url: str, tell: Tell) -> int:
    """How many rows were moved. PaasError where it cannot be; the target is as it was then, the source always is."""
    if parsed(source_url) == parsed(target_url):
        raise PaasError("from and to are the same database")
    with transaction(source_url, may_be_new=False) as source, transaction(target_url) as target:
        _must_be_ready(source)
        _must_be_empty(target)
        try:
            bring_up_to_date(target)
            return sum(_move_table(source, target, table, tell) for table in SQLModel.metadata.sorted_tables)
        except DBAPIError as error:
            raise PaasError(f"the move broke off ({cause(error)}); {named(target)} is as it was") from None


def _must_be_ready(source: Connection) -> None:
    found, wanted = revision(source), known()[-1]
    if found != wanted:
        at = f"is at revision {found}" if found else "has no revision written down"
        start = f"start the controller of this release on it once, which brings it to {wanted}, and stop it again"
        raise PaasError(f"{named(source)} {at}; {start}")


def _must_be_empty(target: Connection) -> None:
    found, wanted = revision(target), known()[-1]
    if found not in ("", wanted):
        raise PaasError(f"{named(target)} is at revision {found}, and not at {wanted}; name an empty database")
    tables = set(inspect(target).get_table_names())
    for table in SQLModel.metadata.sorted_tables:
        if table.name in tables and (rows := _count(target, table)):
            raise PaasError(f"{named(target)} holds {rows} rows of {table.name} already; name an empty database")


def _move_table(source: Connection, target: Connection, table: Table, tell: Tell) -> int:
    rows = source.execution_options(yield_per=_AT_ONCE).execute(select(table)).mappings()
    for part in rows.partitions():
        target.execute(insert(table), [dict(row) for row in part])
    there, here = _count(source, table), _count(target, table)
    if there != here:
        raise PaasError(f"{there} rows of {table.name} became {here}; nothing was moved")
    if (number := table.autoincrement_column) is not None:
        _go_on_from(target, number, _last_given(source, number))
    tell(table.name, here)
    return here


def _last_given(connection: Connection, column: "Column[int]") -> int:
    """The last number that this column gave by itself; rows that had it may be gone."""
    table = column.table
    highest = connection.execute(select(func.max(column))).scalar() or 0
    if connection.dialect.name == "sqlite":
        given = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
        counted = connection.execute(given, {"table": table.name}).scalar() if _counts(table) else None
    else:
        given = text("SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(:table, :column) AS regclass))")
        counted = connection.execute(given, {"table": f'"{table.name}"', "column": column.name}).scalar()
    return max(highest, counted or 0)


def _go_on_from(connection: Connection, column: "Column[int]", last: int) -> None:
    table = column.table
    if not last:
        return
    if connection.dialect.name != "sqlite":
        carry_on = text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)")
        connection.execute(carry_on, {"table": f'"{table.name}"', "column": column.name, "last": last})
    elif _counts(table):
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), {"table": table.name})
        carry_on = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)")
        connection.execute(carry_on, {"table": table.name, "last": last})


def _counts(table: Table) -> bool:
    """Whether SQLite keeps the last number of this table, so that none is given twice."""
    return bool(table.kwargs.get("sqlite_autoincrement"))


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
