"""The controller's own small CA. Moments are UTC seconds and are handed in; certificates and keys are PEM."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from paas_agent.contract import CONTROLLER_NAME, agent_name
from paas_controller.base.errors import Invalid

DAY = 86400.0
ROOT_LIFE, LIFE = 7300 * DAY, 90 * DAY
TOLERATED_SKEW = 3600.0
"""Seconds by which a certificate is good before it was made, for clocks that are behind."""
_BOTH_WAYS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@dataclass(frozen=True)
class Authority:
    """A root certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def made(cls, now: float, life: float = ROOT_LIFE) -> "Authority":
        """A new one."""
        key = new_key()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "paas-controller CA")])
        builder = _builder(name, name, now, life).public_key(key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(signs=True), critical=True)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return cls(builder.add_extension(identifier, critical=False).sign(key, SHA256()), key)

    @classmethod
    def read(cls, certificate: str, key: str) -> "Authority":
        """The one of these texts; ValueError where they are none, or do not belong together."""
        read, private = x509.load_pem_x509_certificate(certificate.encode()), load_pem_private_key(key.encode(), None)
        if not isinstance(private, ec.EllipticCurvePrivateKey) or read.public_key() != private.public_key():
            raise ValueError("the key is not that of the certificate")
        return cls(read, private)

    @cached_property
    def text(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal digits."""
        return self.certificate.fingerprint(SHA256()).hex()

    @property
    def ends(self) -> float:
        return self.certificate.not_valid_after_utc.timestamp()

    def for_agent(
        self, public: CertificatePublicKeyTypes, host: tuple[str, str], enrolments: Iterable[str], now: float
    ) -> str:
        """A certificate for the agent at this address and port, known by these enrolments."""
        address, port = host
        names = [address, *(agent_name(enrolment) for enrolment in enrolments)]
        return self.issue(public, f"{address}:{port}", names, now)

    def for_controller(self, key: ec.EllipticCurvePrivateKey, names: Iterable[str], now: float) -> str:
        """A certificate for the controller itself, under these names and addresses."""
        return self.issue(key.public_key(), "paas-controller", [CONTROLLER_NAME, *names], now)

    def issue(
        self, public: CertificatePublicKeyTypes, subject: str, names: Iterable[str], now: float, life: float = LIFE
    ) -> str:
        """A certificate for client and server. The subject is for people; `names` are what counts."""
        common = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject[:64])])
        builder = _builder(common, self.certificate.subject, now, min(life, self.ends - now)).public_key(public)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs=False), critical=True)
        builder = builder.add_extension(_BOTH_WAYS, critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        alternatives = [_name(name) for name in dict.fromkeys(names)]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return builder.sign(self.key, SHA256()).public_bytes(Encoding.PEM).decode()


def asked_key(request: str) -> CertificatePublicKeyTypes:
    """The public key of a request (PKCS #10, PEM) whose sender holds the private one. Whatever else it asks for does
    not count. Raises Invalid.
    """
    try:
        read = x509.load_pem_x509_csr(request.encode(errors="replace"))
        key, sound = read.public_key(), read.is_signature_valid
    except (ValueError, InvalidSignature, x509.UnsupportedGeneralNameType):
        raise Invalid("certificate_request: this is no request for a certificate, PKCS #10 in PEM") from None
    if not sound or not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.key_size < 256:
        raise Invalid("certificate_request: sign it with the elliptic key (P-256 or larger) that it is for")
    return key


def _builder(subject: x509.Name, issuer: x509.Name, now: float, life: float) -> x509.CertificateBuilder:
    begins, ends = (datetime.fromtimestamp(moment, UTC) for moment in (now - TOLERATED_SKEW, now + life))
    builder = x509.CertificateBuilder(issuer, subject).serial_number(x509.random_serial_number())
    return builder.not_valid_before(begins).not_valid_after(ends)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, key_cert_sign=signs, crl_sign=signs, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
