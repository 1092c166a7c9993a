"""What comes in for apps and their instances."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from paas_controller.caas.confine.names import IMAGE
from paas_controller.web.schemas import WHOLE, held_to, keyed, shaped

_NAME = r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?"
_OR_NONE = r"([a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?)?"
_TOLD = "a name is 1 to 40 of a-z 0-9 and -, and does not begin or end with -"
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_.-]{0,252}"
_LONGEST_IMAGE, _LONGEST_VALUE = 512, 32768


def _name(value: str) -> str:
    if not re.fullmatch(_NAME, value):
        raise ValueError("a name is 1 to 40 of a-z 0-9 and -, begins with a letter and does not end with -")
    return value


def _image(value: str) -> str:
    if len(value) > _LONGEST_IMAGE or not IMAGE.fullmatch(value):
        raise ValueError(f"{value[:80]!r} is no image, as in registry.example.org/team/web:1.2")
    return value


def _variables(value: dict[str, str]) -> dict[str, str]:
    for name in value:
        if not re.fullmatch(_VARIABLE, name):
            raise ValueError(f"{name[:80]!r} is no name for a variable")
    return value


def _value(value: str) -> str:
    if "\0" in value:
        raise ValueError("holds a NUL character, which no variable can; leave it out")
    return value


def _once(ports: list[int]) -> list[int]:
    if twice := {port for port in ports if ports.count(port) > 1}:
        raise ValueError(f"port {min(twice)} is exported twice")
    return ports


Name = Annotated[str, AfterValidator(_name), shaped(_NAME)]
OrNone = Annotated[str, held_to(_OR_NONE, _TOLD), shaped(_OR_NONE)]
"""The name of a tenant or a cluster, or nothing."""
Image = Annotated[str, AfterValidator(_image), shaped(IMAGE.pattern, maxLength=_LONGEST_IMAGE, examples=["nginx:1.22"])]
Units = Annotated[int, Field(ge=1, le=100_000, description="of 128 MiB each"), WHOLE]
Ports = Annotated[int, Field(ge=0, le=10_000), WHOLE]
ContainerPort = Annotated[int, Field(ge=1, le=65535), WHOLE]
Value = Annotated[
    str, Field(max_length=_LONGEST_VALUE), AfterValidator(_value), shaped(r"[^\x00]*", maxLength=_LONGEST_VALUE)
]
Environment = Annotated[dict[str, Value], Field(max_length=1000), AfterValidator(_variables), keyed(_VARIABLE)]
Exported = Annotated[list[ContainerPort], Field(max_length=20, description="to export"), AfterValidator(_once)]
Template = Annotated[dict[str, Any], Field(description="as Kubernetes has it; what is not allowed is refused by path")]
Plan = Literal["free", "standard"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class AppBody(_Body):
    """An app: a pool of memory, and whose it is."""

    name: Name
    tenant: Annotated[OrNone, Field(description="empty for the platform's own")] = ""
    plan: Plan = "standard"
    memory_units: Units
    max_ports: Ports = 3
    cluster: Annotated[OrNone, Field(description="one of the settings; empty for the first")] = ""


class KubeAppChange(_Body):
    """What may change of an app; what is not given stays."""

    plan: Plan | None = None
    memory_units: Units | None = None
    max_ports: Ports | None = None


class ComponentBody(_Body):
    """One part of an instance: so many pods of one image."""

    name: Name
    image: Image
    replicas: Annotated[int, Field(ge=1, le=100), WHOLE] = 1
    memory_units: Annotated[Units, Field(description="of each replica")] = 1
    env: Environment = {}
    ports: Exported = []
    rc_template: Template | None = None


def _different(components: list[ComponentBody]) -> list[ComponentBody]:
    names = [component.name for component in components]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two are called {min(twice)}")
    return components


class AppInstanceBody(_Body):
    """An instance of an app."""

    kind: Literal["AppInstance"]
    name: Name
    environment: Literal["online", "offline"] = "online"
    components: Annotated[list[ComponentBody], Field(min_length=1, max_length=20), AfterValidator(_different)]


class CaasInstanceBody(_Body):
    """A single container with its Service, from templates."""

    kind: Literal["CaasInstance"]
    name: Name
    svc_template: Template = {}
    rc_template: Template
