"""Ports for instances: the lowest free one, never one of somebody else's, and all of them back in the end."""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from paas_controller.base.clusters import ClusterSettings
from paas_controller.base.errors import Conflict, PaasError, Refused
from paas_controller.caas.ports.choice import Claim
from paas_controller.caas.ports.pool import Pool, PortHost
from paas_controller.caas.ports.pools import Pools, Wish
from paas_controller.caas.ports.service import Ports, Taken, Wanted
from paas_controller.identity.service import Identity
from paas_controller.identity.tenants import Tenants
from paas_controller.store.store import Store
from tests.controller.caas.ports.conftest import claim
from tests.controller.shell import Clock

T = TypeVar("T")
WEB = Wanted("web", 8080)


class Room:
    """Pools and ports on a database, with a clock of the test's and a cluster that shows what the test says."""

    def __init__(self, store: Store, kubeconfig: Path) -> None:
        self.store, self.clock = store, Clock()
        self.seen: dict[int, str] = {}
        clusters = [ClusterSettings(name="here", kubeconfig=kubeconfig)]
        self.pools = Pools(store, self.clock, clusters, lambda _: self.seen)
        self.ports = Ports(self.clock)

    async def pool(self, first: int = 30000, last: int = 30009, name: str = "web", *hosts: PortHost) -> None:
        await self.pools.make(Pool(name, "here", "host-port" if hosts else "node-port", first, last, hosts))

    async def do(self, command: Callable[[Connection], T]) -> T:
        return await self.store.write(command)

    async def take(
        self, *wanted: Wanted, by: Claim | None = None, known: Mapping[int, str] | None = None
    ) -> dict[Wanted, Taken]:
        return await self.do(lambda c: self.ports.take(c, wanted, by or claim(), known or {}))

    async def numbers(self, *wanted: Wanted, by: Claim | None = None) -> list[int]:
        taken = await self.take(*wanted, by=by)
        return [taken[each].port for each in wanted]

    async def refused(self, *wanted: Wanted, by: Claim | None = None) -> PaasError:
        with pytest.raises(PaasError) as refused:
            await self.take(*wanted, by=by)
        return refused.value

    async def states(self, name: str = "web") -> dict[int, str]:
        return {held.port: held.state for held in (await self.pools.one(name)).busy}


@pytest.fixture
async def room(database_url: str, tmp_path: Path) -> AsyncIterator[Room]:
    (tmp_path / "kubeconfig").touch()
    store = await Store.open(database_url)
    yield Room(store, tmp_path / "kubeconfig")
    await store.close()


async def test_the_lowest_free_port_is_given(room: Room) -> None:
    await room.pool()
    assert await room.numbers(WEB, Wanted("web", 9090), Wanted("db", 5432)) == [30000, 30001, 30002]
    assert await room.numbers(WEB, by=claim(instance="i-2")) == [30003]
    taken = await room.do(lambda c: room.ports.of_app(c, "app.shop"))
    assert taken[1] == Taken("i-1", "web", 9090, 30001, "web")
    assert await room.do(lambda c: room.ports.count(c, "app.shop")) == 4
    await room.do(lambda c: room.ports.release(c, "i-1"))
    assert [each.port for each in await room.do(lambda c: room.ports.of_app(c, "app.shop"))] == [30003]
    assert await room.numbers(WEB, by=claim(instance="i-3")) == [30000]


async def test_the_port_that_was_asked_for_is_given_or_none(room: Room) -> None:
    await room.pool()
    asked = Wanted("web", 8080, 30005)
    assert await room.numbers(asked, Wanted("web", 9090)) == [30005, 30000]
    for wanted, kind, sentence in (
        (asked, Conflict, "port 30005 is taken; take another one, or name none"),
        (Wanted("web", 8080, 80), Refused,
         "port 80 is in no port pool of the cluster here; take one of 30000 to 30009, or name none"),
    ):  # fmt: skip
        refused = await room.refused(Wanted("db", 5432), wanted, by=claim("app.blog", "i-2"))
        assert (type(refused), refused.message) == (kind, sentence)
    twice = await room.refused(Wanted("web", 1, 30006), Wanted("web", 2, 30006))
    assert twice.message == "port 30006 is asked for twice"
    assert set(await room.states()) == {30000, 30005}


async def test_when_no_port_is_left_it_is_told_who_has_them(room: Room) -> None:
    await room.pool(last=30003)
    await room.take(WEB, Wanted("web", 9090), Wanted("web", 7070))
    refused = await room.refused(WEB, Wanted("web", 9090), by=claim("app.blog", "i-2"))
    assert isinstance(refused, Conflict)
    assert refused.message == (
        "only 1 port is free in the port pool web of the cluster here, 4 in all, of which app.shop has 3, "
        "and 2 are asked for; delete what is not needed"
    )
    parts = await room.refused(WEB, Wanted("db", 5432), by=claim("app.blog", "i-2"))
    assert parts.message == refused.message, "what is not yet given is nobody's"
    await room.take(WEB, by=claim("app.blog", "i-2"))
    full = await room.refused(WEB, by=claim("app.blog", "i-3", tenant="acme"))
    assert full.message == (
        "no port is free in the port pool web of the cluster here, 4 in all, of which app.blog has 1; "
        "delete what is not needed"
    ), "a tenant is told of nobody else"
    assert list((await room.states()).values()) == ["taken"] * 4


async def test_a_cluster_without_a_pool_gives_none(room: Room) -> None:
    refused = await room.refused(WEB)
    assert refused.message == "the cluster here has no pool of node ports; an administrator has to make one"
    assert await room.take() == {}


async def test_the_next_pool_is_taken_from_when_one_is_full(room: Room) -> None:
    await room.pool(30005, 30005, "second")
    await room.pool(30000, 30000, "first")
    taken = await room.take(WEB, Wanted("web", 9090))
    assert [(each.pool, each.port) for each in taken.values()] == [("first", 30000), ("second", 30005)]


async def test_what_is_reserved_is_for_its_owner_and_for_others_once_its_time_is_up(room: Room) -> None:
    await room.pool()
    await room.pools.reserve("web", Wish("app.blog", 60, ports=[30000, 30002]))
    assert await room.numbers(WEB) == [30001]
    assert (await room.refused(Wanted("web", 1, 30002))).message.startswith("port 30002 is reserved")
    assert await room.numbers(WEB, by=claim("app.blog", "i-2")) == [30000], "what is reserved for it comes first"
    assert await room.states() == {30000: "taken", 30001: "taken", 30002: "reserved"}
    room.clock.now += 60
    assert await room.numbers(Wanted("web", 1, 30002), by=claim(instance="i-3")) == [30002]
    assert await room.states() == {30000: "taken", 30001: "taken", 30002: "taken"}


async def test_what_the_cluster_is_seen_to_use_is_given_to_nobody(room: Room) -> None:
    await room.pool(last=30003)
    room.seen = {30000: "kube-system/dns", 30002: "shop/web", 31000: "other/web"}
    await room.take(WEB, known=room.seen)
    await room.take(Wanted("web", 1), by=claim(instance="i-2"), known=room.seen)
    shown = await room.pools.one("web")
    assert [(held.port, held.state, held.owner) for held in shown.busy] == [
        (30000, "foreign", "kube-system/dns"), (30001, "taken", "app.shop"),
        (30002, "foreign", "shop/web"), (30003, "taken", "app.shop"),
    ]  # fmt: skip
    with pytest.raises(Conflict, match="port 30000 is in use by something outside of the platform"):
        await room.pools.reserve("web", Wish("app.blog", 60, ports=[30000]))


async def test_in_place_of_a_port_that_the_cluster_refuses_another_one_is_given(room: Room) -> None:
    await room.pool()
    taken = (await room.take(WEB))[WEB]
    known = {30000: "other/web", 30001: "other/web"}
    another = await room.do(lambda c: room.ports.another(c, taken, claim(), known))
    assert another == Taken("i-1", "web", 8080, 30002, "web")
    assert await room.states() == {30000: "foreign", 30002: "taken"}
    await room.do(lambda c: room.ports.release(c, "i-1"))
    assert await room.states() == {30000: "foreign"}


async def test_a_full_pool_says_how_many_ports_strangers_have(room: Room) -> None:
    await room.pool(last=30002)
    await room.take(WEB)
    for port in (30001, 30002):
        await room.do(lambda c, port=port: room.ports.foreign(c, "here", port, "other/web"))
    refused = await room.refused(WEB, by=claim("app.blog", "i-2"))
    assert refused.message == (
        "no port is free in the port pool web of the cluster here, 3 in all, of which app.shop has 1 and 2 are in use "
        "by something outside of the platform; delete what is not needed"
    )


async def test_a_foreign_port_is_free_again_once_the_cluster_is_no_longer_seen_to_use_it(room: Room) -> None:
    await room.pool()
    for port in (30000, 30001, 40000):
        await room.do(lambda c, port=port: room.ports.foreign(c, "here", port, "other/web"))
    # What is seen may be a moment behind what the cluster has just said.
    await room.do(lambda c: room.ports.forget_foreign(c, "here", []))
    assert await room.states() == {30000: "foreign", 30001: "foreign"}
    room.clock.now += 61
    await room.do(lambda c: room.ports.forget_foreign(c, "here", [30001]))
    assert await room.states() == {30001: "foreign"}


async def test_ports_that_no_host_has_together_are_not_said_to_be_missing(room: Room) -> None:
    await room.pool(80, 80, "hosts", PortHost("10.0.0.1", "node-1"), PortHost("10.0.0.2", "node-2"))
    refused = await room.refused(WEB, Wanted("web", 9090), by=claim(way="host-port"))
    assert refused.message.startswith("on no host enough ports are free in the port pool hosts of the cluster here, 2")


async def test_a_host_of_a_tenant_is_for_that_tenant_alone_and_the_first_that_it_is_given(room: Room) -> None:
    await Tenants(room.store, Identity(room.store, room.clock), room.clock, []).create("acme")
    own, shared = PortHost("10.0.0.1", "node-1", "acme"), PortHost("10.0.0.2", "node-2")
    await room.pool(80, 81, "hosts", own, shared)
    theirs = claim("app.blog", "i-2", way="host-port")
    of_acme = claim("app.shop", "i-1", tenant="acme", way="host-port")
    both = [Wanted("web", 8080), Wanted("web", 8443)]
    assert [(each.host, each.port) for each in (await room.take(*both, by=of_acme)).values()] == [(own, 80), (own, 81)]
    assert [each.host for each in (await room.take(WEB, by=theirs)).values()] == [shared]
    asked = [Wanted("db", 1, 80), Wanted("db", 2, 81)]
    refused = await room.refused(*asked, by=of_acme)
    assert refused.message == "port 80 is taken; take another one, or name none"
    full = await room.refused(*both, by=theirs)
    assert full.message.startswith("only 1 port is free in the port pool hosts of the cluster here, 2 in all")
    assert [each.host for each in await room.do(lambda c: room.ports.of_app(c, "app.shop"))] == [own, own]


async def test_a_pool_stays_while_something_of_it_is_taken(room: Room) -> None:
    await room.pool()
    await room.take(WEB, Wanted("web", 1))
    await room.take(WEB, by=claim("app.blog", "i-2"))
    with pytest.raises(Conflict) as refused:
        await room.pools.remove("web")
    assert refused.value.message == (
        "3 ports of the pool web are taken, by app.blog, app.shop; delete those instances first"
    )
    for instance in ("i-1", "i-2"):
        await room.do(lambda c, instance=instance: room.ports.release(c, instance))
    await room.pools.reserve("web", Wish("app.shop", 60, count=1))
    await room.pools.remove("web")
    assert await room.pools.all() == []
    await room.pool()
    assert await room.states() == {}, "what was reserved of it ended with it"


async def test_what_is_taken_is_kept_over_a_restart(room: Room, database_url: str) -> None:
    await room.pool()
    await room.take(WEB)
    await room.store.close()
    room.store = await Store.open(database_url)
    assert await room.numbers(WEB, by=claim(instance="i-2")) == [30001]


async def test_a_port_goes_with_the_transaction_that_took_it(room: Room) -> None:
    await room.pool()

    def fail(connection: Connection) -> None:
        room.ports.take(connection, [WEB], claim(), {})
        raise Conflict("the name is taken")

    with pytest.raises(Conflict):
        await room.do(fail)
    assert await room.states() == {}
