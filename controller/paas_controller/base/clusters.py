"""The Kubernetes clusters that the controller works on, as they stand in its settings."""

import json
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?")
_RANGE = re.compile(r"(\d{1,5})-(\d{1,5})")


class ClusterSettings(BaseModel):
    """One cluster: how it is asked, and where people reach what runs there."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str
    kubeconfig: Path
    context: str = ""
    """Of the kubeconfig; empty for its current one."""
    address: str = ""
    """At which its node ports are reached from outside."""
    domain: str = ""
    """Names below it lead there; empty where there is none."""
    ports: str = "30000-32767"
    """Node ports that the platform may give away: FIRST-LAST."""
    external_ips: bool = False
    """Whether there may be pools of external addresses: with them one tenant can catch another's traffic."""
    calls: int = Field(16, ge=1, le=200)
    """Calls to it at once."""

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        if not _LABEL.fullmatch(value):
            raise ValueError(f"{value!r} is no name for a cluster; take up to 40 of a-z 0-9 and -")
        return value

    @field_validator("kubeconfig")
    @classmethod
    def _readable(cls, value: Path) -> Path:
        try:
            value.open("rb").close()
        except OSError as error:
            raise ValueError(f"{value} cannot be read: {error.strerror}") from None
        return value

    @field_validator("domain")
    @classmethod
    def _domain(cls, value: str) -> str:
        if value and not _DOMAIN.fullmatch(value):
            raise ValueError(f"{value!r} is no domain, as in apps.example.org")
        return value

    @field_validator("ports")
    @classmethod
    def _ports(cls, value: str) -> str:
        found = _RANGE.fullmatch(value)
        if not found or not 1 <= int(found[1]) <= int(found[2]) <= 65535:
            raise ValueError(f"{value!r} is no range of ports, as in 30000-32767")
        return value

    @property
    def range(self) -> tuple[int, int]:
        """The first and the last of its ports."""
        first, _, last = self.ports.partition("-")
        return int(first), int(last)


def listed(value: object) -> object:
    """From the environment clusters come as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from None


def all_different(clusters: tuple[ClusterSettings, ...]) -> tuple[ClusterSettings, ...]:
    """The same; ValueError where two have one name."""
    names = [cluster.name for cluster in clusters]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two clusters are called {', '.join(sorted(twice))}")
    return clusters
