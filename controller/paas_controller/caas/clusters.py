"""The clusters of the settings: each with its client, its mirror, and the watches that keep that as the cluster is."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from paas_controller.base.clock import Clock
from paas_controller.base.clusters import ClusterSettings
from paas_controller.base.errors import Conflict, Refused
from paas_controller.caas.cluster.client import Cluster
from paas_controller.caas.cluster.mirror import Mirror
from paas_controller.caas.cluster.refusals import Unable
from paas_controller.caas.cluster.watching import watch

Changed = Callable[[str, str, str, str], None]
"""Cluster, kind, namespace and instance; see `cluster.mirror`."""


@dataclass(frozen=True, slots=True)
class Site:
    """One cluster."""

    settings: ClusterSettings
    client: Cluster
    mirror: Mirror


class Clusters:
    """All of them, by name. `changed`, and `controller`, who this one is, are set before they are started."""

    def __init__(self, settings: Sequence[ClusterSettings], clock: Clock, dice: Random) -> None:
        self._clock, self._dice, self._tasks = clock, dice, list[asyncio.Task[None]]()
        self.changed: Changed = _nobody
        self.controller = ""
        self._sites = {each.name: self._made(each, clock) for each in settings}

    def _made(self, settings: ClusterSettings, clock: Clock) -> Site:
        return Site(settings, Cluster(settings), Mirror(settings.name, clock, partial(self._tell, settings.name)))

    def _tell(self, cluster: str, kind: str, namespace: str, instance: str) -> None:
        self.changed(cluster, kind, namespace, instance)

    def start(self) -> None:
        """Begins to watch; a cluster that does not answer is tried for ever."""
        for site in self._sites.values():
            self._tasks.append(asyncio.create_task(watch(site.client, site.mirror, self._dice)))

    async def stop(self) -> None:
        """Ends watches and calls; no thread is left."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for site in self._sites.values():
            await site.client.close()

    @property
    def all(self) -> list[Site]:
        return list(self._sites.values())

    def chosen(self, name: str) -> Site:
        """For a new app: the one of this name; of none, the first. Refused where there is none."""
        if not self._sites:
            told = "this controller has no Kubernetes cluster: name one in its settings, under [[clusters]]"
            raise Refused(told)
        try:
            return self._sites[name] if name else next(iter(self._sites.values()))
        except KeyError:
            raise Refused(f"there is no cluster {name}; the settings name {', '.join(self._sites)}") from None

    def site(self, name: str) -> Site:
        """That of an app that is there. Unable where it is no longer in the settings."""
        if name not in self._sites:
            ways = "deleting an app with ?orphan=true forgets it here, and leaves what the cluster has"
            raise Unable(f"the cluster {name} is no longer in the settings: put it back there; {ways}")
        return self._sites[name]

    def require_absent(self, name: str) -> None:
        """Conflict where it is in the settings."""
        if name in self._sites:
            told = f"the cluster {name} is in the settings, so nothing has to be left in it"
            raise Conflict(f"{told}: delete without ?orphan=true")

    def mirror(self, name: str) -> Mirror:
        """What is known of a cluster; of one that is no longer in the settings nothing but that."""
        if name in self._sites:
            return self._sites[name].mirror
        nothing = Mirror(name, self._clock, _nobody)
        nothing.broken("cluster", f"there is no cluster {name} in the settings")
        return nothing

    def node_ports(self, cluster: str) -> dict[int, str]:
        """The node ports that it is seen to use, and by whom."""
        return self._sites[cluster].mirror.node_ports() if cluster in self._sites else {}


def _nobody(*_: str) -> None:
    """Where nobody listens."""
