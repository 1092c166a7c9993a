"""`paas-controller`: arguments to settings to the application."""

import argparse
import asyncio
import fcntl
import logging
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError

from paas_controller import __version__
from paas_controller.app import serve
from paas_controller.base import logs
from paas_controller.base.errors import Invalid, PaasError
from paas_controller.base.settings import Settings
from paas_controller.base.sources import PREFIX, load, strangers
from paas_controller.migrations.move import move
from paas_controller.migrations.schema import go_to
from paas_controller.store.database import parsed, shown, unusable
from paas_controller.store.engines import file_of, transaction

_log = logging.getLogger(__name__)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="paas-controller",
        description="The controller of databases and middleware on hosts.",
        epilog=f"Every setting is also read from {PREFIX}… and from the TOML file, in this order.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML, under the same names")
    for name, field in Settings.model_fields.items():
        if name == "clusters":
            continue  # more than fits behind a flag
        flag, told = "--" + name.replace("_", "-"), f"{field.description or ''} (default: {field.default or 'none'})"
        if field.annotation is bool:
            parser.add_argument(flag, action="store_true", help=field.description)
        else:
            parser.add_argument(flag, metavar=name.upper(), help=told)
    _add_commands(parser)
    return parser


def _add_commands(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="commands, for while no controller runs", metavar="")
    move = commands.add_parser("move-store", help="bring everything into another, empty database")
    move.add_argument("--from", dest="source", required=True, metavar="URL", help="sqlite:///FILE or postgresql://…")
    move.add_argument("--to", dest="target", required=True, metavar="URL", help="the same, of an empty database")
    move.set_defaults(run=_move_store)
    migrate = commands.add_parser("migrate", help="take the database to a revision of its tables, forward or back")
    migrate.add_argument("--to", dest="number", required=True, metavar="REVISION", help="as in 0001")
    migrate.set_defaults(run=_migrate)


def main() -> int:
    """Returns 0 after a clean stop, 2 for settings that are wrong, 1 where it cannot do what it should."""
    arguments: dict[str, Any] = vars(_parser().parse_args())
    run = arguments.pop("run")
    own = {name: arguments.pop(name) for name in ("source", "target", "number") if name in arguments}
    try:
        settings = load(arguments.pop("config", None), arguments)
    except Invalid as error:
        for sentence in error.details or [error.message]:
            print(f"paas-controller: {sentence}", file=sys.stderr)
        return 2
    logs.set_up(settings.log_level)
    for sentence in strangers():
        _log.warning(sentence)
    try:
        run(settings, **own)
    except PaasError as error:
        print(f"paas-controller: {error.message}", file=sys.stderr)
        return 1
    return 0


def _serve(settings: Settings) -> None:
    file = file_of(settings.database)
    with only_one(settings.data_dir, *([file.parent] if file else [])):
        try:
            asyncio.run(serve(settings))
        except DBAPIError as error:
            raise unusable(shown(parsed(settings.database)), error) from None
        except OSError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error
            raise PaasError(f"cannot serve on {settings.listen}: {why}") from None


def _move_store(_: Settings, source: str, target: str) -> None:
    def tell(table: str, rows: int) -> None:
        print(f"  {table:12} {rows:12,} rows")

    files = [file_of(url) for url in (source, target)]
    with only_one(*(file.parent for file in files if file and file.parent.is_dir())):
        rows = move(source, target, tell)
    print(f"That is all: {rows:,} rows. {shown(parsed(source))} is as it was.")
    print("Now start the controller there; its data folder and all other settings stay as they are:")
    print(f"  paas-controller --database-url {shlex.quote(shown(parsed(target)))}")
    if parsed(target).password:
        print("Its password goes into PAAS_CONTROLLER_DATABASE_URL or PGPASSFILE, where no list of processes shows it.")


def _migrate(settings: Settings, number: str) -> None:
    file = file_of(settings.database)
    folders = [file.parent] if file and file.parent.is_dir() else []
    with only_one(*folders), transaction(settings.database, may_be_new=False) as connection:
        go_to(connection, number)
    print(f"{shown(parsed(settings.database))} is at revision {number}")


@contextmanager
def only_one(*folders: Path) -> Iterator[None]:
    """Keeps data folders to one controller, which has all of it in memory; PaasError where another one runs."""
    with ExitStack() as stack:
        for folder in {folder.resolve() for folder in folders}:
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock = stack.enter_context((folder / "lock").open("a"))
            except OSError as error:
                told = f"{error.filename} cannot be made or written to: {error.strerror}"
                raise PaasError(f"{told}; give its folder to this user, or name another one") from None
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise PaasError(f"another controller works in {folder}; stop it, or give this one its own") from None
        yield


if __name__ == "__main__":
    sys.exit(main())
