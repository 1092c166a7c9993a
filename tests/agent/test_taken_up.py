"""What a former agent began is taken up first: what has ended meanwhile counts, and nothing runs beside it."""

from pathlib import Path
from time import time

from tests.agent.harness import BAD, SERVICE, SLOW, Agent, Controller, Orders, Repository, alive, runs, until

HANGS = "echo $$ >> stops; sleep 1000"


async def test_a_restart_taken_up_after_its_deadline_ends_the_stop_that_still_runs(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(stop=HANGS)
    stops = await _restarting(agent, controller, order, timeout=1.5)
    await agent.kill()
    await agent.start()
    outcome = await controller.outcome("two")
    assert (outcome.state, outcome.status, outcome.fault) == ("timed-out", "failed", "software")
    assert not alive(int(stops.read_text()))


async def test_a_restart_taken_up_without_its_repository_first_adopts_the_stop_that_runs(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(stop="echo $$ >> stops; while [ ! -e go ]; do sleep 0.02; done")
    stops = await _restarting(agent, controller, order)
    await agent.kill()
    del repository.files["start.sh"]
    await agent.start()
    (stops.parent / "go").touch()
    outcome = await controller.outcome("two")
    assert (outcome.state, outcome.status, outcome.fault) == ("failed", "stopped", "environment")
    assert not alive(int(stops.read_text()))


async def _restarting(agent: Agent, controller: Controller, order: Orders, **more: float) -> Path:
    """A restart without a script of its own, in the middle of its stop; the file with the stop's process."""
    wanted = order("one", believed="stopped", restart="")
    await agent.order("start", wanted)
    await controller.outcome("one")
    await agent.order("restart", order("two", restart="", **more))
    stops = agent.folder(wanted) / "stops"
    await until(stops.exists)
    return stops


async def test_a_start_that_ended_well_while_the_agent_was_dead_is_looked_at_before_its_time_is_over(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    await _start_ended_past_its_deadline(agent, repository, order)
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status, outcome.alive) == ("succeeded", "running", True)
    assert controller.changes == [("stopped", "running", "action")]


async def test_a_start_that_ended_while_the_agent_was_dead_and_is_not_good_is_over_with_its_time(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(check=BAD)
    await _start_ended_past_its_deadline(agent, repository, order)
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status) == ("timed-out", "failed")
    assert outcome.message == "the start did not end within 1 s; the last check said 7: not yet: done"


async def test_a_start_that_is_looked_at_past_its_deadline_can_be_cancelled(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(check="touch checking; sleep 1000")
    await _start_ended_past_its_deadline(agent, repository, order)
    await until((agent.folder(order()) / "checking").exists)
    assert (await agent.call("DELETE", "/operations/op"))[0] == 202
    assert (await controller.outcome("op")).state == "cancelled"


async def _start_ended_past_its_deadline(agent: Agent, repository: Repository, order: Orders) -> None:
    repository.put(start=SLOW + SERVICE)
    wanted = order("op", believed="stopped", timeout=1)
    accepted = time()
    await agent.order("start", wanted)
    await until(lambda: runs(agent.folder(wanted)) == 1)
    await agent.kill()
    (agent.folder(wanted) / "go").touch()
    await until((agent.work_dir / "operations" / "op" / "start.exit").exists)
    await until(lambda: time() > accepted + 2)
    await agent.start()


async def test_an_install_taken_up_in_the_middle_of_its_stop_first_waits_for_that(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    """The process that had to be stopped is gone by then, and says no more that there is something to stop."""
    repository.put(stop='kill "$(cat pid)"; touch stopping; while [ ! -e go ]; do sleep 0.02; done; touch stopped')
    repository.put(install="[ -e stopped ]", check='[ -e bad ] || echo "{\\"code\\": \\"0\\"}"')
    wanted = order("one", believed="stopped", check_fall=1, check_interval=3600)
    await agent.order("start", wanted)
    await controller.outcome("one")
    (agent.folder(wanted) / "bad").touch()
    await agent.send("check", wanted)
    await controller.status("failed")
    await agent.order("install", order("two"))
    await until((agent.folder(wanted) / "stopping").exists)
    await agent.kill()
    await agent.start()
    reports = len(controller.reports)
    await until(lambda: len(controller.reports) > reports + 1)  # half a second each
    (agent.folder(wanted) / "go").touch()
    assert (await controller.outcome("two")).state == "succeeded"
