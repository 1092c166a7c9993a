"""One cluster: its programs as processes, what they keep in one folder, and what a test does to them."""

import base64
import json
import os
import shutil
import signal
import ssl
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from kubernetes import config
from kubernetes.client import ApiClient, CoreV1Api
from tests.testbeds.kubernetes import credentials
from tests.testbeds.kubernetes.programs import programs
from tests.testbeds.memory import memory
from tests.testbeds.ports import free_port
from tests.testbeds.stack import Program

NODE_PORTS = range(30000, 30050)
"""What a NodePort may be. Nothing listens there: no node is real."""
NODE, NODE_MEMORY = "node1", "64Gi"
_ROOT = Path(__file__).parents[3]
_SECONDS = 60
_FOLDERS = "kubernetes-"
_STARTS_SOONER = (
    "--runtime-config=api/beta=false,policy/v1beta1=true", "--feature-gates=APIPriorityAndFairness=false",
)  # fmt: skip
"""Two thirds of what an API server does at its start is for APIs that nobody here asks."""
_ENDS_WITH_THIS = ("setpriv", "--pdeathsig=KILL")
_STAYS = ("setsid",)


class Cluster:
    """A cluster with one node; namespaces are cheap, so that each test takes one of its own."""

    def __init__(
        self, programs: dict[str, Path], folder: Path, node_ports: range = NODE_PORTS, stays: bool = False
    ) -> None:
        """`stays` is for one that outlives this process."""
        self.folder, self.node_ports = folder, node_ports
        self.port, self._etcd_port, self._kubelet_port = (free_port() for _ in range(3))
        self.url = f"https://127.0.0.1:{self.port}"
        self.ca = folder / "ca.crt"
        self._before: tuple[str, ...] = _STAYS if stays else _ENDS_WITH_THIS
        self._programs = programs
        self._etcd = self._program("etcd", *self._etcd_arguments())
        self.api_server = self._program("kube-apiserver", *self._api_server_arguments())
        self._others = [
            self._program("kube-controller-manager", *self._manager_arguments()),
            self._program("kube-scheduler", *self._client_arguments()),
            self._kubelet(),
        ]

    def kubeconfig(self, user: str = credentials.ADMIN) -> Path:
        """What a client is given; its current context is named after the user."""
        return self.folder / f"{user}.kubeconfig"

    @contextmanager
    def client(self, user: str = credentials.ADMIN) -> Iterator[ApiClient]:
        with config.new_client_from_config(str(self.kubeconfig(user))) as client:  # type: ignore[no-untyped-call]
            yield client

    def start(self) -> None:
        """Returns when pods can run: the node is there, and the controller manager works."""
        self.folder.mkdir(parents=True, exist_ok=True)
        credentials.make_certificates(self.folder)
        credentials.make_users(self.folder, self.url)
        self._etcd.start()
        self.begin()
        for program in self._others:
            program.start()
        with self.client() as client:
            core = CoreV1Api(client)
            self.add_node(NODE, NODE_MEMORY)
            self._wait(lambda: bool(core.list_namespaced_service_account("default").items), "the controller manager")

    def end(self) -> None:
        for program in (*self._others, self.api_server, self._etcd):
            program.kill()
        shutil.rmtree(self.folder)

    @property
    def pids(self) -> list[int]:
        return [program.pid for program in (self._etcd, self.api_server, *self._others)]

    def add_node(self, name: str, memory: str) -> None:
        """A node with so much memory (`1Gi`) for pods; its kubelet is the one that there is."""
        room = {"memory": memory, "cpu": "1000", "pods": "1000"}
        node: Any = {
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "status": {
                "capacity": room,
                "allocatable": room,
                "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": self._kubelet_port}},
                "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            },
        }
        with self.client() as client:
            CoreV1Api(client).create_node(node)

    def begin(self) -> None:
        """The API server, on the same port and with all that it kept. Returns when it answers."""
        self.api_server.start()
        self._wait(self._answers, "the API server")

    @contextmanager
    def away(self) -> Iterator[None]:
        """The API server was killed; afterwards it is there again, and watches begin anew.

        So do Kubernetes' own controllers, which would wait longer after each time.
        """
        self.api_server.kill()
        try:
            yield
        finally:
            self.begin()
            for program in self._others[:2]:
                program.kill()
                program.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The API server takes connections and answers nothing."""
        os.kill(self.api_server.pid, signal.SIGSTOP)
        self._wait(self._stands_still, "the API server to stand still")
        try:
            yield
        finally:
            os.kill(self.api_server.pid, signal.SIGCONT)

    def _stands_still(self) -> bool:
        """A thread that was running goes on for a moment."""
        threads = Path("/proc", str(self.api_server.pid), "task").glob("*/stat")
        return all(each.read_text().rpartition(") ")[2].startswith("T") for each in threads)

    def compact(self) -> None:
        """The past is forgotten: a watch that goes on from an earlier version gets 410. The API server is restarted."""
        with self.away():
            revision = int(self._of_etcd("range", key=base64.b64encode(b"/").decode())["header"]["revision"])
            self._of_etcd("compaction", revision=revision, physical=True)

    def _of_etcd(self, method: str, **body: Any) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self._etcd_port}/v3/kv/{method}"
        with urllib.request.urlopen(url, json.dumps(body).encode(), timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def _answers(self) -> bool:
        context = ssl.create_default_context(cafile=str(self.ca))
        with suppress(OSError), urllib.request.urlopen(f"{self.url}/readyz", timeout=5, context=context):
            return True
        return False

    def _wait(self, look: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _SECONDS
        while not look():
            for program in (self._etcd, self.api_server):
                assert program.alive, f"{program.name} ended; see {program.log}"
            assert time.monotonic() < deadline, f"waited {_SECONDS} s in vain for {what}; see {self.folder}"
            time.sleep(0.05)

    def _program(self, name: str, *arguments: str) -> Program:
        return Program(name, [*self._before, str(self._programs[name]), *arguments], self.folder / f"{name}.log")

    def _etcd_arguments(self) -> tuple[str, ...]:
        url = f"http://127.0.0.1:{self._etcd_port}"
        peers = "http://127.0.0.1:0"
        return (
            f"--data-dir={self.folder / 'etcd'}", f"--listen-client-urls={url}", f"--advertise-client-urls={url}",
            f"--listen-peer-urls={peers}", "--logger=zap", "--snapshot-count=1000000",
        )  # fmt: skip

    def _api_server_arguments(self) -> tuple[str, ...]:
        here, ports = self.folder, self.node_ports
        return (
            "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={self.port}",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}", "--endpoint-reconciler-type=none",
            f"--tls-cert-file={here / 'server.crt'}", f"--tls-private-key-file={here / 'server.key'}",
            f"--token-auth-file={here / 'tokens.csv'}", "--authorization-mode=RBAC", "--allow-privileged",
            f"--service-account-issuer={self.url}", f"--service-account-key-file={here / 'server.key'}",
            f"--service-account-signing-key-file={here / 'server.key'}",
            "--kubelet-preferred-address-types=InternalIP", "--disable-admission-plugins=TaintNodesByCondition",
            "--service-cluster-ip-range=10.96.0.0/16", f"--service-node-port-range={ports[0]}-{ports[-1]}",
            "--profiling=false", *_STARTS_SOONER,
        )  # fmt: skip

    def _manager_arguments(self) -> tuple[str, ...]:
        keys = (f"--service-account-private-key-file={self.folder / 'server.key'}", f"--root-ca-file={self.ca}")
        return (*self._client_arguments(), "--controllers=*,-nodelifecycle", *keys)

    def _client_arguments(self) -> tuple[str, ...]:
        alone = ("--leader-elect=false", "--port=0", "--secure-port=0")
        return (f"--kubeconfig={self.kubeconfig()}", *alone, "--kube-api-qps=500", "--kube-api-burst=1000")

    def _kubelet(self) -> Program:
        module = "tests.testbeds.kubernetes.kubelet"
        run = ["env", f"PYTHONPATH={_ROOT}", sys.executable, "-m", module, str(self.folder), str(self._kubelet_port)]
        return Program("kubelet", [*self._before, *run], self.folder / "kubelet.log")


@contextmanager
def cluster(node_ports: range = NODE_PORTS) -> Iterator[Cluster]:
    """A new cluster that runs; nothing of it is left at the end."""
    found, place = programs(), memory() or Path(tempfile.gettempdir())
    _sweep(place)
    made = Cluster(found, Path(tempfile.mkdtemp(prefix=f"{_FOLDERS}{os.getpid()}-", dir=place)), node_ports)
    try:
        made.start()
        yield made
    finally:
        made.end()


def _sweep(place: Path) -> None:
    """Killed runs have left their folders; what ran there ended with them."""
    for left in place.glob(f"{_FOLDERS}*"):
        if not psutil.pid_exists(int(left.name.split("-")[1])):
            shutil.rmtree(left)
