"""The typed client of the controller's API, for portals:

    async with connect("http://127.0.0.1:3334", token) as client:
        await client.database.expect("db7", "running")
        plan = await client.database.expect("db7", "stopped").plan()

Every call raises `paas_client.errors.ClientError`. Each is repeated a few times when the connection fails or the
controller is not available for the moment; a write is nevertheless done once.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from paas_client.app_models import AppKind
from paas_client.apps import Apps
from paas_client.instances import Instances
from paas_client.models import Kind
from paas_client.ports import Ports
from paas_client.registry import Audit, Hosts, Operations, Tokens
from paas_client.stream import Stories
from paas_client.tenants import Tenants
from paas_client.transport import API1, Transport

_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)


@asynccontextmanager
async def connect(url: str, token: str, ca_file: str = "") -> AsyncIterator["Client"]:
    """A client over a session of its own, which is closed at the end. `ca_file` names the certificates (PEM) by which
    the controller is known; empty means the system's. Raises OSError where it cannot be used.
    """
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca_file) if ca_file else True)
    async with aiohttp.ClientSession(timeout=_TIMEOUT, connector=connector) as session:
        yield Client(Transport(session, url, token))


class Client:
    """All that can be asked of a controller."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.database = Instances(transport, "database")
        self.middleware = Instances(transport, "middleware")
        self.operations = Operations(transport)
        self.hosts = Hosts(transport)
        self.tokens = Tokens(transport)
        self.tenants = Tenants(transport)
        self.ports = Ports(transport)
        self.apps = Apps(transport, "apps")
        self.caas_apps = Apps(transport, "caas_apps")
        self.audit = Audit(transport)
        self.stories = Stories(transport)
        self.app_stories = Stories(transport, API1)

    def instances(self, kind: Kind) -> Instances:
        return self.database if kind == "database" else self.middleware

    def all_apps(self, kind: AppKind) -> Apps:
        return self.apps if kind == "apps" else self.caas_apps
