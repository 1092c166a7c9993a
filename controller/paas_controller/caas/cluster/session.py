"""The one module that knows the official client: blocking, in any thread. What goes wrong becomes our errors here."""

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any

import msgspec
import urllib3.exceptions as transport
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException, load_kube_config
from urllib3 import HTTPResponse

from paas_controller.base.clusters import ClusterSettings
from paas_controller.base.errors import Retryable
from paas_controller.caas.cluster.connections import Hold, hold_all
from paas_controller.caas.cluster.refusals import Unable, Unknown, refusal, status
from paas_controller.caas.cluster.request import Request

_CONNECT = 2.0
_PIECE = 1 << 16


class Session:
    """Pooled connections to one API server. The kubeconfig is read when it is needed, and again after a 401."""

    def __init__(self, settings: ClusterSettings, connections: int) -> None:
        self._name, self._settings, self._connections = settings.name, settings, connections
        self._client: ApiClient | None = None
        self._making = threading.Lock()

    def object(self, hold: Hold, request: Request) -> dict[str, Any]:
        """The JSON of an answer."""
        try:
            found: dict[str, Any] = msgspec.json.decode(self.text(hold, request))
        except msgspec.DecodeError:
            told = f"what answers for the cluster {self._name} is no API server of Kubernetes"
            raise Unable(f"{told}: see to the server in its kubeconfig") from None
        return found

    def text(self, hold: Hold, request: Request) -> bytes:
        """An answer, whole."""
        with self._sentences(request):
            return self._send(hold, request).read()

    def stream(self, hold: Hold, request: Request) -> Generator[bytes, None, None]:
        """An answer in pieces as they come; first nothing, when it begins. Each step blocks."""
        with self._sentences(request):
            response = self._send(hold, request)
            try:
                yield b""
                while piece := response.read1(_PIECE):
                    yield piece
            finally:
                response.close()

    def silent(self, seconds: float) -> Retryable:
        """What is said when so much time is up."""
        return Retryable(f"the cluster {self._name} does not answer within {seconds:g} s: is its API server up?")

    def close(self) -> None:
        with self._making:
            if self._client:
                self._client.rest_client.pool_manager.clear()

    def _send(self, hold: Hold, request: Request) -> HTTPResponse:
        hold.begin()
        client = self._reached()
        headers = {"Accept": "application/json, */*"} | ({"Content-Type": request.content} if request.body else {})
        method, url, headers, body, _ = client.param_serialize(
            request.method, request.path, query_params=dict(request.query or {}), header_params=headers,
            body=request.body, auth_settings=["BearerToken"],
        )  # fmt: skip
        limits = (_CONNECT, request.silence)
        answer: HTTPResponse = client.call_api(method, url, headers, body, _request_timeout=limits).response
        if answer.status >= 300:
            error = refusal(self._name, status(answer.status, answer.read()))
            if isinstance(error, Unknown):
                self._forget(client)
            raise error
        return answer

    def _reached(self) -> ApiClient:
        with self._making:
            if self._client is None:
                self._client = _connected(self._settings, self._connections)
            return self._client

    def _forget(self, client: ApiClient | None) -> None:
        """The kubeconfig is read again for the next call: it may have been given new credentials."""
        with self._making:
            if self._client is client:
                self._client = None

    @contextmanager
    def _sentences(self, request: Request) -> Iterator[None]:
        used, began = self._client, time.monotonic()
        try:
            yield
        except (transport.NewConnectionError, ConnectionError) as error:
            raise self._away(error) from None
        except transport.ConnectTimeoutError:
            raise self.silent(_CONNECT) from None
        except (transport.TimeoutError, TimeoutError):
            raise self.silent(max(1, round(time.monotonic() - began))) from None
        except (ApiException, transport.SSLError) as error:
            if "EOF" in str(error):
                raise self._away(error) from None
            self._forget(used)
            told = f"TLS with the cluster {self._name} fails ({_of_tls(error)})"
            raise Retryable(f"{told}: see to the certificates in its kubeconfig", after=5.0) from None
        except (transport.HTTPError, HTTPException, OSError) as error:
            raise self._away(error) from None

    def _away(self, error: Exception) -> Retryable:
        return Retryable(f"the cluster {self._name} cannot be reached ({_why(error)}): is its API server up?")


def _connected(settings: ClusterSettings, connections: int) -> ApiClient:
    """The official client after a kubeconfig. Unable where that cannot be used."""
    configuration = Configuration()
    load: Any = load_kube_config  # it has no types
    try:
        load(str(settings.kubeconfig), settings.context or None, configuration, persist_config=False)
    except Exception as error:  # whatever a wrong file makes of the loader, which may quote it: secrets stand there
        said = str(error).partition("{")[0] if isinstance(error, ConfigException) else type(error).__name__
        told = f"the kubeconfig of the cluster {settings.name} cannot be used ({said.rstrip('. /')})"
        raise Unable(f"{told}: see to it") from None
    configuration.retries = False
    configuration.keep_alive = True  # a log may be silent for hours; a peer that is gone must not be
    configuration.connection_pool_maxsize = connections
    client = ApiClient(configuration)
    hold_all(client.rest_client.pool_manager)
    return client


def _of_tls(error: Exception) -> str:
    """OpenSSL's words without where in its source they stand."""
    said = str(error.reason if isinstance(error, ApiException) else error).partition("\n")[2] or str(error)
    return said.rpartition("] ")[2].partition(" (_ssl")[0]


def _why(error: Exception) -> str:
    for one in (error, error.__cause__, error.__context__):
        if isinstance(one, OSError) and one.strerror:
            return one.strerror
    return "it hung up"
