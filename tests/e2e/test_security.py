"""Who may do what, what input may do, and where secrets may be seen."""

import json
import re
from collections.abc import AsyncIterator
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import pytest_asyncio
from yarl import URL

from tests.e2e.phantom import Phantom, join
from tests.e2e.tiny import TEXTS, Instance, Maker
from tests.testbeds.stack import API, Agent, Stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS")
OPEN = {("GET", "/healthz"), ("GET", "/readyz"), ("POST", f"{API}/agents/join")}
KINDS = [f"{API}/{kind}" for kind in ("database", "middleware")]
ONE = ["", "/status", "/events", "/operations", "/check", "/hold", "/release", "/restart", "/running", "/stopped"]
PATHS = [
    "/nowhere", "/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/repo/", "/repo/tiny/start.sh", "/repo/none",
    API, f"{API}/hosts", f"{API}/hosts/127.0.0.1:1", f"{API}/hosts/join-tokens", f"{API}/tokens", f"{API}/tokens/admin",
    f"{API}/agents/join", f"{API}/agents/report", f"{API}/operations/1", f"{API}/operations/1/log", f"{API}/events",
    *KINDS, *(f"{kind}/{rest}" for kind in KINDS for rest in ("create", "status/changed/0101", "status/changed/x")),
    *(f"{kind}/x{rest}" for kind in KINDS for rest in (*ONE, "/not-installed")),
]  # fmt: skip
AGENT_PATHS = [
    "/", "/ping", "/instances", "/metrics", "/operations/1", "/operations/1/log", "/nowhere",
    "/install", "/start", "/stop", "/restart", "/uninstall", "/check",
]  # fmt: skip


@pytest_asyncio.fixture(loop_scope="module")
async def nobody() -> AsyncIterator[aiohttp.ClientSession]:
    """A session without a token."""
    async with aiohttp.ClientSession() as session:
        yield session


async def _token(stack: Stack, role: str) -> str:
    """A token of this role; a new one each time."""
    await stack.call("DELETE", f"/tokens/some-{role}")
    status, made = await stack.call("POST", "/tokens", {"name": f"some-{role}", "role": role})
    assert status == 201, made
    return str(made["token"])


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer wrong", "Basic YWRtaW46YWRtaW4=", "bearer"])
async def test_without_a_valid_token_the_controller_tells_nothing(
    stack: Stack, nobody: aiohttp.ClientSession, token: str
) -> None:
    answers = {}
    for method, path in product(METHODS, PATHS):
        headers = {"Authorization": token} if token else {}
        async with nobody.request(method, stack.url + path, headers=headers) as response:
            answers[method, path] = response.status
    assert {asked: status for asked, status in answers.items() if status != 401 and asked not in OPEN} == {}
    assert answers["POST", f"{API}/agents/join"] == 401
    assert answers["GET", "/healthz"] == answers["GET", "/readyz"] == 200


async def test_without_a_valid_token_the_agent_only_answers_a_ping(agent: Agent, nobody: aiohttp.ClientSession) -> None:
    answers = {}
    for method, path in product(METHODS, AGENT_PATHS):
        async with nobody.request(method, f"http://{agent.host}{path}") as response:
            answers[method, path] = response.status
    assert {asked for asked, status in answers.items() if status != 401 and asked[1] != "/ping"} == set()
    assert {method for method in METHODS if answers[method, "/ping"] == 200} <= {"GET", "HEAD"}


async def test_a_viewer_reads_and_writes_nothing(db: Instance, stack: Stack) -> None:
    await db.create()
    token = await _token(stack, "viewer")
    for path in (db.path, f"{db.path}/status", f"{db.path}/events", "/hosts", "/database"):
        assert (await stack.call("GET", path, token=token))[0] == 200
    writes: list[tuple[str, str, Any]] = [
        *(("PUT", f"{db.path}/{word}", None) for word in ("running", "stopped", "not-installed", "restart", "hold")),
        ("PUT", f"{db.path}/release", None), ("DELETE", db.path, None), ("POST", "/database/create", {}),
        ("POST", "/hosts", {}), ("DELETE", f"/hosts/{db.agent.host}", None), ("POST", "/hosts/join-tokens", None),
        ("POST", "/tokens", {}), ("GET", "/tokens", None), ("DELETE", "/tokens/admin", None),
        ("PUT", f"{db.path}/check", {}), ("POST", "/agents/report", {}),
    ]  # fmt: skip
    for method, path, body in writes:
        status, answer = await stack.call(method, path, body, token=token)
        assert (status, answer["error"]["code"]) == (403, "forbidden"), (method, path)
    assert await db.stack.realtime(db.kind, db.name) == "not-installed"


async def test_an_operator_works_with_instances_and_makes_no_tokens(db: Instance, stack: Stack) -> None:
    token = await _token(stack, "operator")
    assert (await stack.call("POST", "/database/create", db.body(), token=token))[0] == 201
    assert (await stack.call("PUT", f"{db.path}/stopped", token=token))[0] == 202
    for method, path in (("POST", "/tokens"), ("GET", "/tokens"), ("DELETE", "/tokens/admin")):
        assert (await stack.call(method, path, {}, token=token))[0] == 403
    assert (await stack.call("POST", "/hosts/join-tokens", token=token))[0] == 403
    assert (await stack.call("PUT", f"{db.path}/check", {"code": "0"}, token=token))[0] == 403


async def test_a_withdrawn_token_is_no_good_and_the_last_administrator_stays(stack: Stack) -> None:
    token = await _token(stack, "viewer")
    assert (await stack.call("GET", "/hosts", token=token))[0] == 200
    await stack.call("DELETE", "/tokens/some-viewer")
    assert (await stack.call("GET", "/hosts", token=token))[0] == 401
    assert (await stack.call("DELETE", "/tokens/admin"))[0] == 409


async def test_a_host_speaks_for_itself_alone(db: Instance, stack: Stack, agent: Agent) -> None:
    await db.runs_from_nothing()
    other = await join(stack)
    assert (await other.send(other.report() | {"host": agent.host}))[0] == 403
    bad = {"code": "1", "msg": "said by a stranger"}
    assert (await stack.call("PUT", f"{db.path}/check", bad, token=other.token))[0] == 403
    for method, path in (("GET", "/hosts"), ("PUT", f"{db.path}/stopped"), ("DELETE", db.path), ("GET", db.path)):
        assert (await stack.call(method, path, token=other.token))[0] == 403
    assert await stack.realtime(db.kind, db.name) == "running"


async def test_what_a_host_reports_of_members_it_does_not_have_changes_nothing(db: Instance, stack: Stack) -> None:
    await db.runs_from_nothing()
    other: Phantom = await join(stack)
    seen = {"type": db.kind, "name": db.name, "status": "failed", "installed": True}
    change = {"type": db.kind, "name": db.name, "number": 1, "from": "running", "to": "failed", "at": 1.0}
    operation = (await db.operations())[0]["id"]
    outcome = seen | {"operation_id": operation, "action": "install", "state": "failed", "message": "a lie"}
    report = other.report(instances=[seen], changes=[change | {"cause": "check"}], outcomes=[outcome])
    assert (await other.send(report))[0] == 202
    assert await stack.realtime(db.kind, db.name) == "running"
    assert ("running", "failed", "check") not in await db.changes()
    assert (await db.operations())[0]["state"] == "succeeded"


async def test_a_join_token_is_good_once(stack: Stack) -> None:
    _, made = await stack.call("POST", "/hosts/join-tokens")
    asked = {"join_token": made["join_token"], "address": "127.0.0.1", "port": "9"}
    assert (await stack.call("POST", "/agents/join", asked))[0] == 200
    assert (await stack.call("POST", "/agents/join", asked))[0] == 401


@pytest.mark.parametrize(
    "path",
    [
        "../controller/admin.token", "..%2fcontroller%2fadmin.token", "%2e%2e/controller/admin.token", "tiny/../../x",
        "%2e%2e%2fcontroller%2fsecret.key", "/etc/passwd", "%2fetc%2fpasswd", "tiny/..%5c..%5cx", "tiny/%00", "tiny/",
        "....//controller/admin.token", "link", "tiny/%c0%ae%c0%ae/x", "",
    ],
)  # fmt: skip
async def test_nothing_outside_the_repository_is_served(stack: Stack, path: str) -> None:
    link = stack.folder / "repo" / "link"
    if not link.is_symlink():
        link.symlink_to(stack.folder / "controller" / "admin.token")
    headers = {"Authorization": f"Bearer {stack.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(URL(f"{stack.url}/repo/{path}", encoded=True)) as response,
    ):
        assert response.status in (400, 404), await response.text()
        assert stack.token not in await response.text()


@pytest.mark.parametrize("name", ["..", "../x", "%2e%2e", "a/b", ".hidden", "a b", "ä", "a" * 129, "", "x\n", "$(id)"])
async def test_a_name_that_is_a_path_or_worse_is_refused(db: Instance, stack: Stack, name: str) -> None:
    status, answer = await stack.call("POST", "/database/create", db.body() | {"name": name})
    assert (status, answer["error"]["code"]) == (400, "invalid")
    body = db.body()
    body["app"]["install"] = f"{name}/install.sh" if name else ""
    assert (await stack.call("POST", "/database/create", body))[0] == 400


async def test_metadata_reaches_the_script_unharmed(make: Maker, repo: Path) -> None:
    values = {
        "NEWLINES": "one\ntwo\n\nthree", "QUOTES": "'\"`\\", "COMMAND": "$(touch /tmp/pwned); `id` && | > &",
        "UNICODE": "数据库 ✓", "EMPTY": "", "SPACES": "  a  b  ", "DASH": "-rf /", "PERCENT": "%s%n %2e%2e",
    }  # fmt: skip
    (repo / "tell.sh").write_text(TEXTS["install"] + 'env -0 >"$CONTROL/environment"\n')
    db = make(install="tell.sh")
    body = db.body()
    body["app"]["metadata"] |= values
    assert (await db.stack.call("POST", "/database/create", body))[0] == 201
    await db.wish("stopped")
    await db.becomes("stopped")
    pairs = (db.control / "environment").read_text().split("\0")
    seen = dict(pair.split("=", 1) for pair in pairs if pair)
    assert {key: seen[key] for key in values} == values
    leaked = set(seen) - set(values) - {"CONTROL", "PWD", "OLDPWD", "SHLVL", "_"}
    assert leaked <= {
        "PATH", "LANG", "HOME", "REPO_URL", "PACKAGE", "INSTANCE_NAME", "INSTANCE_KIND", "INSTANCE_DIR",
        "ACTION", "HOST_IP", "HOSTS", "HOST_INDEX",
    }  # fmt: skip


async def _post(stack: Stack, data: bytes) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {stack.token}", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{stack.url}{API}/database/create", data=BytesIO(data)) as response,
    ):
        return response.status, json.loads(await response.read())


async def test_a_body_of_two_megabytes_is_too_large(stack: Stack) -> None:
    status, answer = await _post(stack, b'{"name": "' + b"x" * (2 << 20) + b'"}')
    assert (status, answer["error"]["code"]) == (413, "too-large")


@pytest.mark.parametrize(
    "data", [b"[" * 100_000, b'{"a":' * 100_000, b"", b"null", b"[]", b'"x"', b"\xff\xfe", b"1e999"]
)
async def test_a_malformed_body_is_refused_with_a_sentence(stack: Stack, data: bytes) -> None:
    status, answer = await _post(stack, data)
    assert (status, answer["error"]["code"]) == (400, "invalid")
    assert answer["error"]["message"]


async def test_a_trailing_comma_is_refused_with_line_and_column(stack: Stack) -> None:
    status, answer = await _post(stack, b'{\n  "name": "x",\n}')
    assert status == 400
    assert re.search(r"line 3 column 1", answer["error"]["message"])


async def test_secrets_are_seen_nowhere(make: Maker, stack: Stack, agent: Agent, repo: Path) -> None:
    secret, host_secret = "s3cr3t-of-redis", "s3cr3t-of-host"
    (repo / "blab.sh").write_text(TEXTS["install"] + 'echo "installs with $APP_PASSWD"\nsleep 0.3\n')
    (repo / "fail.sh").write_text(TEXTS["start"] + 'echo "refused $APP_PASSWD" >&2; exit 5\n')
    db = make(install="blab.sh", start="fail.sh", check="tellcheck.sh")
    (repo / "tellcheck.sh").write_text("""echo "{\\"code\\": \\"1\\", \\"msg\\": \\"bad $APP_PASSWD\\"}"\n""")
    body = db.body()
    body["app"]["metadata"] |= {"APP_PASSWD": secret}
    body["host"][0]["auth"] = [{"username": "root", "password": host_secret}]
    status, _ = await stack.call("POST", "/database/create", body)
    assert status == 201
    await db.wish("running")
    await db.ran("install")
    assert not [line for line in _command_lines() if secret in line or host_secret in line]
    await db.says("refused")
    said = [await db.get(path) for path in ("", "/status", "/events", "/operations")]
    for operation in await db.operations():
        said.append((await stack.call("GET", f"/operations/{operation['id']}"))[1])
        said.append((await stack.call("GET", f"/operations/{operation['id']}/log"))[1])
    said += [(await stack.call("GET", path))[1] for path in ("/hosts", f"/hosts/{agent.host}", "/database")]
    told = json.dumps(said)
    assert "refused ***" in told
    assert secret not in told
    assert host_secret not in told
    for path in (*stack.folder.glob("*.log"), *(stack.folder / "controller").iterdir()):
        content = path.read_bytes()
        assert secret.encode() not in content, path
        assert host_secret.encode() not in content, path


def _command_lines() -> list[str]:
    return [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]


async def test_tokens_are_kept_as_hashes_and_secrets_are_readable_by_their_owner_alone(stack: Stack) -> None:
    token, folder = await _token(stack, "viewer"), stack.folder / "controller"
    for path in folder.iterdir():
        assert token.encode() not in path.read_bytes(), path
    for path in (folder, folder / "admin.token", folder / "secret.key", folder / "controller.db"):
        assert path.stat().st_mode & 0o077 == 0, path
