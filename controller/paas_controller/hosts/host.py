"""A host as the controller knows it, in memory."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from paas_agent.contract import TLS, agent_name
from paas_agent.manifest import Offer, Upgraded
from paas_controller.hosts.bootstrap.progress import Progress
from paas_controller.hosts.draining import Draining
from paas_controller.hosts.states import AgentState, Known, state_of
from paas_controller.hosts.upgrade.course import Course
from paas_controller.hosts.ways import Line, Reach, Way


@dataclass(frozen=True, slots=True)
class Following:
    """What takes the place of a host's tokens and enrolment once its agent has used it."""

    agent_hash: str
    controller_token: str
    enrolment: str


@dataclass(slots=True)
class Host:
    """A host as the controller knows it. `heard_at` is UTC seconds, `silent_since` the same moment on the monotonic
    clock; both in memory only, and 0 where this run heard nothing.
    """

    id: str
    address: str
    port: str
    controller_token: str = ""
    ssh_port: int = 0
    auth: list[dict[str, Any]] = field(default_factory=list)
    """Masked."""
    enrolment: str = ""
    certificate_ends: float | None = None
    rotating: bool = False
    following: Following | None = None
    epoch: str = ""
    sequence: int = 0
    changes_seen: int = 0
    version: str = ""
    features: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    way: Way = "direct"
    line: Line | None = None
    """The tunnel that its agent keeps open now."""
    host_key: str = ""
    host_key_refused: str = ""
    draining: Draining | None = None
    """Somebody works on it: nothing is to run there."""
    heard_at: float = 0.0
    silent_since: float = 0.0
    late: bool = False
    """A report is overdue; in memory only."""
    lost: bool = False
    bootstrap: Progress | None = None
    """How far the installation of its agent over SSH has come, or how it went last."""
    installing: bool = False
    """Over SSH, now; in memory only, as are the next two."""
    outdated: bool = False
    """Its version is older than what this controller would install."""
    upgrade: Course | None = None
    """How far the upgrade of its agent has come, or how it went last."""
    offered: Offer | None = None
    """What its agent is told to fetch for it; in memory only, as is what it says of it."""
    news: Upgraded | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def enrolled(self) -> bool:
        """Its agent has joined and reported."""
        return bool(self.controller_token and self.epoch)

    @property
    def state(self) -> AgentState:
        return state_of(Known(self.enrolled, self.installing, self.lost, self._reconnecting, self.outdated))

    @property
    def _reconnecting(self) -> bool:
        return self.way == "tunnel" and (self.line is None or self.late)

    def hear(self, at: float, monotonic: float) -> None:
        """Something came from it, at this moment of both clocks."""
        self.heard_at, self.silent_since, self.late, self.lost = at, monotonic, False, False

    def hang_up(self, why: str, *, but: str = "") -> None:
        """Ends its tunnel, unless it was opened by the token of this hash."""
        line = self.line
        if line is not None and line.shown != but:
            self.line = None
            line.close(why)

    @property
    def url(self) -> str:
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'https' if TLS in self.features else 'http'}://{address}:{self.port}"

    @property
    def reach(self) -> Reach:
        named = self.enrolment and TLS in self.features
        name = agent_name(self.enrolment) if named else ""
        return Reach(self.id, self.url, self.controller_token, name, self.way, self.line)

    @property
    def names(self) -> list[str]:
        """To which its certificate may be made out: that of now, and that of a rotation which is under way."""
        enrolments = (self.enrolment, self.following.enrolment if self.following else "")
        return [agent_name(enrolment) for enrolment in enrolments if enrolment]

    @property
    def obstacle(self) -> str:
        """Why nothing can be sent to it; empty where it can."""
        if self.bootstrap and not self.enrolled and (told := self.bootstrap.obstacle(self.id)):
            return told
        if not self.controller_token and self.auth:
            return f"{self.id} has no agent yet: it is installed there over SSH when there is work"
        if not self.controller_token:
            return f"{self.id} has no agent yet: run paas-agent join there, with a token from paasctl host token"
        if not self.epoch:
            return f"the agent of {self.id} has joined and not reported yet: is paas-agent run up there?"
        return f"{self.id} has not been heard of" if self.lost else ""
