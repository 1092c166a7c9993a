"""Bodies that are wrong: each a 400 that says what is wrong, and nothing is created."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.tiny import Instance
from tests.testbeds.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

Body = dict[str, Any]
Spoil = Callable[[Body], object]
_REQUIRED = [
    "name",
    "host",
    "app",
    *(f"app.{key}" for key in ("repo_url", "install", "start", "stop", "check", "uninstall")),
]

WRONG: dict[str, tuple[Spoil, str]] = {
    "name a number": (lambda b: b.update(name=5), "name"),
    "host empty": (lambda b: b.update(host=[]), "host"),
    "host an object": (lambda b: b.update(host={"ip": "127.0.0.1"}), "host"),
    "host without ip": (lambda b: b.update(host=[{}]), "ip"),
    "host a sentence": (lambda b: b["host"][0].update(ip="no such; host"), "ip"),
    "address out of range": (lambda b: b["host"][0].update(ip="300.1.1.1"), "ip"),
    "port out of range": (lambda b: b["host"][0].update(agent_port=70000), "agent_port"),
    "the same host twice": (lambda b: b["host"].append(b["host"][0]), "named twice"),
    "three ways in": (lambda b: b["host"][0].update(auth=[{"username": "u"}] * 3), "auth"),
    "app a list": (lambda b: b.update(app=[]), "app"),
    "unknown key": (lambda b: b.update(color="red"), "allowed here: app, depends_on, host"),
    "unknown key of app": (lambda b: b["app"].update(instal="x"), "allowed here: check, check_fall"),
    "unknown key of host": (lambda b: b["host"][0].update(user="x"), "allowed here: agent_port, auth, ip"),
    "repo_url of a file": (lambda b: b["app"].update(repo_url="file:///etc/"), "repo_url"),
    "repo_url with a password": (lambda b: b["app"].update(repo_url="http://u:p@h/"), "repo_url"),
    "script with a path": (lambda b: b["app"].update(install="../install.sh"), "install"),
    "package with a path": (lambda b: b["app"].update(package="/etc/passwd"), "package"),
    "metadata a number": (lambda b: b["app"]["metadata"].update(PORT=6379), "metadata.PORT"),
    "metadata no name": (lambda b: b["app"]["metadata"].update({"A B": "x"}), "no environment name"),
    "metadata LD_PRELOAD": (lambda b: b["app"]["metadata"].update(LD_PRELOAD="x.so"), "LD_PRELOAD"),
    "metadata PATH": (lambda b: b["app"]["metadata"].update(PATH="/tmp"), "PATH"),
    "metadata with NUL": (lambda b: b["app"]["metadata"].update(A="x\0y"), "NUL"),
    "expect restart": (lambda b: b["app"].update(status={"expect": "restart"}), "expect"),
    "expect failed": (lambda b: b["app"].update(status={"expect": "failed"}), "expect"),
    "realtime in between": (lambda b: b["app"].update(status={"realtime": "starting"}), "realtime"),
    "realtime failed alone": (lambda b: b["app"].update(status={"realtime": "failed"}), "give expect as well"),
    "interval of a day": (lambda b: b["app"].update(check_interval=86400), "check_interval"),
    "interval not a number": (lambda b: b["app"].update(check_interval="soon"), "check_interval"),
    "no fall": (lambda b: b["app"].update(check_fall=0), "check_fall"),
    "time-out of nothing": (lambda b: b["app"].update(timeouts={"install": 0}), "timeouts.install"),
    "time-out of nobody": (lambda b: b["app"].update(timeouts={"party": 5}), "allowed here: check, install"),
    "self_heal perhaps": (lambda b: b["app"].update(self_heal="perhaps"), "self_heal"),
    "reserved name create": (lambda b: b.update(name="create"), "word of this API"),
    "reserved name status": (lambda b: b.update(name="status"), "word of this API"),
}  # fmt: skip


async def _refused(stack: Stack, db: Instance, body: Body) -> str:
    status, answer = await stack.call("POST", "/database/create", body)
    assert (status, answer["error"]["code"]) == (400, "invalid"), answer
    assert (await stack.call("GET", db.path))[0] == 404
    _, listed = await stack.call("GET", "/database?limit=1000")
    assert str(body.get("name")) not in [each["name"] for each in listed["items"]]
    return f"{answer['error']['message']} {answer['error']['details']}"


@pytest.mark.parametrize("field", _REQUIRED)
async def test_a_required_field_that_is_missing_is_named(db: Instance, stack: Stack, field: str) -> None:
    body = db.body()
    *outer, key = field.split(".")
    del (body[outer[0]] if outer else body)[key]
    assert f"{field} is missing" in await _refused(stack, db, body)


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_wrong_is_named_and_nothing_is_created(db: Instance, stack: Stack, wrong: str) -> None:
    body = db.body()
    spoil, told = WRONG[wrong]
    spoil(body)
    assert told in await _refused(stack, db, body)


async def test_everything_that_is_wrong_is_said_at_once(db: Instance, stack: Stack) -> None:
    body = db.body()
    body["app"] |= {"check_interval": 0, "install": "a/b", "color": "red"}
    told = await _refused(stack, db, body)
    assert "3 things are wrong" in told
    assert all(key in told for key in ("check_interval", "install", "color"))


async def test_keys_that_begin_with_slashes_are_comments(db: Instance, stack: Stack) -> None:
    body = db.body() | {"// why": "a comment"}
    body["app"]["// status"] = body["host"][0]["// auth"] = body["app"]["metadata"]["// env"] = "another one"
    status, answer = await stack.call("POST", "/database/create", body)
    assert (status, "//" in str(answer).replace("://", "")) == (201, False)


@pytest.mark.parametrize("day", ["1301", "0230", "1", "today", "2026-02-30", "0628x", "٠٦٢٨"])
async def test_a_day_that_is_none_is_refused(stack: Stack, day: str) -> None:
    status, answer = await stack.call("GET", f"/database/status/changed/{day}")
    assert (status, "names no day" in answer["error"]["message"]) == (400, True)


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "limit=1001", "limit=1.5"])
async def test_a_limit_that_is_none_is_refused(stack: Stack, query: str) -> None:
    assert (await stack.call("GET", f"/database?{query}"))[0] == 400
