"""What is measured of hosts."""

from collections import Counter
from collections.abc import Iterable
from typing import get_args

from prometheus_client.core import Metric

from paas_controller.hosts.service import Hosts
from paas_controller.hosts.states import AgentState
from paas_controller.web.meters import Collect, Labels, Meter

_STATES: tuple[AgentState, ...] = get_args(AgentState)
HOSTS = Meter("gauge", "paas_hosts", f"Hosts by the state of their agents: {', '.join(_STATES)}.", ("state",))
REPORT_AGE = Meter(
    "gauge", "paas_report_age_max_seconds", "Since the most silent agent that is not lost was heard of; 0 without one."
)
TUNNELS = Meter("gauge", "paas_tunnels", "Tunnels that agents keep open.")
METERS = (HOSTS, REPORT_AGE, TUNNELS)


def of_hosts(hosts: Hosts) -> Collect:
    """The registry, counted."""

    async def collect() -> Iterable[Metric]:
        states = Counter[Labels]({(state,): 0 for state in _STATES})
        oldest, tunnels = 0.0, 0
        for host in hosts.all():
            states[host.state,] += 1
            tunnels += host.line is not None
            if host.enrolled and not host.lost:
                oldest = max(oldest, hosts.silence(host))
        return HOSTS.of(states.items()), REPORT_AGE.of([((), oldest)]), TUNNELS.of([((), tunnels)])

    return collect
