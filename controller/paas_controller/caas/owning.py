"""Whose a namespace is. Several controllers may share a cluster, and each keeps to its own namespaces. Pure."""

from paas_controller.caas.cluster.objects import Namespace
from paas_controller.caas.words import CONTROLLER


def is_ours(there: Namespace, controller: str) -> bool:
    """Its name says which app's it is, so this label decides; one that lost the others is put right."""
    return there.controller == controller


def stranger(cluster: str, there: Namespace, controller: str) -> str:
    """What is said of one that is not ours: whose it is, and what can be done."""
    whose = f"it is the controller {there.controller}'s" if there.controller else f"it has no label {CONTROLLER}"
    told = f"the cluster {cluster} has a namespace {there.name} that is none of ours: {whose}; delete it there"
    return f"{told}, or hand it over: kubectl label --overwrite namespace {there.name} {CONTROLLER}={controller}"
