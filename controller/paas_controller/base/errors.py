"""Every error that crosses a room, as a short tree.

    PaasError
    ├── Invalid         400  the words are malformed
    ├── Unauthorized    401  who are you
    ├── Forbidden       403  you may not
    ├── NotFound        404
    ├── Conflict        409  it stands against what is there
    ├── TooLarge        413
    ├── Refused         422  understood, and refused for good
    └── Retryable       503  not now; `after` seconds say when

Two questions decide which: may it be tried again, and whose fault is it. Status and gRPC code are plain data here, so
that no room below the web needs to know HTTP.
"""

from typing import ClassVar


class PaasError(Exception):
    """An error with a sentence for a person; `details` names the fields or steps it is about."""

    status: ClassVar[int] = 500
    grpc: ClassVar[str] = "INTERNAL"
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, details: list[str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or []


class Invalid(PaasError):
    status, grpc, code = 400, "INVALID_ARGUMENT", "invalid"


class Unauthorized(PaasError):
    status, grpc, code = 401, "UNAUTHENTICATED", "unauthorized"


class Forbidden(PaasError):
    status, grpc, code = 403, "PERMISSION_DENIED", "forbidden"


class NotFound(PaasError):
    status, grpc, code = 404, "NOT_FOUND", "not-found"


class Conflict(PaasError):
    status, grpc, code = 409, "FAILED_PRECONDITION", "conflict"


class TooLarge(PaasError):
    status, grpc, code = 413, "INVALID_ARGUMENT", "too-large"


class Refused(PaasError):
    status, grpc, code = 422, "FAILED_PRECONDITION", "refused"


class Retryable(PaasError):
    status, grpc, code = 503, "UNAVAILABLE", "unavailable"

    def __init__(self, message: str, after: float = 1.0) -> None:
        super().__init__(message)
        self.after = after
