"""Reports of changes, and what the day's list makes of them."""

from typing import Any

import msgspec

from paas_agent.contract import Change, Report
from tests.controller.agents import Agent
from tests.controller.shell import MORNING, Shell


def change(number: int, before: str = "running", after: str = "failed", **more: Any) -> Change:
    known = {"type": "database", "name": "db", "at": MORNING, "cause": "check", "reason": "check 1"}
    return Change(**known | {"number": number, "before": before, "after": after} | more)


async def changes_of(shell: Shell) -> list[tuple[str, str]]:
    listed = (await shell.get("/database/status/changed/0628?detail=true")).body
    return [(change["from"], change["to"]) for change in listed]


def left(agent: Agent, *changes: Change, **more: Any) -> Report:
    """A report of these changes, with what they left behind."""
    there = agent.there["database", "db"]
    agent.there["database", "db"] = msgspec.structs.replace(there, status=changes[-1].after)
    return agent.says(changes=changes, **more)
