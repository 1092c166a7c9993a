"""What comes in and goes out of upgrades."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from paas_controller.base.clock import rfc3339
from paas_controller.hosts.upgrade.course import Course, State
from paas_controller.web.schemas import WHOLE


class UpgradeBody(BaseModel):
    """How all hosts are to be upgraded."""

    model_config = ConfigDict(extra="forbid", strict=True)

    batch: Annotated[
        int, Field(ge=1, le=1000, description="hosts at once, after the first one, which goes alone"), WHOLE
    ] = 10


class LeftOut(BaseModel):
    """A host that is not upgraded."""

    host: str
    why: str


class UpgradePlan(BaseModel):
    """Which hosts are upgraded, batch after batch; the next one begins when all of the last one are as they were."""

    wave: Annotated[str, Field(description="what these upgrades have in common")]
    batches: list[list[str]]
    left_out: list[LeftOut]


class UpgradeShown(BaseModel):
    """How far the upgrade of a host has come, or how it went last."""

    state: State
    version: Annotated[str, Field(description="to which it is brought")]
    sentence: Annotated[str, Field(description="what failed and what to do; empty where nothing did")]
    since: datetime
    batch: Annotated[int, Field(description="0 is the first host, which goes alone")]
    wave: str
    by: Annotated[str, Field(description="who asked")]


class ByDigest(BaseModel):
    """Which package."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def shown(upgrade: Course | None) -> dict[str, Any] | None:
    """As `UpgradeShown`; None where there is nothing to tell."""
    if upgrade is None:
        return None
    told: dict[str, Any] = {"state": upgrade.state, "version": upgrade.version, "sentence": upgrade.sentence}
    told |= {"since": rfc3339(upgrade.since), "batch": upgrade.batch, "wave": upgrade.wave, "by": upgrade.by}
    return told
