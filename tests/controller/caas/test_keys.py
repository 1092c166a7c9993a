"""Idempotency-Key: what is asked for twice is made once."""

from typing import Any

from tests.controller.caas.conftest import Portal, component
from tests.controller.caas.test_caas import body


async def test_what_is_asked_for_twice_by_one_key_is_made_once(portal: Portal, caas: Portal) -> None:
    for each, instance in (
        (portal, {"kind": "AppInstance", "name": "web", "components": [component(ports=[80])]}),
        (caas, body("web")),
    ):
        app: Any = {"name": each.app, "memory_units": 5}
        asked = ((f"//api/v1/{each.kind}", app), (f"//api/v1/{each.kind}/{each.app}/instances", instance))
        for path, document in asked:
            key = {"Idempotency-Key": f"{each.kind}-{path.rpartition('/')[2]}"}
            first, second = [await each.shell.post(path, document, headers=key) for _ in range(2)]
            assert (first.status, second.status) == (201, 201), first.body
            assert "Idempotency-Replayed" not in first.headers
            assert second.headers["Idempotency-Replayed"] == "true"
            assert second.body == first.body
            other = await each.shell.post(path, document | {"name": "other"}, headers=key)
            assert (other.status, "take a new key" in other.message) == (422, True)
        usage = (await each.call("GET", "/usage")).body
        assert ([port["instance"] for port in usage["ports"]], len(usage["shares"])) == (["web"], 1)
        assert [one["name"] for one in (await each.call("GET", "/instances")).body["items"]] == ["web"]
