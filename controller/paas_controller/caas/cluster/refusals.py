"""What an API server says when it does not do what it was asked for, as our errors. Pure."""

import msgspec

from paas_controller.base.errors import Conflict, Forbidden, Invalid, NotFound, PaasError, Refused, Retryable, TooLarge

_SEEN_TO = 60.0
"""Seconds after which it may be tried again: so long it takes somebody to see to it, and no client waits."""


class AlreadyExists(Conflict):
    """There is one of this name."""


class Stale(Conflict):
    """It was changed since it was read."""


class Expired(Retryable):
    """What was asked for is of a past that the cluster no longer has: begin with a list."""


class Unable(Retryable):
    """The controller is not let in there, or may not do what it has to: whoever runs it has to see to that first."""

    def __init__(self, message: str) -> None:
        super().__init__(message, after=_SEEN_TO)


class Unknown(Unable):
    """The cluster does not know the controller's credentials."""


class _Cause(msgspec.Struct):
    field: str = ""
    message: str = ""
    reason: str = ""


class _Details(msgspec.Struct):
    name: str = ""
    kind: str = ""
    causes: list[_Cause] = []
    after: int = msgspec.field(default=0, name="retryAfterSeconds")


class Status(msgspec.Struct):
    """Kubernetes' own words for what went wrong."""

    code: int = 0
    message: str = ""
    reason: str = ""
    details: _Details | None = None


def status(code: int, body: bytes) -> Status:
    """What came with a refusal; whatever is no Status is taken for its message."""
    try:
        said = msgspec.json.decode(body, type=Status)
    except msgspec.DecodeError:
        said = Status(message=body[:200].decode(errors="replace").strip())
    said.code = code
    return said


def refusal(cluster: str, said: Status) -> PaasError:
    """Our error for it, with a sentence that names the cluster where it is the cluster's fault."""
    details, message = said.details or _Details(), said.message.strip() or f"answer {said.code}"
    match said.code:
        case 400:
            return Invalid(f"the cluster {cluster} does not understand this: {message}")
        case 401:
            told = f"the cluster {cluster} does not know the controller's credentials"
            return Unknown(f"{told}: see to the user in its kubeconfig")
        case 403:
            return _forbidden(cluster, message, details)
        case 404:
            return NotFound(f"the cluster {cluster} has no {_named(details, message)}")
        case 409 if said.reason == "AlreadyExists":
            return AlreadyExists(f"the cluster {cluster} has a {_named(details, message)} already")
        case 409:
            return Stale(f"{_named(details, message)} in the cluster {cluster} was changed meanwhile: try again")
        case 410:
            return Expired(f"the cluster {cluster} has forgotten this part of its past; it is read anew")
        case 413:
            return TooLarge(f"this is more than the cluster {cluster} takes: {message}")
        case 422:
            return Refused(f"the cluster {cluster} refuses this: {message}", _fields(details))
    if said.code == 429 or said.code >= 500:
        after = float(details.after or 1)
        return Retryable(f"the cluster {cluster} cannot do this now: {message}", after)
    return Refused(f"the cluster {cluster} answers {said.code} to this: {message}")


def _forbidden(cluster: str, message: str, details: _Details) -> PaasError:
    """Admission says no to what is wanted, authorization to who wants it."""
    _, found, sentence = message.partition(" is forbidden: ")
    if any(cause.reason == "NamespaceTerminating" for cause in details.causes) or "being terminated" in message:
        return Conflict("its namespace is being deleted: wait until that is gone")
    if 'User "' in sentence or not found:
        may_not = sentence.partition(" cannot ")[2] or message
        return Unable(f"the controller may not {may_not} in the cluster {cluster}: see to the roles of its user there")
    return Forbidden(f"the cluster {cluster} does not allow {_named(details, 'this')}: {sentence}")


def _named(details: _Details, otherwise: str) -> str:
    return f"{details.kind}/{details.name}" if details.kind and details.name else otherwise


def _fields(details: _Details) -> list[str]:
    return [f"{cause.field}: {cause.message}" if cause.field else cause.message for cause in details.causes]
