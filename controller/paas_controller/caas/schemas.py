"""What comes in for apps and their instances."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from paas_controller.web.schemas import WHOLE, keyed, shaped

_NAME = r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?"
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_.-]{0,252}"
_IMAGE = re.compile(
    r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?"
)


def _name(value: str) -> str:
    if not re.fullmatch(_NAME, value):
        raise ValueError("a name is 1 to 40 of a-z 0-9 and -, begins with a letter and does not end with -")
    return value


def _image(value: str) -> str:
    if len(value) > 500 or not _IMAGE.fullmatch(value):
        raise ValueError(f"{value[:80]!r} is no image, as in registry.example.org/team/web:1.2")
    return value


def _variables(value: dict[str, str]) -> dict[str, str]:
    for name in value:
        if not re.fullmatch(_VARIABLE, name):
            raise ValueError(f"{name[:80]!r} is no name for a variable")
    return value


Name = Annotated[str, AfterValidator(_name), shaped(_NAME)]
Image = Annotated[str, AfterValidator(_image), Field(examples=["nginx:1.22"])]
Whole = Annotated[int, WHOLE]
Units = Annotated[Whole, Field(ge=1, le=100_000, description="of 128 MiB each")]
Ports = Annotated[Whole, Field(ge=0, le=10_000)]
ContainerPort = Annotated[Whole, Field(ge=1, le=65535)]
Environment = Annotated[dict[str, str], AfterValidator(_variables), keyed(_VARIABLE)]
Template = Annotated[dict[str, Any], Field(description="as Kubernetes has it; what is not allowed is refused by path")]
Plan = Literal["free", "standard"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class AppBody(_Body):
    """An app: a pool of memory, and whose it is."""

    name: Name
    tenant: Annotated[str, Field(description="empty for the platform's own")] = ""
    plan: Plan = "standard"
    memory_units: Units
    max_ports: Ports = 3
    cluster: Annotated[str, Field(description="one of the settings; empty for the first")] = ""


class AppChange(_Body):
    """What may change of an app; what is not given stays."""

    plan: Plan | None = None
    memory_units: Units | None = None
    max_ports: Ports | None = None


class ComponentBody(_Body):
    """One part of an instance: so many pods of one image."""

    name: Name
    image: Image
    replicas: Annotated[Whole, Field(ge=1, le=100)] = 1
    memory_units: Annotated[Units, Field(description="of each replica")] = 1
    env: Environment = {}
    ports: Annotated[list[ContainerPort], Field(max_length=20, description="to export")] = []
    rc_template: Template | None = None

    @model_validator(mode="after")
    def _once(self) -> Self:
        if twice := {port for port in self.ports if self.ports.count(port) > 1}:
            raise ValueError(f"port {min(twice)} is exported twice")
        return self


class AppInstanceBody(_Body):
    """An instance of an app."""

    kind: Literal["AppInstance"]
    name: Name
    environment: Literal["online", "offline"] = "online"
    components: Annotated[list[ComponentBody], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _different(self) -> Self:
        names = [component.name for component in self.components]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two components are called {min(twice)}")
        return self


class CaasInstanceBody(_Body):
    """A single container with its Service, from templates."""

    kind: Literal["CaasInstance"]
    name: Name
    svc_template: Template = {}
    rc_template: Template
