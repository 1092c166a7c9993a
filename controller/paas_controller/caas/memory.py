"""Memory: Kubernetes' amounts, our units, and what a pod takes. Pure."""

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from paas_controller.caas.words import UNIT

_MIB = 1024 * 1024
# The digits are few enough that no amount takes long to work out.
_AMOUNT = re.compile(
    r"\+?(\d{1,18}(?:\.\d{0,9})?|\.\d{1,9})(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d{1,2}))?", re.ASCII
)
_BINARY = {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {letter: Decimal(1000) ** power for power, letter in enumerate("num kMGTPE", -3)}


def amount_of(quantity: object) -> Decimal:
    """Kubernetes' way to write an amount, as a number; ValueError where it is none, or less than nothing."""
    if isinstance(quantity, bool) or not isinstance(quantity, int | str):
        raise ValueError("an amount is a text or a whole number")
    found = _AMOUNT.fullmatch(str(quantity)) if len(str(quantity)) <= 32 else None
    if not found:
        raise ValueError("no amount, as in 128Mi")
    digits, binary, decimal, exponent = found.groups()
    factor = _BINARY[binary] if binary else _DECIMAL[decimal] if decimal else Decimal(10) ** int(exponent or 0)
    return Decimal(digits) * factor


def bytes_of(quantity: object) -> int:
    """An amount in whole bytes, rounded up as Kubernetes does; ValueError where it is none."""
    return math.ceil(amount_of(quantity))


def quantity(size: int) -> str:
    """Bytes, as Kubernetes writes them."""
    return f"{size // _MIB}Mi" if size and size % _MIB == 0 else str(size)


def in_units(size: int) -> str:
    """How many units so many bytes are, to two places: `3`, `0.5`."""
    return f"{size / UNIT:.2f}".rstrip("0").rstrip(".")


def told(size: int) -> str:
    """Bytes for people: `3 units (384 MiB)`."""
    count, mib = in_units(size), f"{size / _MIB:.1f}".removesuffix(".0")
    return f"{count} unit{'' if count == '1' else 's'} ({mib} MiB)"


def of_pod(spec: dict[str, Any]) -> int:
    """What a pod of this spec takes of the pool, in bytes, as the quota counts it.

    Containers run together; initial ones before them, one after another.
    """
    initial = max(_limits(spec.get("initContainers") or ()), default=0)
    return max(sum(_limits(spec.get("containers") or ())), initial)


def _limits(containers: Iterable[dict[str, Any]]) -> list[int]:
    limits = ((one.get("resources") or {}).get("limits") or {} for one in containers)
    return [bytes_of(limit.get("memory", UNIT)) for limit in limits]
