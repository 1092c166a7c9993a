"""What a cluster is known by and whom it knows: certificates, tokens and kubeconfigs, files in the cluster's folder."""

import datetime
import ipaddress
import json
import secrets
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ADMIN, NOBODY = "admin", "nobody"
"""One who may do everything, and one who may do nothing."""
_GROUPS = {ADMIN: "system:masters", NOBODY: "strangers"}
_VALID = datetime.timedelta(days=365)


def make_certificates(folder: Path) -> None:
    """ca.crt, and server.crt with server.key: for 127.0.0.1, made anew."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _builder("cluster CA", "cluster CA", ca_key, ca_key)
    ca = ca.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    server = _builder("cluster", "cluster CA", key, ca_key)
    server = server.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for name, builder in (("ca", ca), ("server", server)):
        certificate = builder.sign(ca_key, hashes.SHA256())
        (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (folder / "server.key").write_bytes(pem)


def _builder(
    subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    made = x509.CertificateBuilder(_name(issuer), _name(subject), key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + _VALID)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return made.add_extension(authority, critical=False)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make_users(folder: Path, url: str) -> None:
    """tokens.csv for the API server, and a kubeconfig for each user."""
    tokens = {user: secrets.token_urlsafe(24) for user in _GROUPS}
    lines = [f'{tokens[user]},{user},{user},"{group}"\n' for user, group in _GROUPS.items()]
    (folder / "tokens.csv").write_text("".join(lines))
    for user, token in tokens.items():
        (folder / f"{user}.kubeconfig").write_text(json.dumps(_kubeconfig(folder, url, user, token), indent=2))


def _kubeconfig(folder: Path, url: str, user: str, token: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": user,
        "clusters": [{"name": "bed", "cluster": {"server": url, "certificate-authority": str(folder / "ca.crt")}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": user, "context": {"cluster": "bed", "user": user}}],
    }
