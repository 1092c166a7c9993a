"""What people ask for, once its words are known to be right, and what is ours to say about it in the cluster."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from paas_controller.caas.words import COMPONENT, INSTANCE

_LONGEST = 63
"""Characters of a DNS label."""


@dataclass(frozen=True, slots=True)
class Component:
    """A part of an app's instance: one image, `replicas` times, each with `memory_units` of 128 MiB."""

    name: str
    image: str
    replicas: int = 1
    memory_units: int = 1
    env: dict[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    rc_template: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Own:
    """Where an RC and its Service are, and what they are known by. None of it is a template's to choose."""

    namespace: str
    name: str
    instance: str
    component: str
    instance_name: str

    @property
    def selector(self) -> dict[str, str]:
        """What its pods are found by."""
        return {INSTANCE: self.instance, COMPONENT: self.component}


def named(instance: str, component: str) -> str:
    """`<instance>-<component>`, a DNS label; where that is too long its end is a hash of the whole."""
    name = f"{instance}-{component}"
    if len(name) <= _LONGEST:
        return name
    tail = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST - 9].rstrip('-')}-{tail}"
