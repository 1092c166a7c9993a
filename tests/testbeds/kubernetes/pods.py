"""What a kubelet says of a pod on its node. How a container does, its image's name asks for:

…no-such-image…   it cannot be pulled: ImagePullBackOff
…crash…           it ends again and again: CrashLoopBackOff; the exit code is the image's tag (`crash:137`), else 1
…never-ready…     it runs and is not ready
…never-ends…      it runs and is ready, and its pod stays when it is deleted
any other         it runs and is ready
"""

from typing import Any

Pod = dict[str, Any]
RESTARTS = 4


def status(pod: Pod, address: str, now: str) -> dict[str, Any]:
    """The status that such a pod soon has and keeps; `now` is when it started (RFC 3339)."""
    containers = [_container(spec, now) for spec in pod["spec"]["containers"]]
    unready = [container["name"] for container in containers if not container["ready"]]
    told = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}
    ready = {"status": "False", **told} if unready else {"status": "True"}
    conditions = {"Initialized": {"status": "True"}, "Ready": ready, "ContainersReady": ready}
    return {
        "phase": "Pending" if any(is_missing(spec["image"]) for spec in pod["spec"]["containers"]) else "Running",
        "hostIP": "127.0.0.1",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": now,
        "containerStatuses": containers,
        "conditions": [
            *pod["status"].get("conditions", []),
            *({"type": kind, "lastTransitionTime": now, **value} for kind, value in conditions.items()),
        ],
    }


def trouble(pod: Pod) -> tuple[str, str] | None:
    """Reason and message of the event that a kubelet warns with; None where all is well."""
    for image in (spec["image"] for spec in pod["spec"]["containers"]):
        if is_missing(image):
            return "Failed", f'Failed to pull image "{image}": rpc error: code = NotFound desc = not found'
        if crashes(image):
            return "BackOff", "Back-off restarting failed container"
    return None


def stays(pod: Pod) -> bool:
    return any("never-ends" in spec["image"] for spec in pod["spec"]["containers"])


def is_missing(image: str) -> bool:
    return "no-such-image" in image


def crashes(image: str) -> bool:
    return "crash" in image


def _container(spec: dict[str, Any], now: str) -> dict[str, Any]:
    image = spec["image"]
    found: dict[str, Any] = {"name": spec["name"], "image": image, "imageID": "", "ready": False, "restartCount": 0}
    if is_missing(image):
        waiting = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}
        return found | {"started": False, "state": {"waiting": waiting}}
    found["containerID"] = f"stand-in://{spec['name']}"
    if crashes(image):
        return found | {"started": False, "restartCount": RESTARTS} | _crashed(spec["name"], image, now)
    return found | {"started": True, "ready": "never-ready" not in image, "state": {"running": {"startedAt": now}}}


def _crashed(name: str, image: str, now: str) -> dict[str, Any]:
    tag = image.rpartition(":")[2]
    code = int(tag) if tag.isdecimal() else 1
    message = f"back-off 1m20s restarting failed container={name}"
    ended = {"exitCode": code, "reason": "OOMKilled" if code == 137 else "Error", "startedAt": now, "finishedAt": now}
    waiting = {"reason": "CrashLoopBackOff", "message": message}
    return {"state": {"waiting": waiting}, "lastState": {"terminated": ended}}
