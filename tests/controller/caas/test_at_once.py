"""What several ask of one pool at the same moment, and who comes first where not all can be had."""

import asyncio

from tests.controller.caas.conftest import Portal, component


async def test_strict_ones_at_once_are_let_in_as_far_as_the_pool_reaches(portal: Portal) -> None:
    await portal.create(units=3)
    asked = (portal.put_in(f"i{number}", component(), query="?strict=true") for number in range(8))
    statuses = [answer.status for answer in await asyncio.gather(*asked)]
    assert sorted(statuses) == [201] * 3 + [403] * 5
    for name in [f"i{number}" for number, status in enumerate(statuses) if status == 201]:
        await portal.becomes(name, "web", "running")


async def test_who_is_there_already_is_told_so_also_where_the_pool_is_full(portal: Portal) -> None:
    await portal.create(units=1)
    assert (await portal.put_in("web", component(), query="?strict=true")).status == 201
    again = await portal.put_in("web", component(), query="?strict=true")
    assert (again.status, "there is an instance web already" in again.message) == (409, True)


async def test_what_a_template_adds_counts_where_it_is_strict(portal: Portal) -> None:
    await portal.create(units=2)
    beside = {"name": "beside", "image": "web:1", "resources": {"limits": {"memory": "256Mi"}}}
    template = {"spec": {"template": {"spec": {"containers": [beside]}}}}
    refused = await portal.put_in("web", component(rc_template=template), query="?strict=true")
    assert (refused.status, "asked 3 units" in refused.message) == (403, True)


async def test_of_two_changes_at_once_the_second_sees_what_the_first_has_made_of_the_app(portal: Portal) -> None:
    await portal.create(units=2)
    changes = ({"plan": "free"}, {"memory_units": 50})
    answers = await asyncio.gather(*(portal.call("PATCH", "", change) for change in changes))
    assert sorted(answer.status for answer in answers) == [200, 422]
    shown = (await portal.call("GET")).body
    assert (shown["plan"], shown["memory_units"]) in (("free", 2), ("standard", 50))


async def test_a_pool_is_not_made_smaller_while_something_starts_in_it(portal: Portal) -> None:
    await portal.create(units=6)
    made, shrunk = await asyncio.gather(
        portal.put_in("web", component(memory_units=6)), portal.call("PATCH", "", {"memory_units": 2})
    )
    assert made.status == 201
    assert shrunk.status in (200, 409)
    await portal.becomes("web", "web", "waiting" if shrunk.status == 200 else "running")


async def test_where_not_all_fit_those_that_are_named_first_run(portal: Portal) -> None:
    await portal.create(units=2)
    said = (await portal.put_in("shop", component("web"), component("db"), component("cron"))).body
    assert {one["name"]: one["state"] == "waiting" for one in said["components"]} == {
        "web": False, "db": False, "cron": True
    }  # fmt: skip
    for name, state in (("web", "running"), ("db", "running"), ("cron", "waiting")):
        await portal.becomes("shop", name, state)
