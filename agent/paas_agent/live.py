"""One instance as it is now: its record, and what is not worth journaling."""

import asyncio
import math
from dataclasses import dataclass, field
from pathlib import Path

from paas_agent.contract import Check, InstanceReport, Order, Progress
from paas_agent.journal import Instance, Key


@dataclass
class Live:
    """An instance with what is not worth journaling: its last check, its process, how far an operation is."""

    record: Instance
    folder: Path
    check: Check | None = None
    alive: bool | None = None
    progress: Progress | None = None
    doubt: str = ""
    """Why the process that the pid file names is not watched."""
    unchecked: str = ""
    """Why it is not checked, or by an old script; or that this is over."""
    exited: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    exited_at: float = math.inf
    unsaved: bool = field(default=False, repr=False)
    forgotten: bool = field(default=False, repr=False)

    @property
    def key(self) -> Key:
        return self.record.key

    @property
    def order(self) -> Order:
        return self.record.order

    @property
    def unwanted(self) -> bool:
        """The last order was to uninstall it: how it is does not matter any more."""
        return bool(self.record.ended) and self.record.ended[-1].outcome.action == "uninstall"

    def report(self) -> InstanceReport:
        """The instance as the controller is told of it."""
        record = self.record
        return InstanceReport(
            type=record.order.type,
            name=record.order.name,
            status=record.status,
            installed=record.installed,
            alive=self.alive,
            check=self.check,
            operation=self.progress,
            reason=record.reason or self.doubt or self.unchecked,
            generation=record.order.generation,
        )
