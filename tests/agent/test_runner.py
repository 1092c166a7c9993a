"""One script: clean surroundings, its own group, a deadline, an end that is the script's own."""

import asyncio
import os
import signal
from pathlib import Path

from paas_agent import process, runner
from paas_agent.orders import PATH
from tests.agent.harness import SLOW, Agent, Controller, Orders, Repository, alive, runs, until


async def test_nothing_of_the_agents_surroundings_reaches_a_script(
    idle_agent: Agent, controller: Controller, repository: Repository, order: Orders, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEAKED", "yes")
    repository.put(
        install="""
        env -0 > env; pwd > cwd; readlink /proc/self/fd/0 > stdin; ls -l /proc/$$/fd > fds; umask > umask
        cat "$PACKAGE_FILE" > package; grep SigIgn /proc/self/status > signals
        cut -d ' ' -f 5,6 /proc/$$/stat > group
        """
    )
    repository.files["software.tar.gz"] = b"the package"
    inherited = tmp_path / "of the agent's own parent"
    with inherited.open("w") as file:
        os.set_inheritable(file.fileno(), True)
        await idle_agent.start(pass_fds=[file.fileno()])
    wanted = order("op", package="software.tar.gz", metadata={"APP_USER": "me"}, host_ip="192.0.2.1", hosts=["a", "b"])
    await idle_agent.order("install", wanted)
    assert (await controller.outcome("op")).state == "succeeded"
    folder = idle_agent.folder(wanted)
    found = dict(line.split("=", 1) for line in (folder / "env").read_text().split("\0") if line)
    package = Path(found.pop("PACKAGE_FILE"))
    assert package.read_bytes() == (folder / "package").read_bytes() == b"the package"
    assert {name: found.pop(name, None) for name in ("PWD", "_")}["PWD"] in (str(folder), None)  # the shell's own
    assert sorted(found) == sorted(
        [
            *("PATH", "LANG", "HOME", "REPO_URL", "PACKAGE", "INSTANCE_NAME", "INSTANCE_KIND", "INSTANCE_DIR"),
            *("ACTION", "HOST_IP", "HOSTS", "HOST_INDEX", "APP_USER"),
        ]
    )
    assert (found["HOSTS"], found["ACTION"], found["HOME"]) == ("a b", "install", str(folder))
    assert (folder / "cwd").read_text().strip() == str(folder)
    assert (folder / "stdin").read_text().strip() == "/dev/null"
    assert "install.lock" not in (folder / "fds").read_text()
    assert "socket" not in (folder / "fds").read_text()
    assert str(inherited) not in (folder / "fds").read_text()
    ignored = int((folder / "signals").read_text().split()[1], 16)
    assert not [number for number in signal.Signals if number < 32 and ignored & 1 << number - 1]
    assert (folder / "umask").read_text().strip() == "0022"
    group, session = (folder / "group").read_text().split()
    assert group == session != str(os.getpgrp())


async def test_every_script_knows_where_its_verified_package_is(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.files["software.tar.gz"] = b"the package"
    kept = 'cat "$PACKAGE_FILE" > "of-$ACTION"'
    repository.put(install=kept, start=kept, stop=kept, check=kept + '; echo \'{"code": "0", "msg": ""}\'')
    wanted = order(package="software.tar.gz")
    for action in ("install", "start", "stop"):
        await agent.order(action, order(action, package="software.tar.gz"))
        await controller.outcome(action)
    for action in ("install", "start", "stop", "check"):
        assert (agent.folder(wanted) / f"of-{action}").read_bytes() == b"the package"


async def test_an_operation_is_done_when_its_script_is_though_a_service_holds_the_output(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install='setsid sh -c "sleep 1000; echo late" & echo $! > "$INSTANCE_DIR/left"; echo done')
    wanted = order("op")
    await agent.order("install", wanted)
    assert (await controller.outcome("op")).state == "succeeded"
    os.kill(int((agent.folder(wanted) / "left").read_text()), 0)
    assert (await agent.call("GET", "/operations/op/log"))[1]["ended"] is True


async def test_a_failing_script_leaves_a_sentence_and_its_last_words(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(
        install="echo unpacking; echo 'port 3306 is taken by $APP_PASSWD' | sed s/.APP_PASSWD/MYSQL123/ >&2; exit 98"
    )
    await agent.order("install", order("op", metadata={"APP_PASSWD": "MYSQL123"}))
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.fault, outcome.exit_code, outcome.installed) == ("failed", "software", 98, False)
    sentence = "install.sh ended with exit code 98: port 3306 is taken by ********"
    assert outcome.message == f"{sentence}\nunpacking\nport 3306 is taken by ********"
    await controller.status("failed")
    assert controller.reports[-1].instances[0].reason == sentence


async def test_a_missing_script_touches_nothing(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    await agent.order("install", order("one"))
    await controller.outcome("one")
    del repository.files["start.sh"]
    await agent.order("start", order("two"))
    outcome = await controller.outcome("two")
    assert (outcome.state, outcome.status, outcome.installed) == ("failed", "stopped", True)
    assert "start.sh" in outcome.message
    assert controller.changes == [("not-installed", "stopped", "action")]


async def test_a_repository_that_is_down_is_not_the_softwares_fault(
    agent: Agent, controller: Controller, order: Orders, unused_tcp_port_factory
) -> None:
    await agent.order("install", order("op", repo_url=f"http://127.0.0.1:{unused_tcp_port_factory()}/", timeout=2))
    outcome = await controller.outcome("op")
    assert outcome.state in ("failed", "timed-out")
    assert (outcome.status, outcome.fault) == ("not-installed", "environment")


async def test_a_hanging_script_is_ended_with_its_whole_group(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install="sleep 1000 & echo $! > child; sleep 1000")
    wanted = order("op", timeout=0.5)
    await agent.order("install", wanted)
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status, outcome.installed) == ("timed-out", "failed", False)
    child = int((agent.folder(wanted) / "child").read_text())
    await until(lambda: not alive(child))
    assert outcome.ended_at - outcome.started_at < 8  # TERM was enough


async def test_a_cancelled_operation_ends_its_script(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install=SLOW)
    wanted = order("op")
    await agent.order("install", wanted)
    await until(lambda: runs(agent.folder(wanted)))
    assert (await agent.call("DELETE", "/operations/op"))[0] == 202
    assert (await agent.call("DELETE", "/operations/op"))[0] == 202
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status, outcome.fault) == ("cancelled", "failed", "")
    leader = int((agent.work_dir / "operations" / "op" / "install.started").read_text())
    assert not alive(leader)


async def test_a_script_that_takes_no_term_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "stubborn.sh"
    script.write_text("trap '' TERM\n" + SLOW)
    step = runner.Run(tmp_path / "install", tmp_path / "output", tmp_path)
    running = asyncio.create_task(
        runner.start(step, script, {"INSTANCE_DIR": str(tmp_path), "PATH": PATH}, process.spawn)
    )
    await until(lambda: runs(tmp_path))
    leader = step.leader
    running.cancel()
    await runner.end(step, grace=0.3)
    assert process.members(leader) == []
    assert step.exit_code is None


async def test_a_cancelled_fetch_touches_nothing(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.stalled.add("install.sh")
    await agent.order("install", order("op"))
    await until(lambda: "install.sh" in repository.asked)
    await agent.call("DELETE", "/operations/op")
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status) == ("cancelled", "not-installed")
    assert controller.changes == []


async def test_a_killed_script_is_interrupted_and_its_wrapper_survives_a_term(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install="trap 'exit 7' TERM\n" + SLOW)
    wanted = order("op")
    await agent.order("install", wanted)
    await until(lambda: runs(agent.folder(wanted)))
    leader = int((agent.work_dir / "operations" / "op" / "install.started").read_text())
    os.killpg(leader, signal.SIGTERM)
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.exit_code) == ("failed", 7)


async def test_a_hundred_megabytes_of_output_do_not_fill_the_disk(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(
        install='yes "0123456789abcde" | head -c 100000000; while [ ! -e go ]; do sleep 0.02; done; echo; echo the end'
    )
    wanted = order("op")
    await agent.order("install", wanted)
    output = agent.work_dir / "operations" / "op" / "output"
    await until(lambda: output.exists() and output.stat().st_size >= 100_000_000)
    await until(lambda: output.stat().st_blocks * 512 < 2 * 1024**2)
    (agent.folder(wanted) / "go").touch()
    assert (await controller.outcome("op")).state == "succeeded"
    _, log = await agent.call("GET", "/operations/op/log")
    assert log["offset"] == 100_000_009 - 256 * 1024
    assert log["data"].startswith(f"[… {log['offset']} bytes cut …]\n")
    assert log["data"].endswith("\nthe end\n")
    assert log["next"] == 100_000_009


async def test_what_is_not_what_its_checksum_says_is_never_run(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install="touch ran")
    repository.files["SHA256SUMS"] = b"0" * 64 + b"  install.sh\n"
    wanted = order("op")
    await agent.order("install", wanted)
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status) == ("failed", "not-installed")
    assert "SHA256SUMS" in outcome.message
    assert not (agent.folder(wanted) / "ran").exists()


async def test_a_script_always_knows_where_it_runs(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install='echo "$HOST_IP $HOSTS $HOST_INDEX"')
    await agent.order("install", order("op"))
    await controller.outcome("op")
    assert (await agent.call("GET", "/operations/op/log"))[1]["data"] == "127.0.0.1 127.0.0.1 0\n"
