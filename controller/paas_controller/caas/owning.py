"""Whose a namespace is. Several controllers may share a cluster, and each keeps to its own namespaces. Pure."""

from paas_controller.caas.cluster import parsing
from paas_controller.caas.cluster.parsing import Raw
from paas_controller.caas.words import CONTROLLER


def is_ours(there: Raw, controller: str) -> bool:
    """Its name says which app's it is, so this label decides; one that lost the others is put right."""
    return parsing.namespace(there).controller == controller


def stranger(cluster: str, there: Raw, controller: str) -> str:
    """What is said of one that is not ours: whose it is, and what can be done."""
    found = parsing.namespace(there)
    whose = f"it is the controller {found.controller}'s" if found.controller else f"it has no label {CONTROLLER}"
    told = f"the cluster {cluster} has a namespace {found.name} that is none of ours: {whose}; delete it there"
    return f"{told}, or hand it over: kubectl label --overwrite namespace {found.name} {CONTROLLER}={controller}"
