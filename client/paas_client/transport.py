"""One HTTP call to the controller: the token, the retries, and answers that are errors turned into exceptions."""

import asyncio
import json
import os
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from paas_client.errors import BY_STATUS, ClientError, Conflict, Refused, Unavailable, Unreachable

ATTEMPTS = 4
API = "/apis/v1alpha1/"
API1 = "/api/v1/"
"""Of apps on Kubernetes."""
_KEY = "Idempotency-Key"
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 10.0
"""A controller that wants to be left alone for longer than these seconds is not asked again."""
_STREAM = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=60)
_ENDLESS = aiohttp.ClientTimeout(total=None, sock_connect=5)

Word = str | int | bool | Sequence[str]
Query = Mapping[str, Word]


@dataclass(frozen=True)
class Call:
    """One request below `api`. What is empty or false in the query is not sent; `etag` goes as If-Match."""

    method: str
    path: tuple[str, ...]
    query: Query | None = None
    body: object = None
    etag: str = ""
    api: str = API


@dataclass(frozen=True)
class Answer:
    """What came back: the body, and the ETag of the record where there is one."""

    body: bytes
    etag: str = ""


@dataclass(frozen=True)
class Transport:
    """Speaks to the controller at `url` over a session of the caller's. An empty token is not sent."""

    session: aiohttp.ClientSession
    url: str
    token: str
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    new_key: Callable[[], str] = lambda: uuid.uuid4().hex

    async def get(self, *path: str, query: Query | None = None, attempts: int = ATTEMPTS, api: str = API) -> Answer:
        return await self.send(Call("GET", path, query, api=api), attempts=attempts)

    async def send(self, call: Call, *, attempts: int = ATTEMPTS) -> Answer:
        """The answer. Raises ClientError.

        It is tried again when the connection fails or the controller is not available now: a POST, PUT or PATCH carries
        the same idempotency key each time, so that it is done once.
        """
        headers = self._headers(call)
        for attempt in range(attempts):
            try:
                return await self._once(call, headers)
            except (Unreachable, Unavailable, Conflict) as error:
                pause = _pause(error, attempt)
                # An attempt that broke off here may go on there.
                final = isinstance(error, Conflict) and (attempt == 0 or _KEY not in error.message)
                if final or attempt == attempts - 1 or pause > _LONGEST_PAUSE:
                    raise
            await self.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def stream(
        self, *path: str, query: Query | None = None, last: str = "", api: str = API
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """Server-sent events from behind the one with the id `last`. Raises ClientError."""
        call = Call("GET", path, query, api=api)
        headers = self._headers(call) | {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        async with self._answered(call, headers, _STREAM) as response:
            yield response.content

    @asynccontextmanager
    async def text(self, call: Call) -> AsyncIterator[aiohttp.StreamReader]:
        """Text as it is written; it may be silent for as long as it likes. Raises ClientError."""
        async with self._answered(call, self._headers(call), _ENDLESS) as response:
            yield response.content

    async def is_agent(self) -> bool:
        """Whether an agent answers at this address, where a controller was expected; agents say so to anybody."""
        limits = aiohttp.ClientTimeout(total=3)
        try:
            ping = URL(self.url).with_path("/ping")
            async with self.session.get(ping, timeout=limits, allow_redirects=False) as response:
                return response.ok and b'"pong"' in await response.read()
        except (aiohttp.ClientError, OSError):
            return False

    async def _once(self, call: Call, headers: Mapping[str, str]) -> Answer:
        async with self._answered(call, headers) as response:
            return Answer(await response.read(), response.headers.get("ETag", ""))

    @asynccontextmanager
    async def _answered(
        self, call: Call, headers: Mapping[str, str], limits: aiohttp.ClientTimeout | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The response, which is no error; whatever goes wrong while it is read is Unreachable."""
        base = self.url.rstrip("/") + call.api
        address = URL(base + "/".join(quote(part, safe=":") for part in call.path), encoded=True)
        try:
            # A redirect is not followed: the token is for this address alone.
            async with self.session.request(
                call.method, address.with_query(_words(call.query or {})), json=call.body, headers=headers,
                allow_redirects=False, timeout=limits or self.session.timeout, middlewares=(_once_only,),
            ) as response:  # fmt: skip
                if not response.ok or response.status >= 300:
                    raise _refusal(response, await response.read())
                yield response
        except (_Broken, aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"the controller at {self.url} cannot be reached: {_cause(error)}") from error

    def _headers(self, call: Call) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if call.method in ("POST", "PUT", "PATCH"):
            headers[_KEY] = self.new_key()
        return headers | ({"If-Match": call.etag} if call.etag else {})


class _Broken(Exception):
    """The connection failed; the cause is the error of aiohttp."""


async def _once_only(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Hides a broken connection from aiohttp, which would send a PUT again by itself."""
    try:
        return await send(request)
    except (aiohttp.ClientError, OSError) as error:
        raise _Broken from error


def _words(query: Query) -> dict[str, str | int | Sequence[str]]:
    return {key: "true" if value is True else value for key, value in query.items() if value}


def _pause(error: ClientError, attempt: int) -> float:
    after = error.after if isinstance(error, Unavailable) else None
    return after if after is not None else _FIRST_PAUSE * 2**attempt


_NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"}
"""What OpenSSL says of an answer that is none of TLS."""


def _cause(error: BaseException) -> str:
    if isinstance(error, _Broken) and error.__cause__:
        error = error.__cause__
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _of_certificate(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error.os_error, ssl.SSLError):
        number = error.os_error.errno or 0
        return (os.strerror(number) if number > 0 else str(error.os_error.strerror or error.os_error)).lower()
    if isinstance(error, aiohttp.ClientConnectorError) and getattr(error.os_error, "reason", "") in _NO_TLS:
        return "it speaks no TLS; write http:// in its address"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it hung up without a word; where it speaks TLS, write https:// in its address"
    return str(error).lower() or type(error).__name__


def _of_certificate(error: Exception) -> str:
    """What is wrong with the controller's certificate, and what to do."""
    match getattr(error, "verify_code", 0):
        case 9 | 10:
            return "its certificate is not good now by this machine's clock; set the clock, or renew the certificate"
        case 62 | 64:
            return "its certificate is made out to another name; use one that stands in it, or --advertise this one"
    return "its certificate is not trusted; set PAAS_CA_FILE to a copy of ca.pem from the controller's data folder"


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
