"""docs/caas.md: its set-up gives the controller a cluster, every command is run, and the roles are those it needs."""

import json
import re
import shlex
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from kubernetes.client import CoreV1Api, NetworkingV1Api

from paas_controller.caas.cluster.session import Session
from tests.controller.caas.conftest import Portal, component
from tests.controller.shell import Shell
from tests.docs.test_api import MARK, run, shape
from tests.testbeds.kubernetes.cluster import Cluster
from tests.testbeds.stack import until

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "caas.md").read_text()
PARTS: list[tuple[str, str]] = re.findall(r"^```(sh|json|toml)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
ROLES = list(yaml.safe_load_all((ROOT / "docs" / "caas-roles.yaml").read_text()))
Right = tuple[str, str]
"""A resource, and what is done with it."""


def write_program(path: Path, *command: str) -> None:
    """That stands for this command."""
    path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    path.chmod(0o755)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kubeconfig(kubernetes: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page's first commands have made."""
    folder = tmp_path_factory.mktemp("kubeconfig")
    write_program(folder / "kubectl", sys.executable, str(Path(__file__).with_name("kubectl.py")))
    setting_up = PARTS[0][1].replace("docs/caas-roles.yaml", str(ROOT / "docs" / "caas-roles.yaml"))
    await run(f"export PATH={folder}:$PATH KUBECONFIG={kubernetes.kubeconfig()}\n{setting_up}", folder)
    return folder / "main.kubeconfig"


@pytest.fixture
async def platform(kubeconfig: Path, tmp_path: Path) -> AsyncIterator[Shell]:
    """A controller with the settings of the page."""
    [settings] = tomllib.loads(next(text for language, text in PARTS if language == "toml"))["clusters"]
    shell = Shell(tmp_path / "data", settings={"clusters": (settings | {"kubeconfig": kubeconfig},)})
    shell.folder.mkdir()
    await shell.start()
    yield shell
    await shell.stop()


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> set[Right]:
    """Of which rights use is made."""
    rights: set[Right] = set()
    send = Session._send

    def noted(self: Session, hold: Any, request: Any) -> Any:
        rights.add(right(request.method, request.path, dict(request.query or {})))
        return send(self, hold, request)

    monkeypatch.setattr(Session, "_send", noted)
    return rights


def right(method: str, path: str, query: dict[str, Any]) -> Right:
    """`GET /api/v1/namespaces/a/pods/b/log` is `pods/log`, `get`."""
    found = re.fullmatch(r"/api/v1/(?:namespaces/[^/]+/(?=\w))?(\w+)(?:/([^/]+))?(?:/(\w+))?", path)
    assert found, path
    kind, name, below = found.groups()
    reads = "watch" if query.get("watch") else "get" if name else "list"
    verbs = {"POST": "create", "PATCH": "patch", "DELETE": "delete", "PUT": "update"}
    return (f"{kind}/{below}" if below else kind), verbs.get(method, reads)


def given() -> set[Right]:
    """By the page's file."""
    [role] = [each for each in ROLES if each["kind"] == "ClusterRole"]
    return {(kind, verb) for rule in role["rules"] for kind in rule["resources"] for verb in rule["verbs"]}


@pytest.mark.usefixtures("tools_on_the_path")
async def test_every_command_of_the_page_works_and_answers_what_it_says(
    platform: Shell, quick: tuple[str, ...], tmp_path: Path
) -> None:
    write_program(tmp_path / "paasctl", *quick)
    parts = [(language, text) for language, text in PARTS[1:] if language != "toml"]
    commands = f"export PATH={tmp_path}:$PATH\n"
    commands += "".join(f"{text}\necho '{MARK}'\n" for language, text in parts if language == "sh")
    commands = re.sub(r"\btimeout \d", "timeout 0.5", commands)
    commands = commands.replace("http://127.0.0.1:3334", str(platform.address).rstrip("/"))
    printed = iter(await run(commands.replace("/var/lib/paas-controller", str(platform.folder)), tmp_path, 300))
    said = ""
    for language, text in parts:
        if language == "sh":
            said = next(printed).strip()
        else:
            answers = [shape(json.loads(line)) for line in said.splitlines()[-1].replace("}{", "}\n{").splitlines()]
            assert shape(json.loads(text)) in answers, text


def test_the_policy_of_the_page_is_one_that_a_cluster_takes(kubernetes: Cluster) -> None:
    [policy] = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    with kubernetes.client() as client:
        made = NetworkingV1Api(client).create_namespaced_network_policy(
            "default", yaml.safe_load(policy.replace("app-shop", "default")), dry_run="All", field_validation="Strict"
        )
    assert [len(rule["from"]) for rule in client.sanitize_for_serialization(made)["spec"]["ingress"]] == [3]


async def test_the_roles_are_all_that_is_needed_and_none_is_too_many(used: set[Right], portal: Portal) -> None:
    core_of = portal.cluster.client
    await portal.shell.call("POST", "//api/v1/tenants", {"name": "acme"})
    hosts = [{"address": "203.0.113.9", "node": "node1", "tenant": "acme"}]
    pool = {"name": "own", "cluster": "main", "way": "host-port", "first": 8000, "last": 8002, "hosts": hosts}
    assert (await portal.shell.call("POST", "//api/v1/port_pools", pool)).status == 201
    assert (await portal.create(tenant="acme")).status == 201
    assert (await portal.put_in("web", component(ports=[80]))).status == 201
    await portal.becomes("web", "web", "running")
    with core_of() as client:
        CoreV1Api(client).delete_namespaced_resource_quota("pool", f"app-{portal.app}")

    async def mended() -> bool:
        return ("limitranges", "patch") in used

    await until(mended, "the pool to be put right")
    assert (await portal.call("PATCH", "", {"memory_units": 6})).status == 200
    for path in ("/instances/web/logs", "/instances/web/events"):
        assert (await portal.call("GET", path)).status == 200
    for word in ("restart", "stopped"):
        assert (await portal.call("PUT", f"/instances/web/{word}")).status == 202
    await portal.call("DELETE", "/instances/web")
    await portal.is_gone("/instances/web")
    await portal.call("DELETE")
    await portal.is_gone("")
    assert used == given()
