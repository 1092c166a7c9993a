"""Volumes: what lives in the pod or belongs to its namespace, never what is the node's or on the network."""

import re

from paas_controller.caas.confine import names
from paas_controller.caas.confine.amounts import memory
from paas_controller.caas.confine.shapes import choice, flag, listing, matching, one_of, record, refused, whole

_HOST = "a folder of the host may not be mounted"
_TOKEN = "a pod gets no token for the cluster's API"  # noqa: S105 - a sentence about one
_OTHERS = (
    "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "ephemeral", "fc", "flexVolume",
    "flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "image", "iscsi", "nfs", "photonPersistentDisk",
    "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume",
)  # fmt: skip
_MODE = whole(0, 0o777)
_FIELDS = re.compile(
    r"metadata\.(?:name|namespace|uid|(?:labels|annotations)(?:\['[-./\w]{1,120}'\])?)|status\.podIPs?", re.ASCII
)

field_ref = record(
    {
        "apiVersion": one_of("v1"),
        "fieldPath": matching(_FIELDS, "metadata.name, namespace, uid, labels or annotations, or status.podIP"),
    },
    required=("fieldPath",),
)
resource_ref = record(
    {
        "containerName": names.label,
        "resource": one_of("limits.memory", "requests.memory", "limits.cpu", "requests.cpu"),
        "divisor": memory,
    },
    required=("resource",),
)

_items = listing(record({"key": names.key, "path": names.below, "mode": _MODE}, required=("key", "path")), 200)
_files = listing(
    choice(
        {"fieldRef": field_ref, "resourceFieldRef": resource_ref},
        {"path": names.below, "mode": _MODE},
        "fieldRef and resourceFieldRef",
    ),
    200,
)
_config_map = record({"name": names.subdomain, "items": _items, "optional": flag}, required=("name",))
_projected = choice(
    {
        "configMap": _config_map,
        "secret": record({"name": names.secret, "items": _items, "optional": flag}, required=("name",)),
        "downwardAPI": record({"items": _files}),
        "serviceAccountToken": refused(_TOKEN),
        "clusterTrustBundle": refused("it is the cluster's"),
        "podCertificate": refused(_TOKEN),
    },
    {},
    "configMap, secret and downwardAPI",
)
_SOURCES = {
    "emptyDir": record({"medium": one_of("", "Memory"), "sizeLimit": memory}),
    "configMap": record(
        {"name": names.subdomain, "items": _items, "optional": flag, "defaultMode": _MODE}, required=("name",)
    ),
    "secret": record(
        {"secretName": names.secret, "items": _items, "optional": flag, "defaultMode": _MODE}, required=("secretName",)
    ),
    "projected": record({"sources": listing(_projected, 50), "defaultMode": _MODE}, required=("sources",)),
    "downwardAPI": record({"items": _files, "defaultMode": _MODE}),
    "persistentVolumeClaim": record({"claimName": names.subdomain, "readOnly": flag}, required=("claimName",)),
}
_ALLOWED = ", ".join(_SOURCES)

volume = choice(
    {
        **_SOURCES,
        "hostPath": refused(_HOST),
        **dict.fromkeys(_OTHERS, refused(f"this kind of volume is not allowed; there are {_ALLOWED}")),
    },
    {"name": names.label},
    _ALLOWED,
)
mount = record(
    {
        "name": names.label,
        "mountPath": names.path,
        "subPath": names.below,
        "readOnly": flag,
        "mountPropagation": one_of("None", why="mounts may not travel between a container and its host"),
    },
    required=("name", "mountPath"),
)
