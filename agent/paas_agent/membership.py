"""What a joined agent knows of its controller."""

from pathlib import Path

import msgspec

from paas_agent.journal import write_whole


class Membership(msgspec.Struct, kw_only=True):
    """The file agent.json: the two tokens of this host, and where it and its controller are."""

    controller: str
    host: str
    agent_token: str
    controller_token: str
    interval: float
    listen: str
    address: str
    port: str
    plain_http: bool = False
    certificate: str = ""
    key: str = ""
    ca: str = ""
    pinned: bool = False
    """The controller is known by the CA above, wherever it is; else by `ca_file` or the system's certificates."""
    renew_at: float = 0
    """When to ask for the next certificate, by this host's clock."""
    former_controller_token: str = ""
    """Good until the controller has used the new one."""


class JoinFailed(Exception):
    """The host could not be enrolled; a sentence for the person who tried."""


def load(work_dir: Path) -> Membership:
    """The membership of this work folder; JoinFailed says that there is none, or that it cannot be read."""
    path = work_dir / "agent.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Membership)
    except FileNotFoundError:
        raise JoinFailed(f"this agent has not joined: run `paas-agent join --work-dir {work_dir} …` first") from None
    except (OSError, msgspec.DecodeError) as error:
        raise JoinFailed(f"{path} cannot be read ({error}); join again") from None


def keep(membership: Membership, work_dir: Path) -> None:
    """Writes agent.json, whole or not at all. Raises OSError."""
    write_whole(work_dir / "agent.json", msgspec.json.format(msgspec.json.encode(membership)))
