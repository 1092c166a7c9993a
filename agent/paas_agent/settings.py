"""The agent's settings: arguments of the command line, or environment variables PAAS_AGENT_… of the same name."""

import argparse
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from paas_agent import __version__
from paas_agent.contract import FEATURES, TLS
from paas_agent.manifest import UPGRADE

DEFAULT_LISTEN = "0.0.0.0:3335"
LOOPBACK_LISTEN = "127.0.0.1:3335"
_YES = ("1", "true", "yes", "on")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class BadSetting(Exception):
    """A setting that cannot be used; the text says which, and what is expected."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the command line and the environment say. Empty texts are not set."""

    command: str
    work_dir: Path
    listen: str
    controller: str
    join_token: str
    advertise: str
    ca_file: str
    tls_certificate: str
    tls_key: str
    plain_http: bool
    tunnel: bool
    cache_bytes: int
    log_level: str


def features(*, tls: bool, upgrade: bool = False) -> list[str]:
    """What this agent can do that not every agent can."""
    return [*FEATURES, *([TLS] if tls else []), *([UPGRADE] if upgrade else [])]


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings of a call; argparse ends the program when the command line is wrong. Raises BadSetting."""
    given = vars(_parser().parse_args(arguments))

    def value(name: str) -> str:
        return str(given.get(name) or environment.get(f"PAAS_AGENT_{name.upper()}", ""))

    if not value("work_dir"):
        raise BadSetting("--work-dir (or PAAS_AGENT_WORK_DIR) has to name the folder of this agent")
    cache = value("cache_bytes") or str(10 * 1024**3)
    if not cache.isdecimal() or len(cache) > 18:
        raise BadSetting("--cache-bytes has to be a whole number of bytes, 0 or more, such as 10737418240 for 10 GiB")
    level = (value("log_level") or "INFO").upper()
    if level not in LEVELS:
        raise BadSetting(f"--log-level has to be one of {', '.join(LEVELS)}")
    if value("tls_key") and not value("tls_certificate"):
        raise BadSetting("--tls-key without --tls-certificate encrypts nothing; name both, or neither")
    return Settings(
        command=given["command"],
        work_dir=Path(value("work_dir")).absolute(),
        listen=value("listen"),
        controller=value("controller"),
        join_token=value("join_token"),
        advertise=value("advertise"),
        ca_file=value("ca_file"),
        tls_certificate=value("tls_certificate"),
        tls_key=value("tls_key"),
        plain_http=value("plain_http").lower() in _YES,
        tunnel=value("tunnel").lower() in _YES,
        cache_bytes=int(cache),
        log_level=level,
    )


def address(text: str, what: str) -> tuple[str, int]:
    """`HOST:PORT`, `[IPV6]:PORT` as a pair. Raises BadSetting."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) < 65536:
        raise BadSetting(f"{what} has to be HOST:PORT, such as 192.0.2.7:3335")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether what is sent to this address or name stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_OPTIONS = {
    "listen": "HOST:PORT to serve on (default: what join said, else 0.0.0.0:3335)",
    "controller": "the controller's address, such as https://192.0.2.1:3334",
    "join_token": "the token to join with; better given as PAAS_AGENT_JOIN_TOKEN",
    "advertise": "HOST:PORT under which the controller reaches this agent",
    "ca_file": "certificates by which the controller and the repositories are known",
    "tls_certificate": "certificate to serve with, instead of one of the controller's CA",
    "tls_key": "its key",
    "cache_bytes": "how much of fetched scripts and packages is kept",
    "log_level": "DEBUG, INFO, WARNING or ERROR",
}
_OF_RUN = ("listen", "ca_file", "tls_certificate", "tls_key", "cache_bytes", "log_level")
_OF_JOIN = ("controller", "join_token", "listen", "advertise", "ca_file", "tls_certificate", "log_level")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="paas-agent", description="The agent of paas-operator on a host.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text, options in (
        ("join", "enrol this host at a controller", _OF_JOIN),
        ("run", "serve", _OF_RUN),
    ):
        command = commands.add_parser(name, help=text, description=f"{text}. Settings may be PAAS_AGENT_… variables.")
        command.add_argument("--work-dir", help="the folder of this agent")
        command.add_argument("--plain-http", action="store_true", help="no TLS, although others can be on the way")
        for option in options:
            command.add_argument(f"--{option.replace('_', '-')}", help=_OPTIONS[option])
        if name == "join":
            told = "nobody can call this host: reach it by a connection that it keeps, and listen on loopback"
            command.add_argument("--tunnel", action="store_true", help=told)
    return parser
