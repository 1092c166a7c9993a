"""GET /metrics: the numbers are right, their names follow the customs, and no name of anything is a label."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from docs.metrics import METERS
from paas_controller.base.principal import ANYBODY
from paas_controller.web.meters import Meter
from paas_controller.web.metrics import Requests
from paas_controller.web.routing import Route, Said
from tests.controller.agents import Agent
from tests.controller.shell import Shell

UNITS = ("_seconds", "_total", "_length", "_info", "_writes", "_listeners")


async def numbers(shell: Shell) -> dict[str, float]:
    """Every sample by its name and labels, as they are written."""
    text = (await shell.get("//metrics")).body.decode()
    return {
        sample.name + "".join(f" {label}={value}" for label, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_any_role_may_read_it_and_nobody_without_a_token(shell: Shell, joined: Agent) -> None:
    assert joined.joined
    for token in (await shell.token_of("viewer"), joined.joined.agent_token):
        assert (await shell.get("//metrics", token=token)).status == 200
    assert (await shell.get("//metrics", token="")).status == 401


async def test_instances_are_counted_by_what_is_expected_and_what_is_there(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"realtime": "running"})
    await joined.sees("running")
    await shell.create(joined.host, "10.0.0.9:3335", name="two")
    await shell.create(joined.host, name="web", kind="middleware")
    await shell.put("/database/two/running")
    await shell.put("/database/two/hold")
    found = await numbers(shell)
    assert found["paas_instances expect=running kind=database realtime=running"] == 1
    assert found["paas_instances expect=not-installed kind=middleware realtime=not-installed"] == 1
    assert found["paas_members_in_drift kind=database"] == 2
    assert found["paas_members_in_drift kind=middleware"] == 0
    assert found["paas_instances_on_hold kind=database"] == 1


async def test_operations_are_counted_while_they_run_and_by_how_they_end(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "running"})
    install, order = await joined.ordered()
    found = await numbers(shell)
    assert sum(count for name, count in found.items() if name.startswith("paas_operations_in_flight")) == 1
    shell.clock.now += 20
    await joined.ends(install, order)
    start, order = await joined.ordered()
    await joined.ends(start, order, "failed")
    await joined.report()
    found = await numbers(shell)
    assert found["paas_operations_total action=install outcome=succeeded"] == 1
    assert found["paas_operations_total action=start outcome=failed"] == 1
    assert found["paas_operations_total action=stop outcome=succeeded"] == 0
    assert found["paas_operation_duration_seconds_sum action=install"] == 20
    assert found["paas_operation_duration_seconds_bucket action=install le=10.0"] == 0
    assert found["paas_operation_duration_seconds_bucket action=install le=30.0"] == 1


async def test_an_outcome_that_is_reported_twice_counts_once(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "running"})
    install, order = await joined.ordered()
    outcome = await joined.ends(install, order)
    await joined.report(outcome)
    assert (await numbers(shell))["paas_operations_total action=install outcome=succeeded"] == 1


async def test_an_operation_of_what_was_forgotten_counts_as_interrupted(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "running"})
    await joined.ordered()
    await shell.delete("/database/db?orphan=true")

    async def interrupted() -> float:
        return (await numbers(shell))["paas_operations_total action=install outcome=interrupted"]

    async with asyncio.timeout(5):
        while not await interrupted():
            pass


async def test_who_failed_too_often_is_counted_as_held_back(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "running"})
    for _ in range(6):
        install, order = await joined.ordered()
        await joined.ends(install, order, "failed")
        shell.clock.now += 60
        await joined.report()
        await shell.restart()  # looks at everything at once, by the clock that was moved
        await joined.report()
    assert (await numbers(shell))["paas_members_held_back kind=database"] == 1


async def test_hosts_are_counted_by_the_state_of_their_agents(shell: Shell, joined: Agent) -> None:
    await shell.post("/hosts", {"ip": "10.0.0.9"})
    shell.clock.now += 0.2
    found = await numbers(shell)
    assert (found["paas_hosts state=online"], found["paas_hosts state=absent"]) == (1, 1)
    assert found["paas_report_age_max_seconds"] == pytest.approx(0.2)
    assert joined.joined


async def test_requests_are_counted_by_route_and_never_by_name(shell: Shell) -> None:
    await shell.create()
    for path in ("/database/db/status", "/database/nothing/status", "/nowhere", "/nowhere/else"):
        await shell.get(path)
    await shell.get("/database/db/status", token="wrong")
    await shell.call("PROPFIND", "/database")
    found = await numbers(shell)
    counted = "paas_http_requests_total method=GET route=/apis/v1alpha1/database/{name}/status status="
    assert [found[counted + status] for status in ("200", "404", "401")] == [1, 1, 1]
    assert found["paas_http_requests_total method=* route=* status=404"] == 2
    assert found["paas_http_requests_total method=* route=* status=405"] == 1
    create = "paas_http_request_duration_seconds_count method=POST route=/apis/v1alpha1/database/create"
    assert found[create] == 1
    assert not [name for name in found if "=db" in name or "nowhere" in name or "PROPFIND" in name]


async def test_what_the_store_does_is_counted(shell: Shell) -> None:
    before = await numbers(shell)
    await shell.create()
    await shell.get("/database/db")
    after = await numbers(shell)
    assert after["paas_store_commit_duration_seconds_count"] > before["paas_store_commit_duration_seconds_count"]
    assert after["paas_store_commit_writes_sum"] > before["paas_store_commit_writes_sum"]
    assert after["paas_store_reads_total"] > before["paas_store_reads_total"]
    assert after["paas_store_queue_length"] == 0
    assert after["process_resident_memory_bytes"] > 0


async def test_whoever_prefers_open_metrics_gets_it(shell: Shell) -> None:
    answer = await shell.get("//metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert {family.name for family in open_metrics(answer.body.decode())} >= {"paas_instances", "paas_operations"}


async def test_a_request_takes_as_long_as_until_its_answer_is_made() -> None:
    seconds: Iterator[float] = iter((1.0, 3.5))
    requests = Requests(lambda: next(seconds))

    async def handler(_: Any) -> Any:
        return type("Answer", (), {"status": 200})

    await requests.measure(Route("GET", "/x", handler, ANYBODY, Said("X.", {})), handler)(None)  # type: ignore[arg-type]
    _, durations = await requests.collect()
    assert [sample.value for sample in durations.samples if sample.name.endswith("_sum")] == [2.5]


@pytest.mark.parametrize("meter", METERS, ids=lambda meter: meter.name)
def test_names_follow_the_customs(meter: Meter) -> None:
    assert meter.name.startswith("paas_")
    assert meter.name.endswith("_total") == (meter.type == "counter")
    if meter.type == "histogram":
        assert meter.name.endswith(UNITS)
    assert meter.meaning.endswith(".")
    assert not {"name", "host", "id", "who"} & set(meter.labels)
