"""`paas-controller`: arguments to settings to the application."""

import argparse
import asyncio
import fcntl
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from paas_controller import __version__
from paas_controller.app import serve
from paas_controller.base import logs
from paas_controller.base.errors import PaasError
from paas_controller.base.settings import PREFIX, Settings, load


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
        flag, told = "--" + name.replace("_", "-"), f"{field.description or ''} (default: {field.default or 'none'})"
        if field.annotation is bool:
            parser.add_argument(flag, action="store_true", help=field.description)
        else:
            parser.add_argument(flag, metavar=name.upper(), help=told)
    return parser


def _refuse(error: Exception) -> int:
    if isinstance(error, ValidationError):
        for fault in error.errors(include_url=False):
            name = "".join(f"--{str(part).replace('_', '-')}: " for part in fault["loc"])
            print(f"paas-controller: {name}{fault['msg'].removeprefix('Value error, ')}", file=sys.stderr)
    else:
        print("paas-controller:", error, file=sys.stderr)
    return 2


def main() -> int:
    """Returns 0 after a clean stop, 2 for settings that are wrong, 1 where it cannot serve."""
    arguments: dict[str, Any] = vars(_parser().parse_args())
    try:
        settings = load(arguments.pop("config", None), arguments)
    except (ValidationError, OSError, tomllib.TOMLDecodeError) as error:
        return _refuse(error)
    logs.set_up(settings.log_level)
    try:
        with only_one(settings.data_dir):
            asyncio.run(serve(settings))
    except OSError as error:
        print(f"paas-controller: cannot serve on {settings.listen}: {error}", file=sys.stderr)
        return 1
    except PaasError as error:
        print(f"paas-controller: {error.message}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Keeps the data folder to one controller, which has all of it in memory; PaasError where another one runs."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PaasError(f"another controller works in {data_dir}; stop it, or give this one its own") from None
        yield


if __name__ == "__main__":
    sys.exit(main())
