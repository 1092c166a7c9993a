"""How a component is, in a word and a sentence, from what the cluster says. Pure; `docs/caas.md` lists the causes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from paas_controller.caas.cluster.objects import Controller, Happening, Pod, Waiting
from paas_controller.caas.memory import told
from paas_controller.caas.pool import Account, about_memory, takes_memory

State = Literal["running", "starting", "waiting", "unplaced", "failing", "stopped", "stopping", "unknow"]


@dataclass(frozen=True, slots=True)
class Cause:
    """What a component's state comes from: the sentence that says so, and what can be done about it."""

    state: State
    says: str
    remedy: str = ""


# fmt: off
CAUSES: dict[str, Cause] = {
    "memory":    Cause("waiting",  "waits for memory: asked {asked}, {pool}",
                       "Stop something of the app, or give its pool more units; it starts by itself."),
    "room":      Cause("waiting",  "waits for memory: asked {asked}, {pool}; there is room now, it starts soon",
                       "Nothing: its controller tries again by itself."),
    "too big":   Cause("waiting",  "waits for memory that the pool will never have: asked {asked}, {pool}",
                       "Give the pool more units, or the component fewer."),
    "forbidden": Cause("failing",  "the cluster lets no pod of it be made: {why}",
                       "Change what the sentence names; where it names a rule of the cluster, ask its administrator."),
    "unplaced":  Cause("unplaced", "no node takes it: {why}",
                       "Ask the cluster's administrator for room; it starts by itself when there is some."),
    "image":     Cause("failing",  "its image {image} cannot be pulled: {why}",
                       "Look for a mistake in its name; for a private one name imagePullSecrets in the template."),
    "crash":     Cause("failing",  "ends again and again{why}, last with exit code {code}; restarts: {restarts}",
                       "Read its log. Exit code 137 often means that it needs more memory units than it has."),
    "exit":      Cause("failing",  "ended{why} with exit code {code}, and is started again",
                       "Nothing at first; if it ends again, read its log."),
    "container": Cause("failing",  "its container cannot be made: {why}",
                       "Correct what the sentence names, often a secret or a config map that is not there."),
    "ended":     Cause("failing",  "its pod ended: {why}",
                       "Nothing: another pod takes its place. If that ends as well, look at what the sentence says."),
    "unserved":  Cause("failing",  "runs, but the cluster has no Service for it: nothing leads to its ports",
                       "It was deleted behind the platform's back: delete the instance and make it again."),
    "gone":      Cause("unknow",   "the cluster has no controller for it",
                       "It was deleted behind the platform's back: delete the instance and make it again."),
    "unread":    Cause("unknow",   "its cluster has not been read yet: {why}",
                       "Wait. If that lasts, look at the kubeconfig of the cluster in the settings."),
    "silent":    Cause("unknow",   "its node has not been heard of: {why}",
                       "Ask the cluster's administrator about the node."),
    "starting":  Cause("starting", "is starting{why}"),
    "not ready": Cause("starting", "runs, but does not say yet that it is ready",
                       "If that lasts, look at its log and its readiness probe."),
    "stopping":  Cause("stopping", "is stopping{why}",
                       "A pod has up to terminationGracePeriodSeconds, 30 if not given, to end."),
    "stopped":   Cause("stopped",  "is stopped"),
    "running":   Cause("running",  "runs"),
}
# fmt: on

_IMAGE = {
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
    "RegistryUnavailable", "SignatureValidationFailed",
}  # fmt: skip
_CONTAINER = {
    "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError",
    "PreStartHookError", "PostStartHookError",
}  # fmt: skip
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Standing:
    """How a component is: its state, the cause's name in `CAUSES`, and the sentence."""

    state: State
    cause: str
    sentence: str


def standing(
    controller: Controller | None, pods: Sequence[Pod], pool: Account | None, happenings: Iterable[Happening] = (),
    *, served: bool = True,
) -> Standing:  # fmt: skip
    """How one component is. `pods` and `happenings` are its own, `pool` is its app's; None where it is not known.
    Whether it is `served`: one that exports ports has a Service.
    """
    if controller is None:
        return _because("gone")
    staying = [pod for pod in pods if not pod.leaving]
    if controller.leaving or controller.desired == 0:
        return _ending(controller, pods)
    events = sorted(happenings, key=lambda each: each.last_at or 0.0, reverse=True)
    unmade = _unmade(controller, staying, pool, events)
    if unmade:
        return unmade
    if controller.observed and controller.ready == controller.desired:
        return _because("running" if served else "unserved")
    return _of_pods(controller, staying, events)


def unread(why: str) -> Standing:
    """How a component is as long as its cluster has told nothing."""
    return _because("unread", why=why or "it takes longer than usual")


def waiting_for_memory(asked: int, pool: Account) -> Standing:
    """Why a pod that asks for so many bytes does not start."""
    cause = "too big" if asked > pool.total else "room" if asked <= pool.free else "memory"
    return _because(cause, asked=told(asked), pool=pool.sentence())


def _ending(controller: Controller, pods: Sequence[Pod]) -> Standing:
    if not pods and not controller.leaving:
        return _because("stopped")
    return _because("stopping", why=f": {_pods_left(len(pods))} still there" if pods else "")


def _pods_left(count: int) -> str:
    return "1 of its pods is" if count == 1 else f"{count} of its pods are"


def _unmade(
    controller: Controller, staying: Sequence[Pod], pool: Account | None, events: Sequence[Happening]
) -> Standing | None:
    """Why pods are missing: the controller's own condition counts first, then what happened, then the account."""
    if sum(map(takes_memory, staying)) >= controller.desired:
        return None
    failure = controller.failure or _last(events, f"ReplicationController/{controller.name}", "FailedCreate")
    if failure and not about_memory(failure):
        return _because("forbidden", why=failure)
    share = pool.of(controller.instance, controller.component) if pool else None
    if pool and (controller.failure or (share and share.waiting)):
        return waiting_for_memory(controller.memory, pool)
    if controller.failure:
        return _because("memory", asked=told(controller.memory), pool=controller.failure)
    return None


def _of_pods(controller: Controller, staying: Sequence[Pod], events: Sequence[Happening]) -> Standing:
    """The gravest of what its pods say; those that have ended speak only where no other is there."""
    heard = [pod for pod in staying if takes_memory(pod)] or staying
    told_by = [_of_pod(controller, pod, events) for pod in heard if not pod.ready]
    return min(told_by, key=lambda each: list(CAUSES).index(each.cause), default=_because("starting", why=""))


def _of_pod(controller: Controller, pod: Pod, events: Sequence[Happening]) -> Standing:
    waiting = pod.waiting
    if pod.phase == "unknow":
        return _because("silent", why=pod.message or pod.node)
    if not takes_memory(pod):
        return _because("ended", why=pod.message or "its containers have ended")
    if waiting and waiting.reason in _IMAGE:
        return _because("image", image=waiting.image or controller.image, why=waiting.message or waiting.reason)
    if waiting and waiting.reason in _CONTAINER:
        return _because("container", why=waiting.message or waiting.reason)
    if waiting and waiting.exit_code is not None:
        return _crashed(controller, pod, waiting)
    unplaced = pod.unplaced or ("" if pod.node else _last(events, f"Pod/{pod.name}", "FailedScheduling"))
    if unplaced:
        return _because("unplaced", why=f"it may run on {pod.only_on} alone: {unplaced}" if pod.only_on else unplaced)
    if pod.phase == "running" and not waiting:
        return _because("not ready")
    return _because("starting", why=f": {waiting.message or waiting.reason}" if waiting else "")


def _crashed(controller: Controller, pod: Pod, waiting: Waiting) -> Standing:
    """In a pod of several containers it is said which one."""
    which = f" (its container {waiting.container})" if waiting.container not in ("", controller.component) else ""
    return _because("crash" if pod.restarts else "exit", why=which, code=waiting.exit_code, restarts=pod.restarts)


def _last(events: Iterable[Happening], about: str, reason: str) -> str:
    return next((each.message for each in events if (each.about, each.reason) == (about, reason)), "")


def _because(cause: str, **words: object) -> Standing:
    known = CAUSES[cause]
    shown = {name: _short(str(word)) for name, word in words.items()}
    return Standing(known.state, cause, known.says.format(**shown))


def _short(told: str) -> str:
    line = " ".join(told.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
