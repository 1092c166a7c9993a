"""A tiny software for the tests: shell scripts that do what files in their control folder say, and tell what they did.

Each run leaves a line in `runs`. A script that finds another one of its instance at work, or a service that runs
already, says so in `overlaps` and fails.
"""

import asyncio
import itertools
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from tests.testbeds.stack import Agent, Stack, until

SCRIPTS = ("install", "start", "stop", "restart", "check", "uninstall")

_SERVICE = """
service() { [ -s pid ] && readlink "/proc/$(cat pid)/exe" >/dev/null; }
"""
_ALONE = f"""set -eu
mkdir "$CONTROL/lock" 2>/dev/null || {{ echo "$ACTION" >>"$CONTROL/overlaps"; exit 70; }}
trap 'rmdir "$CONTROL/lock"' EXIT
trap 'exit 143' TERM
echo "$ACTION" >>"$CONTROL/runs"
while [ -e "$CONTROL/hold.$ACTION" ]; do sleep 0.02; done
[ ! -e "$CONTROL/fail.$ACTION" ] || {{ cat "$CONTROL/fail.$ACTION" >&2; exit 3; }}
{_SERVICE}"""
_START = """
if service; then echo "start beside itself" >>"$CONTROL/overlaps"; exit 71; fi
setsid sleep 100000 >/dev/null 2>&1 &
echo $! >pid
"""
_STOP = """
if service; then kill "$(cat pid)"; while service; do sleep 0.02; done; fi
rm -f pid
"""
_CHECK = f"""{_SERVICE}
[ ! -e "$CONTROL/lock" ] || echo "check beside a script" >>"$CONTROL/overlaps"
if [ -e "$CONTROL/check" ]; then cat "$CONTROL/check"
elif service; then echo '{{"code": "0", "msg": "the service runs"}}'
else echo '{{"code": "1", "msg": "no service runs"}}'; fi
"""
TEXTS = {
    "install": _ALONE,
    "start": _ALONE + _START,
    "stop": _ALONE + _STOP,
    "restart": _ALONE + _STOP + _START,
    "check": _CHECK,
    "uninstall": _ALONE + _STOP,
}


def publish(folder: Path) -> Path:
    """Writes the scripts into this folder of a repository."""
    folder.mkdir(parents=True, exist_ok=True)
    for action, text in TEXTS.items():
        (folder / f"{action}.sh").write_text(text)
    return folder


@dataclass
class Instance:
    """An instance of the tiny software: what a test wishes of it, and what can be seen of it."""

    stack: Stack
    control: Path
    name: str
    agents: list[Agent]
    kind: str = "database"
    app: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.control.mkdir(parents=True)

    @property
    def path(self) -> str:
        return f"/{self.kind}/{self.name}"

    @property
    def agent(self) -> Agent:
        return self.agents[0]

    def body(self, **app: Any) -> dict[str, Any]:
        body = self.stack.body(self.name, "tiny", *self.agents, CONTROL=str(self.control))
        body["app"] |= {"package": "", "restart": "", "check_interval": 1} | self.app | app
        return body

    async def create(self, **app: Any) -> "Instance":
        status, answer = await self.stack.call("POST", f"/{self.kind}/create", self.body(**app))
        assert status == 201, answer
        return self

    async def wish(self, word: str) -> Any:
        """PUT /{kind}/{name}/{word}; the answer, which must be a 202."""
        status, answer = await self.stack.call("PUT", f"{self.path}/{word}")
        assert status == 202, answer
        return answer

    async def runs_from_nothing(self) -> "Instance":
        await self.create()
        await self.wish("running")
        await self.becomes("running")
        return self

    async def get(self, what: str = "") -> Any:
        status, answer = await self.stack.call("GET", self.path + what)
        assert status == 200, answer
        return answer

    async def becomes(self, realtime: str, seconds: float = 20) -> None:
        await self.stack.becomes(self.kind, self.name, realtime, seconds)

    async def events(self) -> list[dict[str, Any]]:
        """The story, oldest first."""
        return list(reversed((await self.get("/events?limit=1000"))["items"]))

    async def walk(self) -> list[str]:
        """The realtime states that were crossed, in their order."""
        return [event["to"] for event in await self.events() if event["from"] != event["to"]]

    async def operations(self) -> list[dict[str, Any]]:
        """All operations, oldest first."""
        return list(reversed((await self.get("/operations?limit=1000"))["items"]))

    async def changes(self) -> list[tuple[str, str, str]]:
        """This day's list: from, to and cause of what this instance has on it."""
        today = datetime.now().astimezone().strftime("%m%d")
        status, found = await self.stack.call("GET", f"/{self.kind}/status/changed/{today}?detail=true")
        assert status == 200, found
        return [(each["from"], each["to"], each["cause"]) for each in found if each["name"] == self.name]

    async def member(self, position: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = (await self.get())["members"][position]
        return found

    async def says(self, words: str, seconds: float = 20) -> dict[str, Any]:
        """Waits until a member says these words: its reason, what it waits for, or its last operation; that member."""

        async def said() -> dict[str, Any] | None:
            members: list[dict[str, Any]] = (await self.get())["members"]
            return next((each for each in members if words in _told(each)), None)

        return await until(said, f"{self.name} to say {words!r}", seconds)

    def runs(self) -> list[str]:
        """The scripts that were run, in their order."""
        return self._lines("runs")

    def overlaps(self) -> list[str]:
        """What ran beside something else; must be empty."""
        return self._lines("overlaps")

    def _lines(self, name: str) -> list[str]:
        path = self.control / name
        return path.read_text().splitlines() if path.exists() else []

    def hold(self, action: str) -> Callable[[], None]:
        """From now on the script of this action waits at its beginning; call the result to let it go on."""
        mark = self.control / f"hold.{action}"
        mark.touch()
        return mark.unlink

    def fail(self, action: str, sentence: str) -> Callable[[], None]:
        """From now on the script of this action fails so; call the result to mend it."""
        mark = self.control / f"fail.{action}"
        mark.write_text(sentence)
        return mark.unlink

    def say_in_check(self, text: str) -> Callable[[], None]:
        """From now on the check prints this; call the result to have it look again."""
        mark = self.control / "check"
        mark.write_text(text)
        return mark.unlink

    async def ran(self, *actions: str, seconds: float = 20) -> None:
        """Waits until just these scripts were begun, in this order."""

        async def begun() -> bool:
            return self.runs() == list(actions)

        await until(begun, f"{self.name} to have run {actions}; it ran {self.runs()}", seconds)

    async def at_rest(self, seconds: float = 20) -> None:
        """Waits until no operation is under way."""

        async def resting() -> bool:
            return not any(member["operation"] for member in (await self.get())["members"])

        await until(resting, f"{self.name} to rest", seconds)

    async def kill_script(self, action: str) -> None:
        """Kills the script that runs, and its wrapper, as a reboot would."""
        operation = (await self.member())["operation"]
        leader = int((self.agent.work_dir / "operations" / operation / f"{action}.started").read_text())
        os.killpg(leader, signal.SIGKILL)

        async def gone() -> bool:
            return not _group_lives(leader)

        await until(gone, f"{action} to be gone")
        (self.control / "lock").rmdir()

    @property
    def pid(self) -> int:
        return self.agent.pid_of(self.kind, self.name)


def _told(member: dict[str, Any]) -> str:
    last = member["last_operation"] or {"message": ""}
    return f"{member['reason']}\n{member['waiting']}\n{last['message']}"


def _group_lives(leader: int) -> bool:
    """Whether anybody in this process group lives; a zombie does not."""
    for process in psutil.process_iter(["pid", "status"]):
        with suppress(ProcessLookupError):
            if process.info["status"] != psutil.STATUS_ZOMBIE and os.getpgid(process.info["pid"]) == leader:
                return True
    return False


async def serves(agent: Agent) -> None:
    """Waits until the agent answers."""

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", agent.port)
        except OSError:
            return False
        writer.close()
        return True

    await until(answers, "the agent to serve")


class Maker:
    """Makes instances, each with a name of its own, and takes them away again."""

    _numbers = itertools.count(1)

    def __init__(self, stack: Stack, agents: list[Agent]) -> None:
        self.stack, self.agents = stack, agents
        self.made: list[Instance] = []

    def __call__(self, *agents: Agent, kind: str = "database", **app: Any) -> Instance:
        name = f"tiny{next(self._numbers)}"
        control = self.stack.folder / "control" / name
        self.made.append(Instance(self.stack, control, name, list(agents) or self.agents[:1], kind, app))
        return self.made[-1]

    async def end(self) -> None:
        """Starts what is down, lets every script go, and forgets the instances.

        No script may have met another one, and no program may have logged a stack trace.
        """
        if not self.stack.controller.alive:
            await self.stack.start_controller()
        for agent in self.agents:
            if not agent.alive:
                agent.start()
        for instance in reversed(self.made):
            for mark in instance.control.glob("hold.*"):
                mark.unlink()
            await self.stack.call("DELETE", f"{instance.path}?orphan=true")
        assert {instance.name: instance.overlaps() for instance in self.made if instance.overlaps()} == {}
        for log in self.stack.folder.glob("*.log"):
            assert "Traceback" not in log.read_text(), log
