"""The hosts' network: a bridge in a namespace without a way out, a cable for each host and one for this machine."""

import json
from dataclasses import dataclass
from ipaddress import IPv4Network

from tests.testbeds.hosts.machine import command

# A frame passes the bridge only from this net into this net; `quiet` are hosts that nobody may connect to.
_GUARD = """
table bridge guard {{
    set quiet {{ type ipv4_addr; }}
    chain forward {{
        type filter hook forward priority 0;
        ether type != {{ ip, arp }} drop
        ip daddr != {net} drop
        ip daddr @quiet tcp flags & (syn | ack) == syn drop
        ip daddr @quiet icmp type echo-request drop
        ip daddr @quiet meta l4proto udp drop
    }}
}}
"""


@dataclass(frozen=True)
class Network:
    """One of the nets 10.77.0.0/24 to 10.77.255.0/24. Its names begin with its own."""

    number: int

    @property
    def name(self) -> str:
        """This network's name, and that of the link that this machine has into it."""
        return f"paas{self.number}"

    @property
    def bridge(self) -> str:
        return f"{self.name}-ctl"

    @property
    def net(self) -> IPv4Network:
        return IPv4Network(f"10.77.{self.number}.0/24")

    def address(self, host: int) -> str:
        """That of a host, counted from 1; 0 is this machine."""
        return str(self.net[host + 10 if host else 1])

    def namespace(self, host: int) -> str:
        return f"{self.name}-h{host}"

    def make(self) -> None:
        command("ip", "netns", "add", self.bridge)
        self._at_the_bridge("link add bridge type bridge", "link set bridge up")
        command("ip", "link", "add", self.name, "type", "veth", "peer", "name", "machine", "netns", self.bridge)
        command("nsenter", f"--net=/run/netns/{self.bridge}", "nft", "-f", "-", told=_GUARD.format(net=self.net))
        self._at_the_bridge("link set machine master bridge", "link set machine up")
        _ip("", f"address add {self.address(0)}/24 dev {self.name}", f"link set {self.name} up")

    def remove(self) -> None:
        """Nothing of it is left; it may be half made or gone already."""
        if self.name in _links():
            command("ip", "link", "delete", self.name)
        if self.bridge in _namespaces():
            command("ip", "netns", "delete", self.bridge)

    def plug(self, host: int) -> None:
        """A new cable with nobody's old connections in it; the card in the host stays the same one."""
        name, card = self.namespace(host), f"02:77:00:00:{self.number:02x}:{host:02x}"
        command("ip", "netns", "add", name)
        self._at_the_bridge(
            f"link add h{host} type veth peer name eth0 address {card} netns {name}",
            f"link set h{host} master bridge",
            f"link set h{host} up",
        )
        _ip(name, f"address add {self.address(host)}/24 dev eth0", "link set lo up", "link set eth0 up")

    def unplug(self, host: int) -> None:
        """The cable is pulled before anything is told through it; it may be gone already."""
        if self.bridge in _namespaces() and f"h{host}" in _links(self.bridge):
            self._at_the_bridge(f"link delete h{host}")
        if self.namespace(host) in _namespaces():
            command("ip", "netns", "delete", self.namespace(host))

    def cut(self, host: int) -> None:
        self._at_the_bridge(f"link set h{host} down")

    def mend(self, host: int) -> None:
        self._at_the_bridge(f"link set h{host} up")

    def quiet(self, host: int, on: bool) -> None:
        """Whether new connections to this host are dropped; those that are open stay."""
        element = f"element bridge guard quiet {{ {self.address(host)} }}"
        # It is added in any case, because what is not there cannot be deleted.
        told = f"add {element}\n" + ("" if on else f"delete {element}\n")
        command("nsenter", f"--net=/run/netns/{self.bridge}", "nft", "-f", "-", told=told)

    def _at_the_bridge(self, *lines: str) -> None:
        _ip(self.bridge, *lines)


def is_free(network: Network) -> bool:
    """Whether this machine has no way into that net yet."""
    routes = json.loads(command("ip", "-json", "route"))
    return not any(network.net.overlaps(IPv4Network(one["dst"])) for one in routes if one["dst"] != "default")


def _ip(namespace: str, *lines: str) -> None:
    where = ["-netns", namespace] if namespace else []
    command("ip", *where, "-batch", "-", told="".join(f"{line}\n" for line in lines))


def _links(namespace: str = "") -> set[str]:
    where = ["-netns", namespace] if namespace else []
    return {one["ifname"] for one in json.loads(command("ip", *where, "-json", "link"))}


def _namespaces() -> set[str]:
    return {one["name"] for one in json.loads(command("ip", "-json", "netns", "list") or "[]")}
