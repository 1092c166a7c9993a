"""kill -9 of the agent at any moment: the next one adopts or reports, and no script runs twice."""

import json
import os
import shutil
import signal

from paas_agent import runner
from tests.agent.harness import SLOW, Agent, Controller, Orders, Repository, alive, runs, until


async def test_an_agent_killed_while_fetching_starts_over(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install=SLOW)
    repository.stalled.add("install.sh")
    wanted = order("op")
    await agent.order("install", wanted)
    await until(lambda: "install.sh" in repository.asked)
    await agent.kill()
    repository.stalled.clear()
    await agent.start()
    await until(lambda: runs(agent.folder(wanted)) == 1)
    (agent.folder(wanted) / "go").touch()
    assert (await controller.outcome("op")).state == "succeeded"
    assert runs(agent.folder(wanted)) == 1


async def test_an_agent_killed_before_the_fork_runs_the_script_once(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install=SLOW)
    repository.stalled.add("install.sh")
    wanted = order("op")
    await agent.order("install", wanted)
    await until(lambda: "install.sh" in repository.asked)
    await agent.kill()
    repository.stalled.clear()
    folder = agent.work_dir / "operations" / "op"
    (folder / "install.lock").touch()  # as it is between taking the lock and the wrapper's first line
    (folder / "install.started").touch()
    (folder / "output").touch()
    await agent.start()
    (agent.folder(wanted) / "go").touch()
    assert (await controller.outcome("op")).state == "succeeded"
    assert runs(agent.folder(wanted)) == 1


async def test_a_killed_agent_adopts_the_script_it_started(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install=SLOW)
    wanted = order("op")
    await agent.order("install", wanted)
    await until(lambda: runs(agent.folder(wanted)) == 1)
    await agent.kill()
    await agent.start()
    await until(lambda: any(one.operation for one in controller.reports[-1:] and controller.reports[-1].instances))
    _, shown = await agent.call("GET", "/operations/op")
    assert (shown["state"], shown["phase"]) == ("running", "installing")
    assert await agent.order("install", wanted) == "op"
    (agent.folder(wanted) / "go").touch()
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.exit_code, outcome.installed) == ("succeeded", 0, True)
    assert runs(agent.folder(wanted)) == 1
    _, log = await agent.call("GET", "/operations/op/log")
    assert log["data"] == "done\n"


async def test_a_script_that_ends_while_the_agent_is_dead_is_reported(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install=SLOW + "exit 3")
    wanted = order("op")
    await agent.order("install", wanted)
    await until(lambda: runs(agent.folder(wanted)) == 1)
    await agent.kill()
    (agent.folder(wanted) / "go").touch()
    await until((agent.work_dir / "operations" / "op" / "install.exit").exists)
    repository.files.clear()  # nothing has to be fetched for what has run
    await agent.start()
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.exit_code, outcome.fault) == ("failed", 3, "software")
    assert outcome.message.startswith("install.sh ended with exit code 3")
    assert runs(agent.folder(wanted)) == 1


async def test_an_agent_killed_over_and_over_settles_an_install_once(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install=SLOW)
    wanted = order("op")
    await agent.order("install", wanted)
    for _ in range(3):
        await agent.kill()
        await agent.start()
    await until(lambda: runs(agent.folder(wanted)) == 1)
    (agent.folder(wanted) / "go").touch()
    await agent.kill()
    await agent.start()
    assert (await controller.outcome("op")).state == "succeeded"
    assert runs(agent.folder(wanted)) == 1
    assert controller.changes.count(("not-installed", "stopped", "action")) == 1


async def test_a_script_that_died_with_its_agent_is_interrupted(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install=SLOW)
    wanted = order("op")
    await agent.order("install", wanted)
    await until(lambda: runs(agent.folder(wanted)) == 1)
    leader = int((agent.work_dir / "operations" / "op" / "install.started").read_text())
    await agent.kill()
    os.killpg(leader, signal.SIGKILL)
    await agent.start()
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status, outcome.fault) == ("interrupted", "failed", "environment")
    assert runs(agent.folder(wanted)) == 1


async def test_after_a_reboot_an_order_in_flight_is_interrupted(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.stalled.add("install.sh")
    wanted = order("op")
    await agent.order("install", wanted)
    await agent.kill()
    repository.stalled.clear()
    record = agent.work_dir / "journal" / "instances" / "database.db1.json"
    journaled = json.loads(record.read_text())
    journaled["operation"]["boot"] = "an earlier one"
    record.write_text(json.dumps(journaled))
    await agent.start()
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.fault) == ("interrupted", "environment")


async def test_the_deadline_goes_on_while_the_agent_is_dead(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install=SLOW)
    wanted = order("op", timeout=1.5)
    await agent.order("install", wanted)
    await until(lambda: runs(agent.folder(wanted)) == 1)
    await agent.kill()
    await agent.start()
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status, outcome.fault) == ("timed-out", "failed", "software")
    assert outcome.message.startswith("the install did not end within 1.5 s")
    leader = int((agent.work_dir / "operations" / "op" / "install.started").read_text())
    assert not alive(leader)


async def test_services_outlive_their_agent_and_are_known_again(
    agent: Agent, controller: Controller, order: Orders
) -> None:
    wanted = order("one")
    await agent.order("install", wanted)
    await controller.outcome("one")
    await agent.order("start", order("two"))
    await controller.outcome("two")
    pid = int((agent.folder(wanted) / "pid").read_text())
    await agent.kill()
    await agent.start()
    await agent.stop()
    await agent.start()
    os.kill(pid, 0)
    reports = len(controller.reports)
    await until(lambda: len(controller.reports) > reports)
    assert controller.reports[-1].instances[0].alive is True
    os.kill(pid, signal.SIGKILL)
    await controller.status("failed")
    assert ("running", "failed", "exit") in controller.changes


async def test_a_service_that_died_while_its_agent_was_dead_is_found_failed(
    agent: Agent, controller: Controller, order: Orders
) -> None:
    wanted = order("one", believed="stopped")
    await agent.order("start", wanted)
    await controller.outcome("one")
    await agent.kill()
    os.kill(int((agent.folder(wanted) / "pid").read_text()), signal.SIGKILL)
    await agent.start()
    await controller.status("failed")
    assert controller.reports[-1].instances[0].reason == "the watched process is gone"


async def test_a_stopped_agent_leaves_its_scripts_running(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install=SLOW)
    wanted = order("op")
    await agent.order("install", wanted)
    await until(lambda: runs(agent.folder(wanted)) == 1)
    assert await agent.stop(signal.SIGTERM) == 0
    await agent.start()
    (agent.folder(wanted) / "go").touch()
    assert (await controller.outcome("op")).state == "succeeded"
    assert runs(agent.folder(wanted)) == 1


async def test_a_cancelled_script_stays_cancelled_when_the_agent_is_killed(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install='trap "" TERM\n' + SLOW)
    wanted = order("op")
    await agent.order("install", wanted)
    await until(lambda: runs(agent.folder(wanted)) == 1)
    status, _ = await agent.call("DELETE", "/operations/op")
    assert status == 202
    await agent.kill()
    await agent.start()
    (agent.folder(wanted) / "go").touch()
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status) == ("cancelled", "failed")


async def test_a_script_that_lost_its_wrapper_is_ended_before_another_may_run(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install="echo $$ > script\n" + SLOW)
    wanted = order("op")
    await agent.order("install", wanted)
    await until(lambda: runs(agent.folder(wanted)) == 1)
    os.kill(int((agent.work_dir / "operations" / "op" / "install.started").read_text()), signal.SIGKILL)
    assert (await controller.outcome("op")).state == "interrupted"
    script = int((agent.folder(wanted) / "script").read_text())
    assert not alive(script)


async def test_a_lost_journal_starts_nothing_beside_a_script_that_still_runs(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install=SLOW)
    wanted = order("op")
    await agent.order("install", wanted)
    await until(lambda: runs(agent.folder(wanted)) == 1)
    await agent.kill()
    shutil.rmtree(agent.work_dir / "journal")
    await agent.start()
    status, answer = await agent.send("install", order("next"))
    assert (status, answer["error"]["code"]) == (409, "busy")
    (agent.folder(wanted) / "go").touch()
    lock = agent.work_dir / "operations" / "op" / "install.lock"
    await until(lambda: not runner.held(lock))
    await agent.order("install", order("next"))
    assert (await controller.outcome("next")).state == "succeeded"
