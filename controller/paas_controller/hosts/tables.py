"""What is kept of hosts."""

from sqlmodel import Field, SQLModel


class HostRow(SQLModel, table=True):
    """One agent: an address and its port. Its own token is kept as a hash by identity, ours towards it sealed."""

    __tablename__ = "host"

    id: str = Field(primary_key=True)
    address: str
    port: str
    ssh_port: int = 22
    credentials: str = ""
    """Sealed JSON: the `auth` entries."""
    controller_token: str = ""
    epoch: str = ""
    sequence: int = 0
    changes_seen: int = 0
    """The number of the last of the agent's changes that was merged, within the epoch."""
    version: str = ""
    features: str = ""
    facts: str = "{}"
    created_at: float
    joined_at: float | None = None
