"""By what the controller and this host know one another: tokens, certificates, the CA. All of it is in agent.json."""

import hmac
import logging
import ssl
from contextlib import suppress
from typing import Any

import msgspec
from aiohttp import web
from yarl import URL

from paas_agent.contract import CONTROLLER_NAME
from paas_agent.manifest import PACKAGES
from paas_agent.membership import Membership, keep
from paas_agent.settings import BadSetting, Settings, address, is_loopback
from paas_agent.tls import Telling, client_tls, load_chain, names, server_tls

log = logging.getLogger(__name__)

_WITHOUT_CERTIFICATE = frozenset({"/ping", "/metrics"})
"""What may be asked by others than the controller, with its token at most."""


class Trust:
    """What connections show and expect. Others hold the membership as well: it changes in place."""

    def __init__(self, membership: Membership, settings: Settings) -> None:
        self.membership, self._settings = membership, settings
        self.serving = self._serving()
        self._to_controller = self._asking()

    def request(self) -> dict[str, Any]:
        """How a request of the controller's is to be made, as arguments for aiohttp."""
        headers = {**self._token(), "Content-Type": "application/json"}
        return {"headers": headers, "allow_redirects": False, **self._tls()}

    def connection(self) -> dict[str, Any]:
        """The same for a websocket to it."""
        return {"headers": self._token(), **self._tls()}

    def own(self, url: str) -> dict[str, Any] | None:
        """The same for a file of the controller's own repository; None for any other: a token goes nowhere else."""
        controller, asked = self.membership.controller, URL(url)
        if controller and asked.origin() == URL(controller).origin() and asked.path.startswith(("/repo/", PACKAGES)):
            return {"headers": self._token(), **self._tls()}
        return None

    def _token(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.membership.agent_token}"}

    def _tls(self) -> dict[str, Any]:
        name = CONTROLLER_NAME if self.membership.pinned else None
        return {"ssl": self._to_controller, "server_hostname": name}

    def accepts(self, token: str) -> bool:
        """Whether this is the controller's token. The former one is good until the new one is used once."""
        shown = token.encode(errors="replace")
        if hmac.compare_digest(shown, self.membership.controller_token.encode()):
            if self.membership.former_controller_token:
                with suppress(OSError):  # in memory it is gone all the same
                    self.change(former_controller_token="")
            return True
        former = self.membership.former_controller_token
        return bool(former) and hmac.compare_digest(shown, former.encode())

    def proves(self, request: web.Request) -> bool:
        """Whether the certificate that was shown, if one has to be, is the controller's."""
        if not self.membership.certificate or self.serving is None or request.path in _WITHOUT_CERTIFICATE:
            return True
        return request.transport is not None and CONTROLLER_NAME in names(request.transport.get_extra_info("peercert"))

    def change(self, **fields: Any) -> None:
        """Keeps other fields of the membership, then uses them. Raises OSError, and nothing is changed."""
        changed = msgspec.structs.replace(self.membership, **fields)
        keep(changed, self._settings.work_dir)
        for name, value in fields.items():
            setattr(self.membership, name, value)
        if "certificate" in fields:
            self._to_controller = self._asking()  # another one, so that no connection of before is used again
            if self.serving is not None:
                load_chain(self.serving, self.membership.certificate, self.membership.key)

    def _asking(self) -> ssl.SSLContext | bool:
        """True where the controller is known as any other server is."""
        membership = self.membership
        if not membership.ca:
            return True
        if membership.pinned:
            context = ssl.create_default_context(cadata=membership.ca)
        else:
            context = client_tls(self._settings)
            context.load_verify_locations(cadata=membership.ca)
        if membership.certificate:
            load_chain(context, membership.certificate, membership.key)
        return context

    def _serving(self) -> ssl.SSLContext | None:
        if self._settings.tls_certificate:
            return server_tls(self._settings)
        if not self.membership.certificate:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=self.membership.ca)
        context.verify_mode = ssl.CERT_OPTIONAL  # whoever asks for a ping has none
        context.sslobject_class = Telling
        load_chain(context, self.membership.certificate, self.membership.key)
        return context


def look_at(trust: Trust, settings: Settings, listen: str) -> None:
    """Refuses to serve without TLS off loopback, unless that was asked for. Raises BadSetting."""
    if trust.serving is None and not is_loopback(address(listen, "--listen")[0]):
        if not (settings.plain_http or trust.membership.plain_http):
            told = f"this agent has no certificate, and {listen} can be reached by others"
            raise BadSetting(f"{told}: join again by https, or say --plain-http")
        log.warning("plain HTTP on %s, as asked for: whoever is on the way can read tokens and passwords", listen)
