"""By which way an agent is asked. No I/O here."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Literal, Protocol

Way = Literal["direct", "tunnel", "auto"]
"""How orders reach a host: called at its address, down the tunnel that it keeps, or by whichever there is."""


class Line(Protocol):
    """A tunnel that an agent keeps to this controller; `shown` is the hash of the token by which it was opened."""

    shown: str

    async def ask(self, method: str, path: str, body: bytes, token: str) -> tuple[int, bytes]:
        """Status and body of the agent's answer. Retryable where the tunnel breaks before it came."""

    def close(self, why: str) -> None:
        """Ends it; nothing that comes after this is heard."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a host's agent is spoken to, by which token, and under which name its certificate has to be made out; an
    empty name is that of the address. `line` is its tunnel, where one is open.
    """

    host: str
    url: str
    token: str
    name: str = ""
    way: Way = "direct"
    line: Line | None = None


def by_tunnel(to: Reach, unreached: Container[str]) -> bool:
    """Whether it is asked down its tunnel; `unreached` are the hosts that did not answer when they were called."""
    if to.way == "auto":
        return to.line is not None and to.host in unreached
    return to.way == "tunnel"
