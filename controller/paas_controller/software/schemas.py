"""What comes in and goes out: the create body, as the seed shows it, and the optional keys beyond it."""

import re
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from paas_agent.contract import DEFAULT_TIMEOUTS, RESERVED_ENVIRONMENT, Kind
from paas_controller.hosts.schemas import Address, Port
from paas_controller.software.decide import SelfHeal
from paas_controller.software.states import Expect

_OWN_METADATA = frozenset({"REPO_URL", "PACKAGE", "CreateAt"})
_RESERVED_NAMES = frozenset({"create", "status"})
READ_ONLY = frozenset({"type", "generation", "applied_generation", "version", "held", "deleting", "drift", "members"})
"""The keys of a record that are no part of its spec."""


def _instance_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", value):
        raise ValueError("a name is 1 to 128 of A-Z a-z 0-9 . _ - and begins with a letter or a digit")
    if value in _RESERVED_NAMES:
        raise ValueError(f"{value!r} is a word of this API and cannot be a name")
    return value


def _file_name(value: str) -> str:
    if not re.fullmatch(r"[^/.\x00-\x1f\x7f][^/\x00-\x1f\x7f]{0,254}", value):
        raise ValueError("a file name holds no / and no control character and does not begin with a dot")
    return value


def _optional_file_name(value: str) -> str:
    return value and _file_name(value)


def _repo_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
    except ValueError:
        sound = False
    if not sound or re.search(r"[\s\x00-\x1f\x7f?#@]", value):
        raise ValueError("a repo_url is http://host[:port]/folder/ or https://…, without a user, a query or spaces")
    return value


def _quoted(value: object) -> object:
    if isinstance(value, int | float):
        raise ValueError(f'an environment is text; write the value in quotes, as in "{value}"')
    return value


def _environment(values: dict[str, str]) -> dict[str, str]:
    for key, value in values.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
            raise ValueError(f"{key!r} is no environment name: letters, digits and _ only")
        if (key in RESERVED_ENVIRONMENT and key not in _OWN_METADATA) or key.startswith("LD_"):
            raise ValueError(f"{key} is set by the program and cannot be metadata")
        if "\x00" in value:
            raise ValueError(f"{key} holds a NUL character, which no environment can")
    return {key: value for key, value in values.items() if key not in _OWN_METADATA}


def _label_key(key: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?", key):
        raise ValueError("a label's key is 1 to 63 of A-Z a-z 0-9 . _ / - and begins and ends with a letter or a digit")
    return key


def _dependency(value: str) -> str:
    kind, _, name = value.partition("/")
    if kind not in get_args(Kind):
        raise ValueError(f"{value!r} is no kind/name, such as database/db7")
    _instance_name(name)
    return value


InstanceName = Annotated[str, AfterValidator(_instance_name)]
FileName = Annotated[str, AfterValidator(_file_name)]
OptionalFileName = Annotated[str, AfterValidator(_optional_file_name)]
RepoUrl = Annotated[str, StringConstraints(max_length=2048), AfterValidator(_repo_url)]
Text = Annotated[str, BeforeValidator(_quoted)]
Metadata = Annotated[dict[str, Text], Field(max_length=256), AfterValidator(_environment)]
LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$"), BeforeValidator(_quoted)]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=64)]
DependsOn = Annotated[str, AfterValidator(_dependency)]
Seconds = Annotated[float, Field(ge=1, le=86400)]
StableWord = Literal["not-installed", "running", "stopped", "failed", "unknow"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Auth(_Body):
    username: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    password: str = ""
    private_key: str = ""


class HostSpec(_Body):
    ip: Address
    auth: Annotated[list[Auth], Field(max_length=2)] = []
    ssh_port: Port = 22
    agent_port: Port = 3335

    @property
    def id(self) -> str:
        return f"{self.ip}:{self.agent_port}"


class Timeouts(_Body):
    """Seconds an action may take."""

    install: Seconds = DEFAULT_TIMEOUTS["install"]
    uninstall: Seconds = DEFAULT_TIMEOUTS["uninstall"]
    restart: Seconds = DEFAULT_TIMEOUTS["restart"]
    start: Seconds = DEFAULT_TIMEOUTS["start"]
    stop: Seconds = DEFAULT_TIMEOUTS["stop"]
    check: Seconds = DEFAULT_TIMEOUTS["check"]


class Status(_Body):
    """What is given at creation is used: how software that already runs is adopted."""

    expect: Expect | None = None
    realtime: StableWord = "not-installed"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.expect is None and self.realtime in ("failed", "unknow"):
            raise ValueError(f"realtime {self.realtime} says nothing of what is expected; give expect as well")
        return self

    @property
    def wanted(self) -> Expect:
        return self.expect or self.realtime  # type: ignore[return-value]


class App(_Body):
    repo_url: RepoUrl
    install: FileName
    start: FileName
    stop: FileName
    check: FileName
    uninstall: FileName
    restart: OptionalFileName = ""
    package: OptionalFileName = ""
    metadata: Metadata = {}
    status: Status = Status()
    check_interval: Annotated[float, Field(ge=1, le=3600)] = 10
    check_fall: Annotated[int, Field(ge=1, le=100)] = 2
    check_rise: Annotated[int, Field(ge=1, le=100)] = 1
    self_heal: SelfHeal | None = None
    timeouts: Timeouts = Timeouts()


class InstanceBody(_Body):
    """POST /{kind}/create."""

    name: InstanceName
    host: Annotated[list[HostSpec], Field(min_length=1, max_length=1000)]
    app: App
    labels: Labels = {}
    depends_on: Annotated[list[DependsOn], Field(max_length=64)] = []

    @model_validator(mode="after")
    def _each_host_once(self) -> Self:
        seen = [host.id for host in self.host]
        if twice := {host for host in seen if seen.count(host) > 1}:
            raise ValueError(f"host: {', '.join(sorted(twice))} is named twice")
        return self

    def self_heal(self, kind: Kind) -> SelfHeal:
        """A database that is slow to answer must not be restarted, so it is healed only after its process ended."""
        return self.app.self_heal or ("always" if kind == "middleware" else "exit")


class ChangeBody(InstanceBody):
    """PUT /{kind}/{name}: the whole spec. A record that was read may be written back: what is read-only is ignored."""

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_read_only(cls, document: Any) -> Any:
        if not isinstance(document, dict):
            return document
        kept = {key: value for key, value in document.items() if key not in READ_ONLY}
        if isinstance(app := kept.get("app"), dict):
            kept["app"] = {key: value for key, value in app.items() if key != "status"}
        return kept
