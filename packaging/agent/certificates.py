"""Run before the frozen agent: where this kind of Linux keeps the certificates that it trusts."""

import os

_PLACES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu
    "/etc/pki/tls/certs/ca-bundle.crt",  # Red Hat and its kin
    "/etc/ssl/ca-bundle.pem",  # SUSE
)

if "SSL_CERT_FILE" not in os.environ and "SSL_CERT_DIR" not in os.environ:
    for place in _PLACES:
        if os.path.exists(place):  # noqa: PTH110 - pathlib would be loaded for this alone
            os.environ["SSL_CERT_FILE"] = place
            break
