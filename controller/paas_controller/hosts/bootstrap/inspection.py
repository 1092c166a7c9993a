"""What a host has to be like, and what is said where it is not. Pure: the script, what it prints, the judgement."""

import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from paas_agent.manifest import Kind
from paas_controller.hosts.bootstrap.progress import Failure

OLDEST_GLIBC = (2, 31)
NEEDED_BYTES = 150 << 20
"""What is unpacked, the package twice, and some room for work."""
PACKAGED_USER = "paas-agent"
"""The user that the package makes."""
_TOOLS = ("sha256sum", "install", "tar", "gzip", "systemctl")
_PLACES = ("/usr", "/var", "/var/tmp")  # noqa: S108 - on the host


def script(runs_as: str) -> str:
    """The shell script that looks at a host; any user may run it. `runs_as` is who the agent shall be."""
    return f"""PATH=$PATH:/usr/sbin:/sbin
echo "machine $(uname -m)"
echo "uid $(id -u)"
if [ -d /run/systemd/system ]; then echo "has systemd"; fi
if [ -s /var/lib/dpkg/status ] && command -v dpkg >/dev/null; then echo "has dpkg"; fi
for tool in sudo rpm {" ".join(_TOOLS)}; do if command -v $tool >/dev/null; then echo "has $tool"; fi; done
if id -u {shlex.quote(runs_as)} >/dev/null 2>&1; then echo "has user"; fi
for place in {" ".join(_PLACES)}; do
    df -Pk $place | {{ read -r _; read -r _ _ _ free _; echo "free $place $free"; }}
done
echo "libc $(getconf GNU_LIBC_VERSION 2>/dev/null)"
echo "version $(/usr/bin/paas-agent --version 2>/dev/null)"
echo "active $(systemctl is-active paas-agent 2>/dev/null)"
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the script found. `free` is in bytes, `version` that of the installed agent or empty."""

    machine: str = ""
    root: bool = False
    has: frozenset[str] = frozenset()
    free: dict[str, int] = field(default_factory=dict)
    glibc: tuple[int, ...] = ()
    version: str = ""
    active: bool = False

    @property
    def kind(self) -> Kind:
        """Which package it takes."""
        if "dpkg" in self.has:
            return "deb"
        return "rpm" if "rpm" in self.has else "archive"


def facts_of(printed: str) -> Facts:
    """What the script printed; lines that it does not print are passed over."""
    lines = [line.split() for line in printed.splitlines()]
    said = {words[0]: words[-1] for words in lines if len(words) > 1}
    free = {words[1]: int(words[2]) << 10 for words in lines if _is_free(words)}
    libc = re.fullmatch(r"(\d+)\.(\d+).*", said.get("libc", ""))
    return Facts(
        machine=said.get("machine", ""),
        root=said.get("uid") == "0",
        has=frozenset(words[1] for words in lines if words[:1] == ["has"] and len(words) == 2),
        free=free,
        glibc=(int(libc[1]), int(libc[2])) if libc else (),
        version=said.get("version", ""),
        active=said.get("active") == "active",
    )


def _is_free(words: list[str]) -> bool:
    return len(words) == 3 and words[0] == "free" and words[2].isdecimal()


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose agent is there: the host that it is, and the URL of its controller; empty where there is none."""

    host: str = ""
    controller: str = ""

    def of(self, controller: str) -> bool:
        """Whether it is this controller's, by its URL."""
        return self.controller.rstrip("/") == controller


def owner_of(printed: str) -> Owner:
    said = dict(words for line in printed.splitlines() if len(words := line.split()) == 2)
    return Owner(said.get("host", ""), said.get("controller", ""))


def require_free(owner: Owner, host: str, controller: str, others: Collection[str], *, asked: bool) -> None:
    """Failure where an agent that is up there is another host's of ours, or another controller's and nobody asked to
    take it: there is one unit, and what it started would be left to nobody.
    """
    if not owner.host or (owner.host == host and owner.of(controller)):
        return
    if owner.of(controller) and owner.host in others:
        told = f"the agent up there is {owner.host}, known here already: name that host, or delete it first"
        raise Failure(told, lasting=True)
    if not owner.of(controller) and not asked:
        told = f"the agent up there is {owner.host} of another controller, {owner.controller}"
        raise Failure(f"{told}: end it there, or take it with paasctl host bootstrap {host}", lasting=True)


def require_fit(facts: Facts, host: str, login: str, runs_as: str) -> None:
    """Failure with the first thing that the agent needs there and does not find."""
    told = next(_objections(facts, host, login, runs_as), "")
    if told:
        raise Failure(told, lasting=True)


def _objections(facts: Facts, host: str, login: str, runs_as: str) -> Iterator[str]:
    if not facts.machine:
        yield f"{host} did not run a shell script of {login}'s: give that user a POSIX shell"
    if "systemd" not in facts.has:
        yield f"{host} does not run systemd, which keeps the agent up: use another host, or boot this one with systemd"
    if not facts.root and "sudo" not in facts.has:
        yield f"{host} has no sudo, and {login} is not root: install sudo, or connect as root"
    if missing := [tool for tool in _TOOLS if tool not in facts.has]:
        yield f"{host} lacks {', '.join(missing)}: install what is missing"
    if facts.glibc < OLDEST_GLIBC:
        there = f"glibc {'.'.join(map(str, facts.glibc))}" if facts.glibc else "no glibc"
        yield f"{host} has {there}, and the agent needs {'.'.join(map(str, OLDEST_GLIBC))} or newer: use a newer system"
    if "user" not in facts.has and runs_as != PACKAGED_USER:
        yield f"{host} has no user {runs_as}, as which the agent is to run: make one there, or change the first of auth"
    place = min(facts.free, key=lambda name: facts.free[name], default="")
    if not place or facts.free[place] < NEEDED_BYTES:
        left = f"{facts.free.get(place, 0) >> 20} MB left in {place or '/var'}"
        yield f"{host} has {left}, and installing takes {NEEDED_BYTES >> 20} MB: make room there"
