"""What people see of apps: from the rows and from the mirror, without a call to a cluster or a database."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, TypeVar

from paas_controller.base.clock import rfc3339
from paas_controller.caas.app import App, AppInstance, Phase
from paas_controller.caas.apps import Apps
from paas_controller.caas.cluster.objects import Controller, Pod, Port, Service
from paas_controller.caas.clusters import Clusters, Site
from paas_controller.caas.exposure import exposure
from paas_controller.caas.pool import Account, account
from paas_controller.caas.reasons import Standing, State, standing, unread
from paas_controller.caas.settling import Settling
from paas_controller.caas.words import UNIT

T = TypeVar("T", App, AppInstance)
_WORST: tuple[State, ...] = ("failing", "unknow", "unplaced", "waiting", "starting", "stopping", "running", "stopped")
"""What an instance is called after, of all that its components are."""


class Views:
    """Apps, instances, pools and ports, as documents."""

    def __init__(self, apps: Apps, clusters: Clusters, settling: Settling) -> None:
        self._apps, self._clusters, self._settling = apps, clusters, settling

    def pool(self, app: App) -> Account:
        """Who takes what of its memory."""
        mirror = self._clusters.mirror(app.cluster)
        quota = mirror.quota(app.namespace)
        if quota is None:
            return Account(app.memory_units * UNIT)
        return account(quota, self.controllers(app), mirror.pods(app.namespace))

    def controllers(self, app: App) -> list[Controller]:
        """In the order in which they were made, which is that in which they get what is free."""
        turn = {
            (instance.id, component): (instance.created_at, at)
            for instance in app.instances.values()
            for at, component in enumerate(instance.components)
        }
        found = self._clusters.mirror(app.cluster).controllers(app.namespace)
        return sorted(found, key=lambda one: (*turn.get((one.instance, one.component), (0.0, 0)), one.name))

    def app(self, app: App) -> dict[str, Any]:
        pool = self.pool(app)
        shown: dict[str, Any] = {name: getattr(app, name) for name in _OF_APPS}
        shown |= {"memory_units_in_use": pool.in_use / UNIT, "ports_in_use": app.port_count}
        shown |= {"instances": len(app.instances), "phase": app.phase, "why": self._why(app)}
        return shown | {"created_at": rfc3339(app.created_at)}

    def usage(self, app: App) -> dict[str, Any]:
        """Its pool, by instance and component, and its ports. Retryable as long as its cluster has not been read."""
        self._clusters.mirror(app.cluster).require()
        pool = self.pool(app)
        names = {instance.id: instance.name for instance in app.instances.values()}
        shares = [
            {
                "instance": names.get(share.instance, share.instance), "component": share.component,
                "memory_units": share.memory / UNIT, "waiting_units": share.waiting / UNIT,
            }
            for share in pool.shares
        ]  # fmt: skip
        return {
            "memory_units": pool.total / UNIT, "in_use": pool.in_use / UNIT, "free": pool.free / UNIT,
            "others": pool.others / UNIT, "sentence": pool.sentence(), "shares": shares,
            "max_ports": app.max_ports, "ports": self.ports(app),
        }  # fmt: skip

    def ports(self, app: App, instance: str = "") -> list[dict[str, Any]]:
        """Where what it exports is reached."""
        names = {one.id: one.name for one in app.instances.values()}
        found = []
        for service in self._clusters.mirror(app.cluster).services(app.namespace, instance):
            site, whose = self._clusters.site(app.cluster), {"instance": names.get(service.instance, "")}
            found += [whose | _exposed(site, service, port) for port in service.ports if _is_exposed(service, port)]
        return found

    def instances(self, app: App, instances: Sequence[AppInstance]) -> list[dict[str, Any]]:
        """Several, over one account of their pool."""
        pool = self.pool(app)
        return [self.instance(app, instance, pool) for instance in instances]

    def instance(self, app: App, instance: AppInstance, pool: Account | None = None) -> dict[str, Any]:
        """With what each component is, and why."""
        ports, there, phase = self.ports(app, instance.id), self._controllers(app, instance), _phase(app, instance)
        components = []
        for name, known in self.standings(app, instance, pool or self.pool(app)).items():
            exported = [port for port in ports if port["component"] == name]
            components.append(_component(name, there.get(name), known) | {"ports": exported})
        return {
            "name": instance.name, "id": instance.id, "app": app.name, "environment": instance.environment,
            "state": _state([one["state"] for one in components], phase), "phase": phase,
            "why": self._why(app, instance), "components": components, "created_at": rfc3339(instance.created_at),
        }  # fmt: skip

    def standings(self, app: App, instance: AppInstance, pool: Account) -> dict[str, Standing]:
        """How each component is, by its name; also of those that somebody has deleted in the cluster."""
        there, mirror = self._controllers(app, instance), self._clusters.mirror(app.cluster)
        made = instance.components if _phase(app, instance) == "there" else ()
        if not mirror.fresh:
            return dict.fromkeys(sorted(made), unread(mirror.trouble))
        return {name: self._standing(app, instance, there.get(name), name, pool) for name in sorted({*made, *there})}

    def _standing(
        self, app: App, instance: AppInstance, controller: Controller | None, component: str, pool: Account
    ) -> Standing:
        mirror = self._clusters.mirror(app.cluster)
        pods = [pod for pod in mirror.pods(app.namespace, instance.id) if pod.component == component]
        told = mirror.happenings(app.namespace, controller.name) if controller else []
        serving = {service.component for service in mirror.services(app.namespace, instance.id)}
        exports = instance.phase == "there" and any(one == component for one, _ in instance.exports)
        return standing(controller, pods, pool, told, served=component in serving or not exports)

    def pods(self, app: App, instance: AppInstance) -> list[dict[str, Any]]:
        """Retryable as long as its cluster has not been read."""
        mirror = self._clusters.mirror(app.cluster)
        mirror.require()
        return [_pod(pod) for pod in sorted(mirror.pods(app.namespace, instance.id), key=lambda pod: pod.name)]

    def _controllers(self, app: App, instance: AppInstance) -> dict[str, Controller]:
        mirror = self._clusters.mirror(app.cluster)
        return {one.component: one for one in mirror.controllers(app.namespace, instance.id)}

    def _why(self, app: App, instance: AppInstance | None = None) -> str:
        """On what it waits, or why what is shown of it may not be so."""
        mirror, of_app = self._clusters.mirror(app.cluster), self._settling.why.get(app.namespace, "")
        if told := self._settling.why.get(instance.id, "") if instance else of_app:
            return told
        if instance and app.phase == "going":
            return f"{app.name} is being deleted{f': {of_app}' if of_app else ''}"
        if not mirror.fresh:
            return mirror.unread
        return f"this may be old (since {rfc3339(since)}): {mirror.trouble}" if (since := mirror.stale_since) else ""


_OF_APPS = ("name", "tenant", "plan", "cluster", "namespace", "memory_units", "max_ports")


def _phase(app: App, instance: AppInstance) -> Phase:
    """An instance goes with its app."""
    return "going" if app.phase == "going" else instance.phase


def _state(states: list[State], phase: Phase) -> State:
    return "stopping" if phase == "going" else min(states, key=_WORST.index, default="starting")


def page(there: Iterable[T], limit: int) -> tuple[list[T], str | None]:
    """The first of these, and the name to go on from where there are more."""
    found = list(islice(there, limit + 1))
    return found[:limit], found[limit - 1].name if len(found) > limit > 0 else None


def _is_exposed(service: Service, port: Port) -> bool:
    """Whether it is reached from outside of the cluster."""
    return bool(port.node_port or port.host_port or service.external_ips)


def _exposed(site: Site, service: Service, port: Port) -> dict[str, Any]:
    """The cluster's domain leads to its own address, no other."""
    if port.node_port:
        given, address, domain = port.node_port, site.settings.address, site.settings.domain
    elif port.host_port:
        given, address, domain = port.host_port, service.host, ""
    else:
        given, address, domain = port.service, service.external_ips[0], ""
    return asdict(exposure(service, port, given, address=address, domain=domain, shared=bool(port.node_port)))


def _component(name: str, controller: Controller | None, known: Standing) -> dict[str, Any]:
    """Without a controller in the cluster its name is all that is known of it."""
    told = {"name": name, "state": known.state, "cause": known.cause, "reason": known.sentence}
    if controller is None:
        return told | {"image": "", "replicas": 0, "desired": 0, "ready": 0, "memory_units": 0.0}
    return told | {
        "image": controller.image, "replicas": controller.meant, "desired": controller.desired,
        "ready": controller.ready, "memory_units": controller.memory / UNIT,
    }  # fmt: skip


def _pod(pod: Pod) -> dict[str, Any]:
    why = pod.unplaced or (pod.waiting.message or pod.waiting.reason if pod.waiting else "") or pod.message
    return {
        "name": pod.name, "component": pod.component, "phase": pod.phase, "ready": pod.ready, "leaving": pod.leaving,
        "node": pod.node, "address": pod.address, "restarts": pod.restarts, "why": why,
        "started_at": rfc3339(pod.started_at),
    }  # fmt: skip
