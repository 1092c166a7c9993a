"""The agent's side: what is offered is fetched and left for root, what root says is passed on until it is heard."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from yarl import URL

from paas_agent import __version__
from paas_agent.download import FetchFailed
from paas_agent.manifest import Offer, Upgraded
from paas_agent.upgrade.places import Anchor, Places
from paas_agent.upgrade.taking import Taking, root_of
from tests.agent.harness import membership, until
from tests.agent.upgrade.conftest import NEW, OLD, manifest, package, signed

CONTROLLER = "https://192.0.2.1:3334"


@dataclass
class Host:
    """`there` are the controller's packages, by digest; `asked` what was fetched."""

    folder: Path
    places: Places
    taking: Taking
    there: dict[str, bytes]
    asked: list[URL] = field(default_factory=list)
    rung: int = 0

    async def fetch(self, url: URL, sha256: str) -> Path:
        self.asked.append(url)
        if sha256 not in self.there:
            raise FetchFailed("the line is cut")
        file = self.folder / sha256
        file.write_bytes(self.there[sha256])
        return file

    def hears(self, offer: Offer | None) -> Upgraded | None:
        """One report and its acknowledgement; what was told."""
        news = self.taking.news()
        self.taking.acknowledged(news, offer)
        return news

    @property
    def order(self) -> Path:
        return self.places.spool / "order"


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    work, places = tmp_path / "agent", Places(tmp_path / "agent" / "upgrade", tmp_path / "root")
    work.mkdir()
    known = membership(CONTROLLER, 3335)
    places.trust(Anchor(host=known.host, ca=known.ca))
    root = root_of(work, known, places)
    assert root.listens
    made = Host(tmp_path, places, None, {package(each, "1").sha256: each for each in (NEW, OLD)})  # type: ignore[arg-type]

    def ring() -> None:
        made.rung += 1

    made.taking = Taking(root, made.fetch, ring)
    running = asyncio.create_task(made.taking.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def offer(**other: object) -> Offer:
    return msgspec.json.decode(signed(manifest(**other)), type=Offer)


async def test_what_is_offered_is_fetched_from_the_controller_and_left_for_root_once(host: Host) -> None:
    offered = offer()
    assert host.hears(offered) is None
    await until(host.order.exists)
    assert msgspec.json.decode(host.order.read_bytes(), type=Offer) == offered
    assert [(host.places.spool / name).read_bytes() for name in ("package", "former")] == [NEW, OLD]
    assert host.asked[0] == URL(f"{CONTROLLER}/apis/v1alpha1/agents/packages/{package(NEW, '1').sha256}")
    host.order.unlink()
    host.hears(offered)
    await asyncio.sleep(0)
    assert len(host.asked) == 2
    assert not host.order.exists()


async def test_what_cannot_be_fetched_is_told_and_tried_with_the_next_offer(host: Host) -> None:
    there, host.there = host.there, {}
    host.hears(offer())
    await until(host.taking.news)
    assert host.hears(offer()) == Upgraded(serial=5, state="fetching", message="the line is cut")
    host.there = there
    host.hears(offer())
    await until(host.order.exists)


async def test_the_end_is_told_until_it_is_heard_and_again_where_it_is_still_offered(host: Host) -> None:
    done = Upgraded(serial=5, state="done")
    host.places.tell(done)
    assert host.taking.news() == host.taking.news() == done
    assert host.hears(None) == done
    assert host.hears(None) is None
    host.hears(offer())
    assert host.rung == 1
    assert host.hears(offer()) == done
    assert not host.asked


async def test_the_version_that_runs_is_not_fetched(host: Host) -> None:
    host.hears(offer(package=package(NEW, __version__)))
    await asyncio.sleep(0)
    assert not host.asked


async def test_an_order_of_a_kind_that_is_not_known_yet_is_left_alone(host: Host) -> None:
    host.hears(Offer(manifest='{"host": 7}', signature=""))
    await asyncio.sleep(0)
    assert not host.asked


def test_root_does_not_listen_elsewhere_nor_to_another_controller(tmp_path: Path) -> None:
    places, known = Places(tmp_path / "upgrade", tmp_path / "root"), membership(CONTROLLER, 3335)
    assert not root_of(tmp_path, known, places).listens
    places.trust(Anchor(host=known.host, ca="another"))
    assert not root_of(tmp_path, known, places).listens
    places.trust(Anchor(host=known.host, ca=known.ca))
    assert root_of(tmp_path, known, places).listens
    assert not root_of(tmp_path / "other", known, places).listens
