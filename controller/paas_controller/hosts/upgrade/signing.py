"""What a host is offered, signed by the key of the CA that it knows. Moments are UTC seconds."""

import base64

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from paas_agent.manifest import SIGNED_FOR, Manifest, Offer
from paas_controller.hosts.trust.authority import Authority

LIFE = 3600.0
"""Seconds for which a host may follow it."""


def signed(manifest: Manifest, authority: Authority) -> Offer:
    text = msgspec.json.encode(manifest)
    signature = authority.key.sign(SIGNED_FOR + text, ec.ECDSA(SHA256()))
    return Offer(manifest=text.decode(), signature=base64.b64encode(signature).decode())
