"""Which port is given, and which pools stand in each other's way."""

import pytest

from paas_controller.caas.ports.choice import Room
from paas_controller.caas.ports.pool import EVERYWHERE, Pool, PortHost, Way
from paas_controller.caas.ports.rows import Busy, State

ONE, TWO = PortHost("10.0.0.1", "node-1"), PortHost("10.0.0.2", "node-2")


def pool(first: int, last: int, way: Way = "node-port", *hosts: PortHost, cluster: str = "here") -> Pool:
    return Pool("web", cluster, way, first, last, hosts)


def room(busy: dict[int, tuple[State, str]]) -> Room:
    """Of the app `shop`, with six ports in two pools."""
    held = {port: Busy("here", "", port, "web", *what) for port, what in busy.items()}
    return Room(EVERYWHERE, [pool(8, 10), pool(1, 3)], held, "shop")


BUSY: dict[int, tuple[State, str]] = {
    1: ("taken", "shop"), 2: ("foreign", "shop"), 3: ("reserved", "blog"), 9: ("reserved", "shop"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ([None], [9]),
        ([None, None, None], [9, 8, 10]),
        ([None, None, None, None], None),
        ([8], [8]),
        ([None, 9, None], [8, 9, 10]),
        ([1], None),
        ([2], None),
        ([3], None),
        ([4], None),
        ([8, 8], None),
        ([], []),
    ],
    ids=str,
)
def test_what_is_reserved_for_it_comes_first_then_the_lowest(asked: list[int | None], chosen: list[int] | None) -> None:
    assert room(BUSY).choose(asked) == chosen


@pytest.mark.parametrize(
    ("other", "overlaps"),
    [
        (pool(20, 30), True),
        (pool(1, 10), True),
        (pool(12, 13), True),
        (pool(1, 9), False),
        (pool(21, 30), False),
        (pool(10, 20, cluster="there"), False),
        (pool(10, 20, "host-port", ONE), True),
    ],
    ids=str,
)
def test_node_ports_are_on_every_host(other: Pool, overlaps: bool) -> None:
    assert pool(10, 20).overlaps(other) is other.overlaps(pool(10, 20)) is overlaps


def test_ports_of_different_hosts_are_different_ones() -> None:
    first = pool(10, 20, "host-port", ONE)
    assert not first.overlaps(pool(10, 20, "host-port", TWO))
    assert first.overlaps(pool(20, 21, "external-ip", TWO, ONE))


def test_what_is_free_is_told_in_stretches() -> None:
    both = pool(10, 14, "host-port", ONE, TWO)
    busy = {(ONE.address, 10), (ONE.address, 12), (TWO.address, 14), (TWO.address, 99)}
    assert list(both.free(busy)) == [("10.0.0.1", 11, 11), ("10.0.0.1", 13, 14), ("10.0.0.2", 10, 13)]
    assert list(pool(1, 2).free({("", 1), ("", 2)})) == []
