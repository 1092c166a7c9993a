"""One HTTP call to the controller: the token, the retries, and answers that are errors turned into exceptions."""

import asyncio
import json
import os
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from paas_client.errors import BY_STATUS, ClientError, Refused, Unavailable, Unreachable

ATTEMPTS = 4
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 10.0
"""A controller that wants to be left alone for longer than these seconds is not asked again."""

Query = Mapping[str, str | int | bool]


@dataclass(frozen=True)
class Transport:
    """Speaks to the controller at `url` over a session of the caller's. An empty token is not sent."""

    session: aiohttp.ClientSession
    url: str
    token: str
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    async def call(
        self, method: str, *path: str, query: Query | None = None, body: object = None, repeatable: bool = True
    ) -> bytes:
        """The body of the answer. Raises ClientError.

        A `repeatable` call, one that may reach the controller twice without harm, is tried up to four times when
        the connection fails or the controller is not available now.
        """
        for attempt in range(ATTEMPTS):
            try:
                return await self._once(method, path, query or {}, body)
            except (Unreachable, Unavailable) as error:
                pause = _pause(error, attempt)
                if not repeatable or attempt == ATTEMPTS - 1 or pause > _LONGEST_PAUSE:
                    raise
            await self.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, method: str, path: tuple[str, ...], query: Query, body: object) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        base = self.url.rstrip("/") + "/apis/v1alpha1/"
        address = URL(base + "/".join(quote(part, safe=":") for part in path), encoded=True)
        try:
            # A redirect is not followed: the token is for this address alone.
            async with self.session.request(
                method, address.with_query(_words(query)), json=body, headers=headers, allow_redirects=False,
                middlewares=(_once_only,),
            ) as response:  # fmt: skip
                answer = await response.read()
                if response.ok and response.status < 300:
                    return answer
                raise _refusal(response, answer)
        except (_Broken, aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"the controller at {self.url} cannot be reached: {_cause(error)}") from error


class _Broken(Exception):
    """The connection failed; the cause is the error of aiohttp."""


async def _once_only(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Hides a broken connection from aiohttp, which would send a PUT again by itself: a restart would be two."""
    try:
        return await send(request)
    except (aiohttp.ClientError, OSError) as error:
        raise _Broken from error


def _words(query: Query) -> dict[str, str]:
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in query.items()}


def _pause(error: ClientError, attempt: int) -> float:
    after = error.after if isinstance(error, Unavailable) else None
    return after if after is not None else _FIRST_PAUSE * 2**attempt


def _cause(error: BaseException) -> str:
    if isinstance(error, _Broken) and error.__cause__:
        error = error.__cause__
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted; SSL_CERT_FILE may name the certificates (PEM) to trust"
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error.os_error, ssl.SSLError):
        number = error.os_error.errno or 0
        return (os.strerror(number) if number > 0 else str(error.os_error.strerror or error.os_error)).lower()
    return str(error).lower() or type(error).__name__


def _refusal(response: aiohttp.ClientResponse, answer: bytes) -> Refused:
    said = _said(answer)
    message = said.get("message") or _foreign(response)
    details = [str(detail) for detail in said.get("details") or []]
    kind = BY_STATUS.get(response.status, Refused)
    error = kind(
        str(message), status=response.status, code=str(said.get("code", "")), details=details,
        request_id=str(said.get("request_id", "")),
    )  # fmt: skip
    after = response.headers.get("Retry-After", "")
    error.after = float(after) if after.isascii() and after.isdecimal() else None
    return error


def _said(answer: bytes) -> dict[str, Any]:
    """The `error` of the answer; empty where this is no answer of a controller."""
    try:
        error = json.loads(answer)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}


def _foreign(response: aiohttp.ClientResponse) -> str:
    where = response.headers.get("Location")
    moved = f", and points to {where}" if where else ""
    return f"{response.url.origin()} answers {response.status} {response.reason}{moved}; is a controller there?"
