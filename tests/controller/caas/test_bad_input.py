"""Whatever is asked wrongly is refused by its name, reaches neither database nor cluster, and stands in the audit."""

from typing import Any

import pytest

from paas_controller.caas.cluster.session import Session
from tests.controller.caas.conftest import Portal, component

DEEP: Any = {}
for _ in range(150):
    DEEP = {"a": DEEP}


def of(*components: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"kind": "AppInstance", "name": "bad", "components": list(components)} | changes


def template(spec: Any) -> dict[str, Any]:
    return of(component(rc_template={"spec": {"template": {"spec": spec}}}))


WRONG_INSTANCES: list[tuple[Any, int, str]] = [
    (of(component(), name="Bad_Name"), 400, "name: a name is 1 to 40 of a-z 0-9 and -"),
    (of(component(), name="x" * 41), 400, "name: a name is 1 to 40"),
    (of(component(), name="a\x00b"), 400, "name: a name is 1 to 40"),
    (of(component(), kind="CaasInstance"), 400, "kind must be 'AppInstance'"),
    (of(component(), environment="test"), 400, "environment must be 'online' or 'offline'"),
    (of(component(), enviroment="online"), 400, "did you mean environment?"),
    (of(), 400, "components must hold 1 or more"),
    (of(*(component(f"c{number}") for number in range(21))), 400, "components must hold 20 or fewer"),
    (of(component(), component()), 400, "components: two are called web"),
    (of(component("-web")), 400, "components.0.name: a name is"),
    (of(component(image="Not An Image")), 400, "components.0.image: 'Not An Image' is no image"),
    (of(component(image="h:99999/a")), 400, "components.0.image: 'h:99999/a' is no image"),
    (of(component(image="web:1\n")), 400, "components.0.image:"),
    (of(component(image="a" * 513)), 400, "components.0.image:"),
    (of(component(replicas=0)), 400, "components.0.replicas must be 1 or more"),
    (of(component(replicas=101)), 400, "components.0.replicas must be 100 or less"),
    (of(component(replicas=True)), 400, "components.0.replicas must be a whole number"),
    (of(component(memory_units=0)), 400, "components.0.memory_units must be 1 or more"),
    (of(component(memory_units=-1)), 400, "components.0.memory_units must be 1 or more"),
    (of(component(memory_units=10**30)), 400, "components.0.memory_units must be 100000 or less"),
    (of(component(memory_units=1.5)), 400, "components.0.memory_units must be a whole number"),
    (of(component(memory_unit=1)), 400, "components.0.memory_unit: no such key"),
    (of(component(ports=[0])), 400, "components.0.ports.0 must be 1 or more"),
    (of(component(ports=[65536])), 400, "components.0.ports.0 must be 65535 or less"),
    (of(component(ports=[80, 443, 80])), 400, "components.0.ports: port 80 is exported twice"),
    (of(component(ports="80")), 400, "components.0.ports must be a list"),
    (of(component(env={"A": "x\x00y"})), 400, "components.0.env.A: holds a NUL character"),
    (of(component(env={"A\x00": ""})), 400, "components.0.env: 'A\\x00' is no name for a variable"),
    (of(component(env={"A": 1})), 400, "components.0.env.A must be a text"),
    (of(component(env={"A": "x" * 32769})), 400, "components.0.env.A must be 32768 or fewer"),
    (of(component(env={f"A{number}": "" for number in range(1001)})), 400, "components.0.env must hold 1000 or fewer"),
    (of(component(rc_template="hostNetwork")), 400, "components.0.rc_template must be an object"),
    (of(component(rc_template={"kind": "Pod"})), 422, "components.0.rc_template.kind: has to be ReplicationController"),
    (of(component(rc_template={"spec": []})), 422, "rc_template.spec: has to be an object"),
    (of(component(rc_template=DEEP)), 422, "rc_template.a: is not for a template to say"),
    (of(component(rc_template={"metadata": {"labels": {"a\x00": "b"}}})), 422, r"labels.a\x00: has letters in it"),
    (template({"hostPID": True}), 422, "spec.template.spec.hostPID"),
    (template({"containers": [{"env": [{"name": "A", "value": "\x00"}]}]}), 422, "env.0.value: has letters in it"),
    ([], 400, "the body must be an object"),
    (b"{", 400, "the body is not JSON"),
    (b'{"kind": "\xff"}', 400, "the body is not JSON"),
    (b'{"name": "\\ud800"}', 400, "the body is not JSON"),
    (b"[" * 100_000, 400, "the body is not JSON"),
    ("x" * (2 << 20), 413, "the body is larger than"),
]

WRONG_CONTAINERS: list[tuple[dict[str, Any], int, str]] = [
    ({}, 422, "rc_template.spec.template.spec.containers: is missing"),
    ({"rc_template": None}, 400, "rc_template must be an object"),
    ({"svc_template": []}, 400, "svc_template must be an object"),
    ({"svc_template": {"kind": "Ingress"}}, 422, "svc_template.kind: has to be Service"),
    ({"svc_template": {"spec": {"ports": [{"port": 0}]}}}, 422, "svc_template.spec.ports.0.port"),
    ({"svc_template": {"spec": {"externalIPs": ["10.0.0.1"]}}}, 422, "svc_template.spec.externalIPs"),
    ({"rc_template": {"metadata": {"namespace": "kube-system"}}}, 422, "rc_template.metadata.namespace"),
    ({"svc_tempalte": {}}, 400, "did you mean svc_template?"),
]

WRONG_APPS: list[tuple[dict[str, Any], int, str]] = [
    ({"name": "UPPER"}, 400, "name: a name is 1 to 40"),
    ({"memory_units": 0}, 400, "memory_units must be 1 or more"),
    ({"memory_units": 100_001}, 400, "memory_units must be 100000 or less"),
    ({"memory_units": "5"}, 400, "memory_units must be a whole number"),
    ({"max_ports": -1}, 400, "max_ports must be 0 or more"),
    ({"plan": "gold"}, 400, "plan must be 'free' or 'standard'"),
    ({"plan": "free", "memory_units": 6}, 422, "the free plan has at most 5 memory units"),
    ({"tenant": "a\x00"}, 400, "tenant: a name is 1 to 40 of a-z 0-9 and -, and does not begin or end with -"),
    ({"tenant": "nobody"}, 422, "there is no tenant nobody"),
    ({"cluster": "x" * 5000}, 400, "cluster: a name is 1 to 40"),
    ({"cluster": "elsewhere"}, 422, "there is no cluster elsewhere; the settings name main"),
    ({"memory_unit": 1}, 400, "did you mean memory_units?"),
]

WRONG_QUERIES = [
    ("GET", "?limit=5", "takes no parameters"), ("GET", "/usage?a=b", "takes no parameters"),
    ("POST", "/instances?strikt=true", "did you mean strict?"), ("POST", "/instances?strict=1", "is true or false"),
    ("POST", "/instances?dry_run=true&dry_run=true", "is given 2 times"),
    ("PATCH", "?dry_run=yes", "is true or false"), ("DELETE", "?force=true", "no such key"),
    ("PUT", "/instances/here/stopped?now=1", "no such key"), ("DELETE", "/instances/here?dry_run=", "true or false"),
    ("GET", "/instances/here/logs?tail=-1", "whole number"), ("GET", "/instances/here/logs?tail=%00", "whole number"),
    ("GET", "/instances/here/logs?tail=99999999", "tail must be"),
    ("GET", "/instances/here/logs?folow=true", "did you mean follow?"),
]  # fmt: skip

NOT_THERE = [
    ("GET", "/instances/none"), ("DELETE", "/instances/none"), ("GET", "/instances/a%00b"),
    ("GET", "/instances/none/pods"), ("GET", "/instances/none/logs"), ("GET", "/instances/none/events"),
    ("GET", "/instances/here/logs?pod=..%2f..%2fsecrets"), ("PUT", "/instances/here/components/none/stopped"),
    ("PUT", "/instances/none/running"), ("PUT", "/instances/here/components/a%00/restart"),
]  # fmt: skip


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every call that would change something in a cluster."""
    calls: list[str] = []
    whole = Session.object

    def counted(self: Session, hold: Any, request: Any) -> dict[str, Any]:
        if request.method != "GET":
            calls.append(f"{request.method} {request.path}")
        return whole(self, hold, request)

    monkeypatch.setattr(Session, "object", counted)
    return calls


async def everything(portal: Portal) -> list[Any]:
    paths = ["", "/usage", "/instances"]
    there = [(await portal.call("GET", path)).body for path in paths]
    there += [(await portal.shell.get(f"//api/v1/{kind}")).body for kind in ("apps", "caas_apps")]
    return [*there, (await portal.shell.get("//api/v1/port_pools/main")).body]


async def refusals(portal: Portal) -> int:
    """Rows of the audit that tell of a refusal."""
    rows = (await portal.shell.get("/audit?limit=1000")).body["items"]
    return sum(row["status"] >= 400 for row in rows)


async def test_a_wrong_instance_is_refused_by_its_field_and_nothing_comes_of_it(
    portal: Portal, written: list[str]
) -> None:
    await portal.create()
    before, count = await everything(portal), len(written)
    for document, status, told in WRONG_INSTANCES:
        for query in ("", "?dry_run=true"):
            refused = await portal.call("POST", f"/instances{query}", document)
            said = [refused.message, *refused.body["error"]["details"]]
            assert (refused.status, any(told in each for each in said)) == (status, True), (str(document)[:200], said)
            assert len(str(said)) < 20_000
    assert await refusals(portal) == 2 * len(WRONG_INSTANCES)
    assert await everything(portal) == before
    assert written[count:] == []


async def test_wrong_templates_of_a_container_are_refused_by_their_path(caas: Portal, written: list[str]) -> None:
    await caas.create()
    before, count = await everything(caas), len(written)
    for changes, status, told in WRONG_CONTAINERS:
        document: Any = {"kind": "CaasInstance", "name": "bad", "rc_template": {}} | changes
        refused = await caas.call("POST", "/instances", document)
        said = [refused.message, *refused.body["error"]["details"]]
        assert (refused.status, any(told in each for each in said)) == (status, True), (changes, said)
    assert await refusals(caas) == len(WRONG_CONTAINERS)
    assert await everything(caas) == before
    assert written[count:] == []


async def test_a_wrong_app_and_wrong_words_in_its_address_are_refused_by_name(
    portal: Portal, written: list[str]
) -> None:
    await portal.create()
    assert (await portal.put_in("here", component())).status == 201
    await portal.becomes("here", "web", "running")
    before, count = await everything(portal), len(written)
    for changes, status, told in WRONG_APPS:
        document: Any = {"name": "other", "memory_units": 5} | changes
        refused = await portal.shell.post("//api/v1/apps", document)
        assert (refused.status, told in refused.message) == (status, True), (changes, refused.message)
    for method, path, told in WRONG_QUERIES:
        sent = {"POST": of(component()), "PATCH": {}}.get(method)
        refused = await portal.call(method, path, sent)
        assert (refused.status, told in refused.message) == (400, True), (path, refused.message)
    for method, path in NOT_THERE:
        refused = await portal.call(method, path)
        assert refused.status == 404, (path, refused.message)
    changes_asked = [method for method, *_ in (*WRONG_QUERIES, *NOT_THERE) if method != "GET"]
    assert await refusals(portal) == len(WRONG_APPS) + len(changes_asked)
    assert await everything(portal) == before
    assert written[count:] == []


async def test_a_dry_run_says_what_it_would_do_and_does_nothing(portal: Portal, written: list[str]) -> None:
    await portal.create()
    await portal.put_in("here", component(ports=[80]))
    await portal.becomes("here", "web", "running")
    before, count = await everything(portal), len(written)
    asked: list[tuple[str, str, Any]] = [
        ("POST", "/instances", of(component(ports=[80]))), ("PATCH", "", {"memory_units": 9}), ("DELETE", "", None),
        ("DELETE", "/instances/here", None), ("PUT", "/instances/here/stopped", None),
        ("PUT", "/instances/here/restart", None), ("PUT", "/instances/here/components/web/running", None),
    ]  # fmt: skip
    for method, path, document in asked:
        would = await portal.call(method, f"{path}?dry_run=true", document)
        assert (would.status, would.body["dry_run"], bool(would.body["steps"])) == (200, True, True), path
    new = await portal.shell.post("//api/v1/caas_apps?dry_run=true", {"name": "new", "memory_units": 1})
    assert (new.status, new.body["dry_run"]) == (200, True)
    assert await everything(portal) == before
    assert written[count:] == []
