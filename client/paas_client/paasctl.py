"""paasctl: databases, middleware and hosts from the command line. Composes the commands."""

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from paas_client import __version__, show
from paas_client.commands import audit, hosts, operations, ports, software, tenants, tokens, watch
from paas_client.commands.apps.group import apps_app
from paas_client.commands.asking import EXIT_CODES, Asker
from paas_client.commands.instances import kind_app
from paas_client.models import Kind
from paas_client.settings import DEFAULT_FILE, DEFAULT_URL

_EPILOG = f"""
Settings: PAAS_URL (default {DEFAULT_URL}), PAAS_TOKEN and PAAS_CA_FILE (a copy of the controller's ca.pem, where it is
its own CA), or url, token and ca_file in the configuration file. A token is never taken as an argument: others can
read those.

Exit codes: {"; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())}.
"""

app = typer.Typer(
    name="paasctl",
    no_args_is_help=True,
    help="Says what is expected of databases, middleware and apps, and shows what is there.",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,  # a traceback with its locals would show the token
)
_KINDS: tuple[tuple[Kind, str], ...] = (("database", "db"), ("middleware", "mw"))
for _kind, _short in _KINDS:
    _commands = kind_app(_kind, _short)
    app.add_typer(_commands, name=_kind)
    app.add_typer(_commands, name=_short, hidden=True)
app.add_typer(operations.app, name="operation")
app.add_typer(hosts.app, name="host")
app.add_typer(tokens.app, name="token")
app.add_typer(tenants.app, name="tenant")
app.add_typer(apps_app("apps"), name="app")
app.add_typer(apps_app("caas_apps"), name="caas")
app.add_typer(ports.app, name="port")
app.add_typer(software.app, name="software")
app.add_typer(audit.app)
app.add_typer(watch.app)


def _version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help=f"TOML file with url, token, ca_file; default {DEFAULT_FILE}.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    context.obj = Asker(config)


def main() -> None:
    """The entry point."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character shows another one
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.filename is not None:
            raise
        sys.exit(_unwritten(error))


def _unwritten(error: OSError) -> int:
    """Says that the answer could not be written. What is left of it goes nowhere: the interpreter would try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):  # who reads no further has seen enough
        show.failure(f"the answer cannot be written: {error.strerror}", hint="what was asked for may have been done")
    return 1
