"""Killed at any moment: whoever asks again by the same key is answered, nothing is done twice, and no step is lost."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.testbeds.stack import API, Stack, until

NAMES = [f"db{number}" for number in range(60)]
KILLED_AFTER = (0, 1, 10, 25, 45)
"""So many creations answered when the controller is killed."""


def body(name: str) -> dict[str, Any]:
    scripts = {action: f"{action}.sh" for action in ("install", "start", "stop", "check", "uninstall")}
    return {
        "name": name,
        "host": [{"ip": "192.168.19.100"}],
        "app": {"repo_url": "http://192.168.19.200/", **scripts, "metadata": {"APP_PASSWD": f"of {name}"}},
    }


class Client:
    """Asks by a key for each name, as often as it takes."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession) -> None:
        self._stack, self._session = stack, session
        self.answers: dict[str, list[tuple[int, Any]]] = {name: [] for name in NAMES}

    async def create(self, name: str) -> None:
        headers = {
            "Authorization": f"Bearer {self._stack.token}",
            "Idempotency-Key": f"create {name}".replace(" ", "-"),
        }
        with suppress(aiohttp.ClientError):
            async with self._session.post(
                f"{self._stack.url}{API}/database/create", json=body(name), headers=headers
            ) as response:
                self.answers[name].append((response.status, await response.json()))

    async def create_all(self) -> None:
        await asyncio.gather(*map(self.create, NAMES))

    @property
    def answered(self) -> int:
        return sum(bool(answers) for answers in self.answers.values())


async def test_every_creation_is_answered_by_its_key_and_made_once(tmp_path: Path) -> None:
    async with Stack(tmp_path) as stack, aiohttp.ClientSession() as session:
        client = Client(stack, session)
        for enough in KILLED_AFTER:
            asking = asyncio.create_task(client.create_all())
            await until(lambda enough=enough: _there(client.answered >= enough), "answers")
            stack.controller.kill()
            await asking
            await stack.start_controller()
        await client.create_all()
        listed = (await stack.call("GET", "/database?limit=1000"))[1]["items"]
        told = [(await stack.call("GET", f"/database/{name}/events"))[1]["items"] for name in NAMES]
        audited = (await stack.call("GET", "/audit?limit=1000"))[1]["items"]
    assert sorted(item["name"] for item in listed) == sorted(NAMES)
    assert [len(events) for events in told] == [1] * len(NAMES)
    for name, answers in client.answers.items():
        assert {status for status, _ in answers} == {201}, answers
        assert [answer for _, answer in answers] == [answers[0][1]] * len(answers)
        assert answers[0][1]["app"]["metadata"]["APP_PASSWD"] == f"of {name}"
    made = [row["about"] for row in audited if row["code"] == "" and row["method"] == "POST"]
    assert set(made) == set(NAMES)


async def _there(holds: bool) -> bool:
    return holds


async def test_a_listener_that_comes_again_hears_every_step_once(tmp_path: Path) -> None:
    async with Stack(tmp_path) as stack, aiohttp.ClientSession() as session:
        heard: list[int] = []
        listening = asyncio.create_task(_listen(stack, session, heard))
        client = Client(stack, session)
        for enough in (5, 30):
            asking = asyncio.create_task(client.create_all())
            await until(lambda enough=enough: _there(len(heard) >= enough), "steps")
            stack.controller.kill()
            await asking
            await stack.start_controller()
        await client.create_all()
        await until(lambda: _there(len(heard) >= len(NAMES)), "all steps")
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        told = [(await stack.call("GET", f"/database/{name}/events"))[1]["items"] for name in NAMES]
    assert heard == sorted(event["id"] for events in told for event in events)


async def _listen(stack: Stack, session: aiohttp.ClientSession, heard: list[int]) -> None:
    """Listens for ever, and comes again with the number it heard last."""
    last, limits = "0", aiohttp.ClientTimeout(total=None)
    while True:
        headers = {"Authorization": f"Bearer {stack.token}", "Last-Event-ID": last}
        with suppress(aiohttp.ClientError):
            async with session.get(f"{stack.url}{API}/events", headers=headers, timeout=limits) as response:
                async for line in response.content:
                    if line.startswith(b"data: "):
                        last = str(json.loads(line[6:])["id"])
                        heard.append(int(last))
        await asyncio.sleep(0.05)
