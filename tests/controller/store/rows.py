"""Rows in every table, whatever tables there are."""

from typing import Any

from sqlalchemy import Boolean, Column, Connection, Float, Integer, MetaData, Table, insert, select
from sqlmodel import SQLModel

import paas_controller.app  # noqa: F401 - makes every table known
from paas_controller.store.columns import Number

Rows = dict[str, list[tuple[Any, ...]]]
AWKWARD = "'; DROP TABLE instance; --\n\t\\ % :name 数据库 🐬 "


def fill(connection: Connection, rows: int = 3) -> Rows:
    """Puts so many rows into every table; what is there then."""
    for table in SQLModel.metadata.sorted_tables:
        connection.execute(insert(table), [row(table, number) for number in range(1, rows + 1)])
    return everything(connection)


def row(table: Table, number: int) -> dict[str, Any]:
    """A row unlike those of other numbers; what the database counts by itself is left to it."""
    given = table.autoincrement_column
    return {column.name: _value(column, number) for column in table.columns if column is not given}


def _value(column: Column[Any], number: int) -> Any:
    if isinstance(column.type, Boolean):
        return bool(number % 2)
    if isinstance(column.type, Number):
        return number if column.primary_key else 2**40 + number
    if isinstance(column.type, Integer):
        return number
    if isinstance(column.type, Float):
        return 1_790_000_000.123456 + number
    return f"{column.name} {number} {AWKWARD}"


def everything(connection: Connection, metadata: MetaData = SQLModel.metadata) -> Rows:
    """All rows of all tables that the program knows, columns by their name."""
    return {
        table.name: sorted(map(tuple, connection.execute(select(*sorted(table.columns, key=_name)))))
        for table in metadata.sorted_tables
    }


def _name(column: Column[Any]) -> str:
    return column.name
