"""The main job, for real: `make demo`. Redis and nginx come up, one is killed and heals, the day's list names it.

With `--once` it ends by itself; the exit code is 0 only if every step was seen.
"""

import argparse
import asyncio
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.testbeds.ports import free_port
from tests.testbeds.stack import BIN, Agent, Stack, until

FOLDER = Path(__file__).parents[1] / "demo"
REDIS, NGINX = ("database", "redis-demo"), ("middleware", "nginx-demo")
_COLOURS = {"running": 32, "failed": 31, "unknow": 33, "not-installed": 90, "stopped": 90}


def say(text: str = "") -> None:
    print(text, flush=True)


def step(text: str) -> None:
    say(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}")


def clock(at: datetime) -> str:
    """The time of the day, to the millisecond, in this machine's zone."""
    return at.astimezone().strftime("%H:%M:%S.%f")[:-3]


def state(word: str) -> str:
    padded = f"{word:13}"
    return f"\033[{_COLOURS.get(word, 36)}m{padded}\033[0m" if sys.stdout.isatty() else padded


class Story:
    """Prints the events of the instances as they come, with the names of hosts, where there are some by their ids."""

    def __init__(self, stack: Stack, hosts: Mapping[str, str] | None = None) -> None:
        self._stack, self._hosts = stack, hosts or {}
        self._last: dict[tuple[str, str], int] = {}

    async def tell(self) -> None:
        for kind, name in (REDIS, NGINX):
            _, answer = await self._stack.call("GET", f"/{kind}/{name}/events")
            for event in reversed(answer.get("items", [])):
                if event["id"] > self._last.get((kind, name), 0) and event["from"] != event["to"]:
                    self._last[kind, name] = event["id"]
                    where = self._hosts.get(event["host"], "")
                    whose = f"{name:11} {where}{' ' * bool(where)}"
                    moved = f"{state(event['from'])} → {state(event['to'])}"
                    say(f"  {clock(datetime.fromisoformat(event['at']))}  {whose}{moved} {event['sentence']}")

    async def until(self, look: Callable[[], Awaitable[bool]], what: str, seconds: float) -> None:
        async def told() -> bool:
            done = await look()
            await self.tell()
            return done

        await until(told, what, seconds)


async def bring_up(stack: Stack, story: Story, agent: Agent) -> None:
    step("Redis 7.0 and nginx 1.22 are created, and expected to run")
    password = {"PASSWORD": os.urandom(12).hex()}
    bodies: dict[tuple[str, str], dict[str, Any]] = {
        REDIS: stack.body(REDIS[1], "redis/7.0", agent, PORT=str(free_port()), **password),
        NGINX: stack.body(NGINX[1], "nginx/1.22", agent, PORT=str(free_port())),
    }
    for (kind, name), body in bodies.items():
        status, answer = await stack.call("POST", f"/{kind}/create", body)
        assert status == 201, answer
        status, answer = await stack.call("PUT", f"/{kind}/{name}/running")
        assert status == 202, answer
    await story.until(lambda: _all_run(stack), "redis and nginx to run", 120)


async def _all_run(stack: Stack) -> bool:
    return all([await stack.realtime(*instance) == "running" for instance in (REDIS, NGINX)])


async def kill_one(stack: Stack, story: Story, agent: Agent) -> None:
    victim = agent.pid_of(*REDIS)
    step(f"kill -9 {victim}: redis is gone")
    began = time.monotonic()
    os.kill(victim, signal.SIGKILL)

    async def failed() -> bool:
        return await stack.realtime(*REDIS) != "running"

    await story.until(failed, "the kill to be seen", 30)
    seen = time.monotonic() - began
    await story.until(lambda: _all_run(stack), "redis to heal", 60)
    assert agent.pid_of(*REDIS) != victim, "redis runs under the pid that was killed"
    say(f"  seen after {seen:.2f} s, healed after {time.monotonic() - began:.2f} s, now process {agent.pid_of(*REDIS)}")


async def show_list(stack: Stack) -> None:
    today = datetime.now().astimezone().strftime("%m%d")
    step(f"Whose status changed today: GET /apis/v1alpha1/database/status/changed/{today}")
    _, names = await stack.call("GET", f"/database/status/changed/{today}")
    say(f"  {names}")
    assert REDIS[1] in names, f"{REDIS[1]} is not on the list"
    _, found = await stack.call("GET", f"/database/status/changed/{today}?cause=exit&detail=true")
    for change in found:
        say(f"  {change['name']}: {change['from']} → {change['to']} on {change['host']}: {change['reason']}")
    assert found, "the kill is not on the list"


async def stay(stack: Stack, story: Story) -> None:
    step("All is up. Try it from another terminal; Ctrl-C ends everything.")
    say(f"  export PAAS_URL={stack.url} PAAS_TOKEN=$(cat {stack.folder}/controller/admin.token)")
    say(f"  {BIN}/paasctl database show redis-demo")
    say(f"  {BIN}/paasctl middleware restart nginx-demo\n")
    await until_ended(story)


async def until_ended(story: Story) -> None:
    """Tells the story until somebody ends it."""
    done = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, done.set)
    while not done.is_set():
        await story.tell()
        await asyncio.wait([asyncio.ensure_future(done.wait())], timeout=0.5)
    say("\nending")


class AlreadyRunning(Exception):
    """Another demo works in the folder."""


@contextmanager
def alone() -> Iterator[None]:
    """Keeps the folder to one demo. Raises AlreadyRunning."""
    FOLDER.mkdir(exist_ok=True)
    descriptor = os.open(FOLDER, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"a demo runs in {FOLDER} already; end that one first") from None
        yield
    finally:
        os.close(descriptor)


def clear() -> None:
    """Removes what a former demo left; the folder itself stays, because it is locked."""
    for left in FOLDER.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink()


def end_by_signal() -> None:
    """SIGTERM ends the task that calls this, in good order."""
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)


async def demo(*, once: bool) -> None:
    end_by_signal()
    await asyncio.to_thread(clear)
    step("Controller, scripts repository and agent come up")
    async with Stack(FOLDER) as stack:
        say(f"  controller on {stack.url}, the repository at {stack.url}/repo/")
        agent, story = await stack.add_agent(), Story(stack)
        say(f"  agent on {agent.host}, its work in {agent.work_dir}")
        await bring_up(stack, story, agent)
        await kill_one(stack, story, agent)
        await show_list(stack)
        if not once:
            await stay(stack, story)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end by itself; exit code 0 only if every step was seen")
    once = parser.parse_args().once
    return shown(demo(once=once), once=once)


def shown(play: Coroutine[None, None, None], *, once: bool) -> int:
    """Plays it to its end; the exit code."""
    try:
        with alone():
            asyncio.run(play)
    except AlreadyRunning as error:
        play.close()
        print(error, file=sys.stderr)
        return 1
    except AssertionError as error:
        say(f"\nnot seen: {error}\nthe logs are in {FOLDER}")
        return 1
    except KeyboardInterrupt:
        return 130
    except asyncio.CancelledError:
        return 143
    say("\neverything was seen" if once else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
