"""What connections are made and served with. TLS 1.2 or newer; certificates of one's own are replaced while in use."""

import asyncio
import logging
import os
import ssl
from pathlib import Path

from cryptography import x509

from paas_controller.base.clock import Clock, rfc3339
from paas_controller.base.settings import Settings
from paas_controller.hosts.trust.authority import LIFE, Authority, key_text, new_key

_log = logging.getLogger(__name__)
_LOOK_EVERY = 3600.0
_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""X509_V_FLAG_NO_CHECK_TIME: a host whose certificate has ended is refused with a sentence, behind the handshake."""


class Contexts:
    """`serving` is None for plain HTTP, `asking` verifies agents. Both show a certificate of the CA, if there is."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self.authority: Authority | None = None
        self.asking = settings.client_tls()
        self.serving = self._serving()
        self._renew_at = 0.0

    def take(self, authority: Authority) -> None:
        """From now on this is the CA: before anything is served or asked."""
        self.authority = authority
        self.asking.load_verify_locations(cadata=authority.text)
        if self.serving:
            self.serving.load_verify_locations(cadata=authority.text)
            self.serving.verify_mode = ssl.CERT_OPTIONAL  # people have none
            self.serving.verify_flags |= _NO_CHECK_TIME
        self.renew()

    @property
    def pinned(self) -> Authority | None:
        """The CA by which agents know what is served, where it is ours: its fingerprint goes along with join tokens."""
        return self.authority if self.serving and self._settings.tls_certificate is None else None

    def _serving(self) -> ssl.SSLContext | None:
        if not self._settings.serves_tls:
            return None
        return self._settings.server_tls() or ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)

    def renew(self) -> bool:
        """Takes a new certificate of the CA when two thirds of the last one's life are over; whether it did."""
        now = self._clock.time()
        if not self.authority or now < self._renew_at:
            return False
        key = new_key()
        certificate = self.authority.for_controller(key, self._settings.names, now)
        for context in filter(None, (self.asking, self.serving if self.pinned else None)):
            load_chain(context, certificate, key_text(key))
        self._renew_at = now + LIFE * 2 / 3
        return True

    async def renew_for_ever(self) -> None:
        for given in filter(None, (self._settings.tls_certificate, self._settings.ca_file)):
            if told := await asyncio.to_thread(ended, given, self._clock.time()):
                _log.warning(told)
        while True:
            if self.renew():
                _log.info("this controller has a new certificate")
            await asyncio.sleep(_LOOK_EVERY)


def ended(path: Path, now: float) -> str:
    """That a certificate of this file has ended, and what to do; empty where none has."""
    ends = min(one.not_valid_after_utc.timestamp() for one in x509.load_pem_x509_certificates(path.read_bytes()))
    if now < ends:
        return ""
    return f"{path}: a certificate ended on {rfc3339(ends)}, and nobody accepts it: put another there and start again"


def load_chain(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Has new connections show this certificate. OpenSSL reads files only; this one is in memory and nowhere else."""
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, (key + certificate).encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
