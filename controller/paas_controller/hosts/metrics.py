"""What is measured of hosts."""

from collections import Counter
from collections.abc import Iterable
from typing import get_args

from prometheus_client.core import Metric

from paas_controller.hosts.service import AgentState, Hosts
from paas_controller.web.meters import Collect, Labels, Meter

HOSTS = Meter("gauge", "paas_hosts", "Hosts by the state of their agents: absent, online, lost.", ("state",))
REPORT_AGE = Meter(
    "gauge", "paas_report_age_max_seconds", "Since the online agent that is silent longest was heard of; 0 without one."
)
METERS = (HOSTS, REPORT_AGE)


def of_hosts(hosts: Hosts) -> Collect:
    """The registry, counted."""

    async def collect() -> Iterable[Metric]:
        states = Counter[Labels]({(state,): 0 for state in get_args(AgentState)})
        oldest = 0.0
        for host in hosts.all():
            states[host.state,] += 1
            if host.state == "online":
                oldest = max(oldest, hosts.silence(host))
        return HOSTS.of(states.items()), REPORT_AGE.of([((), oldest)])

    return collect
