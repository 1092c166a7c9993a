"""All fields that Kubernetes knows, from its client's own models, and values that might do harm in them."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from kubernetes import client

Path = tuple[str | int, ...]
_SKIPPED = {"V1ManagedFieldsEntry", "V1PersistentVolumeClaimSpec"}
_CHILD = re.compile(r"[Ll]ist\[(\w+)\]|(V1\w+)")

TELLING: tuple[Any, ...] = (
    True, 1, "x", "/", "1Gi", "Unconfined", ["x"], [{"name": "x"}], {"x": "y"}, {"path": "/"}, {"memory": "0"},
    {"k8s.v1.cni.cncf.io/networks": "x"},
)  # fmt: skip
"""One of each kind."""
HARMFUL: tuple[Any, ...] = (
    True, 1, 0, -1, 70000, 1e300, "", "x", "/", "/etc", "..", "../../etc", "0", "1Gi", "Unconfined", "Localhost",
    "Host", "SYS_ADMIN", "ALL", "Bidirectional", "default", "kube-system", "LoadBalancer", "ExternalName", "127.0.0.1",
    "\0", "\ud800", [], {}, [1], ["SYS_ADMIN"], ["x"], {"x": "y"}, {"idevops/instanceId": "other"},
    {"kubernetes.io/hostname": "n"}, {"k8s.v1.cni.cncf.io/networks": "x"}, {"nvidia.com/gpu": "1"}, {"memory": "0"},
    {"memory": "-1"}, {"path": "/"}, {"type": "Unconfined"}, [{"name": "net.core.somaxconn", "value": "1"}],
)  # fmt: skip


def fields(model: str, before: Path = ()) -> Iterator[Path]:
    """The path of every field below a model of Kubernetes, lists by their first place."""
    known = getattr(client, model)
    if model in _SKIPPED or len(before) > 14:
        return
    for name, kind in known.openapi_types.items():
        path = (*before, known.attribute_map[name])
        found = _CHILD.fullmatch(kind)
        yield path
        if found and found[1]:
            yield (*path, 0)
        child = (found[1] or found[2]) if found else ""
        if child.startswith("V1") and child != "V1JSONSchemaProps":
            yield from fields(child, (*path, 0) if found and found[1] else path)


def planted(document: dict[str, Any], path: Path, value: object) -> dict[str, Any]:
    """The document with the value at this path, of which only what leads there is new."""
    new = dict(document)
    at: Any = new
    for key, following in pairwise(path):
        fresh: Any = [] if isinstance(following, int) else {}
        at = _entered(at, key, fresh)
    _put(at, path[-1], value)
    return new


def _entered(at: Any, key: str | int, fresh: Any) -> Any:
    """A copy of what is there, or something fresh."""
    found = (at[key] if at else None) if isinstance(key, int) else at.get(key)
    entered = type(fresh)(found) if isinstance(found, type(fresh)) else fresh
    _put(at, key, entered)
    return entered


def _put(at: Any, key: str | int, value: object) -> None:
    if isinstance(key, str) or at:
        at[key] = value
    else:
        at.append(value)
