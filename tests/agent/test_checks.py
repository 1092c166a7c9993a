"""Check scripts: what counts as their result, and when they run."""

import asyncio

import pytest

from paas_agent import process
from paas_agent.checkscript import Result, read_result
from tests.agent.harness import BAD, GOOD, Agent, Controller, Orders, Repository, until

RESULTS = [
    ('{"code": "0", "msg": "fine"}', 0, Result("0", "fine")),
    ('noise\n{"code": "1"}\nx {"code": "0", "msg": "last", "more": {"a": {}}} y', 0, Result("0", "last")),
    ('{\n\t"code": "0",\n\t"msg": "over lines"\n}\n', 0, Result("0", "over lines")),
    ('{"code": "3", "msg": "down"}', 0, Result("3", "down")),
    ('{"code": "0", "msg": {"a": 1}}', 0, Result("0", '{"a": 1}')),
    ('{"code": "0", "msg": "fine"}', 2, Result("exit 2", "the check script ended with exit code 2: fine")),
    ("", 127, Result("exit 127", "the check script ended with exit code 127: sh: mysql: not found")),
    ("", 0, Result("no-result", "the check script printed no JSON object but: sh: mysql: not found")),
    ('{"code": 0}', 0, Result("no-result", 'the check\'s "code" has to be a string such as "0", and is 0')),
    ('{"msg": "x"}', 0, Result("no-result", 'the check\'s "code" has to be a string such as "0", and is null')),
]


@pytest.mark.parametrize(("printed", "exit_code", "result"), RESULTS)
def test_the_result_is_the_last_json_object_with_a_string_code(printed: str, exit_code: int, result: Result) -> None:
    assert read_result(printed, "sh: mysql: not found\n", exit_code) == result


@pytest.mark.parametrize(
    "rubbish", ['["0"]', '"0"', "0", "{" * 16000, '{"a":' * 3000, '{"code": "0"', "\0\ufffd", "[{]" * 5000]
)
def test_rubbish_is_a_failed_check_that_says_so(rubbish: str) -> None:
    result = read_result(rubbish, "", 0)
    assert result.code == "no-result"
    assert len(result.msg) < 300


async def test_a_check_by_hand_makes_the_instance_known_and_starts_the_schedule(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(check=GOOD)
    wanted = order(believed="stopped", check_interval=1, metadata={"SECRET": "fine"})
    status, result = await agent.send("check", wanted)
    assert (status, result) == (200, {"code": "0", "msg": "****"})
    await controller.status("running")
    repository.put(check=BAD)
    # the script is kept for a minute, so that a repository under repair fails nobody
    await until(lambda: controller.reports[-1].instances[0].check.streak >= 3)


async def test_a_failed_check_counts_after_as_many_in_a_row_as_are_asked_for(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(check='if [ -e bad ]; then echo "{\\"code\\": \\"7\\"}"; else echo "{\\"code\\": \\"0\\"}"; fi')
    wanted = order(believed="stopped", check_interval=3600, check_fall=2)
    await agent.send("check", wanted)
    await controller.status("running")
    (agent.folder(wanted) / "bad").touch()
    assert (await agent.send("check", wanted))[1]["code"] == "7"
    await until(lambda: controller.reports[-1].instances[0].check.code == "7")
    assert controller.reports[-1].instances[0].status == "running"
    await agent.send("check", wanted)
    await controller.status("failed")
    (agent.folder(wanted) / "bad").unlink()
    await agent.send("check", wanted)
    await controller.status("running")
    assert controller.changes == [
        ("stopped", "running", "check"),
        ("running", "failed", "check"),
        ("failed", "running", "check"),
    ]


async def test_a_check_that_hangs_or_screams_is_bounded(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(check="echo $$ > pid_of_check; sleep 1000 & sleep 1000")
    wanted = order(believed="stopped", check_timeout=0.3)
    _, result = await agent.send("check", wanted)
    assert result == {"code": "timeout", "msg": "the check script did not end within 0.3 s"}
    leader = int((agent.folder(wanted) / "pid_of_check").read_text())
    await until(lambda: not process.members(leader))
    repository.files["loud.sh"] = b"head -c 50000000 /dev/zero; " + GOOD.encode()
    _, result = await agent.send("check", order(believed="stopped", check="loud.sh"))
    assert result == {"code": "0", "msg": "fine"}


async def test_a_check_does_not_wait_for_what_it_left_behind(
    agent: Agent, repository: Repository, order: Orders
) -> None:
    repository.put(check="setsid sleep 1000 & " + GOOD)
    _, result = await agent.send("check", order(believed="stopped"))
    assert result == {"code": "0", "msg": "fine"}


async def test_checks_asked_for_together_are_one(agent: Agent, repository: Repository, order: Orders) -> None:
    repository.put(check="echo x >> asked; while [ ! -e go ]; do sleep 0.02; done\n" + GOOD)
    wanted = order(believed="stopped")
    asking = [asyncio.ensure_future(agent.send("check", wanted)) for _ in range(5)]
    await until((agent.folder(wanted) / "asked").exists)
    (agent.folder(wanted) / "go").touch()
    assert [(await one)[0] for one in asking] == [200] * 5
    assert (agent.folder(wanted) / "asked").read_text() == "x\n"


async def test_a_check_script_that_cannot_be_fetched_is_no_failed_check(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    del repository.files["check.sh"]
    status, answer = await agent.send("check", order(believed="stopped"))
    assert (status, answer["error"]["code"]) == (502, "not-fetched")
    await until(lambda: controller.reports and controller.reports[-1].instances)
    await until(lambda: controller.reports[-1].instances[0].reason.startswith("it is not checked: http://"))
    assert controller.reports[-1].instances[0].check is None


@pytest.mark.parametrize("sums", [False, True])
async def test_a_check_script_that_is_spoilt_later_leaves_the_last_good_one_and_a_sentence(
    agent: Agent, controller: Controller, repository: Repository, order: Orders, sums: bool
) -> None:
    repository.put(check='if [ -e gone ]; then echo "{\\"code\\": \\"7\\"}"; else echo "{\\"code\\": \\"0\\"}"; fi')
    wanted, good = order(believed="stopped", check_interval=1), repository.files["check.sh"]
    await agent.send("check", wanted)
    await controller.status("running")
    await agent.stop()  # which forgets that it asked for the script just now
    repository.put(check="touch evil; " + GOOD)
    if sums:
        repository.files["SHA256SUMS"] = f"{'0' * 64}  check.sh\n".encode()
    else:
        del repository.files["check.sh"]
    await agent.start()
    words = "check.sh is not what SHA256SUMS says" if sums else "check.sh is not there (404)"
    await until(lambda: words in controller.reports[-1].instances[0].reason)
    (agent.folder(wanted) / "gone").touch()
    await controller.status("failed")
    assert not (agent.folder(wanted) / "evil").exists()
    assert agent.log.read_text().count("until then the last good one is used") == 1
    repository.files = {"check.sh": good}
    (agent.folder(wanted) / "gone").unlink()
    await controller.status("running")
    await until(lambda: controller.reports[-1].instances[0].reason == "the check script can be had again")
