"""Addresses, names and ports as people and the wire write them."""

import ipaddress
import re

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
"""What the name of a host may be; all digits and dots would be an address that is wrong, not a name."""
_BOUND = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")
"""What may be listened on: containers have names with underscores."""
_DIGITS = re.compile(r"[0-9.]+")


def split_address(address: str) -> tuple[str, int]:
    """`H:P` or `[H]:P` as host and port; ValueError with a sentence for anything else."""
    host, colon, port = address.rpartition(":")
    if not (colon and _is_bound(host) and port.isascii() and port.isdecimal() and int(port) <= 65535):
        raise ValueError(f"{address!r} is not HOST:PORT, as in 192.168.19.13:3334 or [2001:db8::1]:3334")
    return host.strip("[]"), int(port)


def _is_bound(text: str) -> bool:
    """Whether it is an IPv4 address, an IPv6 address in brackets, or a name."""
    if parsed := _parsed(text.strip("[]")):
        return (parsed.version == 6) == (text[:1] + text[-1:] == "[]")
    return bool(_BOUND.fullmatch(text)) and not _DIGITS.fullmatch(text)


def is_address(value: str) -> bool:
    """Whether it is the IP address of one host, or a host name."""
    if parsed := _parsed(value):
        return not (parsed.is_unspecified or parsed.is_multicast or value == "255.255.255.255")
    return bool(NAME.fullmatch(value)) and len(value) <= 253 and not _DIGITS.fullmatch(value)


def canonical(value: str) -> str:
    """An address in the one spelling by which a host is known; a name, or what is neither, as it is."""
    parsed = _parsed(value)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed) if parsed else value


def is_loopback(host: str) -> bool:
    """Whether what is sent to this address or name stays on this machine."""
    return host == "localhost" or ((parsed := _parsed(host)) is not None and parsed.is_loopback)


def is_unspecified(host: str) -> bool:
    """Whether it stands for every address of a machine."""
    return (parsed := _parsed(host)) is not None and parsed.is_unspecified


def is_port(value: str) -> bool:
    """Whether it is a port as the wire writes it."""
    return bool(re.fullmatch(r"[1-9][0-9]{0,4}", value)) and int(value) < 65536


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
