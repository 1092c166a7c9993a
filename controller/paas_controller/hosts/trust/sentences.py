"""What went wrong with a certificate, and what to do: OpenSSL's words become ours."""

import ssl

import aiohttp

_JOIN = "join it again with paas-agent join"
_OF_VERIFY = {
    9: "is not valid yet: its clock and this machine's differ; set both, then join it again",
    10: f"has ended: {_JOIN}; or this machine's clock is wrong: set it",
    62: f"is that of another host: see which agent listens there, or {_JOIN}",
}
_FOREIGN = f"is not of this controller's CA: {_JOIN}"
_ALERTS = {
    "UNKNOWN_CA": "does not know the CA of this controller's certificate: join it again, or give it this CA's ca.pem",
    "CERTIFICATE_EXPIRED": "takes this controller's certificate for ended: set the clocks of both",
    "BAD_CERTIFICATE": "takes this controller's certificate for wrong: set the clocks of both, or join it again",
    "CERTIFICATE_REQUIRED": f"wants another certificate of this controller: {_JOIN}",
    "HTTP_REQUEST": "speaks plain HTTP where TLS is served: give it https://",
    "WRONG_VERSION_NUMBER": f"speaks plain HTTP where TLS is expected: {_JOIN}",
    "UNSUPPORTED_PROTOCOL": "speaks a TLS older than 1.2: bring its software up to date",
    "PROTOCOL_VERSION": "speaks no TLS of 1.2 or newer: bring its software up to date",
}


def about(error: BaseException) -> str:
    """What is told of who is there, as in `shows a certificate that …`; empty where it is not TLS that failed."""
    cause: BaseException | None = error
    while isinstance(cause, aiohttp.ClientError):  # by name some are errors of TLS as well, and know nothing of it
        cause = getattr(cause, "certificate_error", None) or getattr(cause, "os_error", None) or cause.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"shows a certificate that {_OF_VERIFY.get(cause.verify_code, _FOREIGN)}"
    if isinstance(cause, ssl.SSLError):
        reason = str(cause.reason)
        return next((told for word, told in _ALERTS.items() if word in reason), f"broke TLS off ({reason})")
    return ""
