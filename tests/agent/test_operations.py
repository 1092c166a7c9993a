"""The course of each action: which status it ends in, and what is waited for."""

import asyncio
import os
import signal

from tests.agent.harness import BAD, SERVICE, Agent, Controller, Orders, Repository, alive, until

COUNTED = """
echo x >> "$INSTANCE_DIR/asked"
if [ "$(wc -l < "$INSTANCE_DIR/asked")" -ge 3 ]; then echo '{"code": "0", "msg": "up"}'
else echo '{"code": "5", "msg": "warming up"}'; fi
"""


async def test_a_start_lasts_until_the_first_good_check(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(start="exit 0", check=COUNTED)
    wanted = order("op", believed="stopped")
    await agent.order("start", wanted)
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status) == ("succeeded", "running")
    assert outcome.check is not None
    assert (outcome.check.code, outcome.check.msg, outcome.check.streak) == ("0", "up", 1)
    assert (agent.folder(wanted) / "asked").read_text().count("x") == 3


async def test_a_start_whose_check_never_gets_good_times_out_with_its_last_word(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(start="exit 0", check=BAD)
    await agent.order("start", order("op", believed="stopped", timeout=1))
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status, outcome.fault) == ("timed-out", "failed", "software")
    assert outcome.message == "the start did not end within 1 s; the last check said 7: not yet"


async def test_a_service_that_dies_while_it_starts_fails_at_once(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(start='setsid sh -c "while [ ! -e die ]; do sleep 0.02; done" & echo $! > pid', check=BAD)
    wanted = order("op", believed="stopped")
    await agent.order("start", wanted)
    await until(lambda: any(report.instances and report.instances[0].alive for report in controller.reports))
    (agent.folder(wanted) / "die").touch()
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status, outcome.alive) == ("failed", "failed", False)
    assert outcome.message == "the watched process ended while it was starting; the last check said 7: not yet"


async def test_an_install_whose_service_already_runs_is_running(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install=SERVICE)
    await agent.order("install", order("op"))
    outcome = await controller.outcome("op")
    assert (outcome.status, outcome.installed, outcome.alive) == ("running", True, True)


async def test_what_runs_is_stopped_before_it_is_installed_over(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(start=SERVICE, stop='kill "$(cat pid)"; rm pid; echo stop >> ran', install="echo install >> ran")
    repository.put(check='[ -e pid ] && echo \'{"code": "0", "msg": "up"}\'')
    wanted = order("first", believed="stopped")
    await agent.order("start", wanted)
    await controller.outcome("first")
    await agent.order("install", order("second"))
    outcome = await controller.outcome("second")
    assert (outcome.state, outcome.status, outcome.installed) == ("succeeded", "stopped", True)
    assert (agent.folder(wanted) / "ran").read_text() == "stop\ninstall\n"


async def test_what_cannot_be_fetched_stops_nothing_that_was_to_be_installed_over(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(start=SERVICE, stop='kill "$(cat pid)"')
    await agent.order("start", order("first", believed="stopped"))
    await controller.outcome("first")
    await agent.order("install", order("second", package="missing.tar.gz"))
    outcome = await controller.outcome("second")
    assert (outcome.state, outcome.status, outcome.fault) == ("failed", "running", "environment")


async def test_a_restart_with_a_script_of_its_own_is_one_change_of_nothing(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(restart='kill "$(cat pid)"; rm pid\n' + SERVICE)
    await agent.order("start", order("one", believed="stopped"))
    await controller.outcome("one")
    told = len(controller.changes)
    await agent.order("restart", order("two", restart="restart.sh"))
    outcome = await controller.outcome("two")
    assert (outcome.state, outcome.status, outcome.alive) == ("succeeded", "running", True)
    assert len(controller.changes) == told


async def test_a_restart_without_a_script_is_stop_and_start_in_one_operation(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    await agent.order("start", order("one", believed="stopped"))
    await controller.outcome("one")
    before = (agent.folder(order()) / "pid").read_text()
    repository.put(stop='sleep 0.2; kill "$(cat pid)"; rm pid', start="sleep 0.2\n" + SERVICE)
    told = len(controller.changes)
    await agent.order("restart", order("two"))
    assert (await controller.outcome("two")).status == "running"
    assert (agent.folder(order()) / "pid").read_text() != before
    assert len(controller.changes) == told
    phases = [one.operation.phase for report in controller.reports for one in report.instances if one.operation]
    assert [phase for phase in phases if phase in ("stopping", "starting")][-2:] == ["stopping", "starting"]


async def test_a_restart_that_cannot_be_fetched_stops_nothing(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    await agent.order("start", order("one", believed="stopped"))
    await controller.outcome("one")
    del repository.files["start.sh"]
    await agent.order("restart", order("two"))
    outcome = await controller.outcome("two")
    assert (outcome.state, outcome.status, outcome.alive) == ("failed", "running", True)


async def test_a_failed_stop_leaves_the_process_watched(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(stop="exit 4")
    await agent.order("start", order("one", believed="stopped"))
    await controller.outcome("one")
    await agent.order("stop", order("two"))
    outcome = await controller.outcome("two")
    assert (outcome.status, outcome.alive, outcome.exit_code) == ("failed", True, 4)


async def test_a_service_that_is_stopped_by_order_is_not_said_to_have_failed(
    agent: Agent, controller: Controller, order: Orders
) -> None:
    await agent.order("start", order("one", believed="stopped"))
    await controller.outcome("one")
    await agent.order("stop", order("two"))
    assert (await controller.outcome("two")).status == "stopped"
    assert ("running", "failed", "exit") not in controller.changes


async def test_an_operation_ends_the_check_that_runs(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(check="echo $$ > checking; sleep 1000")
    wanted = order("op", believed="stopped")
    asking = asyncio.ensure_future(agent.send("check", wanted))
    file = agent.folder(wanted) / "checking"
    await until(lambda: file.exists() and file.read_text())
    await agent.order("stop", order("two"))
    assert (await controller.outcome("two")).state == "succeeded"
    assert not alive(int(file.read_text()))
    status, answer = await asking
    assert (status, answer["error"]["code"]) == (409, "busy")


async def test_a_check_that_runs_is_ended_before_the_script_begins(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(check="echo $$ > checking; sleep 1000", stop='kill -0 "$(cat checking)" 2>/dev/null && touch beside')
    wanted = order("op", believed="stopped")
    asking = asyncio.ensure_future(agent.send("check", wanted))
    file = agent.folder(wanted) / "checking"
    await until(lambda: file.exists() and file.read_text())
    await agent.order("stop", order("two"))
    await controller.outcome("two")
    await asking
    assert not (agent.folder(wanted) / "beside").exists()


async def test_what_was_to_be_uninstalled_and_failed_is_not_checked(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(uninstall="exit 3", check='echo x >> asked; echo \'{"code": "0", "msg": ""}\'')
    wanted = order("one", believed="stopped", check_interval=1)
    await agent.order("uninstall", wanted)
    assert (await controller.outcome("one")).status == "failed"
    reports = len(controller.reports)
    await until(lambda: len(controller.reports) >= reports + 5)  # half a second each
    assert not (agent.folder(wanted) / "asked").exists()


async def test_an_install_whose_check_takes_too_long_is_installed(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(check="sleep 1000")
    await agent.order("install", order("op", timeout=1))
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status, outcome.installed) == ("succeeded", "stopped", True)


async def test_an_instance_can_be_installed_again_after_its_folder_is_gone(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(uninstall='rm -rf "$INSTANCE_DIR"', check=BAD)
    for number, action in enumerate(("install", "uninstall", "install")):
        await agent.order(action, order(f"op{number}"))
        assert (await controller.outcome(f"op{number}")).state == "succeeded"


async def test_a_start_after_a_crash_of_the_service_does_not_ask_without_pause(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    wanted = order("one", believed="stopped", check_interval=3600)
    await agent.order("start", wanted)
    await controller.outcome("one")
    os.kill(int((agent.folder(wanted) / "pid").read_text()), signal.SIGKILL)
    await controller.status("failed")
    repository.files["never.sh"] = b"echo x >> asked\n" + BAD.encode()
    repository.put(start="rm -f pid")
    await agent.order("start", order("two", timeout=2, check="never.sh"))
    assert (await controller.outcome("two")).state == "timed-out"
    assert (agent.folder(wanted) / "asked").read_text().count("x") < 10
