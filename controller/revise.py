"""Writes a revision from what the tables ask for beyond the last one: `.venv/bin/python controller/revise.py WHAT`.

WHAT is its first line, as in "Labels of an instance". Read what it wrote: a renamed column looks like a lost one, and
what rows that are there already get in a new column has to be said (`server_default`).
"""

import re
import subprocess
import sys
from pathlib import Path

from alembic import command
from alembic.script import Script
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

import paas_controller.app  # noqa: F401 - makes every table known
from paas_controller.migrations.schema import known
from paas_controller.migrations.steps import config

_CHATTER = re.compile(r"^ *# ### .*\n", re.MULTILINE)


def main(what: str) -> Path:
    """The file of the new revision, formatted as the rest."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        alembic = config(connection)
        alembic.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        if known():
            command.upgrade(alembic, "head")
        made = command.revision(alembic, what, autogenerate=True, rev_id=f"{len(known()) + 1:04}")
    engine.dispose()
    assert isinstance(made, Script)
    file = Path(made.path)
    file.write_text(_CHATTER.sub("", file.read_text()))
    for step in ("format", "check --fix"):
        subprocess.run([Path(sys.executable).with_name("ruff"), *step.split(), "--quiet", file], check=True)  # noqa: S603
    return file


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {Path(__file__).name} WHAT")
    main(sys.argv[1])
