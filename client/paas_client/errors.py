"""What can go wrong when the controller is asked.

ClientError
├── Unreachable       no answer: nobody listens, the connection broke, it took too long
└── Refused           the controller answered no, and said why
    ├── Invalid       400, 413, 422  what was sent is wrong, or refused for good
    ├── Unauthorized  401, 403       no valid token, or its role may not do this
    ├── NotFound      404
    ├── Conflict      409            it stands against what is there
    └── Unavailable   429, 503       not now; `after` seconds say when
"""


class ClientError(Exception):
    """Any failure of a call; `message` is a sentence for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unreachable(ClientError):
    """No answer came. Whether the controller took the call is not known."""


class Refused(ClientError):
    """The controller's own words: `code` for programs, `details` one sentence each, `request_id` for its log."""

    def __init__(
        self, message: str, *, status: int, code: str = "", details: list[str] | None = None, request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details or []
        self.request_id = request_id
        self.after: float | None = None
        """Seconds to wait before it makes sense to ask again, where the controller said so."""


class Invalid(Refused):
    pass


class Unauthorized(Refused):
    pass


class NotFound(Refused):
    pass


class Conflict(Refused):
    pass


class Unavailable(Refused):
    pass


BY_STATUS: dict[int, type[Refused]] = {
    400: Invalid, 401: Unauthorized, 403: Unauthorized, 404: NotFound, 409: Conflict, 413: Invalid, 422: Invalid,
    429: Unavailable, 503: Unavailable,
}  # fmt: skip
