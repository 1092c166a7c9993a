"""How a host comes to its tokens and its certificate, gets others in their place, and which of them count."""

import json
import logging
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, update

from paas_agent.contract import TLS, Join, Joined, Renew, Renewed
from paas_controller.base.addresses import canonical, is_address, is_loopback, is_port
from paas_controller.base.clock import Clock
from paas_controller.base.crypto import Vault, new_token, token_hash
from paas_controller.base.errors import Conflict, Invalid, Refused
from paas_controller.base.principal import Principal
from paas_controller.hosts.host import Following, Host
from paas_controller.hosts.naming import HOST, NamedHost, unknown
from paas_controller.hosts.service import Hosts
from paas_controller.hosts.trust.authority import LIFE, Authority, asked_key
from paas_controller.hosts.trust.contexts import Contexts
from paas_controller.hosts.ways import Way
from paas_controller.identity.service import Identity
from paas_controller.store.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """On which hosts are taken. Without an authority their certificates are others' business; seconds."""

    contexts: Contexts
    plain_http: bool
    interval: float

    @property
    def authority(self) -> Authority | None:
        return self.contexts.authority


class Enrolment:
    """Changes what a host is known by: the database first, then the registry and the tokens in memory."""

    def __init__(
        self, store: Store, hosts: Hosts, identity: Identity, vault: Vault, clock: Clock, terms: Terms
    ) -> None:
        self._store, self._hosts, self._identity, self._vault = store, hosts, identity, vault
        self._clock, self._terms = clock, terms

    async def join(self, asked: Join) -> Joined:
        """Enrols an agent with a one-time token: each side gets its own. Raises Unauthorized, Invalid, Refused, and
        Conflict where another agent of this host is heard.
        """
        named = NamedHost(canonical(asked.address), asked.port)
        agent_token, controller_token, enrolment = new_token(), new_token(), new_token()[:32]
        principal = Principal(f"agent {named.id}", "agent", named.id)
        values: dict[str, Any] = {"features": tuple(asked.features), "version": asked.version}
        way: dict[str, Way] = {"way": "tunnel"} if asked.tunnel else {}
        bare = {"credentials": ""} if self._by_hand(named.id) else {}

        def enrol(connection: Connection) -> str:
            # Its fingerprint is for the agent. First of all: nobody else learns anything.
            self._identity.redeem(connection, asked.join_token.partition(".")[0])
            if not is_address(asked.address) or not is_port(asked.port):
                raise Invalid(f"{named.id} is no address and port; start the agent with --advertise H:P")
            self._require_free(named.id, asked.former)
            certificate = self._first_certificate(asked, enrolment)
            self._hosts.name(connection, [named])
            row: dict[str, Any] = {"controller_token": self._vault.seal(controller_token), "version": asked.version}
            row |= {"features": " ".join(asked.features), "rotating": False, "following": ""}
            row |= {"joined_at": self._clock.time(), **self._of(certificate, enrolment), **way, **bare}
            connection.execute(update(HOST).where(HOST.c.id == named.id).values(row))
            self._identity.keep(connection, agent_token, principal)
            return certificate

        certificate = await self._store.write(enrol)
        self._identity.admit(agent_token, principal)
        self._hosts.admit([named])
        values |= {"controller_token": controller_token, "rotating": False, "following": None, **way}
        values |= {"auth": []} if bare else {}
        self._hosts.joined(named.id, **values, **self._of(certificate, enrolment))
        _log.info("%s joined, version %s", named.id, asked.version)
        return Joined(
            host=named.id, agent_token=agent_token, controller_token=controller_token,
            interval=self._terms.interval, **self._given(certificate),
        )  # fmt: skip

    def _by_hand(self, identifier: str) -> bool:
        """Whether its credentials have been needed for the last time, although nobody installed anything by them."""
        host = self._hosts.find(identifier)
        return self._hosts.forgetful and not (host and host.installing)

    def _require_free(self, identifier: str, former: str) -> None:
        host = self._hosts.find(identifier)
        heard = host and host.epoch and host.heard_at and self._hosts.silence(host) < self._hosts.patience
        if heard and not self._identity.is_of(former, identifier):
            told = f"{identifier} has an agent that reports, and this is another one"
            raise Conflict(f"{told}: give it an --advertise of its own, or stop the other and wait until it is lost")

    def _first_certificate(self, asked: Join, enrolment: str) -> str:
        """Empty for an agent that asks for none, where one may do without; raises Refused."""
        if asked.certificate_request and not self._terms.authority:
            told = "this controller has no CA of its own: give the agent --tls-certificate and --tls-key"
            raise Refused(told)
        if TLS not in asked.features and not is_loopback(asked.address) and not self._terms.plain_http:
            told = f"{asked.address} would be spoken to by plain HTTP: join without --plain-http"
            raise Refused(f"{told}, or start the controller with it as well")
        if not asked.certificate_request:
            return ""
        return self._certificate(asked.certificate_request, (asked.address, asked.port), enrolment)

    def _certificate(self, request: str, host: tuple[str, str], *enrolments: str) -> str:
        authority, known = self._terms.authority, [enrolment for enrolment in enrolments if enrolment]
        if not authority or not request:
            return ""
        return authority.for_agent(asked_key(request), host, known, self._clock.time())

    def _of(self, certificate: str, enrolment: str) -> dict[str, Any]:
        ends = self._clock.time() + LIFE if certificate else None
        return {"enrolment": enrolment if certificate else "", "certificate_ends": ends}

    def _given(self, certificate: str) -> dict[str, Any]:
        if not certificate or not self._terms.authority:
            return {}
        return {"certificate": certificate, "ca": self._terms.authority.text, "life": LIFE}

    async def rotate(self, identifier: str, *, dry_run: bool = False) -> None:
        """Has its agent ask for new tokens and a new certificate. Conflict where there is no agent."""
        host = self._hosts.get(identifier)
        if not host.controller_token:
            raise Conflict(host.obstacle)
        if not dry_run:
            await self._store.write(lambda c: _keep(c, identifier, rotating=True))
            self._hosts.change(identifier, rotating=True)

    async def renew(self, host: Host, shown: str, asked: Renew) -> Renewed:
        """A new certificate and, where it is to be rotated, new tokens, for the agent that showed the token of this
        hash. Raises Invalid, Refused.
        """
        async with host.lock:
            await self._settle(host, shown)
            return await (self._follow(host, shown, asked) if host.rotating else self._prolong(host, asked))

    async def used(self, host: Host, shown: str) -> None:
        """A report came with the token of this hash: if it is a new one, the former ones are good no longer."""
        if host.following:
            async with host.lock:
                await self._settle(host, shown)

    async def _prolong(self, host: Host, asked: Renew) -> Renewed:
        if not host.enrolment:
            raise Refused(f"{host.id} has no certificate of this controller's; join it again to give it one")
        certificate = self._certificate(asked.certificate_request, (host.address, host.port), host.enrolment)
        if not certificate:
            raise Refused(f"a certificate for {host.id} takes a certificate_request, and a controller with its own CA")
        of = self._of(certificate, host.enrolment)
        await self._store.write(lambda c: _keep(c, host.id, **of))
        self._hosts.change(host.id, **of)
        _log.info("%s has a new certificate", host.id)
        return Renewed(**self._given(certificate))

    async def _follow(self, host: Host, shown: str, asked: Renew) -> Renewed:
        token, controller_token, enrolment = new_token(), new_token(), new_token()[:32]
        place = (host.address, host.port)
        # Under both names, so that it is known before and after its first use.
        certificate = self._certificate(asked.certificate_request, place, host.enrolment, enrolment)
        following = Following(token_hash(token), controller_token, enrolment if certificate else "")
        principal = Principal(f"agent {host.id}", "agent", host.id)

        def keep(connection: Connection) -> None:
            self._identity.keep(connection, token, principal, beside=shown)
            _keep(connection, host.id, following=self._vault.seal(json.dumps(asdict(following))))

        await self._store.write(keep)
        self._identity.admit(token, principal, beside=shown)
        self._hosts.change(host.id, following=following)
        return Renewed(agent_token=token, controller_token=controller_token, **self._given(certificate))

    async def _settle(self, host: Host, shown: str) -> None:
        """What follows takes its place, if it is what was shown."""
        new = host.following
        if new is None or shown != new.agent_hash:
            return
        values = self._of(new.enrolment, new.enrolment) | {"rotating": False}

        def keep(connection: Connection) -> None:
            self._identity.forget(connection, host.id, but=shown)
            _keep(connection, host.id, controller_token=self._vault.seal(new.controller_token), following="", **values)

        await self._store.write(keep)
        self._identity.withdraw(host.id, but=shown)
        self._hosts.change(host.id, controller_token=new.controller_token, following=None, **values)
        host.hang_up("its former token is no longer good", but=shown)
        _log.info("%s uses its new tokens; the former ones are no longer good", host.id)


def _keep(connection: Connection, host: str, **values: Any) -> None:
    if connection.execute(update(HOST).where(HOST.c.id == host).values(values)).rowcount != 1:
        raise unknown(host)
