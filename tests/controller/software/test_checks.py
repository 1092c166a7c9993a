"""PUT check: counted by check_fall and check_rise, and free where it changes nothing."""

from typing import Any

import pytest

from paas_controller.store.store import Store
from tests.controller.agents import Agent
from tests.controller.shell import Answer, Shell


@pytest.fixture
async def runs(shell: Shell, joined: Agent) -> Agent:
    """An agent whose host runs one database that falls at three bad checks and rises at two good ones."""
    await shell.create(joined.host, status={"realtime": "running"}, check_fall=3, check_rise=2, self_heal="never")
    await joined.sees("running")
    return joined


async def _check(agent: Agent, code: Any, name: str = "db") -> Answer:
    assert agent.joined
    result = {"code": code, "msg": "it says so"}
    return await agent.shell.put(f"/database/{name}/check", result, token=agent.joined.agent_token)


async def _checks(agent: Agent, codes: str) -> str:
    for code in codes:
        assert (await _check(agent, code)).status == 202
    return (await agent.shell.status())[1]


async def test_so_many_bad_results_in_a_row_make_it_fail(shell: Shell, runs: Agent) -> None:
    assert await _checks(runs, "11") == "running"
    assert await _checks(runs, "0") == "running"
    assert await _checks(runs, "11") == "running"
    assert await _checks(runs, "2") == "failed"
    assert (await shell.member())["reason"] == "check 2: it says so"
    assert (await shell.get("/database/status/changed/0628?cause=check")).body == ["db"]


async def test_so_many_good_results_in_a_row_make_it_rise(runs: Agent) -> None:
    await _checks(runs, "111")
    assert await _checks(runs, "0") == "failed"
    assert await _checks(runs, "10") == "failed"
    assert await _checks(runs, "0") == "running"


async def test_a_bad_result_confirms_what_is_stopped(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"realtime": "stopped"})
    assert await _checks(joined, "1111") == "stopped"


async def test_a_good_result_where_stopped_is_expected_is_drift_and_is_stopped(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"realtime": "stopped"})
    assert await _checks(joined, "0") == "running"
    await shell.put("/database/db/stopped")  # does not wait for the back-off to pass
    await joined.obeys("stop")


async def test_during_an_operation_a_result_says_nothing(shell: Shell, runs: Agent) -> None:
    await shell.put("/database/db/stopped")
    action, order = await runs.ordered()
    assert await _checks(runs, "11100") == "stopping"
    await runs.ends(action, order)
    assert await shell.status() == ("stopped", "stopped")


async def test_results_during_an_operation_do_not_count_after_it(shell: Shell, runs: Agent) -> None:
    await shell.put("/database/db/stopped")
    action, order = await runs.ordered()
    await _checks(runs, "0000")
    await runs.ends(action, order)
    assert await _checks(runs, "0") == "stopped"


async def test_what_is_not_installed_stays_so_whatever_a_check_says(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host)
    assert await _checks(joined, "001") == "not-installed"


@pytest.mark.parametrize(("code", "there"), [("0", "running"), ("1", "failed")])
async def test_a_result_from_a_host_that_was_lost_says_what_is_there(
    shell: Shell, runs: Agent, code: str, there: str
) -> None:
    shell.clock.now += 60
    await shell.becomes("unknow")
    assert await _checks(runs, code) == there
    assert (await shell.get(f"/hosts/{runs.host}")).body["state"] == "online"


async def test_a_result_that_changes_nothing_makes_no_write(runs: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = []
    write = Store.write

    def counted(store: Store, command: Any) -> Any:
        writes.append(command)
        return write(store, command)

    monkeypatch.setattr(Store, "write", counted)
    await _checks(runs, "00110")
    assert not writes
    await _checks(runs, "111")
    assert len(writes) == 1


async def test_a_secret_in_a_result_is_shown_to_nobody(shell: Shell, joined: Agent) -> None:
    secrets = {"APP_PASSWD": "MYSQL123", "ROOT_PASSWD": "MYSQL123456", "PIN_KEY": "42", "USER": "mysql"}
    await shell.create(joined.host, status={"realtime": "running"}, check_fall=1, self_heal="never", metadata=secrets)
    assert joined.joined
    result = {"code": "1", "msg": "mysql -pMYSQL123456 says MYSQL123 42"}
    assert (await shell.put("/database/db/check", result, token=joined.joined.agent_token)).status == 202
    assert (await shell.member())["reason"] == "check 1: mysql -p****** says ****** 42"
    for path in ("/database/db", "/database/db/events", "/database/status/changed/0628?detail=true"):
        assert "MYSQL123" not in str((await shell.get(path)).body)


async def test_an_agent_alone_may_say_so_and_for_its_own_host(shell: Shell, runs: Agent) -> None:
    assert (await shell.put("/database/db/check", {"code": "0"})).status == 403
    await shell.create("192.168.19.7:3335", name="elsewhere")
    refused = await _check(runs, "0", "elsewhere")
    assert refused.status == 403
    assert runs.host in refused.message
    assert (await _check(runs, "0", "nothing")).status == 404


@pytest.mark.parametrize("code", [0, None, True, [], {}])
async def test_a_code_that_is_no_string_is_a_400(runs: Agent, code: Any) -> None:
    refused = await _check(runs, code)
    assert refused.status == 400
    assert '"code": "0"' in refused.message


@pytest.mark.parametrize(
    ("body", "sentence"),
    [(b'{"code":"0",}', "line 1 column 13"), (b'{"code":"0","more":1}', "`more`"), (b"[" * 9999, "not JSON")],
)
async def test_a_result_that_is_none_is_refused_with_the_place(
    shell: Shell, joined: Agent, body: bytes, sentence: str
) -> None:
    await shell.create(joined.host)
    assert joined.joined
    answer = await shell.put("/database/db/check", body, token=joined.joined.agent_token)
    assert answer.status == 400
    assert sentence in answer.message


async def test_a_result_may_hold_comments(shell: Shell, runs: Agent) -> None:
    assert (await _check(runs, "0")).status == 202
    assert runs.joined
    commented = {"code": "0", "// why": "a person reads this"}
    assert (await shell.put("/database/db/check", commented, token=runs.joined.agent_token)).status == 202
