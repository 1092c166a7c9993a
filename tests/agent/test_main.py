"""The program as people use it: join, run, an order by curl, and the end."""

from tests.agent.harness import Agent, Controller, Orders


async def test_an_order_is_fetched_run_and_reported(agent: Agent, controller: Controller, order: Orders) -> None:
    await agent.order("install", order("first"))
    outcome = await controller.outcome("first")
    assert (outcome.state, outcome.status, outcome.installed) == ("succeeded", "stopped", True)
    await agent.order("start", order("second"))
    outcome = await controller.outcome("second")
    assert (outcome.state, outcome.status, outcome.alive) == ("succeeded", "running", True), outcome
    await agent.order("stop", order("third"))
    outcome = await controller.outcome("third")
    assert (outcome.state, outcome.status, outcome.alive) == ("succeeded", "stopped", None)
    await agent.order("uninstall", order("fourth"))
    assert (await controller.outcome("fourth")).status == "not-installed"
    assert controller.changes == [
        ("not-installed", "stopped", "action"),
        ("stopped", "running", "action"),
        ("running", "stopped", "action"),
        ("stopped", "not-installed", "action"),
    ]
