"""How far the upgrade of a host has come, whose turn is next, and what stops the others. Pure; moments are UTC seconds.

Hosts that are upgraded together are a wave; all that is known of it stands with its hosts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from paas_agent.manifest import Upgraded

State = Literal["waiting", "fetching", "checking", "done", "failed", "stopped"]
OPEN: frozenset[State] = frozenset({"waiting", "fetching", "checking"})
"""Of which there is more to come."""
FETCH_SECONDS = 900.0
"""For the download, the installation and the first report; within the life of what was signed."""
SETTLE_SECONDS = 60.0
"""For members to be again as they were."""


@dataclass(frozen=True, slots=True)
class Course:
    """The upgrade of one host, under way or over. `members` are those that ran when its turn came, as `kind/name`."""

    wave: str
    batch: int
    state: State
    version: str
    since: float
    by: str = ""
    serial: int = 0
    sentence: str = ""
    members: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


def batches(hosts: Sequence[str], size: int) -> list[list[str]]:
    """One host first, then so many at once."""
    rest = [list(hosts[start : start + size]) for start in range(1, len(hosts), size)]
    return [list(hosts[:1]), *rest] if hosts else []


def turn(wave: Mapping[str, Course]) -> list[str]:
    """Whose turn it is: those of the next batch, when all before are done."""
    to_do = {host: progress for host, progress in wave.items() if progress.state != "done"}
    if not to_do or failed(wave):
        return []
    batch = min(progress.batch for progress in to_do.values())
    return [host for host, progress in to_do.items() if progress.batch == batch and progress.state == "waiting"]


def failed(wave: Mapping[str, Course]) -> list[str]:
    return [host for host, progress in wave.items() if progress.state == "failed"]


def stopped(wave: Mapping[str, Course], now: float) -> dict[str, Course]:
    """Those whose turn does not come because another one failed."""
    first = next(iter(failed(wave)), None)
    if first is None:
        return {}
    told = f"not begun, because the upgrade of {first} failed"
    waiting = {host: progress for host, progress in wave.items() if progress.state == "waiting"}
    return {host: replace(progress, state="stopped", since=now, sentence=told) for host, progress in waiting.items()}


def begun(progress: Course, serial: int, members: Mapping[str, str], now: float) -> Course:
    """Its turn has come; `members` are the states of what stands there."""
    running = sorted(member for member, state in members.items() if state == "running")
    return replace(progress, state="fetching", since=now, serial=serial, members=running)


def told(progress: Course, news: Upgraded, now: float) -> Course:
    """What the host says of it."""
    if progress.state != "fetching" or news.serial != progress.serial:
        return progress
    if news.state == "fetching":
        return replace(progress, sentence=news.message)
    if news.state == "done":
        return replace(progress, state="checking", since=now, sentence="")
    return _failed(progress, news.message, now)


def looked_at(progress: Course, version: str, members: Mapping[str, str], now: float) -> Course:
    """How it goes on by itself: `version` is what the host reports now, empty where it is silent."""
    if progress.state == "fetching" and now - progress.since > FETCH_SECONDS:
        why = f": {progress.sentence}" if progress.sentence else "; see journalctl -u paas-agent-upgrade there"
        return _failed(progress, f"nothing came of it within {FETCH_SECONDS / 60:g} min{why}", now)
    if progress.state != "checking":
        return progress
    wrong = _wrong(progress, version, members)
    if not wrong:
        return replace(progress, state="done", since=now, sentence="")
    if now - progress.since > SETTLE_SECONDS:
        return _failed(progress, f"version {progress.version} is there, but {wrong}", now)
    return progress


def _wrong(progress: Course, version: str, members: Mapping[str, str]) -> str:
    """What is not as it was; members that are gone were deleted."""
    if version != progress.version:
        return f"the host reports {version}" if version else "the host is not heard of"
    fallen = [
        f"{name} ran and is {members[name]}" for name in progress.members if members.get(name, "running") != "running"
    ]
    return ", ".join(fallen)


def _failed(progress: Course, sentence: str, now: float) -> Course:
    return replace(progress, state="failed", since=now, sentence=sentence)


def written(progress: Course | None) -> str:
    """As a column keeps it."""
    return json.dumps(asdict(progress)) if progress else ""


def read(text: str) -> Course | None:
    return Course(**json.loads(text)) if text else None
