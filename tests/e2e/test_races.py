"""Many wishes at once: the last one is reached, and no two scripts of a member ever meet."""

import asyncio
import json
import random

import aiohttp
import pytest

from paas_agent.contract import Order
from tests.e2e.tiny import Instance, Maker
from tests.testbeds.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_two_writers_at_once_both_get_an_answer_and_one_wish_stands(db: Instance) -> None:
    await db.create()
    for _ in range(20):
        answers = await asyncio.gather(*(db.wish(word) for word in ("running", "stopped")))
        assert {answer["name"] for answer in answers} == {db.name}
    expect = (await db.get("/status"))["status"]["expect"]
    await db.becomes(expect)
    await db.at_rest()
    assert await db.stack.realtime(db.kind, db.name) == expect


async def test_two_creators_of_one_name_make_one_instance(db: Instance, stack: Stack) -> None:
    calls = [stack.call("POST", "/database/create", db.body()) for _ in range(10)]
    statuses = sorted(status for status, _ in await asyncio.gather(*calls))
    assert statuses == [201, *[409] * 9]
    assert len((await db.get())["members"]) == 1


async def test_a_thousand_repeats_of_a_wish_are_one(db: Instance) -> None:
    await db.create()
    for _ in range(10):
        await asyncio.gather(*(db.wish("running") for _ in range(100)))
    await db.becomes("running")
    assert db.runs() == ["install", "start"]
    assert len([event for event in await db.events() if event["cause"] == "wish"]) == 2


async def test_a_thousand_repeats_of_a_restart_that_waits_are_one(db: Instance) -> None:
    await db.runs_from_nothing()
    go_on = db.hold("stop")
    await db.wish("restart")
    await db.ran("install", "start", "stop")
    for _ in range(10):
        await asyncio.gather(*(db.wish("restart") for _ in range(100)))
    go_on()
    await db.ran("install", "start", *["stop", "start"] * 2)
    await db.becomes("running")
    await db.at_rest()
    assert len(await db.operations()) == 4


async def test_a_thousand_repeats_of_an_order_to_the_agent_run_it_once(db: Instance) -> None:
    token = json.loads((db.agent.work_dir / "agent.json").read_text())["controller_token"]
    app = db.body()["app"]
    order = {name: app[name] for name in Order.__struct_fields__ if name in app}
    order |= {"name": db.name, "type": db.kind, "operation_id": f"by-hand-{db.name}"}
    url, headers = f"http://{db.agent.host}/install", {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def post(_: int) -> str:
            async with session.post(url, json=order) as response:
                assert response.status == 202
                return str((await response.json())["operation_id"])

        for _ in range(10):
            assert set(await asyncio.gather(*map(post, range(100)))) == {order["operation_id"]}
    await db.ran("install")


@pytest.mark.parametrize("seed", range(2))
async def test_an_expectation_flipped_twenty_times_in_a_second_ends_at_the_last_wish(make: Maker, seed: int) -> None:
    dice = random.Random(seed)
    db = await make().create()
    words = [dice.choice(("running", "stopped", "not-installed")) for _ in range(20)]
    for word in words:
        await db.wish(word)
        await asyncio.sleep(0.05)  # the pace is what is tried; nothing is waited for

    async def reached() -> bool:
        found = await db.get()
        return found["app"]["status"]["realtime"] == words[-1] and not found["members"][0]["operation"]

    await until(reached, f"the last wish, {words[-1]}")
    assert {each["state"] for each in await db.operations()} == {"succeeded"}


async def test_create_and_delete_in_a_hurry_leave_nothing(db: Instance, stack: Stack) -> None:
    for _ in range(10):
        await db.create(status={"expect": "running"})
        await stack.call("DELETE", f"{db.path}?uninstall=true")

        async def gone() -> bool:
            return (await stack.call("GET", db.path))[0] == 404

        await until(gone, "it to be forgotten")


async def test_reading_what_is_being_deleted_finds_it_or_does_not(db: Instance, stack: Stack) -> None:
    for _ in range(10):
        await db.create()
        reads = [stack.call("GET", db.path) for _ in range(10)]
        deletion = stack.call("DELETE", db.path)
        answers = await asyncio.gather(*reads[:5], deletion, *reads[5:])
        assert {status for status, _ in answers} <= {200, 404}, answers
