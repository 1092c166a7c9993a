from copy import deepcopy
from typing import Any

import pytest

from paas_controller.base.errors import Refused
from paas_controller.caas.cluster.objects import Port
from paas_controller.caas.component import Component, Own
from paas_controller.caas.confine.templates import confined, confined_component
from tests.controller.caas.confine.fields import planted
from tests.controller.caas.confine.whole import OWN, PLAIN, RC, SVC, made

POD = ("spec", "template", "spec")
MAIN = (*POD, "containers", 0)
CONTEXT = (*MAIN, "securityContext")
VOLUME = (*POD, "volumes", 0)


def refusal(rc_template: object, svc_template: object = None, **options: Any) -> list[str]:
    with pytest.raises(Refused) as told:
        confined(rc_template, svc_template, OWN, **options)
    return told.value.details


def at(path: tuple[str | int, ...]) -> str:
    return ".".join(map(str, path))


# Pod Security's level `baseline`, line by line, and what else reaches beyond the app.
@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ((*CONTEXT, "windowsOptions", "hostProcess"), True, "may not run as a process of its host"),
        ((*POD, "securityContext", "windowsOptions", "hostProcess"), True, "may not run as a process of its host"),
        ((*POD, "hostNetwork"), True, "a pod may not share its host's network"),
        ((*POD, "hostPID"), True, "a pod may not share its host's processes"),
        ((*POD, "hostIPC"), True, "a pod may not share its host's memory between processes"),
        ((*CONTEXT, "privileged"), True, "may not be privileged"),
        ((*CONTEXT, "capabilities", "add", 0), "SYS_ADMIN", "any other capability reaches beyond the container"),
        ((*CONTEXT, "capabilities", "add", 0), "NET_RAW", "any other capability reaches beyond the container"),
        ((*CONTEXT, "capabilities", "add", 0), "ALL", "any other capability reaches beyond the container"),
        ((*VOLUME, "hostPath"), {"path": "/"}, "a folder of the host may not be mounted"),
        ((*VOLUME, "nfs"), {"server": "x", "path": "/"}, "this kind of volume is not allowed; there are emptyDir"),
        ((*VOLUME, "csi"), {"driver": "x"}, "this kind of volume is not allowed"),
        ((*VOLUME, "projected", "sources", 0, "serviceAccountToken"), {"path": "t"}, "gets no token"),
        ((*VOLUME, "secret"), {"secretName": "ci-token-x7k2p"}, "service account's token"),
        ((*MAIN, "ports", 0, "hostPort"), 80, "a port of the host is the platform's to give"),
        ((*MAIN, "ports", 0, "hostIP"), "10.0.0.1", "an address of the host is the platform's to give"),
        ((*MAIN, "livenessProbe", "httpGet", "host"), "169.254.169.254", "only the container itself may be asked"),
        ((*MAIN, "readinessProbe", "tcpSocket", "host"), "10.0.0.1", "only the container itself may be asked"),
        ((*MAIN, "lifecycle", "postStart", "httpGet", "host"), "10.0.0.1", "only the container itself may be asked"),
        ((*CONTEXT, "appArmorProfile", "type"), "Unconfined", "lets a container do more on its node"),
        ((*POD, "securityContext", "seccompProfile", "type"), "Unconfined", "lets a container do more on its node"),
        ((*CONTEXT, "seccompProfile", "type"), "Localhost", "lets a container do more on its node"),
        ((*POD, "securityContext", "seccompProfile"), {}, "is missing"),
        ((*CONTEXT, "seLinuxOptions", "type"), "spc_t", "any other one lifts what holds a container"),
        ((*CONTEXT, "seLinuxOptions", "user"), "system_u", "a user of SELinux may not be chosen"),
        ((*CONTEXT, "seLinuxOptions", "role"), "system_r", "a role of SELinux may not be chosen"),
        ((*CONTEXT, "procMount"), "Unmasked", "more of /proc would show the host"),
        ((*POD, "securityContext", "sysctls", 0, "name"), "kernel.msgmax", "any other one is the whole node's"),
        ((*POD, "nodeName"), "node-1", "where a pod runs is the platform's to say"),
        ((*POD, "nodeSelector"), {"disk": "fast"}, "where a pod runs is the platform's to say"),
        ((*POD, "tolerations"), [{"operator": "Exists"}], "where a pod runs is the platform's to say"),
        ((*POD, "affinity"), {"nodeAffinity": {"x": 1}}, "where a pod runs is the platform's to say"),
        ((*POD, "serviceAccountName"), "admin", "a pod runs as nobody in the cluster"),
        ((*POD, "automountServiceAccountToken"), True, "a pod gets no token for the cluster's API"),
        ((*POD, "priorityClassName"), "system-node-critical", "all pods rank alike"),
        ((*POD, "runtimeClassName"), "other", "is the cluster's to say"),
        ((*POD, "ephemeralContainers"), [{"name": "debug"}], "for a pod that runs"),
        ((*POD, "resources"), {"limits": {"memory": "0"}}, "memory is counted by container"),
        ((*POD, "initContainers", 0, "securityContext", "privileged"), True, "may not be privileged"),
        ((*MAIN, "volumeDevices"), [{"name": "x"}], "a raw device"),
        (("metadata", "namespace"), "kube-system", "nothing is made in another one"),
        (("spec", "template", "metadata", "namespace"), "kube-system", "nothing is made in another one"),
        (("metadata", "name"), "other", "this is what the platform calls it"),
        (("metadata", "ownerReferences"), [{"uid": "x"}], "it is the cluster's to say"),
        (("kind",), "Pod", "has to be ReplicationController: nothing else is made of this template"),
        (("apiVersion",), "apps/v1", "has to be v1"),
        (("spec", "replicas"), 0, "has to be a whole number from 1 to 100"),
        (("spec", "replicas"), 101, "has to be a whole number from 1 to 100"),
        (("spec", "replicas"), True, "has to be a whole number from 1 to 100"),
        (("spec", "replicas"), 1.5, "has to be a whole number from 1 to 100"),
        (("spec", "strategy"), {"type": "x"}, "is not for a template to say, or no such key"),
        ((*MAIN, "image"), "Not An Image", "has to be a reference to an image"),
        ((*MAIN, "name"), "Upper", "has to be a DNS label"),
        ((*MAIN, "ports", 0, "containerPort"), 65536, "has to be a whole number from 1 to 65535"),
        ((*MAIN, "env", 0), {"name": "A", "value": 1}, "has to be a text"),
        ((*MAIN, "resources", "limits"), {"memory": "0"}, "has to be an amount of memory, at least 32Mi"),
        ((*MAIN, "resources", "limits"), {"nvidia.com/gpu": "1"}, "is not for a template to say"),
        ((*MAIN, "resources", "requests"), {"cpu": "1000"}, "has to be 0: an app is given memory only"),
        ((*MAIN, "resources", "requests"), {"ephemeral-storage": "1Ti"}, "has to be 0: an app is given memory only"),
        ((*MAIN, "resources", "requests"), {"memory": "1Gi"}, "without a limit is refused: name limits.memory as well"),
        ((*MAIN, "resources"), {"limits": {"memory": "1Gi"}, "requests": {"memory": "2Gi"}}, "is more than its limit"),
        ((*MAIN, "volumeMounts", 0), {"name": "x", "mountPath": "/x"}, "there is no volume x"),
    ],
)  # fmt: skip
def test_what_reaches_beyond_the_app_is_refused_with_its_path(path: Any, value: object, why: str) -> None:
    document = planted(planted(PLAIN, (*POD, "initContainers"), [{"name": "first", "image": "x"}]), path, value)
    told = [each for each in refusal(document) if each.startswith(f"rc_template.{at(path)}")]
    assert len(told) == 1
    assert why in told[0]


@pytest.mark.parametrize("where", [("metadata",), ("spec", "template", "metadata")])
@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("labels", "idevops/instanceId"),
        ("labels", "app.kubernetes.io/name"),
        ("labels", "sidecar.istio.io/inject"),
        ("annotations", "idevops/replicas"),
        ("annotations", "container.apparmor.security.beta.kubernetes.io/web"),
        ("annotations", "seccomp.security.alpha.kubernetes.io/pod"),
        ("annotations", "k8s.v1.cni.cncf.io/networks"),
        ("annotations", "io.kubernetes.cri-o.Devices"),
    ],
)
def test_labels_and_annotations_by_which_others_steer_are_refused(where: Any, kind: str, key: str) -> None:
    [told] = refusal(planted(PLAIN, (*where, kind), {key: "x"}))
    assert told.startswith(f"rc_template.{at(where)}.{kind}.{key}: has to be a name without a prefix")


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("spec", "type"), "LoadBalancer", "has to be NodePort or ClusterIP: ports are given by the platform"),
        (("spec", "type"), "ExternalName", "has to be NodePort or ClusterIP"),
        (("spec", "externalName"), "db.other", "leads to its own pods only"),
        (("spec", "clusterIP"), "10.0.0.10", "addresses are given by the cluster"),
        (("spec", "externalIPs"), ["192.0.2.1"], "given by the platform, out of its port pools"),
        (("spec", "loadBalancerIP"), "192.0.2.1", "there are no load balancers"),
        (("spec", "loadBalancerSourceRanges"), ["0.0.0.0/0"], "there are no load balancers"),
        (("spec", "ports", 0, "nodePort"), 70000, "has to be a whole number from 0 to 65535"),
        (("spec", "ports", 0, "targetPort"), "grpc", "no container has a port called grpc"),
        (("spec", "selector"), {"app": "other"}, "would select pods of others"),
        (("metadata", "annotations"), {"metallb.io/ip": "x"}, "a name without a prefix"),
        (("kind",), "Pod", "has to be Service"),
    ],
)
def test_a_service_that_leads_elsewhere_is_refused_with_its_path(path: Any, value: object, why: str) -> None:
    [told] = refusal(RC, planted(SVC, path, value))
    assert told.startswith(f"svc_template.{at(path)}")
    assert why in told


def test_everything_that_is_wrong_in_both_is_told_at_once() -> None:
    document = planted(planted(PLAIN, (*POD, "hostNetwork"), True), (*CONTEXT, "privileged"), True)
    told = refusal(document, {"spec": {"type": "LoadBalancer"}})
    assert [each.split(":")[0] for each in told] == [
        "rc_template.spec.template.spec.containers.0.securityContext.privileged",
        "rc_template.spec.template.spec.hostNetwork",
        "svc_template.spec.type",
    ]


@pytest.mark.parametrize("nothing", [{}, {"spec": {"template": {"spec": {"containers": []}}}}, None, [], "x", 7])
def test_a_template_without_a_container_is_refused(nothing: object) -> None:
    [told] = refusal(nothing)
    assert told in (
        "rc_template: has to be an object",
        "rc_template.spec.template.spec.containers: is missing",
    )


def test_an_image_is_needed_and_two_containers_may_not_share_a_name() -> None:
    assert refusal(planted(PLAIN, (*POD, "containers"), [{"name": "a"}])) == [
        "rc_template.spec.template.spec.containers.0.image: is missing"
    ]
    assert refusal(planted(PLAIN, (*POD, "containers"), [{"image": "a"}, {"image": "b"}])) == [
        "rc_template.spec.template.spec.containers.1.name: there is another one called phpmyadmin-1"
    ]


def test_a_value_is_never_told_again() -> None:
    document = planted(PLAIN, (*MAIN, "env"), [{"name": "PASSWORD", "value": ["hunter2"]}])
    assert "hunter2" not in "".join(refusal(document))


def test_a_selector_that_is_true_of_the_pods_anyway_gives_way_to_ours() -> None:
    controller, service = made(RC, SVC)
    assert controller["spec"]["selector"] == service["spec"]["selector"] == OWN.selector
    labels = controller["spec"]["template"]["metadata"]["labels"]
    assert labels == {"name": "phpmyadmin", **OWN.selector}
    [told] = refusal(planted(RC, ("spec", "selector"), {"app": "other"}), SVC)
    assert told == "rc_template.spec.selector.app: would select pods of others: leave the selector out"


def test_a_container_without_a_limit_gets_one_unit() -> None:
    [container] = made(PLAIN)[0]["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {"limits": {"memory": "128Mi"}, "requests": {"memory": "128Mi"}}


def test_ports_are_those_of_the_service_or_else_of_the_containers() -> None:
    assert confined(RC, SVC, OWN).ports == (Port(80, 80, 30040, "web"),)
    assert confined(PLAIN, None, OWN).ports == (Port(80, 80, 0, "tcp-80"),)
    bare = {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}
    assert refusal(bare) == ["svc_template.spec.ports: is missing: name the ports that are to be reached"]


def test_a_service_of_the_cluster_alone_exports_nothing() -> None:
    inside = confined(PLAIN, {"spec": {"type": "ClusterIP"}}, OWN)
    assert not inside.exported
    assert confined(RC, SVC, OWN).exported
    told = refusal(RC, planted(SVC, ("spec", "type"), "ClusterIP"))
    assert told == ["svc_template.spec.type: with ClusterIP there is no nodePort: leave one of them out"]


@pytest.mark.parametrize("name", ["default-token-kcvwk", "ci-token-kcvwk", "a.b-token-7x9z2"])
def test_the_token_of_no_service_account_can_be_had_by_any_name_of_a_secret(name: str) -> None:
    secret, of = {"name": name}, {"name": name, "key": "token"}
    container = {"name": "a", "image": "x", "envFrom": [{"secretRef": secret}]}
    container["env"] = [{"name": "A", "valueFrom": {"secretKeyRef": of}}]
    volumes = [
        {"name": "b", "secret": {"secretName": name}},
        {"name": "c", "projected": {"sources": [{"secret": secret}]}},
    ]
    pod = {"containers": [container], "initContainers": [container | {"name": "i"}], "volumes": volumes}
    told = refusal({"spec": {"template": {"spec": pod | {"imagePullSecrets": [secret]}}}})
    assert all(each.endswith("and none that may be a service account's token") for each in told)
    assert [each.partition(":")[0].removeprefix("rc_template.spec.template.spec.") for each in told] == [
        "containers.0.envFrom.0.secretRef.name",
        "containers.0.env.0.valueFrom.secretKeyRef.name",
        "initContainers.0.envFrom.0.secretRef.name",
        "initContainers.0.env.0.valueFrom.secretKeyRef.name",
        "volumes.0.secret.secretName",
        "volumes.1.projected.sources.0.secret.name",
        "imagePullSecrets.0.name",
    ]


def test_a_secret_of_the_app_may_be_called_after_a_token() -> None:
    for name in ("default-token-mine", "ci-token-aeiou", "x-token-kcvwk2", "token-kcvwk"):
        secret = {"name": "s", "secret": {"secretName": name}}
        assert confined(planted(PLAIN, (*POD, "volumes"), [secret]), None, OWN)


@pytest.mark.parametrize("image", ["h:99999/a", "h:65536/a", "h:0/a", "h:/a"])
def test_an_image_of_a_port_that_is_none_is_refused(image: str) -> None:
    [told] = refusal(planted(PLAIN, (*MAIN, "image"), image))
    assert "has to be a reference to an image" in told


@pytest.mark.parametrize("image", ["h:1/a", "h:5000/a:1", "h:65535/a", "h:443/a/b"])
def test_an_image_of_a_port_that_is_one_is_taken(image: str) -> None:
    assert confined(planted(PLAIN, (*MAIN, "image"), image), None, OWN)


WEB = Own("shop-ns", "shop-web", "7d1f", "web", "shop")


def test_a_components_template_may_say_what_the_component_leaves_open() -> None:
    template = planted({}, MAIN, {"command": ["run"]})
    kept = confined_component(Component("web", "nginx", rc_template=template), WEB)
    assert kept["spec"]["template"]["spec"]["containers"][0]["name"] == "web"
    assert confined_component(Component("web", "nginx"), WEB) == {}


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("spec", "replicas"), 3, "spec.replicas: the component says 2: leave it out"),
        (
            (*MAIN, "image"),
            "httpd",
            "spec.template.spec.containers.0.image: the component says another one: leave it out",
        ),
        ((*POD, "hostNetwork"), True, "spec.template.spec.hostNetwork: a pod may not share its host's network"),
        ((*POD, "containers", 0, "name"), "helper", "spec.template.spec.containers.0.image: is missing"),
    ],
)
def test_a_components_template_may_say_nothing_against_it(path: Any, value: object, told: str) -> None:
    component = Component("web", "nginx", replicas=2, rc_template=planted({}, path, value))
    with pytest.raises(Refused) as refused:
        confined_component(component, WEB, "components.0.rc_template")
    assert refused.value.details == [f"components.0.rc_template.{told}"]


def test_of_what_is_only_limited_nothing_is_requested() -> None:
    limited = planted(PLAIN, (*MAIN, "resources"), {"limits": {"cpu": "2"}})
    [container] = confined(limited, {"spec": {"ports": [{"port": 80}]}}, OWN).controller["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["resources"]["requests"] == {"memory": "128Mi", "cpu": "0"}


def test_what_is_let_through_can_be_let_through_again() -> None:
    kept = confined(RC, SVC, OWN)
    again = confined(kept.controller, kept.service, OWN)
    assert (again.controller, again.service, again.ports) == (kept.controller, kept.service, kept.ports)
    assert deepcopy(RC) == RC
