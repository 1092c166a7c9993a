"""What comes in and goes out of bootstrapping."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from paas_controller.base.clock import rfc3339
from paas_controller.hosts.bootstrap.progress import Phase, Progress, State


class BootstrapBody(BaseModel):
    """How a host is to be bootstrapped."""

    model_config = ConfigDict(extra="forbid", strict=True)

    accept_host_key: Annotated[
        str,
        StringConstraints(pattern=r"^(SHA256:[A-Za-z0-9+/]{43})?$"),
        Field(description="SHA256:… of the SSH key that was refused, and is the host's from now on"),
    ] = ""


class BootstrapShown(BaseModel):
    """How far the installation over SSH has come, or how it went last."""

    state: State
    phase: Phase
    sentence: Annotated[str, Field(description="what failed and what to do, or what was done")]
    since: datetime
    failures: int
    next_try: datetime | None
    by: Annotated[str, Field(description="who asked; empty where work was due")]


def shown(progress: Progress | None) -> dict[str, Any] | None:
    """As `BootstrapShown`; None where there is nothing to tell."""
    if progress is None:
        return None
    told: dict[str, Any] = {"state": progress.state, "phase": progress.phase, "sentence": progress.sentence}
    told |= {"since": rfc3339(progress.since), "failures": progress.failures, "by": progress.by}
    return told | {"next_try": rfc3339(progress.next_try)}
