"""What comes in over HTTP: harmless whatever it is, and answered with a sentence."""

import asyncio
import io
import json
from typing import Any

import msgspec
import pytest

from paas_agent.contract import Order
from tests.agent.harness import SLOW, TOKEN, Agent, Controller, Orders, Repository, runs, until

PATHS = [
    *(("POST", f"/{action}") for action in ("install", "start", "stop", "restart", "uninstall", "check")),
    *(("GET", path) for path in ("/instances", "/metrics", "/operations/op", "/operations/op/log", "/nowhere")),
    ("DELETE", "/operations/op"),
    ("POST", "/ping"),
]


def body(order: Order, **changed: Any) -> str:
    return json.dumps({**msgspec.to_builtins(order), **changed})


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}])
async def test_without_the_token_nothing_but_ping_answers(agent: Agent, headers: dict[str, str]) -> None:
    for method, path in PATHS:
        status, answer = await agent.call(method, path, headers=headers, data=b"{" * 100)
        assert (status, answer["error"]["code"]) == (401, "unauthorized")
        assert answer["error"]["message"]
        assert answer["error"]["request_id"]
    status, answer = await agent.call("GET", "/ping", headers=headers)
    assert (status, answer["message"]) == (200, "pong")
    assert answer["features"]


async def test_a_token_that_is_no_text_is_refused(agent: Agent) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", agent.port)
    writer.write(b"GET /instances HTTP/1.0\r\nAuthorization: Bearer \xff\r\n\r\n")
    assert b" 401 " in await reader.readline()
    writer.close()


async def test_a_thousand_repeats_of_an_order_run_once(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install=SLOW)
    wanted = order("op")
    folder = agent.folder(wanted)
    for _ in range(10):
        answers = await asyncio.gather(*(agent.send("install", wanted) for _ in range(50)))
        assert {status for status, _ in answers} == {202}
    (folder / "go").touch()
    assert (await controller.outcome("op")).state == "succeeded"
    for _ in range(10):
        answers = await asyncio.gather(*(agent.send("install", wanted) for _ in range(50)))
        assert {answer["state"] for _, answer in answers} == {"succeeded"}
    assert runs(folder) == 1


async def test_a_second_operation_beside_one_in_flight_is_refused(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install=SLOW)
    await agent.order("install", order("op"))
    for action in ("start", "check"):
        status, answer = await agent.send(action, order("another"))
        assert (status, answer["error"]["code"]) == (409, "busy")
    assert (await agent.send("start", order("op")))[0] == 409
    assert (await agent.send("install", order("op", name="db2")))[0] == 409
    assert (await agent.send("install", order("elsewhere", name="db2")))[0] == 202
    await agent.call("DELETE", "/operations/op")
    assert (await controller.outcome("op")).state == "cancelled"


async def test_an_order_for_another_journal_is_refused(agent: Agent, controller: Controller, order: Orders) -> None:
    await until(lambda: controller.reports)
    assert (await agent.send("install", order("op", epoch="an older one")))[0] == 412
    assert (await agent.send("install", order("op", epoch=controller.reports[0].epoch)))[0] == 202


async def test_an_order_by_hand_gets_an_id_and_its_output_is_there(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install='echo "password $APP_PASSWD"; echo über')
    operation_id = await agent.order("install", order(metadata={"APP_PASSWD": "MYSQL123", "// note": "x"}))
    outcome = await controller.outcome(operation_id)
    assert outcome.state == "succeeded"
    _, log = await agent.call("GET", f"/operations/{operation_id}/log")
    assert log == {"offset": 0, "next": 24, "data": "password ********\nüber\n", "ended": True}
    _, log = await agent.call("GET", f"/operations/{operation_id}/log?offset=18")
    assert log["data"] == "über\n"
    assert (await agent.call("GET", f"/operations/{operation_id}/log?offset=-1"))[0] == 400
    assert (await agent.call("GET", "/operations/none/log"))[0] == 404


async def test_a_body_that_is_no_order_is_a_400_that_says_why(agent: Agent, order: Orders) -> None:
    for text, hint in (
        ("{" * 100_000, "JSON"),
        ("[" * 100_000, "object"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested"),
        ('{"name": "x",\n}', "line 2, column 1"),
        (body(order(), name="../../etc"), "name"),
        (body(order(), metadata={"LD_PRELOAD": "/tmp/x.so"}), "LD_PRELOAD"),
    ):
        status, answer = await agent.call("POST", "/install", data=text.encode())
        assert (status, hint in answer["error"]["message"]) == (400, True), answer
    assert (await agent.call("GET", "/instances"))[1] == []
    assert "Traceback" not in agent.log.read_text()


async def test_a_refusal_stands_in_the_log_under_the_request_id_of_its_answer(agent: Agent) -> None:
    _, answer = await agent.call("GET", "/operations/none")
    lines = [json.loads(line) for line in agent.log.read_text().splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == answer["error"]["request_id"]]
    assert line["level"] == "info"
    assert answer["error"]["message"] in line["message"]


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nbad header\r\n\r\n", b"\x16\x03\x01\x02"])
async def test_what_is_no_http_is_a_line_in_the_log_and_no_trace(agent: Agent, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", agent.port)
    writer.write(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 200 " in await reader.readline()
    writer.write(sent + b"\r\n\r\n")
    async with asyncio.timeout(20):
        await reader.readuntil(b" 400 Bad Request")
    writer.close()
    await writer.wait_closed()
    lines = [json.loads(line) for line in agent.log.read_text().splitlines()]
    (line,) = [line for line in lines if "this is no HTTP" in line["message"]]
    assert line["level"] == "info"
    assert "Traceback" not in agent.log.read_text()


async def test_two_megabytes_are_too_much(agent: Agent, order: Orders) -> None:
    text = body(order(), metadata={"A": "x" * 2 * 1024**2})
    status, answer = await agent.call("POST", "/install", data=io.BytesIO(text.encode()))
    assert (status, answer["error"]["code"]) == (413, "too-large")


async def test_shell_characters_and_newlines_reach_the_script_as_they_are(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    nasty = "$(touch /tmp/x); `id`\n'\"\\ & | > é"
    script = "in $tall;l `x` 'q\".sh"
    repository.files[script] = b'printf %s "$NASTY" > "$INSTANCE_DIR/got"'
    wanted = order("op", install=script, metadata={"NASTY": nasty})
    await agent.order("install", wanted)
    assert (await controller.outcome("op")).state == "succeeded"
    assert (agent.folder(wanted) / "got").read_text() == nasty


async def test_unknown_paths_and_methods_are_answered_in_json(agent: Agent) -> None:
    for method, path, wanted in (
        ("GET", "/nowhere", 404),
        ("PUT", "/install", 405),
        ("GET", "/operations/%2e%2e%2fx", 404),
        ("GET", "/operations/x%00y/log", 404),
    ):
        status, answer = await agent.call(method, path)
        assert (status, bool(answer["error"]["code"])) == (wanted, True)


async def test_what_is_shown_of_an_instance_names_its_folder_and_no_secret(
    agent: Agent, controller: Controller, order: Orders
) -> None:
    wanted = order("op", metadata={"APP_PASSWD": "MYSQL123"})
    await agent.order("install", wanted)
    await controller.outcome("op")
    _, shown = await agent.call("GET", "/instances")
    assert shown[0]["INSTANCE_DIR"] == str(agent.folder(wanted))
    assert "MYSQL123" not in json.dumps(shown)
    assert "MYSQL123" not in agent.log.read_text()


async def test_metrics_count_what_happened(agent: Agent, controller: Controller, order: Orders) -> None:
    await agent.order("install", order("op"))
    await controller.outcome("op")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with agent.session.get(f"{agent.url}/metrics", headers=headers) as answer:
        text = await answer.text()
    assert 'paas_agent_operations_total{state="succeeded"} 1' in text
    assert 'paas_agent_instances{status="stopped"} 1' in text


async def test_an_old_output_hides_the_secrets_of_its_own_order(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install='echo "$APP_PASSWD"')
    await agent.order("install", order("one", metadata={"APP_PASSWD": "first-secret"}))
    await controller.outcome("one")
    await agent.order("install", order("two", metadata={"APP_PASSWD": "other"}))
    await controller.outcome("two")
    assert (await agent.call("GET", "/operations/one/log"))[1]["data"] == "*" * 12 + "\n"
