"""What comes in and goes out: the create body, as the seed shows it, and the optional keys beyond it."""

import json
import re
from collections import Counter
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from paas_agent.contract import DEFAULT_TIMEOUTS, LIMITS, MAX_VALUE, RESERVED_ENVIRONMENT, VARIABLE, Kind
from paas_controller.hosts.schemas import Address, Auth, Port
from paas_controller.software.decide import SelfHeal
from paas_controller.software.states import Expect
from paas_controller.web.schemas import WHOLE, keyed, shaped

_OWN_METADATA = frozenset({"REPO_URL", "PACKAGE", "CreateAt"})
_RESERVED_NAMES = frozenset({"create", "status"})
READ_ONLY = frozenset({"type", "generation", "applied_generation", "version", "held", "deleting", "drift", "members"})
"""The keys of a record that are no part of its spec."""


_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_FILE = r"[^/.\x00-\x1f\x7f][^/\x00-\x1f\x7f]{0,254}"
_URL = r"https?://(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]\x00-\x1f\x7f]+)(:[1-9][0-9]{0,4})?(/[^\s?#@\x00-\x1f\x7f]*)?"
_TAKEN = "|".join(sorted(RESERVED_ENVIRONMENT - _OWN_METADATA))
_LABEL_KEY = r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?"


def _instance_name(value: str) -> str:
    if not re.fullmatch(_NAME, value):
        raise ValueError("a name is 1 to 128 of A-Z a-z 0-9 . _ - and begins with a letter or a digit")
    if value in _RESERVED_NAMES:
        raise ValueError(f"{value!r} is a word of this API and cannot be a name")
    return value


def _file_name(value: str) -> str:
    if not re.fullmatch(_FILE, value):
        raise ValueError("a file name holds no / and no control character and does not begin with a dot")
    return value


def _optional_file_name(value: str) -> str:
    return value and _file_name(value)


def _repo_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or re.search(r"[\s\x00-\x1f\x7f?#@]", value):
        raise ValueError("a repo_url is http://host[:port]/folder/ or https://…, without a user, a query or spaces")
    return value


def _quoted(value: object) -> object:
    if isinstance(value, int | float):
        raise ValueError(f'must be a text; write it in quotes, as in "{json.dumps(value)}"')
    return value


def _environment(values: dict[str, str]) -> dict[str, str]:
    for key, value in values.items():
        if not re.fullmatch(VARIABLE, key):
            raise ValueError(f"{key[:80]!r} is no environment name: letters, digits and _ only, at most 255")
        if (key in RESERVED_ENVIRONMENT and key not in _OWN_METADATA) or key.startswith("LD_"):
            raise ValueError(f"{key} is set by the program and cannot be metadata")
        if "\x00" in value:
            raise ValueError(f"{key} holds a NUL character, which no environment can")
    return {key: value for key, value in values.items() if key not in _OWN_METADATA}


def _label_key(key: str) -> str:
    if not re.fullmatch(_LABEL_KEY, key):
        raise ValueError("a label's key is 1 to 63 of A-Z a-z 0-9 . _ / - and begins and ends with a letter or a digit")
    return key


def _dependency(value: str) -> str:
    kind, _, name = value.partition("/")
    if kind not in get_args(Kind):
        raise ValueError(f"{value!r} is no kind/name, such as database/db7")
    _instance_name(name)
    return value


InstanceName = Annotated[str, AfterValidator(_instance_name), shaped(f"(?!(create|status)$){_NAME}")]
FileName = Annotated[str, AfterValidator(_file_name), shaped(_FILE)]
OptionalFileName = Annotated[str, AfterValidator(_optional_file_name), shaped(f"({_FILE})?")]
RepoUrl = Annotated[str, StringConstraints(max_length=2048), AfterValidator(_repo_url), shaped(_URL, maxLength=2048)]
Text = Annotated[
    str, StringConstraints(max_length=MAX_VALUE), BeforeValidator(_quoted), shaped(r"[^\x00]*", maxLength=MAX_VALUE)
]
Metadata = Annotated[
    dict[str, Text], Field(max_length=256), AfterValidator(_environment), keyed(f"(?!LD_|({_TAKEN})$){VARIABLE}")
]
LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$"), BeforeValidator(_quoted)]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=64), keyed(_LABEL_KEY)]
DependsOn = Annotated[str, AfterValidator(_dependency), shaped(f"(database|middleware)/(?!(create|status)$){_NAME}")]
Seconds = Annotated[float, Field(ge=1, le=LIMITS["timeout"][1])]
CheckSeconds = Annotated[float, Field(ge=1, le=LIMITS["check_timeout"][1])]
_LEAST, _MOST = LIMITS["check_interval"]
StableWord = Literal["not-installed", "running", "stopped", "failed", "unknow"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class HostSpec(_Body):
    """A host that gets a member."""

    ip: Annotated[Address, Field(examples=["192.168.19.100"])]
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
    check: CheckSeconds = DEFAULT_TIMEOUTS["check"]


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
    """The software: its scripts and package, by their names in the folder `repo_url`, and how it is looked after."""

    repo_url: Annotated[RepoUrl, Field(examples=["http://192.168.19.200/repo/redis/7.0/"])]
    install: Annotated[FileName, Field(examples=["install.sh"])]
    start: Annotated[FileName, Field(examples=["start.sh"])]
    stop: Annotated[FileName, Field(examples=["stop.sh"])]
    check: Annotated[FileName, Field(examples=["check.sh"])]
    uninstall: Annotated[FileName, Field(examples=["uninstall.sh"])]
    restart: Annotated[OptionalFileName, Field(examples=["restart.sh"], description="without it: stop, then start")] = (
        ""
    )
    package: Annotated[OptionalFileName, Field(examples=["redis-7.0.tar.gz"])] = ""
    metadata: Annotated[Metadata, Field(examples=[{"PORT": "6379"}], description="the environment of its scripts")] = {}
    status: Status = Status()
    check_interval: Annotated[float, Field(ge=_LEAST, le=_MOST, description="seconds between two checks")] = 10
    check_fall: Annotated[int, Field(ge=1, le=100, description="bad checks in a row until it is failed"), WHOLE] = 2
    check_rise: Annotated[int, Field(ge=1, le=100, description="good checks in a row until it runs"), WHOLE] = 1
    self_heal: Annotated[
        SelfHeal | None, Field(description="always, or only at the exit of its process; by default exit for databases")
    ] = None
    timeouts: Timeouts = Timeouts()


class InstanceBody(_Body):
    """A database or a middleware as it is wanted."""

    name: Annotated[InstanceName, Field(examples=["redis-1"])]
    host: Annotated[list[HostSpec], Field(min_length=1, max_length=1000)]
    app: App
    labels: Labels = {}
    depends_on: Annotated[
        list[DependsOn], Field(max_length=64, description="kind/name of what must run before it is started")
    ] = []

    @model_validator(mode="after")
    def _each_host_once(self) -> Self:
        named = Counter(host.id for host in self.host)
        if twice := sorted(host for host, times in named.items() if times > 1):
            raise ValueError(f"host: {', '.join(twice)} is named twice")
        return self

    def self_heal(self, kind: Kind) -> SelfHeal:
        """A database that is slow to answer must not be restarted, so it is healed only after its process ended."""
        return self.app.self_heal or ("always" if kind == "middleware" else "exit")


class AppChange(App):
    """The software as it shall be from now on."""

    status: Annotated[Status, WithJsonSchema({"description": "read-only: ignored"})] = Status()


def _with_what_is_read_only(schema: dict[str, Any]) -> None:
    schema["properties"] |= {key: {"description": "read-only: ignored"} for key in sorted(READ_ONLY)}


class ChangeBody(InstanceBody):
    """The whole spec. A record that was read may be written back: what is read-only is ignored."""

    model_config = ConfigDict(json_schema_extra=_with_what_is_read_only)

    app: AppChange

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_read_only(cls, document: Any) -> Any:
        if not isinstance(document, dict):
            return document
        kept = {key: value for key, value in document.items() if key not in READ_ONLY}
        if isinstance(app := kept.get("app"), dict):
            kept["app"] = {key: value for key, value in app.items() if key != "status"}
        return kept
