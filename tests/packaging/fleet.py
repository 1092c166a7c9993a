"""Hosts of every kind of package with one controller, whose folder of packages the test fills; and broken packages."""

import asyncio
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from paas_agent.manifest import Manifest, Offer, PackageFile
from paas_controller.hosts.upgrade.signing import signed
from tests.packaging.joined import ARCHIVE, DEB, PORT, RPM, HostsStack, Joined
from tests.testbeds.hosts.host import Host
from tests.testbeds.hosts.tree import PASSWORDS
from tests.testbeds.stack import until

KINDS = (DEB, RPM, ARCHIVE)
SPOOL, ROOTS = "/var/lib/paas-agent/upgrade", "/var/lib/paas-agent-upgrade"
DIES = "#!/bin/sh\nexit 1\n"
NEVER_REPORTS = """#!/usr/bin/python3
import os, signal, socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
    manager.sendto(b"READY=1\\nWATCHDOG_USEC=0", os.environ["NOTIFY_SOCKET"])
signal.pause()
"""


@dataclass
class Fleet:
    """Each host has the agent from another kind of package; the first one, from a deb, serves an instance, and the last
    one can only call out.
    """

    stack: HostsStack
    hosts: list[Joined]
    shelf: Path
    service: int = 0

    async def set_up(self, packages: Path) -> None:
        """The older version everywhere, joined: on the first host by the controller, on the others by hand."""
        made = self.offer(packages)
        first, *others = self.hosts
        by_hand = (self._install(*each, packages) for each in zip(others, KINDS[1:], strict=True))
        await asyncio.gather(self._bootstrap(first), *by_hand)
        self.service = await first.serve()
        next(file for file in made if file.suffix == ".deb").unlink()  # root has kept it

    async def _bootstrap(self, joined: Joined) -> None:
        auth = [{"username": "paas-agent"}, {"username": "root", "password": PASSWORDS["root"]}]
        _, answer = await self.stack.call("POST", "/hosts", {"ip": joined.host.address, "auth": auth})
        status, answer = await self.stack.call("POST", f"/hosts/{answer['id']}/bootstrap", {})
        assert status == 202, answer
        await joined.is_online()

    async def _install(self, joined: Joined, kind: Any, packages: Path) -> None:
        await joined.run("mkdir -p /etc/rpm && echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros")
        await joined.put(kind, packages)
        if kind is not ARCHIVE:
            await joined.join()
            return
        await joined.join("--tunnel")
        await asyncio.to_thread(joined.host.drop_inbound)

    async def patience(self, host: Host, seconds: int) -> None:
        """Root waits for so long alone, and may be asked as often as tests do."""
        drop_in = "/etc/systemd/system/paas-agent-upgrade.service.d/test.conf"
        content = f"[Unit]\nStartLimitBurst=100\n[Service]\nEnvironment=PATIENCE={seconds}\n".encode()
        await asyncio.to_thread(host.write, drop_in, content)
        await asyncio.to_thread(host.run, "systemctl daemon-reload")

    def offer(self, packages: Path) -> list[Path]:
        """Puts what is in the folder beside what the controller has."""
        return [
            Path(shutil.copy(file, self.shelf)) for file in packages.glob("paas-agent[-_]*") if file.suffix != ".json"
        ]

    def order(self, said: Mapping[str, Any], *, tampered: bool = False) -> bytes:
        """Signed by the controller's CA, for a package that is not there; these words of it may be what they like."""
        package = PackageFile(kind="deb", version="0.97", machine=platform.machine(), size=7, sha256="0" * 64)
        told: dict[str, Any] = {"serial": 1, "expires": time.time() + 600, "package": package, **said}
        offer = signed(Manifest(**told), self.stack.authority(time.time()))
        manifest = offer.manifest.replace("0.97", "0.96") if tampered else offer.manifest
        return msgspec.json.encode(Offer(manifest=manifest, signature=offer.signature))

    async def upgrade(self, joined: Joined) -> None:
        status, answer = await self.stack.call("POST", f"/hosts/{joined.host.address}:{PORT}/upgrade")
        assert status == 202, answer

    async def shown(self, joined: Joined) -> dict[str, Any]:
        """What the controller shows of a host."""
        status, seen = await self.stack.call("GET", f"/hosts/{joined.host.address}:{PORT}")
        assert status == 200, seen
        return dict(seen)

    async def ends(self, joined: Joined, state: str) -> str:
        """Waits until its upgrade is so; the sentence."""

        async def ended() -> bool:
            upgrade = (await self.shown(joined))["upgrade"]
            return bool(upgrade) and upgrade["state"] == state

        try:
            await until(ended, f"the upgrade of {joined.host.name} to be {state}", 40)
        except AssertionError as error:
            raise AssertionError(f"{error}; the host says:\n{joined.host.journal()[-4000:]}") from None
        return str((await self.shown(joined))["upgrade"]["sentence"])

    async def audited(self, sentence: str) -> None:
        """Waits until the audit has a row with these words."""

        async def written() -> bool:
            _, page = await self.stack.call("GET", "/audit")
            return any(sentence in row["sentence"] for row in page["items"])

        await until(written, f"a row of the audit that says: {sentence}")


def broken(packages: Path, version: str, program: str, folder: Path) -> Path:
    """A deb as that of the folder, of another version, with this in the place of the program."""
    tree, made = folder / "deb", folder / f"paas-agent_{version}_amd64.deb"
    subprocess.run(["dpkg-deb", "-R", *packages.glob("*.deb"), tree], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub("(?m)^Version: .*", f"Version: {version}", control.read_text()))
    _spoil(tree, program)
    subprocess.run(["dpkg-deb", "-Zgzip", "-b", tree, made], check=True, stdout=subprocess.DEVNULL)
    return made


def broken_archive(packages: Path, version: str, program: str, folder: Path) -> Path:
    """The same as an archive."""
    tree, made = folder / "archive", folder / f"paas-agent-{version}-x86_64.tar.gz"
    tree.mkdir()
    subprocess.run(["tar", "-C", tree, "-xzf", *packages.glob("*.tar.gz")], check=True)
    _spoil(next(tree.iterdir()), program)
    subprocess.run(["tar", "-C", tree, "-czf", made, "."], check=True)
    return made


def _spoil(tree: Path, program: str) -> None:
    (tree / "usr/lib/paas-agent/paas-agent").write_text(program)
    shutil.rmtree(tree / "usr/lib/paas-agent/lib")
