"""The error map: whatever goes wrong becomes one of our errors, and each of them is answered in one shape."""

import logging

from aiohttp import web

from paas_controller.base.errors import Invalid, NotFound, PaasError, Retryable, TooLarge, Unauthorized
from paas_controller.web.answers import answer

MAX_BODY = 1 << 20
_log = logging.getLogger(__name__)


def ours(error: Exception, request: web.Request) -> PaasError:
    """The error as one of ours; what nobody expected goes to the log and nowhere else."""
    if isinstance(error, PaasError):
        return error
    if isinstance(error, web.HTTPException):
        return _translated(error, request)
    if isinstance(error, web.RequestPayloadError):
        return Invalid("the body cannot be read: it breaks off, or is not encoded as it says")
    _log.error("%s %s failed", request.method, request.path, exc_info=error)
    return PaasError("this went wrong here; the log says how, under this request_id")


def _translated(error: web.HTTPException, request: web.Request) -> PaasError:
    if error.status == 404:
        return NotFound(f"there is nothing at {request.path}")
    if error.status == 413:
        return TooLarge(f"the body is larger than {MAX_BODY} bytes")
    if error.status == 405:
        wrong = PaasError(f"{request.method} is not known here; {error.headers['Allow']} is")
    else:
        wrong = PaasError(error.reason)
    wrong.status, wrong.code = error.status, error.reason.lower().replace(" ", "-")  # type: ignore[misc]
    return wrong


def error_response(error: PaasError, identifier: str) -> web.Response:
    """The one shape of all errors."""
    body = {"code": error.code, "message": error.message, "details": error.details, "request_id": identifier}
    response = answer({"error": body}, error.status)
    if isinstance(error, Retryable):
        response.headers["Retry-After"] = str(max(1, round(error.after)))
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
