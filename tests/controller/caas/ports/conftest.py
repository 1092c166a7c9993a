"""A cluster that need not answer: what may be given away of it stands in the settings and the database."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from paas_controller.caas.ports.choice import Claim
from tests.controller.shell import Shell

POOLS = "//api/v1/port_pools"


def claim(app: str = "app.shop", instance: str = "i-1", **more: Any) -> Claim:
    return Claim("here", app, instance, **more)


def pool(name: str = "web", first: int = 30000, last: int = 30009, **more: Any) -> dict[str, Any]:
    """A body."""
    return {"name": name, "cluster": "here", "first": first, "last": last} | more


def host(address: str, tenant: str = "") -> dict[str, str]:
    return {"address": address, "node": f"node-{address.replace('.', '-')}", "tenant": tenant}


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    """Two clusters: one of few node ports, one that allows external addresses."""
    kubeconfig = tmp_path / "kubeconfig"
    there = {"clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}]}
    there |= {"contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}], "current-context": "c"}
    kubeconfig.write_text(yaml.safe_dump(there | {"users": [{"name": "u", "user": {}}], "kind": "Config"}))
    here = {"name": "here", "kubeconfig": str(kubeconfig), "ports": "30000-30999"}
    return {"clusters": [here, {"name": "there", "kubeconfig": str(kubeconfig), "external_ips": True}]}


@pytest.fixture
async def shell(tmp_path: Path, database_url: str, settings: dict[str, Any]) -> AsyncIterator[Shell]:
    """Without the pools that clusters begin with."""
    shell = Shell(tmp_path / "data", settings={"database_url": database_url} | settings)
    await shell.start()
    for first in (await shell.get(POOLS)).body["items"]:
        assert (await shell.delete(f"{POOLS}/{first['name']}")).status == 200
    yield shell
    await shell.stop()
