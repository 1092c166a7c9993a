"""Port pools and reservations over HTTP."""

from typing import Any

from tests.controller.caas.ports.conftest import POOLS, host, pool
from tests.controller.shell import Shell


async def made(shell: Shell, **more: Any) -> dict[str, Any]:
    answer = await shell.post(POOLS, pool(**more))
    assert answer.status == 201, answer.body
    return dict(answer.body)


async def tenant(shell: Shell) -> None:
    assert (await shell.post("//api/v1/tenants", {"name": "acme"})).status == 201


async def reserve(shell: Shell, **more: Any) -> Any:
    """What the owner then has of the pool."""
    wish = {"owner": "app.shop", "seconds": 600} | more
    return await shell.post(f"{POOLS}/web/reservations", wish)


def ports(reserved: Any) -> list[int]:
    assert reserved.status == 201, reserved.body
    return [each["port"] for each in reserved.body["ports"]]


async def test_a_pool_is_named_shown_and_deleted(shell: Shell) -> None:
    shown = await made(shell)
    assert shown == pool(way="node-port", hosts=[], created_at="2026-06-28T10:00:00.000Z") | {
        "size": 10, "taken": 0, "reserved": 0, "foreign": 0, "free": 10,
    }  # fmt: skip
    assert (await shell.get(POOLS)).body == {"items": [shown], "next": None}
    assert (await shell.get(f"{POOLS}/web")).body == shown | {"ports": []}
    assert (await shell.delete(f"{POOLS}/web")).body == {"name": "web", "msg": "deleted"}
    gone = await shell.delete(f"{POOLS}/web")
    assert (gone.status, gone.message) == (404, "there is no port pool web")


IMPOSSIBLE: list[tuple[dict[str, Any], int, str]] = [
    ({"name": "W"}, 400, "name: a name is 1 to 40 of a-z 0-9 and -, and does not begin or end with -"),
    ({"cluster": "-"}, 400, "cluster: a name is 1 to 40 of a-z 0-9 and -, and does not begin or end with -"),
    ({"hosts": [{"address": "10.0.0.1", "node": "A"}]}, 400,
     "hosts.0.node: a node is called by up to 253 of a-z 0-9 - and ., and neither begins nor ends with - or ."),
    ({"cluster": "nowhere"}, 422, "the settings name no cluster nowhere; there is here, there"),
    ({"first": 31000, "last": 31001}, 422, "the node ports of the cluster here are 30000 to 30999; stay within them"),
    ({"first": 30009, "last": 30000}, 400, "first is 30009 and last is 30000; the first one has to be the lower"),
    ({"hosts": [host("10.0.0.1")]}, 400, "hosts: a node port is the same on every node; leave the hosts out"),
    ({"way": "host-port"}, 400, "hosts is missing: of host-port, say on which addresses the ports are"),
    ({"way": "host-port", "hosts": [{"address": "10.0.0.1"}]}, 400,
     "hosts: each needs its node, as the cluster calls it"),
    ({"way": "host-port", "hosts": [host("10.0.0.1", "acme"), host("10.0.0.2")]}, 400,
     "hosts: each needs its tenant; the ports of a host are for one tenant alone"),
    ({"way": "host-port", "hosts": [host("10.0.0.1", "acme")] * 2}, 400, "hosts: 10.0.0.1 is there twice"),
    ({"way": "host-port", "hosts": [host("10.0.0.1", "acme"), host("10.0.0.1", "acme") | {"address": "10.0.0.2"}]}, 400,
     "hosts: the node node-10-0-0-1 is there twice; its ports are the same at all of its addresses"),
    ({"way": "host-port", "hosts": [host("10.0.0.1", "nobody")]}, 422, "there is no tenant nobody; make it first"),
    ({"way": "external-ip", "hosts": [host("db1")]}, 400, "hosts: db1 is a name; of external-ip, give IP addresses"),
    ({"way": "external-ip", "hosts": [host("10.0.0.1")]}, 422,
     "the cluster here does not allow external addresses, by which one tenant can catch another's traffic; "
     "set its external_ips, or take another way"),
]  # fmt: skip


async def test_a_pool_that_cannot_be_is_refused(shell: Shell) -> None:
    for wrong, status, sentence in IMPOSSIBLE:
        for query in ("", "?dry_run=true"):
            refused = await shell.post(POOLS + query, pool() | wrong)
            assert (refused.status, refused.message) == (status, sentence)
    assert (await shell.get(POOLS)).body["items"] == []


async def test_external_addresses_are_taken_where_the_cluster_allows_them(shell: Shell) -> None:
    shown = await made(shell, cluster="there", way="external-ip", first=80, last=80, hosts=[{"address": "10.0.0.1"}])
    assert shown["hosts"] == [{"address": "10.0.0.1", "node": "", "tenant": ""}]


async def test_no_port_is_in_two_pools(shell: Shell) -> None:
    await made(shell)
    again = await shell.post(POOLS, pool(first=30500, last=30501))
    assert (again.status, again.message) == (409, "there is a port pool web already")
    over = await shell.post(POOLS, pool("more", 30009, 30020))
    assert (over.status, over.message) == (409, "the port pool web has 30000 to 30009; take other ports")
    await tenant(shell)
    one, two, three = (host(address, "acme") for address in ("10.0.0.1", "10.0.0.2", "10.0.0.3"))
    # A node port opens on every host.
    assert (await shell.post(POOLS, pool("own", way="host-port", hosts=[one]))).status == 409
    await made(shell, name="own", way="host-port", first=1000, last=1009, hosts=[one, two])
    other = pool("other", way="host-port", first=1009, last=1010)
    assert (await shell.post(POOLS, other | {"hosts": [two]})).status == 409
    assert (await shell.post(POOLS, other | {"hosts": [three]})).status == 201
    assert (await shell.post(POOLS, pool("elsewhere", cluster="there"))).status == 201


async def test_a_node_is_dedicated_to_one_tenant(shell: Shell) -> None:
    await tenant(shell)
    assert (await shell.post("//api/v1/tenants", {"name": "bolt"})).status == 201
    own = host("10.0.0.1", "acme")
    await made(shell, name="own", way="host-port", first=1000, last=1009, hosts=[own])
    theirs = pool("theirs", 2000, 2009, way="host-port")
    for other in (own | {"tenant": "bolt"}, own | {"tenant": "bolt", "address": "10.9.9.9"}):
        refused = await shell.post(POOLS, theirs | {"hosts": [other]})
        assert (refused.status, refused.message) == (
            409, "the host 10.0.0.1 on node-10-0-0-1 is for the tenant acme in the port pool own; "
            "a host is for one alone: take another",
        )  # fmt: skip
    same = pool("same", 1009, 1010, way="host-port", hosts=[own | {"address": "10.9.9.9"}])
    refused = await shell.post(POOLS, same)
    assert (refused.status, refused.message) == (409, "the port pool own has 1000 to 1009; take other ports")
    assert (await shell.post(POOLS, same | {"first": 1010})).status == 201, "more ports of its own"


async def test_what_is_reserved_is_nobody_elses_until_its_time_is_up(shell: Shell) -> None:
    await made(shell)
    assert ports(await reserve(shell, count=2)) == [30000, 30001]
    assert ports(await reserve(shell, count=1)) == [30000, 30001, 30002]
    assert ports(await reserve(shell, owner="app.blog", ports=[30004])) == [30004]
    taken = await reserve(shell, owner="app.blog", ports=[30001])
    assert (taken.status, taken.message) == (409, "port 30001 is reserved; take another one, or name none")
    free = (await shell.get(f"{POOLS}/web/free")).body
    assert free == {"pool": "web", "free": 6, "ranges": [
        {"host": "", "first": 30003, "last": 30003}, {"host": "", "first": 30005, "last": 30009},
    ]}  # fmt: skip
    shell.clock.now += 599
    assert (await shell.get(f"{POOLS}/web")).body["reserved"] == 4
    shell.clock.now += 1
    shown = (await shell.get(f"{POOLS}/web")).body
    assert (shown["reserved"], shown["free"], shown["ports"]) == (0, 10, [])
    assert ports(await reserve(shell, owner="app.blog", ports=[30001, 30000])) == [30000, 30001]


async def test_a_port_that_its_owner_names_again_is_prolonged(shell: Shell) -> None:
    await made(shell)
    assert ports(await reserve(shell, count=1)) == [30000]
    shell.clock.now += 500
    prolonged = await reserve(shell, ports=[30000])
    assert [each["expires_at"] for each in prolonged.body["ports"]] == ["2026-06-28T10:18:20.000Z"]
    shell.clock.now += 500
    assert (await shell.get(f"{POOLS}/web")).body["reserved"] == 1


async def test_a_reservation_is_ended_by_its_owners_name(shell: Shell) -> None:
    await made(shell)
    await reserve(shell, count=2)
    planned = await shell.delete(f"{POOLS}/web/reservations/app.shop?dry_run=true")
    assert planned.body["steps"][0]["why"] == "app.shop: 2 ports are free again"
    ended = await shell.delete(f"{POOLS}/web/reservations/app.shop")
    assert ended.body == {"name": "app.shop", "msg": "2 ports are free again"}
    assert (await shell.get(f"{POOLS}/web")).body["free"] == 10
    again = await shell.delete(f"{POOLS}/web/reservations/app.shop")
    assert (again.status, again.message) == (404, "app.shop has nothing reserved of the port pool web")


NOT_TO_BE_HAD: list[tuple[dict[str, Any], int, str]] = [
    ({"count": 11}, 409,
     "only 10 ports are free in the port pool web of the cluster here, 10 in all, and 11 are asked for; "
     "delete what is not needed"),
    ({"ports": [30010]}, 422,
     "port 30010 is in no port pool of the cluster here; take one of 30000 to 30009, or name none"),
    ({"count": 1, "host": "10.0.0.1"}, 422,
     "host: the ports of the pool web are the same on every node: name no host"),
    ({"count": 1, "owner": "a b"}, 400,
     "owner: an owner is 1 to 128 of A-Z a-z 0-9 . _ @ and -, and begins with a letter or a digit"),
    ({}, 400, "give count or ports, one of the two"),
    ({"count": 1, "ports": [30000]}, 400, "give count or ports, one of the two"),
    ({"ports": [30000, 30000]}, 400, "ports: one is there twice"),
    ({"count": 1, "seconds": 86401}, 400, "seconds must be 86400 or less"),
]  # fmt: skip


async def test_what_cannot_be_reserved_is_refused(shell: Shell) -> None:
    await made(shell)
    for wish, status, sentence in NOT_TO_BE_HAD:
        refused = await reserve(shell, **wish)
        assert (refused.status, refused.message) == (status, sentence)


async def test_of_a_pool_with_several_hosts_one_is_named(shell: Shell) -> None:
    await tenant(shell)
    hosts = [host("10.0.0.1", "acme"), host("10.0.0.2", "acme")]
    shown = await made(shell, way="host-port", first=80, last=81, hosts=hosts)
    assert (shown["size"], shown["free"]) == (4, 4)
    refused = await reserve(shell, count=1)
    assert (refused.status, refused.message) == (
        422, "host: say one that the port pool web has: 10.0.0.1, 10.0.0.2"
    )  # fmt: skip
    reserved = await reserve(shell, count=1, host="10.0.0.2")
    assert [(each["host"], each["port"]) for each in reserved.body["ports"]] == [("10.0.0.2", 80)]
    free = (await shell.get(f"{POOLS}/web/free")).body["ranges"]
    assert free == [{"host": "10.0.0.1", "first": 80, "last": 81}, {"host": "10.0.0.2", "first": 81, "last": 81}]


async def test_a_dry_run_changes_nothing(shell: Shell) -> None:
    planned = await shell.post(f"{POOLS}?dry_run=true", pool())
    assert planned.body["steps"] == [
        {"host": "", "action": "make a port pool", "why": "web: 10 ports of the cluster here"}
    ]
    assert (await shell.get(POOLS)).body["items"] == []
    await made(shell)
    wish = {"owner": "app.shop", "seconds": 600, "count": 2}
    planned = await shell.post(f"{POOLS}/web/reservations?dry_run=true", wish)
    assert planned.body["steps"][0]["why"] == "app.shop then has 30000, 30001 of the port pool web"
    assert (await shell.delete(f"{POOLS}/web?dry_run=true")).body["steps"][0]["action"] == "delete a port pool"
    assert (await shell.get(f"{POOLS}/web")).body["free"] == 10


async def test_a_change_that_is_asked_for_twice_is_made_once(shell: Shell) -> None:
    await made(shell)
    wish, key = {"owner": "app.shop", "seconds": 600, "count": 2}, {"Idempotency-Key": "one"}
    first, again = [await shell.post(f"{POOLS}/web/reservations", wish, headers=key) for _ in range(2)]
    assert first.body == again.body
    assert (await shell.get(f"{POOLS}/web")).body["reserved"] == 2


async def test_the_audit_names_the_pool(shell: Shell) -> None:
    await made(shell)
    await reserve(shell, count=1)
    await shell.delete(f"{POOLS}/web")
    rows = (await shell.get("/audit?limit=3")).body["items"]
    assert [(row["method"], row["about"]) for row in rows] == [("DELETE", "web"), ("POST", "web"), ("POST", "web")]


async def test_a_tenant_is_not_deleted_while_a_host_is_for_it_alone(shell: Shell) -> None:
    await tenant(shell)
    await made(shell, way="host-port", first=80, last=81, hosts=[host("10.0.0.1", "acme")])
    refused = await shell.delete("//api/v1/tenants/acme")
    assert (refused.status, refused.message) == (
        409, "the tenant acme still has host 10.0.0.1 of the port pool web; delete that first"
    )  # fmt: skip
