"""The account of an app's pool of memory: who takes what, and who waits for how much. Pure.

The quota of the namespace stays the arbiter; this says beforehand what it will say, and afterwards why.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from paas_controller.caas.cluster.objects import Controller, Pod, Quota
from paas_controller.caas.memory import in_units, told
from paas_controller.caas.words import POOL

_SHOWN = 5
"""Names of those who take most, in a sentence."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a component takes, in bytes, and what it waits for. `instance` is the id, `name` is `instance/component`."""

    instance: str
    component: str
    name: str
    memory: int
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """A pool in bytes. `others` is what those take who are none of ours."""

    total: int
    shares: tuple[Share, ...] = ()
    others: int = 0

    @property
    def in_use(self) -> int:
        return sum(share.memory for share in self.shares) + self.others

    @property
    def free(self) -> int:
        return max(0, self.total - self.in_use)

    def of(self, instance: str, component: str) -> Share | None:
        """The share of one component."""
        found = (share for share in self.shares if (share.instance, share.component) == (instance, component))
        return next(found, None)

    def sentence(self) -> str:
        """`the pool has 5 units (640 MiB) and 5 are in use (by shop/web 3, shop/db 2)`."""
        used = in_units(self.in_use)
        takers = [(share.name, share.memory) for share in self.shares if share.memory]
        takers = sorted([*takers, *([("others", self.others)] if self.others else [])], key=lambda each: -each[1])
        names = [f"{name} {in_units(memory)}" for name, memory in takers[:_SHOWN]]
        rest = sum(memory for _, memory in takers[_SHOWN:])
        names += [f"{len(takers) - _SHOWN} more {in_units(rest)}"] if rest else []
        by = f" (by {', '.join(names)})" if names else ""
        return f"the pool has {told(self.total)} and {used} {'is' if used == '1' else 'are'} in use{by}"


def account(quota: Quota, controllers: Iterable[Controller], pods: Iterable[Pod]) -> Account:
    """Who takes what of this pool. Those who come first in `controllers` are the first to get what is left.

    One that is not known to fail is counted with what it is about to take, one that fails with what it has.
    """
    has: dict[tuple[str, str], int] = {}
    for pod in filter(takes_memory, pods):
        has[_key(pod)] = has.get(_key(pod), 0) + pod.memory
    known, strangers = sum(has.values()), sum(memory for key, memory in has.items() if not key[0])
    ours = [one for one in controllers if one.instance]
    # What the quota counts beyond the pods that we see may be our own, of whom we have yet to hear.
    unheard = sum(_unheard(one, has, quota) * one.memory for one in ours if not one.failure)
    others = strangers + max(0, (quota.memory_used or 0) - known - unheard)
    left = quota.memory - known - others + strangers
    shares = []
    for one in ours:
        share, left = _share(one, has, left)
        shares.append(share)
    named = {(share.instance, share.component) for share in shares}
    orphans = [Share(*key, "/".join(key), memory) for key, memory in has.items() if key[0] and key not in named]
    return Account(quota.memory, (*shares, *orphans), others)


def fitting(free: int, memory: int, replicas: int) -> int:
    """How many of so many pods fit into what is free."""
    return min(replicas, max(0, free) // memory) if memory else replicas


def about_memory(failure: str) -> bool:
    """Whether a pod was not made because the pool is empty; there may be quotas of others in the namespace."""
    return f"exceeded quota: {POOL}," in failure and "limits.memory" in failure


def takes_memory(pod: Pod) -> bool:
    """Pods that have ended take nothing; those that are about to do."""
    return pod.phase not in ("succeeded", "failed")


def _share(one: Controller, has: dict[tuple[str, str], int], left: int) -> tuple[Share, int]:
    """What this one takes and waits for, and what is left for the next."""
    missing = _missing(one, has)
    coming = 0 if one.failure else fitting(left, one.memory, missing)
    waits = 0 if one.failure and not about_memory(one.failure) else missing - coming
    name = f"{one.instance_name or one.instance}/{one.component}"
    memory = has.get(_key(one), 0) + coming * one.memory
    return Share(one.instance, one.component, name, memory, waits * one.memory), left - coming * one.memory


def _missing(one: Controller, has: dict[tuple[str, str], int]) -> int:
    """Pods that it has yet to make. What is about to end still takes its memory, and makes way for them."""
    if one.leaving or not one.memory:
        return 0
    return max(0, one.desired - has.get(_key(one), 0) // one.memory)


def _unheard(one: Controller, has: dict[tuple[str, str], int], quota: Quota) -> int:
    """Pods of it that the quota may count already. One that is younger than the count has those that it tells of."""
    missing = _missing(one, has)
    if one.version <= quota.version or not missing:
        return missing
    return max(0, min(missing, one.replicas - has.get(_key(one), 0) // one.memory))


def _key(one: Pod | Controller) -> tuple[str, str]:
    return one.instance, one.component
