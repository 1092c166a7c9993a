"""In which state the agent of a host is, by what is known of it. Pure; each fact is found out elsewhere."""

from dataclasses import dataclass
from typing import Literal

AgentState = Literal["absent", "installing", "online", "reconnecting", "outdated", "lost"]


@dataclass(frozen=True, slots=True)
class Known:
    """The facts: it has joined and reported, is being installed over SSH, was silent for too long, has lost the
    connection that it keeps, and is older than what this controller would install.
    """

    enrolled: bool
    installing: bool = False
    lost: bool = False
    reconnecting: bool = False
    outdated: bool = False


def state_of(agent: Known) -> AgentState:
    """What a person should know first."""
    if agent.installing:
        return "installing"
    if not agent.enrolled:
        return "absent"
    if agent.lost:
        return "lost"
    if agent.reconnecting:
        return "reconnecting"
    return "outdated" if agent.outdated else "online"
