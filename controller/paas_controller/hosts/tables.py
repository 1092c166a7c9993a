"""What is kept of hosts."""

from sqlmodel import Field, SQLModel

from paas_controller.store.columns import Number


class HostRow(SQLModel, table=True):
    """One agent: an address and its port. Its own token is kept as a hash by identity, ours towards it sealed."""

    __tablename__ = "host"

    id: str = Field(primary_key=True)
    address: str
    port: str
    ssh_port: int = 0
    """0 where nobody has said it."""
    credentials: str = ""
    """Sealed JSON: the `auth` entries."""
    controller_token: str = ""
    enrolment: str = ""
    """What its certificate is known by; empty where it has none of ours."""
    certificate_ends: float | None = None
    rotating: bool = False
    following: str = ""
    """Sealed JSON: what takes the place of token and enrolment once it was used."""
    epoch: str = ""
    sequence: int = Field(default=0, sa_type=Number)
    changes_seen: int = Field(default=0, sa_type=Number)
    """The number of the last of the agent's changes that was merged, within the epoch."""
    version: str = ""
    features: str = ""
    facts: str = "{}"
    way: str = "direct"
    """`direct`, `tunnel` or `auto`."""
    host_key: str = ""
    """SSH's, pinned: type and base64, as known_hosts writes it."""
    host_key_refused: str = ""
    """Another one that was seen later, and waits for a person's word."""
    bootstrap: str = ""
    """JSON: how far the installation over SSH has come; empty where none was asked for."""
    upgrade: str = ""
    """JSON: the same of an upgrade."""
    draining: str = ""
    """JSON: who drains it, and since when; empty where nobody does."""
    created_at: float
    joined_at: float | None = None
