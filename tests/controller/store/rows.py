"""Rows in every table, whatever tables there are."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Float, Integer, MetaData, Table, insert, select
from sqlmodel import SQLModel

import paas_controller.app  # noqa: F401 - makes every table known
from paas_controller.store.columns import Number
from paas_controller.store.engines import open_database

Rows = dict[str, list[tuple[Any, ...]]]
AWKWARD = "'; DROP TABLE instance; --\n\t\\ % :name 数据库 🐬 "


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A transaction of the database's writer."""
    with closing(open_database(url)) as database, database.writing.begin() as connection:
        yield connection


def fill(connection: Connection, rows: int = 3) -> Rows:
    """Puts so many rows into every table; what is there then."""
    for table in SQLModel.metadata.sorted_tables:
        connection.execute(insert(table), [_row(table, number) for number in range(1, rows + 1)])
    return everything(connection)


def _row(table: Table, number: int) -> dict[str, Any]:
    return {column.name: _value(column, number) for column in table.columns}


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
