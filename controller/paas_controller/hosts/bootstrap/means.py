"""What an attempt works with: the host as it is known, the connection, the packages, and who hears how it goes."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from paas_controller.hosts.bootstrap.progress import Phase
from paas_controller.hosts.bootstrap.ssh import Ran
from paas_controller.hosts.schemas import Auth


class Connection(Protocol):
    """What `ssh.Session` is; a Failure says what went wrong."""

    def connect(self, pinned: str = "") -> str: ...
    def log_in(self, auth: Auth) -> None: ...
    def run(self, command: str, told: bytes = b"", seconds: float = 30.0) -> Ran: ...
    def put(self, path: Path, to: str, seconds: float) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Target:
    """A host as an attempt needs it. `heard` is whether its agent has reported until now."""

    id: str
    address: str
    port: str
    ssh_port: int
    auth: tuple[Auth, ...]
    pinned: str
    heard: bool
    asked: bool = False
    """By a person, not by work that is due."""
    others: frozenset[str] = frozenset()
    """Hosts that have an agent of this controller's."""

    @property
    def login(self) -> Auth:
        """Who connects: the second entry, or the only one."""
        return self.auth[-1]

    @property
    def runs_as(self) -> str:
        return self.auth[0].username


@dataclass(frozen=True, slots=True)
class Means:
    """What every attempt works with. `controller` is the address that agents join."""

    open: Callable[[str, int], Connection]
    pool: ThreadPoolExecutor
    packages: Path | None
    controller: str
    loopback: bool
    """That address is good on this machine alone."""
    plain_http: bool
    join_token: Callable[[], Awaitable[str]]
    """A new one, with the fingerprint of the CA where there is one."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who hears how it goes. `shown` keeps the key that the host showed, if it is the first."""

    entered: Callable[[Phase], Awaitable[None]]
    shown: Callable[[str], Awaitable[None]]
    reported: Callable[[str], Awaitable[bool]]
    """Waits until an agent of this version reports; False where none does in time."""
