"""The registry: joining, being named, being removed."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pytest
from sqlalchemy import text

from paas_controller.hosts.service import Hosts
from paas_controller.identity.service import Identity
from paas_controller.store.store import Store
from tests.controller.agents import Agent
from tests.controller.shell import Answer, Shell, body, until


async def test_an_agent_that_joins_is_a_host_and_gets_both_tokens(shell: Shell, agent: Agent) -> None:
    joined = await agent.join()
    assert joined.host == agent.host
    assert joined.interval == 0.1
    host = (await shell.get(f"/hosts/{agent.host}")).body
    assert (host["state"], host["version"], host["members"]) == ("online", "1.0", [])


async def test_a_join_token_enrols_one_host_once(shell: Shell, agent: Agent) -> None:
    token = (await shell.post("/hosts/join-tokens")).body["join_token"]
    assert (await agent.ask_to_join(token)).status == 200
    again = await agent.ask_to_join(token)
    assert again.status == 401
    assert "used" in again.message


async def test_a_join_token_ends_after_an_hour(shell: Shell, agent: Agent) -> None:
    made = (await shell.post("/hosts/join-tokens")).body
    assert made["expires_at"] == "2026-06-28T11:00:00.000Z"
    shell.clock.now += 3600
    assert (await agent.ask_to_join(made["join_token"])).status == 401


@pytest.mark.parametrize("token", ["", "garbage", "0" * 64, "käse", 7])
async def test_garbage_is_no_join_token(agent: Agent, token: Any) -> None:
    assert (await agent.ask_to_join(join_token=token, token="")).status == 401


async def test_another_kind_of_token_does_not_join(shell: Shell, agent: Agent) -> None:
    assert (await agent.ask_to_join(shell.token)).status == 401


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"address": "127.0.0.1", "port": "3335"}', b"\xff"])
async def test_a_body_without_a_join_token_does_not_join(shell: Shell, data: bytes) -> None:
    assert (await shell.post("/agents/join", data, token="")).status == 401


NO_PLACES = [
    {"port": ""}, {"port": "0"}, {"port": "65536"}, {"port": "-1"}, {"port": "http"}, {"port": "٣"}, {"address": ""},
    {"address": "a b"}, {"address": "db/.."}, {"address": "user@db"}, {"address": "1.2.3"}, {"address": "db:80"},
]  # fmt: skip


async def test_a_join_from_no_address_and_port_is_refused_and_uses_up_no_token(shell: Shell, agent: Agent) -> None:
    token = (await shell.post("/hosts/join-tokens")).body["join_token"]
    for wrong in NO_PLACES:
        refused = await agent.ask_to_join(token, **wrong)
        assert refused.status == 400, wrong
        assert "--advertise" in refused.message
    assert (await shell.get("/hosts")).body["items"] == []
    assert (await agent.ask_to_join(token)).status == 200


async def test_who_has_no_join_token_does_not_learn_what_an_address_must_look_like(agent: Agent) -> None:
    for wrong in NO_PLACES:
        assert (await agent.ask_to_join("garbage", **wrong)).status == 401, wrong


async def test_joining_again_replaces_both_tokens(shell: Shell, agent: Agent) -> None:
    first = await agent.join()
    second = await agent.join()
    assert first.host == second.host
    assert first.agent_token != second.agent_token
    assert first.controller_token != second.controller_token
    assert (await shell.post("/agents/report", agent.says(), token=first.agent_token)).status == 401
    await agent.report()
    await shell.create(agent.host, status={"expect": "running"})
    await agent.ordered()


async def test_a_token_of_before_a_join_stays_bad_after_a_restart(shell: Shell, agent: Agent) -> None:
    first = await agent.join()
    await agent.join()
    await shell.restart()
    assert (await shell.post("/agents/report", agent.says(), token=first.agent_token)).status == 401
    await agent.report()


async def test_a_host_that_an_instance_names_and_a_joining_agent_are_one(shell: Shell, agent: Agent) -> None:
    await shell.create(agent.host)
    assert (await shell.get(f"/hosts/{agent.host}")).body["state"] == "absent"
    await agent.join()
    assert [host["id"] for host in (await shell.get("/hosts")).body["items"]] == [agent.host]
    assert (await shell.get(f"/hosts/{agent.host}")).body["members"] == ["database/db"]


async def test_an_instance_on_a_host_without_an_agent_waits_and_says_how_to_get_one(shell: Shell, agent: Agent) -> None:
    await shell.create(agent.host, status={"expect": "running"})
    assert "paas-agent join" in (await shell.member())["waiting"]
    await agent.join()
    assert (await agent.ordered())[0] == "install"


async def test_a_host_with_members_is_not_removed(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host)
    refused = await shell.delete(f"/hosts/{joined.host}")
    assert refused.status == 409
    assert refused.body["error"]["details"] == ["database/db"]
    await joined.report()


async def test_a_removed_host_is_gone_and_its_agents_token_is_no_longer_good(shell: Shell, joined: Agent) -> None:
    assert (await shell.delete(f"/hosts/{joined.host}")).status == 200
    assert (await joined.send(joined.says())).status == 401
    assert (await shell.get(f"/hosts/{joined.host}")).status == 404
    assert (await shell.delete(f"/hosts/{joined.host}")).status == 404
    await shell.restart()
    assert (await shell.get("/hosts")).body["items"] == []
    await joined.join()


async def while_written(
    patch: pytest.MonkeyPatch, where: tuple[type, str], first: Coroutine[Any, Any, Answer], *then: Any
) -> list[Answer]:
    """The answers to requests of which the others ask the writer for theirs in the middle of what the first writes."""
    begun, go, stores = threading.Event(), threading.Event(), list[Store]()
    real = getattr(*where)

    def held(self: Any, *arguments: Any, **named: Any) -> Any:
        stores.append(self._store)
        begun.set()
        assert go.wait(20)
        return real(self, *arguments, **named)

    patch.setattr(*where, held)
    asked = [asyncio.create_task(first)]
    await asyncio.to_thread(begun.wait, 20)
    for count, each in enumerate(then, 1):
        asked.append(asyncio.create_task(each))
        await until(lambda count=count: stores[0].waiting == count, "the writer to be asked")
    go.set()
    return await asyncio.gather(*asked)


async def stands_on(shell: Shell, host: str) -> list[str]:
    """The members on a host, as a controller that starts anew finds them; it has to know that host."""
    await shell.restart()
    found = await shell.get(f"/hosts/{host}")
    assert found.status == 200, found.body
    return list(found.body["members"])


async def test_a_host_on_which_an_instance_is_just_being_created_is_not_removed(
    shell: Shell, joined: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = shell.post("/database/create", body("db", joined.host))
    answers = await while_written(monkeypatch, (Hosts, "name"), created, shell.delete(f"/hosts/{joined.host}"))
    assert [answer.status for answer in answers] == [201, 409]
    assert answers[1].body["error"]["details"] == ["database/db"]
    assert await stands_on(shell, joined.host) == ["database/db"]


async def test_an_instance_that_is_created_while_its_host_is_removed_names_it_anew(
    shell: Shell, joined: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = shell.delete(f"/hosts/{joined.host}")
    created = shell.post("/database/create", body("db", joined.host))
    answers = await while_written(monkeypatch, (Identity, "forget"), removed, created)
    assert [answer.status for answer in answers] == [200, 201]
    assert (await joined.send(joined.says())).status == 401
    assert (await shell.get(f"/hosts/{joined.host}")).body["state"] == "absent"
    assert await stands_on(shell, joined.host) == ["database/db"]


async def test_a_host_that_is_removed_while_it_comes_onto_a_list_is_named_anew(
    shell: Shell, joined: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shell.create("h1:1")
    changed = shell.put("/database/db", body("db", "h1:1", joined.host))
    answers = await while_written(monkeypatch, (Hosts, "name"), changed, shell.delete(f"/hosts/{joined.host}"))
    assert [answer.status for answer in answers] == [200, 200]
    assert (await shell.get(f"/hosts/{joined.host}")).body["state"] == "absent"
    assert await stands_on(shell, joined.host) == ["database/db"]


async def test_of_two_who_remove_a_host_at_once_one_is_told_that_it_is_gone(
    shell: Shell, joined: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [shell.delete(f"/hosts/{joined.host}") for _ in range(2)]
    answers = await while_written(monkeypatch, (Identity, "forget"), *both)
    assert [answer.status for answer in answers] == [200, 404]


async def test_a_host_that_is_removed_when_it_is_to_be_rotated_is_told_to_be_gone(
    shell: Shell, joined: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [shell.delete(f"/hosts/{joined.host}"), shell.post(f"/hosts/{joined.host}/rotate")]
    answers = await while_written(monkeypatch, (Identity, "forget"), *both)
    assert [answer.status for answer in answers] == [200, 404]


async def test_of_many_who_name_a_host_at_once_one_does(shell: Shell) -> None:
    answers = await asyncio.gather(*(shell.post("/hosts", {"ip": "h1"}) for _ in range(12)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 11
    assert {answer.message for answer in answers if answer.status == 409} == {"h1:3335 is there already"}


async def test_a_host_that_is_removed_while_instances_are_created_on_it_is_never_lost(shell: Shell) -> None:
    names = [f"db{number}" for number in range(10)]
    for name in names:
        await shell.post("/hosts", {"ip": name})
        created, removed = await asyncio.gather(
            shell.post("/database/create", body(name, f"{name}:3335")), shell.delete(f"/hosts/{name}:3335")
        )
        assert (created.status, removed.status) in [(201, 409), (201, 200)]
    for name in names:
        assert await stands_on(shell, f"{name}:3335") == [f"database/{name}"]


async def test_used_and_expired_join_tokens_are_swept(shell: Shell, agent: Agent) -> None:
    await shell.post("/hosts/join-tokens")
    shell.clock.now += 3601
    await shell.post("/hosts/join-tokens")
    await shell.stop()
    store = await Store.open(shell.database_url)
    kept = await store.read(lambda c: c.execute(text("SELECT count(*) FROM token WHERE role = 'join'")).scalar())
    await store.close()
    await shell.start()
    assert kept == 1


async def test_nobody_takes_the_place_of_a_host_that_is_heard(shell: Shell, joined: Agent) -> None:
    assert joined.joined
    for former in ("", "another-token", shell.token):
        refused = await joined.ask_to_join(former=former)
        assert refused.status == 409
        assert refused.message.startswith(f"{joined.host} has an agent that reports, and this is another one: give it")
    await joined.report()
    assert (await joined.ask_to_join(former=joined.joined.agent_token)).status == 200


async def test_another_agent_joins_as_a_host_that_is_lost(shell: Shell, joined: Agent) -> None:
    shell.clock.now += 60
    assert (await joined.ask_to_join(former="")).status == 200


@pytest.mark.parametrize(
    ("spelled", "known"), [("2001:DB8:0:0::1", "2001:db8::1"), ("::ffff:192.0.2.7", "192.0.2.7"), ("h1", "h1")]
)
async def test_an_address_is_one_host_however_it_is_spelled(shell: Shell, spelled: str, known: str) -> None:
    assert (await shell.post("/hosts", {"ip": spelled})).body["id"] == f"{known}:3335"
    assert (await shell.post("/hosts", {"ip": known})).status == 409
