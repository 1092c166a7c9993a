"""What a container may take. Each has a limit of memory, or the pool could not be shared."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from paas_controller.caas.confine.shapes import At, record
from paas_controller.caas.memory import amount_of, quantity
from paas_controller.caas.words import UNIT

_LEAST = 32 * 1024 * 1024
"""So that a unit is a handful of pods at most."""
_MOST_BYTES = 2**50
_MOST_CORES = 1000


def memory(value: object, at: At) -> Any:
    """Bytes in Kubernetes' way."""
    return _amount(value, at, lambda amount: 0 <= amount <= _MOST_BYTES, "an amount of bytes such as 128Mi")


def _limit(value: object, at: At) -> Any:
    """No limit at all is how Kubernetes reads 0, and a quota counts it as nothing."""
    return _amount(value, at, lambda amount: _LEAST <= amount <= _MOST_BYTES, "an amount of memory, at least 32Mi")


def _cores(value: object, at: At) -> Any:
    return _amount(value, at, lambda amount: 0 < amount <= _MOST_CORES, "an amount of cores such as 500m")


def _nothing(value: object, at: At) -> Any:
    """What one app requests no other has, and a node is full of requests."""
    told = "0: an app is given memory only, so leave it out; a limit may be named"
    return _amount(value, at, lambda amount: amount == 0, told)


def _amount(value: object, at: At, allowed: Callable[[Decimal], bool], told: str) -> Any:
    try:
        if allowed(amount_of(value)):
            return str(value)
    except ValueError:
        pass
    return at.says(f"has to be {told}")


_AMOUNTS = record(
    {
        "limits": record({"memory": _limit, "cpu": _cores, "ephemeral-storage": memory}),
        "requests": record({"memory": memory, "cpu": _nothing, "ephemeral-storage": _nothing}),
    }
)


def resources(value: object, at: At) -> Any:
    """Limits and requests; where no memory is named, one unit. No request is above its limit.

    Of what is only limited Kubernetes would request as much as the limit.
    """
    before = len(at.faults)
    kept = _AMOUNTS(value, at)
    if len(at.faults) > before:
        return None
    limits, requests = kept.setdefault("limits", {}), kept.setdefault("requests", {})
    if "memory" in requests and "memory" not in limits:
        (at / "requests" / "memory").says("a request of memory without a limit is refused: name limits.memory as well")
    elif "memory" in requests and amount_of(requests["memory"]) > amount_of(limits["memory"]):
        (at / "requests" / "memory").says(f"is more than its limit, {limits['memory']}")
    limits.setdefault("memory", quantity(UNIT))
    requests.setdefault("memory", limits["memory"])
    requests |= dict.fromkeys(limits.keys() - requests.keys(), "0")
    return kept
