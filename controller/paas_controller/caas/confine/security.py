"""Security contexts: the controls of Pod Security's level `baseline`, and nothing that leans on a node's own files."""

import re

from paas_controller.caas.confine.shapes import flag, listing, matching, one_of, record, refused, whole

_CAPABILITIES = (
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
)  # fmt: skip
# Baseline has more of them by now; kubelets that do not know those as safe refuse the whole pod.
_SYSCTLS = (
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
)  # fmt: skip
_SELINUX_TYPES = ("container_t", "container_init_t", "container_kvm_t", "container_engine_t")

_id = whole(0, 2**31 - 1)
_capability = one_of(*_CAPABILITIES, why="any other capability reaches beyond the container")
_dropped = matching(re.compile(r"[A-Z][A-Z0-9_]*"), "a capability such as NET_RAW, or ALL", 63)
_profile = record(
    {"type": one_of("RuntimeDefault", why="any other profile lets a container do more on its node")}, required=("type",)
)
_sysctl = record(
    {
        "name": one_of(*_SYSCTLS, why="any other one is the whole node's"),
        "value": matching(re.compile(r"[0-9\t -]+"), "numbers", 63),
    },
    required=("name", "value"),
)
_BOTH = {
    "runAsUser": _id,
    "runAsGroup": _id,
    "runAsNonRoot": flag,
    "seccompProfile": _profile,
    "appArmorProfile": _profile,
    "seLinuxOptions": record(
        {
            "type": one_of(*_SELINUX_TYPES, why="any other one lifts what holds a container"),
            "level": matching(re.compile(r"s0(:c\d{1,4}([,.]c\d{1,4})*)?", re.ASCII), "a level such as s0:c1,c2", 63),
            "user": refused("a user of SELinux may not be chosen"),
            "role": refused("a role of SELinux may not be chosen"),
        }
    ),
    "windowsOptions": record({"hostProcess": refused("a container may not run as a process of its host")}),
}

of_pod = record(
    {
        **_BOTH,
        "fsGroup": _id,
        "fsGroupChangePolicy": one_of("Always", "OnRootMismatch"),
        "supplementalGroups": listing(_id, 50),
        "sysctls": listing(_sysctl, 20),
    }
)
of_container = record(
    {
        **_BOTH,
        "privileged": refused("a container may not be privileged: it would be its host's root"),
        "allowPrivilegeEscalation": flag,
        "readOnlyRootFilesystem": flag,
        "procMount": one_of("Default", why="more of /proc would show the host"),
        "capabilities": record({"add": listing(_capability, 50), "drop": listing(_dropped, 50)}),
    }
)
