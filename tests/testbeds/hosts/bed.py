"""A network with its hosts. Each bed is somebody's: a test run's as long as it lives, or a person's until `down`."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.testbeds.hosts.host import Host
from tests.testbeds.hosts.machine import BEDS, CannotStart, locked, take
from tests.testbeds.hosts.network import Network, is_free
from tests.testbeds.hosts.tree import base_tree

_LOCK = BEDS / "lock"
_AT_ONCE = 4
_MOST = 200


class Bed:
    """A network; what stands in its folder says what there is, so that another process can end it."""

    def __init__(self, number: int) -> None:
        self.network, self.folder = Network(number), BEDS / str(number)

    @property
    def address(self) -> str:
        """This machine's own on the hosts' net: where a controller listens that hosts shall reach."""
        return self.network.address(0)

    @property
    def nobody(self) -> str:
        """An address on the hosts' net where nobody is."""
        return self.network.address(_MOST + 1)

    @property
    def hosts(self) -> list[Host]:
        """Those that are there, on or off, in the order of their numbers."""
        return [self._host(number) for number in self._numbers()]

    def add(self, count: int = 1) -> list[Host]:
        """New hosts, which answer on SSH when this returns."""
        there = set(self._numbers())
        numbers = [number for number in range(1, _MOST + 1) if number not in there][:count]
        for number in numbers:
            self._place(number).mkdir()
        hosts = [self._host(number) for number in numbers]
        with ThreadPoolExecutor(_AT_ONCE) as some:
            list(some.map(Host.install, hosts))
        return hosts

    def keep(self) -> None:
        """Stays when this process ends."""
        (self.folder / "kept").touch()

    @property
    def is_kept(self) -> bool:
        return (self.folder / "kept").exists()

    def down(self) -> None:
        """Nothing is left."""
        with locked(_LOCK):
            self.end()

    def end(self) -> None:
        """Nothing is left, whatever there was; the lock is held, so that nobody else takes it for a leftover."""
        with ThreadPoolExecutor(_AT_ONCE) as some:
            list(some.map(Host.erase, self.hosts))
        self.network.remove()
        shutil.rmtree(self.folder)

    def _numbers(self) -> list[int]:
        return sorted(int(place.name.rpartition("-h")[2]) for place in self.folder.glob("*-h*"))

    def _place(self, number: int) -> Path:
        return self.folder / self.network.namespace(number)

    def _host(self, number: int) -> Host:
        return Host(self.network, number, self._place(number))


@contextmanager
def bed() -> Iterator[Bed]:
    """A network without hosts yet; it and its hosts are gone at the end, unless they are kept."""
    tree = base_tree()
    with locked(_LOCK):
        _sweep()
        made = _claim()
        owner = take(made.folder / "owner")
    assert owner is not None
    (made.folder / "tree").symlink_to(tree)
    with owner:
        try:
            made.network.make()
            yield made
        finally:
            if not made.is_kept:
                made.down()


def beds() -> list[Bed]:
    """All that there are on this machine, of whomever."""
    return [Bed(number) for number in sorted(int(one.name) for one in BEDS.glob("[0-9]*"))]


def _sweep() -> None:
    """Ends what killed runs have left."""
    for left in beds():
        owner = None if left.is_kept else take(left.folder / "owner")
        if owner is not None:
            with owner:
                left.end()


def _claim() -> Bed:
    for number in range(256):
        made = Bed(number)
        if not made.folder.exists() and is_free(made.network):
            made.folder.mkdir()
            return made
    raise CannotStart("hosts need one of the nets 10.77.0.0/24 to 10.77.255.0/24, and this machine has a way into each")
