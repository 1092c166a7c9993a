"""Templates that say as much as they may, and what is made of templates."""

from typing import Any

from paas_controller.caas import manifests
from paas_controller.caas.component import Own
from paas_controller.caas.confine.templates import confined

OWN = Own("shop-ns", "phpmyadmin-1", "7d1f", "phpmyadmin-1", "phpmyadmin-1")

PLAIN: dict[str, Any] = {
    "spec": {"template": {"spec": {"containers": [{"image": "phpmyadmin:5", "ports": [{"containerPort": 80}]}]}}}
}

RC: dict[str, Any] = {
    "kind": "ReplicationController",
    "apiVersion": "v1",
    "metadata": {
        "name": "phpmyadmin-1",
        "namespace": "shop-ns",
        "labels": {"team": "shop"},
        "annotations": {"note": "x"},
        "creationTimestamp": None,
    },
    "spec": {
        "replicas": 2,
        "minReadySeconds": 3,
        "selector": {"name": "phpmyadmin"},
        "template": {
            "metadata": {"labels": {"name": "phpmyadmin"}, "annotations": {"prometheus.io/scrape": "true"}},
            "spec": {
                "restartPolicy": "Always",
                "dnsPolicy": "ClusterFirst",
                "hostNetwork": False,
                "terminationGracePeriodSeconds": 5,
                "imagePullSecrets": [{"name": "registry"}],
                "securityContext": {"fsGroup": 1000, "runAsNonRoot": True},
                "initContainers": [{"name": "first", "image": "busybox", "command": ["true"]}],
                "containers": [
                    {
                        "name": "phpmyadmin-1",
                        "image": "registry.example.org:5000/php/phpmyadmin:5.2",
                        "command": ["run"],
                        "args": ["--all"],
                        "workingDir": "/srv",
                        "imagePullPolicy": "IfNotPresent",
                        "ports": [{"containerPort": 80, "name": "http", "protocol": "TCP"}],
                        "env": [
                            {"name": "A", "value": "1"},
                            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "b"}}},
                            {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                        ],
                        "envFrom": [{"configMapRef": {"name": "settings"}}],
                        "resources": {"limits": {"memory": "256Mi", "cpu": "1"}, "requests": {"memory": "64Mi"}},
                        "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": True, "subPath": "a/b"}],
                        "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 5},
                        "readinessProbe": {"tcpSocket": {"port": 80}},
                        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "1"]}}},
                        "securityContext": {
                            "privileged": False,
                            "allowPrivilegeEscalation": False,
                            "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
                            "seccompProfile": {"type": "RuntimeDefault"},
                        },
                    }
                ],
                "volumes": [
                    {"name": "data", "emptyDir": {"sizeLimit": "1Gi"}},
                    {"name": "keys", "secret": {"secretName": "keys", "items": [{"key": "a", "path": "a.pem"}]}},
                    {"name": "all", "projected": {"sources": [{"configMap": {"name": "settings"}}]}},
                    {"name": "kept", "persistentVolumeClaim": {"claimName": "kept"}},
                    {
                        "name": "me",
                        "downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]},
                    },
                ],
            },
        },
    },
}

SVC: dict[str, Any] = {
    "kind": "Service",
    "apiVersion": "v1",
    "metadata": {"name": "phpmyadmin-1", "labels": {"team": "shop"}},
    "spec": {
        "type": "NodePort",
        "selector": {"name": "phpmyadmin"},
        "sessionAffinity": "ClientIP",
        "ports": [{"name": "web", "port": 80, "targetPort": "http", "nodePort": 30040}],
    },
}


def made(rc_template: object, svc_template: object = None, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What would be sent: the RC and its Service."""
    kept = confined(rc_template, svc_template, OWN, **options)
    return manifests.controller(OWN, kept.controller), manifests.service(OWN, kept.ports, kept.service)
