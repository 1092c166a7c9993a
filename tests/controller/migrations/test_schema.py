"""From nothing, from what was there before revisions were, from one revision to the next and back; with rows in all."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import BigInteger, Connection, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from paas_controller.base.errors import PaasError
from paas_controller.migrations import steps
from paas_controller.migrations.schema import VERSIONS, bring_up_to_date, go_to, known, revision
from paas_controller.store.engines import transaction
from tests.controller.store.rows import everything, fill
from tests.testbeds.small_disk import small_disk

HEAD = known()[-1]
NEXT = f"{int(HEAD) + 1:04}"
_MADE_UP = f'''
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{NEXT}", "{HEAD}"


def upgrade() -> None:
    with op.batch_alter_table("instance") as table:
        table.add_column(sa.Column("owner", sa.String(), nullable=False, server_default="nobody"))
    op.create_table("note", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("text", sa.String()))


def downgrade() -> None:
    op.drop_table("note")
    with op.batch_alter_table("instance", table_kwargs={{"sqlite_autoincrement": True}}) as table:
        table.drop_column("owner")
'''
_HOST_OF_THE_FIRST = """
INSERT INTO host (id, address, port, ssh_port, credentials, controller_token, epoch, sequence, changes_seen, version,
features, facts, created_at) VALUES ('h:1', 'h', '1', 22, '', '', '', 0, 0, '', '', '{}', 0)
"""


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """The revisions, and a made-up one after them."""
    folder = tmp_path / "100%" / "versions"
    shutil.copytree(VERSIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / f"{NEXT}_made_up.py").write_text(_MADE_UP)
    return folder


def _count_up(connection: Connection) -> set[str]:
    """The tables of SQLite that never give a number again."""
    made = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    return {name for name, sql in made if "AUTOINCREMENT" in sql}


def test_the_revisions_make_what_the_tables_ask_for(database_url: str) -> None:
    with transaction(database_url) as connection:
        bring_up_to_date(connection)
        different = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
        assert different == [], "the tables have changed; see CONTRIBUTING.md, Changing a table"
        if connection.dialect.name == "sqlite":
            asked = {
                table for table, made in SQLModel.metadata.tables.items() if made.kwargs.get("sqlite_autoincrement")
            }
            assert _count_up(connection) == asked


def test_what_counts_up_by_itself_has_64_bits(database_url: str) -> None:
    with transaction(database_url) as connection:
        bring_up_to_date(connection)
        if connection.dialect.name == "postgresql":
            for table in SQLModel.metadata.sorted_tables:
                columns = {column["name"]: column for column in inspect(connection).get_columns(table.name)}
                for key in table.primary_key.columns:
                    if columns[key.name]["autoincrement"]:
                        told = f"{table.name}.{key.name} takes sa_type=Number of store/columns.py"
                        assert isinstance(columns[key.name]["type"], BigInteger), told


def test_the_files_are_named_and_ordered_by_their_revisions() -> None:
    assert known() == [f"{number + 1:04}" for number in range(len(known()))]


def test_a_start_with_nothing_to_do_loads_no_alembic(database_url: str) -> None:
    with transaction(database_url) as connection:
        bring_up_to_date(connection)
    program = (
        "import sys\n"
        "from paas_controller.migrations.schema import bring_up_to_date\n"
        "from paas_controller.store.engines import transaction\n"
        "with transaction(sys.argv[1]) as connection: bring_up_to_date(connection)\n"
        "sys.exit('alembic' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, database_url], check=False).returncode == 0


def test_a_database_from_before_there_were_revisions_is_known_by_its_tables(database_url: str) -> None:
    with transaction(database_url) as connection:
        bring_up_to_date(connection)
        go_to(connection, "0001")
        connection.execute(text("DROP TABLE alembic_version"))
        connection.execute(text(_HOST_OF_THE_FIRST))
    with transaction(database_url) as connection:
        bring_up_to_date(connection)
        assert revision(connection) == HEAD
        host = connection.execute(text("SELECT id, enrolment, rotating FROM host")).one()
        assert tuple(host) == ("h:1", "", False)


def test_tables_that_no_release_made_are_refused(database_url: str) -> None:
    with transaction(database_url) as connection:
        connection.execute(text("CREATE TABLE instance (id INTEGER, name TEXT)"))
    with pytest.raises(PaasError, match="tables that no release made; give"), transaction(database_url) as connection:
        bring_up_to_date(connection)


def test_tables_of_others_are_left_alone(database_url: str) -> None:
    with transaction(database_url) as connection:
        connection.execute(text("CREATE TABLE theirs (id INTEGER)"))
        bring_up_to_date(connection)
        assert "theirs" in inspect(connection).get_table_names()


def test_a_database_of_a_newer_release_is_refused_with_what_to_do(database_url: str, versions: Path) -> None:
    with transaction(database_url) as connection:
        bring_up_to_date(connection, versions)
    with pytest.raises(PaasError) as refused, transaction(database_url) as connection:
        bring_up_to_date(connection)
    told = f"at revision {NEXT} of a newer release; this one knows {HEAD} at most; start that release, or take it back"
    assert told in refused.value.message
    assert f"paas-controller migrate --to {HEAD}" in refused.value.message


def test_rows_in_every_table_go_forward_and_back(database_url: str, versions: Path) -> None:
    with transaction(database_url) as connection:
        bring_up_to_date(connection)
        before = fill(connection)
    with transaction(database_url) as connection:
        bring_up_to_date(connection, versions)
        assert revision(connection) == NEXT
        assert everything(connection) == before
        assert connection.execute(text("SELECT DISTINCT owner FROM instance")).scalars().all() == ["nobody"]
        connection.execute(text("INSERT INTO note (text) VALUES ('kept')"))
    with transaction(database_url) as connection:
        go_to(connection, HEAD, versions)
        assert revision(connection) == HEAD
        assert everything(connection) == before
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


def test_all_the_way_back_leaves_nothing(database_url: str) -> None:
    with transaction(database_url) as connection:
        bring_up_to_date(connection)
        fill(connection)
        steps.command.downgrade(steps.config(connection), "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_a_revision_that_fails_halfway_leaves_everything_as_it_was(database_url: str, versions: Path) -> None:
    broken = versions / f"{NEXT}_made_up.py"
    broken.write_text(broken.read_text().replace("def downgrade", "    op.drop_table('nowhere')\n\n\ndef downgrade"))
    with transaction(database_url) as connection:
        bring_up_to_date(connection)
        before = fill(connection)
    with pytest.raises(DBAPIError, match="nowhere"), transaction(database_url) as connection:
        bring_up_to_date(connection, versions)
    with transaction(database_url) as connection:
        assert revision(connection) == HEAD
        assert everything(connection) == before
        assert "note" not in inspect(connection).get_table_names()


@pytest.mark.parametrize("number", ["9999", "", "head", "001"])
def test_a_revision_that_there_is_not_is_refused(database_url: str, number: str) -> None:
    with transaction(database_url) as connection:
        bring_up_to_date(connection)
        with pytest.raises(PaasError, match=f"there is no revision {number}; there are 0001"):
            go_to(connection, number)


def test_nothing_cannot_be_migrated(database_url: str) -> None:
    with transaction(database_url) as connection, pytest.raises(PaasError, match="holds nothing to migrate"):
        go_to(connection, HEAD)


# The copy beside SQLite's file


def test_a_copy_is_kept_beside_the_file_before_it_is_changed(tmp_path: Path, versions: Path) -> None:
    url, copy = f"sqlite:///{tmp_path / 'controller.db'}", tmp_path / f"controller.db.before-{NEXT}"
    with transaction(url) as connection:
        bring_up_to_date(connection)
        before = fill(connection)
    assert list(tmp_path.glob("*before*")) == []
    with transaction(url) as connection:
        bring_up_to_date(connection, versions)
    assert copy.stat().st_mode & 0o777 == 0o600
    with transaction(f"sqlite:///{copy}") as connection:
        assert revision(connection) == HEAD
        assert everything(connection) == before


def test_without_room_for_a_copy_nothing_is_changed(tmp_path: Path, versions: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        url = f"sqlite:///{disk / 'controller.db'}"
        with transaction(url) as connection:
            bring_up_to_date(connection)
        ballast = shutil.disk_usage(disk).free - (disk / "controller.db").stat().st_size // 2
        (disk / "ballast").write_bytes(bytes(ballast))
        with pytest.raises(PaasError, match=r"no copy of .* could be kept"), transaction(url) as connection:
            bring_up_to_date(connection, versions)
        with transaction(url) as connection:
            assert revision(connection) == HEAD
        assert list(disk.glob("*before*")) == []
