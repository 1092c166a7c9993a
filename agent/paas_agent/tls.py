"""TLS 1.2 or newer in the agent: how servers are verified, what is served with, and what is said where that fails."""

import logging
import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from time import time
from typing import Any

import aiohttp

from paas_agent.settings import BadSetting, Settings

log = logging.getLogger(__name__)

_ALERTS = {
    "CERTIFICATE_EXPIRED": "it takes this host's certificate for ended: set the clocks of both, or join again",
    "UNKNOWN_CA": "it does not know the CA of this host's certificate: join again",
    "BAD_CERTIFICATE": "it refuses this host's certificate: join again",
    "CERTIFICATE_REQUIRED": "it wants a certificate of this host: join again",
    "HTTP_REQUEST": "what came speaks plain HTTP",
    "WRONG_VERSION_NUMBER": "it speaks no TLS: write http:// if that is meant",
    "PROTOCOL_VERSION": "it speaks no TLS of 1.2 or newer",
}


def client_tls(settings: Settings) -> ssl.SSLContext:
    """How servers are verified: by the system's certificates, or by those of `ca_file`. Raises BadSetting."""
    try:
        return ssl.create_default_context(cafile=settings.ca_file or None)
    except OSError as error:
        raise BadSetting(f"--ca-file {settings.ca_file} cannot be used: {_why(error)}") from error


def server_tls(settings: Settings) -> ssl.SSLContext:
    """What is served with where certificates were given. Raises BadSetting."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key or None)
    except OSError as error:
        raise BadSetting(f"--tls-certificate and --tls-key cannot be used: {_why(error)}") from error
    return context


def _why(error: OSError) -> str:
    if not isinstance(error, ssl.SSLError):
        return error.strerror or str(error)
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    return "what is needed is not in there, in PEM"


def load_chain(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Has new connections show this certificate. OpenSSL reads files only; this one is in memory and nowhere else."""
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, (key + certificate).encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def sentence(error: BaseException, now: Callable[[], float] = time) -> str:
    """What is wrong between the two certificates, and what to do; empty where TLS is not what failed."""
    cause: BaseException | None = error
    while isinstance(cause, aiohttp.ClientError):  # by name some are errors of TLS as well, and know nothing of it
        cause = getattr(cause, "certificate_error", None) or getattr(cause, "os_error", None) or cause.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _of_verify(cause, datetime.fromtimestamp(now(), UTC).strftime("%Y-%m-%d %H:%M UTC"))
    if isinstance(cause, ssl.SSLError):
        reason = str(cause.reason)
        return next((told for word, told in _ALERTS.items() if word in reason), f"TLS broke off ({reason})")
    return ""


def _of_verify(error: ssl.SSLCertVerificationError, clock: str) -> str:
    match error.verify_code:
        case 9:
            return f"its certificate is not valid yet by this host's clock, which says {clock}: set the clock"
        case 10:
            return (
                f"its certificate has ended by this host's clock, which says {clock}: set it, or renew the certificate"
            )
        case 62 | 64:
            return "its certificate is made out to another name: use an address that stands in it"
    return "its certificate is of a CA that is not known here: join again with a new token, or name the CA by --ca-file"


class Telling(ssl.SSLObject):
    """Says why a handshake failed; asyncio does so to nobody. The same reason is said once in a row."""

    _told = ""

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            told = sentence(error)
            if told != Telling._told:
                log.warning("a connection to this agent failed: %s", told)
            Telling._told = told
            raise


def names(certificate: dict[str, Any] | None) -> set[str]:
    """The names to which a certificate is made out, as `getpeercert` gives it."""
    alternatives = (certificate or {}).get("subjectAltName", ())
    return {str(name) for kind, name in alternatives if kind == "DNS"}
