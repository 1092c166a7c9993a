"""`paasctl app` and `paasctl caas` against a controller with a real API server."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from paas_client.client import connect
from tests.client.conftest import Ended, Paasctl
from tests.client.test_paasctl_completion import completed
from tests.controller.caas.conftest import Portal, component
from tests.controller.caas.test_caas import TEMPLATES


@pytest.fixture
def paasctl(portal: Portal, quick: tuple[str, ...], tmp_path: Path) -> Paasctl:
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm"}
    return Paasctl(home | {"PAAS_URL": str(portal.shell.address), "PAAS_TOKEN": portal.shell.token}, quick)


def spec(name: str, *components: dict[str, Any]) -> str:
    return json.dumps({"name": name, "components": list(components)})


async def put(paasctl: Paasctl, portal: Portal, name: str, *components: dict[str, Any], more: str = "") -> Ended:
    return await paasctl("app", "put", portal.app, "-f", "-", *more.split(), stdin=spec(name, *components))


async def test_an_app_is_made_filled_looked_at_and_deleted(paasctl: Paasctl, portal: Portal) -> None:
    app = portal.app
    create = ("app", "create", app, "--units", "4", "--ports", "2")
    assert f"app-{app} with 4 units" in (await paasctl(*create, "--dry-run")).out
    made = await paasctl(*create)
    assert (made.code, f"paasctl app put {app} -f FILE" in made.err) == (0, True)
    assert (await paasctl(*create)).code == 6

    assert "create" in (await put(paasctl, portal, "web", component(), more="--dry-run")).out
    running = await put(paasctl, portal, "web", component(ports=[80]), component("db", memory_units=2), more="--wait")
    assert running.code == 0, running.err
    assert "state        running" in running.out
    assert "http://web-web.apps.example.org:" in running.out

    shown = (await paasctl("app", "show", app)).out
    assert "[" + "A" * 10 + "B" * 20 + "·" * 10 + "]" in shown
    assert "3 of 4 units in use, 1 free; a unit is 128 MiB" in shown
    assert ["B", "web/db", "2", "-"] in [line.split() for line in shown.splitlines()]
    assert ["web", "db", "running", "1/1", "runs"] in [line.split() for line in shown.splitlines()]
    [listed] = [line.split() for line in (await paasctl("app", "list")).out.splitlines() if line.startswith(app)]
    assert listed[4:11] == ["3", "of", "4", "1", "of", "2", "1"]

    assert (await paasctl("app", "remove", f"{app}/web", "--wait")).out == f"{app}/web: gone\n"
    orphan = await paasctl("app", "delete", app, "--orphan")
    assert (orphan.code, "is in the settings" in orphan.err, "without --orphan" in orphan.err) == (6, True, True)
    assert (await paasctl("app", "delete", app, "--wait")).out == f"{app}: gone\n"
    gone = await paasctl("app", "show", app)
    assert (gone.code, "see which there are: paasctl app list" in gone.err) == (3, True)


async def test_lists_are_longer_than_a_page(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paas_client.apps._PAGE", 2)
    names = [f"{portal.app}-{number}" for number in range(3)]
    for name in names:
        await Portal(portal.shell, portal.cluster, name).create()
        await Portal(portal.shell, portal.cluster, names[0]).put_in(name, component())
    async with connect(str(portal.shell.address), portal.shell.token) as client:
        assert [app.name for app in await client.apps.all()] == names
        assert [instance.name for instance in await client.apps.instances(names[0]).all()] == names


async def test_the_bar_says_who_takes_what_and_what_waits(paasctl: Paasctl, portal: Portal) -> None:
    await portal.create(units=2)
    await put(paasctl, portal, "web", component(replicas=2), more="--wait")
    waiting = await put(paasctl, portal, "worker", component("db"))
    assert (waiting.code, "waits for memory: asked 1 unit" in waiting.out) == (0, True)
    usage = (await paasctl("app", "usage", portal.app)).out
    assert usage.splitlines()[0] == "[" + "A" * 40 + "] " + "B" * 20 + " waits"
    assert ["B", "worker/db", "-", "1"] in [line.split() for line in usage.splitlines()]
    refused = await put(paasctl, portal, "strict", component(), more="--strict")
    assert (refused.code, "without --strict it waits" in refused.err) == (1, True)
    assert f"{portal.app}/strict was not created: it does not fit" in refused.err

    starting = await paasctl.start("app", "running", f"{portal.app}/worker/db", "--wait")
    await starting.says("waits for memory: asked 1 unit (128 MiB)")
    assert (await paasctl("app", "stopped", f"{portal.app}/web", "--wait")).code == 0
    ended = await starting.ended()
    assert (ended.code, "db  waiting → " in ended.err) == (0, True), ended.err


async def test_waiting_ends_where_something_does_not_mend_itself(paasctl: Paasctl, portal: Portal) -> None:
    await portal.create(units=4)
    wrong = (component(image="no-such-image:1"), component(image="crash:3"), component(memory_units=5))
    names = ("typo", "dies", "big")
    waiting = [put(paasctl, portal, name, one, more="--wait") for name, one in zip(names, wrong, strict=True)]
    late = put(paasctl, portal, "late", component(image="never-ready:1"), more="--wait --timeout 1")
    typo, dies, big, slow = await asyncio.gather(*waiting, late)
    assert (typo.code, f"{portal.app}/typo/web: its image no-such-image:1 cannot be pulled" in typo.err) == (1, True)
    assert (dies.code, "last with exit code 3" in dies.err) == (1, True)
    assert f"what it has written: paasctl app log {portal.app}/dies/web" in dies.err
    assert (big.code, f"paasctl app resize {portal.app} --units UNITS" in big.err) == (1, True)
    assert (slow.code, "late is not running after 1 s; web: " in slow.err) == (7, True)


async def test_a_restart_is_over_when_the_pods_are_other_ones(paasctl: Paasctl, portal: Portal) -> None:
    await portal.create()
    await put(paasctl, portal, "web", component(), more="--wait")
    [before] = (await paasctl("app", "pods", f"{portal.app}/web", "-o", "json")).document
    assert (await paasctl("app", "restart", f"{portal.app}/web/web", "--wait")).code == 0
    [after] = (await paasctl("app", "pods", f"{portal.app}/web", "-o", "json")).document
    assert before["name"] != after["name"]
    assert after["name"] in (await paasctl("app", "pods", f"{portal.app}/web")).out


async def test_what_people_look_for_next(paasctl: Paasctl, portal: Portal) -> None:
    await portal.create(units=3)
    await put(paasctl, portal, "web", component(), component("db"), more="--wait")
    both = await paasctl("app", "log", f"{portal.app}/web")
    assert (both.code, f"name one: paasctl app log {portal.app}/web/COMPONENT" in both.err) == (6, True)
    printed = (await paasctl("app", "log", f"{portal.app}/web/db", "--tail", "1")).out
    assert len(printed.splitlines()) == 1
    following = await paasctl.start("app", "log", f"{portal.app}/web/db", "--follow", "--tail", "1")
    for _ in range(3):
        assert (await following.prints("line")).endswith("\n")
    following.interrupt()
    assert (await following.ended()).code == 130
    assert "SuccessfulCreate" in (await paasctl("app", "events", f"{portal.app}/web")).out
    mistyped = await paasctl("app", "show", f"{portal.app}/wep")
    assert (mistyped.code, f"did you mean {portal.app}/web?" in mistyped.err) == (3, True)


async def test_what_becomes_of_an_app_is_watched(paasctl: Paasctl, portal: Portal) -> None:
    await portal.create()
    await put(paasctl, portal, "web", component(), more="--wait")
    watching = await paasctl.start("app", "watch", portal.app, "-o", "json")
    told: list[dict[str, Any]] = []

    async def stopped() -> None:
        told.append(json.loads(await watching.prints("stop")))

    waiting = asyncio.create_task(stopped())
    while not waiting.done():  # a watch tells of what happens once it listens
        for word in ("running", "stopped"):
            await paasctl("app", word, f"{portal.app}/web", "--wait")
    watching.interrupt()
    assert (await watching.ended()).code == 130
    assert (told[0]["kind"], told[0]["name"], told[0]["host"]) == ("app", f"{portal.app}/web", "web")
    assert (await paasctl("app", "watch", f"{portal.app}x")).code == 3


async def test_a_pool_is_resized(paasctl: Paasctl, portal: Portal) -> None:
    await portal.create(units=2)
    await put(paasctl, portal, "web", component(replicas=2), more="--wait")
    assert "units      3" in (await paasctl("app", "resize", portal.app, "--units", "3", "--ports", "1")).out
    refused = await paasctl("app", "resize", portal.app, "--units", "1")
    assert (refused.code, f"see who has what: paasctl app usage {portal.app}" in refused.err) == (6, True)


async def test_single_containers_are_made_of_templates(paasctl: Paasctl, caas: Portal) -> None:
    assert (await paasctl("caas", "create", caas.app, "--units", "2")).code == 0
    put = ("caas", "put", caas.app, "-f", "-")
    made = await paasctl(*put, "--wait", stdin=json.dumps({"name": "phpmyadmin-1"} | TEMPLATES))
    assert (made.code, "phpmyadmin-1" in made.out) == (0, True), made.err
    forbidden = {"name": "bad", "rc_template": {"spec": {"template": {"spec": {"hostNetwork": True}}}}}
    refused = await paasctl(*put, stdin=json.dumps(forbidden))
    assert (refused.code, "rc_template.spec.template.spec.hostNetwork" in refused.err) == (1, True)
    assert "phpmyadmin-1" in (await paasctl("caas", "show", caas.app)).out
    assert (await paasctl("caas", "stopped", f"{caas.app}/phpmyadmin-1", "--wait")).code == 0
    assert (await paasctl("caas", "remove", f"{caas.app}/phpmyadmin-1", "--wait")).code == 0


async def test_apps_and_their_instances_are_completed(paasctl: Paasctl, portal: Portal) -> None:
    await portal.create()
    await portal.put_in("web", component())
    assert await completed(paasctl, "app", "usage", portal.app[:-1]) == [portal.app]
    assert await completed(paasctl, "app", "log", portal.app[:-1]) == [f"{portal.app}/"]
    assert await completed(paasctl, "app", "log", f"{portal.app}/w") == [f"{portal.app}/web"]
    assert await completed(paasctl, "caas", "usage", portal.app) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("app", "pods", "shop"), "'shop' is not APP/INSTANCE"),
        (("app", "delete", "shop/web"), "'shop/web' is not APP"),
        (("app", "remove", "shop/"), "'shop/' is not APP/INSTANCE"),
        (("caas", "stopped", "shop/web/web"), "'shop/web/web' is not APP/INSTANCE"),
        (("app", "resize", "shop"), "say what changes: --units, --ports or --plan"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_what_is_wrong_is_told_before_anybody_is_asked(
    tmp_path: Path, quick: tuple[str, ...], arguments: tuple[str, ...], told: str
) -> None:
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm", "COLUMNS": "200"}
    nobody = Paasctl(home, quick)
    ended = await nobody(*arguments)
    assert (ended.code, told in ended.err) == (2, True), ended.err
