"""A host with the agent installed from a package, joined by hand to a controller, and what can be seen of it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tests.testbeds.hosts.host import Host
from tests.testbeds.stack import until
from tests.testbeds.tls import TlsStack

PORT = 3335
CONTROL = "/srv/control"
INSTANCE = "/var/lib/paas-agent/instances/database/db"


class HostsStack(TlsStack):
    """A controller that hosts reach at this address."""

    def __init__(self, folder: Path, repo: Path, address: str, **settings: str) -> None:
        super().__init__(folder, repo, **settings)
        arguments = self.controller.arguments
        arguments[arguments.index("--advertise") + 1] = f"{address}:{self.port}"
        self.url = f"https://{address}:{self.port}"


@dataclass(frozen=True)
class Kind:
    """A kind of package, and what people type on the host for it; `{file}` is the package."""

    name: str
    glob: str
    install: str
    erase: str
    go_back: str


DEB = Kind("deb", "*.deb", "dpkg -i {file}", "dpkg --purge paas-agent", "dpkg -i {file}")
# The hosts are no RPM distribution: rpm knows nothing of what Debian has installed.
_RPM = "rpm --dbpath /var/lib/rpm"
RPM = Kind(
    "rpm",
    "*.rpm",
    f"{_RPM} -Uvh --nodeps --replacepkgs {{file}}",
    f"{_RPM} -e --nodeps paas-agent",
    f"{_RPM} -Uvh --nodeps --oldpackage {{file}}",
)
_UNPACK = "rm -rf /tmp/agent && mkdir /tmp/agent && tar -C /tmp/agent -xzf {file} && /tmp/agent/*/install"
ARCHIVE = Kind("archive", "*.tar.gz", _UNPACK, "/usr/lib/paas-agent/archive/erase && rm -r /tmp/agent", _UNPACK)


@dataclass
class Joined:
    """The agent on a host, and one instance that it has started: `db`."""

    stack: TlsStack
    host: Host

    async def put(self, kind: Kind, packages: Path, *, command: str = "") -> None:
        """Installs the package of this kind out of the folder, in the way of the package manager."""
        [package] = packages.glob(f"paas-agent{kind.glob}")
        place = f"/tmp/{package.name}"
        await asyncio.to_thread(self.host.write, place, package.read_bytes())
        await self.run((command or kind.install).format(file=place) + f" && rm {place}")

    async def join(self, *options: str) -> str:
        """As a person does it by hand, then starts the unit and waits until the controller has heard of it. The join
        token, which is good no longer."""
        _, answer = await self.stack.call("POST", "/hosts/join-tokens")
        join = f"paas-agent join --work-dir /var/lib/paas-agent --controller {self.stack.url}"
        listen = f"--listen 0.0.0.0:{PORT} --advertise {self.host.address}:{PORT}"
        token = f"PAAS_AGENT_JOIN_TOKEN={answer['join_token']}"
        await self.run(f"env {token} {join} {listen} {' '.join(options)}")
        await self.run("systemctl start paas-agent")
        await self.is_online()
        return str(answer["join_token"])

    async def is_online(self, version: str = "") -> None:
        async def heard() -> bool:
            status, seen = await self.stack.call("GET", f"/hosts/{self.host.address}:{PORT}")
            return status == 200 and seen["state"] in ("online", "outdated") and version in ("", seen["version"])

        await until(heard, f"{self.host.name} to report; see its journal:\n{self.host.journal('paas-agent')}")

    async def serve(self) -> int:
        """Has the controller install and start the instance; the pid of its service, as the host has it."""
        await self.run(f"install -d -o paas-agent {CONTROL}")
        body = self.stack.body("db", "tiny", CONTROL=CONTROL)
        body["host"] = [{"ip": self.host.address, "agent_port": PORT}]
        body["app"] |= {"package": "", "restart": "", "check_interval": 1}
        status, answer = await self.stack.call("POST", "/database/create", body)
        assert status == 201, answer
        status, answer = await self.stack.call("PUT", "/database/db/running")
        assert status == 202, answer
        await self.stack.becomes("database", "db", "running")
        return await self.service()

    async def service(self) -> int:
        """Its pid; AssertionError where it does not live."""
        pid = int(await self.run(f"cat {INSTANCE}/pid"))
        await self.run(f"kill -0 {pid}")
        return pid

    async def agent(self) -> int:
        """The pid of the agent, 0 where it does not run."""
        return int(await self.run("systemctl show -P MainPID paas-agent"))

    async def another_agent(self, former: int) -> int:
        """Waits until an agent with another pid is up, and has told systemd so."""

        async def up() -> int:
            there = await self.run("systemctl show -P ActiveState paas-agent")
            pid = await self.agent()
            return pid if there.strip() == "active" and pid != former else 0

        return await until(up, "another agent to be up")

    async def run(self, command: str) -> str:
        return await asyncio.to_thread(self.host.run, command)
