"""What no RC and no Service of ours may hold, written from Pod Security's list for `baseline` line by line.

It shares nothing with the code that it judges, and looks at what would be sent to the cluster.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

CAPABILITIES = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}  # fmt: skip
SELINUX = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
VOLUMES = {"emptyDir", "configMap", "secret", "projected", "downwardAPI", "persistentVolumeClaim"}
NEVER = {
    "hostPath", "hostPort", "hostIP", "nodeName", "nodeSelector", "affinity", "tolerations",
    "topologySpreadConstraints", "serviceAccount", "serviceAccountName", "serviceAccountToken", "priorityClassName",
    "priority", "runtimeClassName", "ephemeralContainers", "volumeDevices", "resourceClaims", "finalizers",
    "ownerReferences", "generateName", "externalName", "loadBalancerIP", "clusterIP", "healthCheckNodePort", "status",
    "host", "overhead", "hostUsers", "hostAliases", "claims",
}  # fmt: skip
"""Keys that stand nowhere, in no object."""


def faults(manifest: dict[str, Any], own: dict[str, str], namespace: str) -> list[str]:
    """Whatever is wrong with an RC; `own` are the labels that make it ours."""
    spec = manifest["spec"]
    template, pod = spec["template"], spec["template"]["spec"]
    found = [f"the key {key}" for key in keys(manifest) if key in NEVER]
    found += _ours(manifest, own, namespace) + _labels(template["metadata"], own)
    found += ["a selector of others"] if spec["selector"] != own else []
    found += [f"{key} of the host" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]
    found += ["a token for the API"] if pod["automountServiceAccountToken"] is not False else []
    found += [f"the volume {volume}" for volume in pod.get("volumes", []) if set(volume) - {"name"} - VOLUMES]
    found += [f"the volume {volume}" for volume in pod.get("volumes", []) if len(volume) != 2]
    found += [f"sysctl {one}" for one in pod["securityContext"].get("sysctls", []) if one["name"] not in SYSCTLS]
    found += _context(pod["securityContext"])
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        found += _context(container.get("securityContext", {})) + _memory(container["resources"])
    replicas = spec["replicas"]
    return found + ([] if type(replicas) is int and 0 <= replicas <= 100 else ["replicas"])


def faults_of_service(manifest: dict[str, Any], own: dict[str, str], namespace: str) -> list[str]:
    """Whatever is wrong with a Service."""
    spec = manifest["spec"]
    found = [f"the key {key}" for key in keys(manifest) if key in NEVER | {"externalIPs"}]
    found += ["a selector of others"] if spec["selector"] != own else []
    found += ["the type"] if spec["type"] not in ("NodePort", "ClusterIP") else []
    return found + _ours(manifest, own, namespace)


def keys(value: object) -> Iterator[str]:
    """All keys of a document, but not those of maps in which users choose them."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield key
            yield from () if key in ("labels", "annotations", "selector") else keys(child)
    if isinstance(value, list):
        for child in value:
            yield from keys(child)


def _ours(manifest: dict[str, Any], own: dict[str, str], namespace: str) -> list[str]:
    wrong = manifest["metadata"]["namespace"] != namespace
    return (["another namespace"] if wrong else []) + _labels(manifest["metadata"], own)


def _labels(metadata: dict[str, Any], own: dict[str, str]) -> list[str]:
    found = [f"the label {key}" for key in metadata["labels"] if "/" in key and key not in own]
    found += [f"the label {key}" for key, value in own.items() if metadata["labels"].get(key) != value]
    allowed = ("idevops/name", "idevops/replicas")
    foreign = [key for key in metadata["annotations"] if "/" in key and not key.startswith("prometheus.io/")]
    return found + [f"the annotation {key}" for key in foreign if key not in allowed]


def _context(context: dict[str, Any]) -> list[str]:
    selinux, windows = context.get("seLinuxOptions", {}), context.get("windowsOptions", {})
    profiles = [context.get(name, {}).get("type") for name in ("seccompProfile", "appArmorProfile")]
    added = set(context.get("capabilities", {}).get("add", []))
    wrong = {
        "privileged": bool(context.get("privileged")),
        "a host process": bool(windows.get("hostProcess")),
        "capabilities": not added <= CAPABILITIES,
        "SELinux": selinux.get("type", "") not in SELINUX or bool(selinux.get("user") or selinux.get("role")),
        "/proc": context.get("procMount", "Default") != "Default",
        "profiles": not set(profiles) <= {None, "RuntimeDefault", "Localhost"},
    }
    return [name for name, is_wrong in wrong.items() if is_wrong]


def _memory(resources: dict[str, Any]) -> list[str]:
    limit = parse_quantity(resources["limits"]["memory"])
    request = parse_quantity(resources["requests"]["memory"])
    known = {"memory", "cpu", "ephemeral-storage"}
    others = set(resources["limits"]) | set(resources["requests"])
    fine = Decimal(0) < request <= limit and others <= known if request else limit > 0 and others <= known
    return [] if fine else [f"resources {resources}"]
