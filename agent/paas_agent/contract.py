"""The wire between controller and agent, written once. Of the agent the controller may import this, and `frames`.

Times are UTC, in seconds since the epoch (float). Ports are strings, as in the documents this API comes from.
Unknown keys are ignored on both sides, so that either may be newer; what must be known beforehand is a feature.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from paas_agent.manifest import Offer, Upgraded

Kind = Literal["database", "middleware"]
Action = Literal["install", "start", "stop", "restart", "uninstall"]
Status = Literal["not-installed", "running", "stopped", "failed"]
OperationState = Literal["pending", "sent", "running", "succeeded", "failed", "timed-out", "cancelled", "interrupted"]
Phase = Literal["queued", "fetching", "installing", "starting", "stopping", "restarting", "uninstalling", "checking"]
Fault = Literal["", "software", "environment"]
Cause = Literal["action", "check", "exit"]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""As far as JSON's numbers are whole for everybody."""
ExitCode = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]
Fact = str | Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | float

ENDED: frozenset[OperationState] = frozenset({"succeeded", "failed", "timed-out", "cancelled", "interrupted"})
DEFAULT_TIMEOUTS: dict[str, float] = {
    "install": 1800, "uninstall": 600, "restart": 240, "start": 120, "stop": 120, "check": 30,
}  # fmt: skip
RESERVED_ENVIRONMENT: frozenset[str] = frozenset({
    "PATH", "LANG", "HOME", "REPO_URL", "PACKAGE", "PACKAGE_FILE", "INSTANCE_NAME", "INSTANCE_KIND", "INSTANCE_DIR",
    "ACTION", "HOST_IP", "HOSTS", "HOST_INDEX",
})  # fmt: skip
LIMITS: dict[str, tuple[float, float]] = {
    "timeout": (0, 86400), "check_timeout": (0.1, 3600), "check_interval": (1, 3600),
}  # fmt: skip
"""The least and the most of an order's seconds."""
VARIABLE = r"[A-Za-z_][A-Za-z0-9_]{0,254}"
MAX_VALUE = 30_000
"""Characters of a metadata value: the kernel takes 128 KiB for one variable, and a character is up to four bytes."""
_SECRET = re.compile(r"PASS|PWD|SECRET|TOKEN|KEY", re.IGNORECASE)
_SHORTEST_SECRET = 4

FEATURES: tuple[str, ...] = (
    "2026-11-operations",  # journaled orders: the same operation_id is the same work
    "2026-11-forget",  # an acknowledgement may name instances whose checks are to be dropped
)
TLS = "2026-11-tls"
"""The feature of an agent that serves with a certificate: it is spoken to by https."""

CONTROLLER_NAME = "controller.paas-operator.internal"
"""The name in the certificate of a controller that is its own CA, wherever it is reached."""


def agent_name(enrolment: str) -> str:
    """The name in the certificate of an agent that its controller knows by this enrolment."""
    return f"{enrolment}.agent.paas-operator.internal"


def is_secret(key: str) -> bool:
    """Whether the value under this metadata key is a secret by its name."""
    return bool(_SECRET.search(key))


def secrets_of(metadata: Mapping[str, str]) -> list[str]:
    """The values that no text may show, longest first. Below four characters masking would only garble the text."""
    found = {value for key, value in metadata.items() if is_secret(key) and len(value) >= _SHORTEST_SECRET}
    return sorted(found, key=len, reverse=True)


class Order(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of POST /{action} to the agent: the seed's keys, then what this product adds. Timeouts in seconds."""

    name: str
    type: Kind
    repo_url: str
    install: str
    start: str
    stop: str
    check: str
    uninstall: str
    restart: str = ""
    package: str = ""
    metadata: dict[str, str] = {}
    operator_ip: str = ""
    operator_port: str = ""

    operation_id: str = ""
    epoch: str = ""
    """The journal this order is meant for; empty means whichever is there. Another one is a 412."""
    generation: Count = 0
    timeout: float = 0
    check_timeout: float = DEFAULT_TIMEOUTS["check"]
    check_interval: float = 10
    check_fall: Count = 2
    check_rise: Count = 1
    believed: Status = "not-installed"
    """What the controller holds to be there; counts only where the agent does not know the instance (adoption)."""
    host_ip: str = ""
    hosts: list[str] = []
    host_index: Count = 0


class Accepted(msgspec.Struct, kw_only=True):
    """The 202 to an order."""

    operation_id: str
    state: OperationState


class Check(msgspec.Struct, kw_only=True):
    """The last result of a check script. `code` "0" is good; `streak` results in a row agreed on that verdict."""

    code: str
    msg: str = ""
    at: float = 0
    streak: Count = 1

    @property
    def good(self) -> bool:
        return self.code == "0"


class Progress(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An operation in flight: which, how far, and bytes while something is fetched."""

    operation_id: str
    action: Action
    state: OperationState
    phase: Phase
    started_at: float = 0
    bytes_done: Count = 0
    bytes_total: Count = 0


class InstanceReport(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One instance as the agent sees it. `alive` is None where no process is watched."""

    type: Kind
    name: str
    status: Status
    installed: bool
    alive: bool | None = None
    check: Check | None = None
    operation: Progress | None = None
    reason: str = ""
    generation: Count = 0


class Outcome(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How one operation ended, and what was there right after. Sent until acknowledged."""

    operation_id: str
    type: Kind
    name: str
    action: Action
    state: OperationState
    status: Status
    installed: bool
    fault: Fault = ""
    exit_code: ExitCode | None = None
    message: str = ""
    started_at: float = 0
    ended_at: float = 0
    alive: bool | None = None
    check: Check | None = None


class Change(msgspec.Struct, kw_only=True, omit_defaults=True, rename={"before": "from", "after": "to"}):
    """A stable status left for another one, as the agent saw it; `number` grows by one within an epoch."""

    number: Count
    type: Kind
    name: str
    before: Status
    after: Status
    at: float
    cause: Cause
    reason: str = ""
    operation_id: str = ""


class Disk(msgspec.Struct, kw_only=True):
    """A file system on a disk of the host; bytes."""

    mount: str
    total: Count
    free: Count


class Report(msgspec.Struct, kw_only=True, omit_defaults=True):
    """POST /agents/report: the full state, and what was not acknowledged yet."""

    host: str
    epoch: str
    sequence: Count
    full: bool
    sent_at: float
    instances: list[InstanceReport] = []
    outcomes: list[Outcome] = []
    changes: list[Change] = []
    facts: dict[str, Fact] | None = None
    disks: Annotated[list[Disk], msgspec.Meta(max_length=64)] = []
    """Told along with the facts."""
    version: str = ""
    features: list[str] = []
    upgrade: Upgraded | None = None
    """News of the last one."""


class InstanceName(msgspec.Struct, kw_only=True, frozen=True):
    """Which instance is meant."""

    type: Kind
    name: str


class Acknowledged(msgspec.Struct, kw_only=True):
    """The 202 to a report: seconds to the next one, and instances whose checks are to be dropped.

    `acknowledged` is the last sequence that was taken; above the report's own, the report came too late to count.
    """

    acknowledged: int
    interval: float
    forget: list[InstanceName] = []
    renew: bool = False
    """The agent is to ask for new tokens and a new certificate (POST /agents/renew)."""
    tunnel: bool = False
    """The agent is to keep a websocket (GET /agents/tunnel), by which it can be asked where it cannot be called."""
    upgrade: Offer | None = None


class Join(msgspec.Struct, kw_only=True):
    """POST /agents/join."""

    join_token: str
    address: str
    port: str
    version: str = ""
    features: list[str] = []
    certificate_request: str = ""
    """PKCS #10 in PEM; the key stays on the host. Empty where it brings a certificate of its own, or wants none."""
    tunnel: bool = False
    """Nobody can call this host: it is reached by a tunnel until a person says otherwise."""
    former: str = ""
    """The agent's token until now, where it joins again: by it a host that is heard is known to be the same one."""


class Joined(msgspec.Struct, kw_only=True):
    """The answer to a join: `agent_token` speaks to the controller, `controller_token` is what it speaks with."""

    host: str
    agent_token: str
    controller_token: str
    interval: float
    certificate: str = ""
    ca: str = ""
    """The controller's CA, which signed the certificate and the controller's own. PEM, as the certificate."""
    life: float = 0
    """Seconds for which the certificate is good from now on."""


class Renew(msgspec.Struct, kw_only=True):
    """POST /agents/renew: `certificate_request` as in a join."""

    certificate_request: str = ""


class Renewed(msgspec.Struct, kw_only=True):
    """The answer to it. What is empty stays as it is; former tokens are good until the new ones were used once."""

    agent_token: str = ""
    controller_token: str = ""
    certificate: str = ""
    ca: str = ""
    life: float = 0


def judge(
    status: Status, *, installed: bool, alive: bool | None, check: Check | None, fall: int, rise: int
) -> tuple[Status, Cause, str] | None:
    """The new status that the facts make outside an operation, its cause and a sentence; None where it stands.

    Both sides judge by this, so that the agent's own list of changes agrees with the controller's. A failed check
    leaves `stopped` as it is: it confirms it.
    """
    if not installed:
        return None
    if status == "running" and alive is False:
        return "failed", "exit", "the watched process is gone"
    if check is None:
        return None
    if status == "running" and not check.good and check.streak >= fall:
        return "failed", "check", f"check {check.code}: {check.msg}" if check.msg else f"check {check.code}"
    if status in ("failed", "stopped") and check.good and check.streak >= rise and alive is not False:
        return "running", "check", check.msg or "the check is good"
    return None
