"""Which revision a database is at, and what it takes to bring it to this program's."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

VERSIONS = Path(__file__).parent / "versions"


def known(versions: Path = VERSIONS) -> list[str]:
    """The numbers of the revisions that this program knows, oldest first."""
    return sorted(file.name[:4] for file in versions.glob("[0-9]*.py"))


def revision(connection: Connection) -> str:
    """The revision that the database is at; empty where none is written down."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


def bring_up_to_date(connection: Connection, versions: Path = VERSIONS) -> None:
    """Makes the tables what this program works with, in the caller's transaction. PaasError where it cannot."""
    if revision(connection) != known(versions)[-1]:
        from paas_controller.migrations.steps import upgrade  # noqa: PLC0415 - most starts need no Alembic

        upgrade(connection, versions)


def go_to(connection: Connection, number: str, versions: Path = VERSIONS) -> None:
    """Takes the tables to this revision, forward or back, in the caller's transaction. PaasError where it cannot."""
    from paas_controller.migrations.steps import go  # noqa: PLC0415 - as above

    go(connection, number, versions)
