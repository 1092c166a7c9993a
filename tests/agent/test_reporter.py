"""What the controller is told: everything, in order, also what happened while it was away."""

import os
import signal

from paas_agent.contract import Change, InstanceName, Outcome
from paas_agent.journal import Ended, Instance, Journal
from tests.agent.harness import AGENT_TOKEN, GOOD, Agent, Controller, Orders, Repository, until
from tests.testbeds.ports import free_port


async def test_an_undelivered_outcome_is_kept_over_a_crash_and_delivered_once(
    agent: Agent, controller: Controller, order: Orders
) -> None:
    controller.away = True
    await agent.order("install", order("op"))
    await until_ended(agent, "op")
    await agent.kill()
    await agent.start()
    controller.away = False
    assert (await controller.outcome("op")).state == "succeeded"
    reports = len(controller.reports)
    await until(lambda: len(controller.reports) > reports + 2)
    assert [outcome.operation_id for outcome in controller.outcomes] == ["op"]
    await agent.kill()
    await agent.start()
    reports = len(controller.reports)
    await until(lambda: len(controller.reports) > reports + 2)
    assert [outcome.operation_id for outcome in controller.outcomes] == ["op"]


async def test_changes_made_while_the_controller_was_away_come_in_the_next_report(
    agent: Agent, controller: Controller, order: Orders
) -> None:
    controller.away = True
    wanted = order("one", believed="stopped", check_interval=3600)
    await agent.order("start", wanted)
    await until_ended(agent, "one")
    os.kill(int((agent.folder(wanted) / "pid").read_text()), signal.SIGKILL)
    await until_shown(agent, "failed")
    await agent.order("start", order("two", check_interval=3600))
    await until_ended(agent, "two")
    assert controller.changes == []
    controller.away = False
    await controller.outcome("two")
    assert controller.changes == [
        ("stopped", "running", "action"),
        ("running", "failed", "exit"),
        ("failed", "running", "action"),
    ]
    numbers = [change.number for report in controller.reports for change in report.changes]
    assert numbers == [1, 2, 3]


async def test_every_report_is_whole_and_their_numbers_grow_over_a_crash(
    agent: Agent, controller: Controller, order: Orders
) -> None:
    await agent.order("install", order("op"))
    await controller.outcome("op")
    await agent.kill()
    before = len(controller.reports)
    await agent.start()
    await until(lambda: len(controller.reports) > before + 2)
    sequences = [report.sequence for report in controller.reports]
    assert sequences == sorted(set(sequences))
    assert len({report.epoch for report in controller.reports}) == 1
    assert controller.authorizations == {f"Bearer {AGENT_TOKEN}"}
    last = controller.reports[-1]
    assert (last.full, last.instances[0].status) == (True, "stopped")
    assert controller.reports[0].facts is not None
    assert controller.reports[0].facts["cores"] == os.cpu_count()
    assert controller.reports[1].facts is None


async def test_joining_again_keeps_the_journal(agent: Agent, controller: Controller, order: Orders) -> None:
    await agent.order("install", order("op"))
    await controller.outcome("op")
    await agent.stop()
    code, printed = await agent.command(
        *("join", "--work-dir", str(agent.work_dir), "--controller", controller.url),
        *("--listen", f"127.0.0.1:{agent.port}", "--join-token", "let-me-in"),
    )
    assert code == 0, printed
    await agent.start()
    reports = len(controller.reports)
    await until(lambda: len(controller.reports) > reports)
    assert len({report.epoch for report in controller.reports}) == 1
    assert controller.reports[-1].instances[0].installed


async def test_a_forgotten_instance_is_checked_no_more_and_its_service_stays(
    agent: Agent, controller: Controller, order: Orders
) -> None:
    wanted = order("op", believed="stopped")
    await agent.order("start", wanted)
    await controller.outcome("op")
    controller.forget = [InstanceName(type="database", name="db1")]
    await until(lambda: not controller.reports[-1].instances)
    os.kill(int((agent.folder(wanted) / "pid").read_text()), 0)
    assert agent.folder(wanted).is_dir()
    assert list((agent.work_dir / "operations").iterdir()) == []
    controller.forget = []
    await agent.kill()
    await agent.start()
    assert (await agent.call("GET", "/instances"))[1] == []


async def test_an_instance_with_an_operation_in_flight_is_not_forgotten(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.stalled.add("install.sh")
    controller.forget = [InstanceName(type="database", name="db1")]
    await agent.order("install", order("op"))
    reports = len(controller.reports)
    await until(lambda: len(controller.reports) > reports + 2)
    assert controller.reports[-1].instances[0].operation is not None
    repository.stalled.clear()
    await until(lambda: not controller.reports[-1].instances)
    assert (await controller.outcome("op")).state == "succeeded"


async def test_progress_of_an_operation_is_in_the_reports(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(start="sleep 0.1", check=GOOD)
    await agent.order("start", order("op", believed="stopped"))
    await controller.outcome("op")
    phases = [one.operation.phase for report in controller.reports for one in report.instances if one.operation]
    assert "starting" in phases


async def test_a_report_that_would_be_too_large_is_told_in_several(
    idle_agent: Agent, controller: Controller, order: Orders
) -> None:
    """A NUL takes six bytes in JSON."""
    names = [f"db{number}" for number in range(100)]
    journal, reason = Journal(idle_agent.work_dir), "\0" * 1200
    for number, name in enumerate(names, 1):
        outcome = Outcome(
            operation_id=f"install-{name}", type="database", name=name, action="install", state="failed",
            status="failed", installed=False, message="\0" * 2000,
        )  # fmt: skip
        change = Change(
            number=number, type="database", name=name, before="not-installed", after="failed", at=1, cause="action"
        )
        record = Instance(order(name=name), "failed", False, reason, ended=[Ended(outcome)], changes=[change])
        journal.save(record)
    journal.close()
    await idle_agent.start()
    await until(lambda: len(controller.outcomes) == len(controller.changes) == len(names))
    assert {outcome.name for outcome in controller.outcomes} == set(names)
    assert {len(report.instances) for report in controller.reports} == {len(names)}
    await until(lambda: controller.reports[-1].instances[0].reason == reason)


async def test_a_token_that_is_refused_is_said_in_one_line(agent: Agent, controller: Controller) -> None:
    controller.refuse = True
    await until(lambda: "does not accept this agent (" in agent.log.read_text())
    controller.refuse = False
    reports = len(controller.reports)
    await until(lambda: len(controller.reports) > reports)
    assert agent.log.read_text().count("does not accept") == 1


async def test_a_controller_that_is_not_there_is_said_in_words(agent: Agent, controller: Controller) -> None:
    await agent.stop()
    known = agent.work_dir / "agent.json"
    known.write_text(known.read_text().replace(controller.url, f"http://127.0.0.1:{free_port()}"))
    await agent.start()
    told = "the controller does not take reports: Connection refused; they are kept and sent later"
    await until(lambda: told in agent.log.read_text())


async def until_ended(agent: Agent, operation_id: str) -> None:
    await agent.until("/operations/" + operation_id, lambda shown: shown["state"] != "running")


async def until_shown(agent: Agent, status: str) -> None:
    await agent.until("/instances", lambda shown: shown[0]["status"] == status)
