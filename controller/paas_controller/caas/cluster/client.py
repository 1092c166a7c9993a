"""What can be asked of a cluster: calls in a bounded pool of threads, each with a deadline, and answers that last.

Errors: NotFound, AlreadyExists, Stale, Forbidden (over quota, or against the policy there), Refused (with the fields
that are wrong), Invalid, and Retryable where the cluster does not answer; Unable where it does not let the controller.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from paas_controller.base.clusters import ClusterSettings
from paas_controller.base.errors import Invalid, Retryable
from paas_controller.caas.cluster.connections import Hold
from paas_controller.caas.cluster.request import Query, Request

if TYPE_CHECKING:
    from paas_controller.caas.cluster.session import Session

DEADLINE = 5.0
FOLLOWERS = 64
"""Logs that can be followed at once; `reading` counts them."""
_STREAMS = FOLLOWERS + 16
"""With the watches, of which there is one a kind."""
_LONGEST_LINE = 1 << 16
_PIECE = 500
"""Objects of a list in one answer."""
_PATH = re.compile(r"(/[A-Za-z0-9][-A-Za-z0-9._:]*)+")
_T = TypeVar("_T")


class Cluster:
    """One cluster's API server. `deadline` is in seconds, from the call until the whole answer is there."""

    def __init__(self, settings: ClusterSettings, deadline: float = DEADLINE) -> None:
        self.name, self._deadline = settings.name, deadline
        self._session = _session(settings, settings.calls + _STREAMS)
        self._calls = ThreadPoolExecutor(settings.calls, f"calls {settings.name}")
        self._streams = ThreadPoolExecutor(_STREAMS, f"streams {settings.name}")
        self._holds: set[Hold] = set()
        self._closed = False

    async def get(self, path: str, query: Query | None = None) -> dict[str, Any]:
        """An object, or a list of them."""
        return await self._object("GET", path, query)

    async def all(self, path: str) -> list[dict[str, Any]]:
        """The objects of a list, however long: it is asked for in pieces."""
        found: list[dict[str, Any]] = []
        query: Query = {"limit": _PIECE}
        while True:
            piece = await self.get(path, query)
            found += piece["items"]
            if not (after := piece["metadata"].get("continue")):
                return found
            query = {"limit": _PIECE, "continue": after}

    async def create(self, path: str, body: dict[str, Any], query: Query | None = None) -> dict[str, Any]:
        """Makes an object below the path of its kind; what is answered is for `Mirror.put`."""
        return await self._object("POST", path, query, body)

    async def replace(self, path: str, body: dict[str, Any], query: Query | None = None) -> dict[str, Any]:
        """Stale where the body has a resourceVersion that is not the present one."""
        return await self._object("PUT", path, query, body)

    async def patch(self, path: str, body: dict[str, Any], query: Query | None = None) -> dict[str, Any]:
        """A merge patch: `None` removes, lists are replaced whole."""
        return await self._object("PATCH", path, query, body, "application/merge-patch+json")

    async def delete(self, path: str, body: dict[str, Any] | None = None, query: Query | None = None) -> dict[str, Any]:
        """Answers with the object where it takes a while to go, else with a Status."""
        return await self._object("DELETE", path, query, body)

    async def text(self, path: str, query: Query | None = None) -> str:
        """What is no JSON, as a log; bound it by the query."""
        answer = await self._ask(self._session.text, Request("GET", path, query, silence=self._deadline))
        return answer.decode(errors="replace")

    async def follow(self, path: str, query: Query | None = None) -> AsyncGenerator[str, None]:
        """The lines of a log as they are written, without their ends, until it ends or nobody listens (`aclosing`)."""
        async with aclosing(self.lines(path, query, silence=None)) as pieces:
            async for lines in pieces:
                for line in lines:
                    yield line.decode(errors="replace")

    async def lines(
        self, path: str, query: Query | None = None, *, silence: float | None
    ) -> AsyncGenerator[list[bytes], None]:
        """Lines as they come, what came at once at once; first an empty list, when the answer begins (`aclosing`).

        `silence` is how many seconds without a byte are endured; where it is None, the beginning is waited for as well.
        """
        rest = b""
        async with aclosing(self._pieces(Request("GET", path, query, silence=silence))) as pieces:
            async for piece in pieces:
                *lines, rest = (rest + piece).split(b"\n")
                if len(rest) > _LONGEST_LINE and silence is None:
                    lines, rest = [*lines, rest], b""
                if lines or not piece:
                    yield lines
        if rest:
            yield [rest]

    async def close(self) -> None:
        """Ends every call; returns when no thread is left."""
        self._closed = True
        for hold in self._holds:
            hold.end()
        for pool in (self._calls, self._streams):
            await asyncio.to_thread(pool.shutdown)
        self._session.close()

    async def _object(
        self, method: str, path: str, query: Query | None, body: dict[str, Any] | None = None,
        content: str = "application/json",
    ) -> dict[str, Any]:  # fmt: skip
        return await self._ask(self._session.object, Request(method, path, query, body, content, self._deadline))

    async def _ask(self, how: Callable[[Hold, Request], _T], request: Request) -> _T:
        hold = self._hold(request.path)
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.wrap_future(self._calls.submit(how, hold, request))
        except TimeoutError:
            hold.end()
            raise self._session.silent(self._deadline) from None
        except asyncio.CancelledError:
            hold.end()
            raise
        finally:
            self._holds.discard(hold)

    async def _pieces(self, request: Request) -> AsyncGenerator[bytes, None]:
        hold = self._hold(request.path)
        pieces = self._session.stream(hold, request)
        reading = self._read(pieces)
        try:
            async with asyncio.timeout(self._deadline if request.silence else None):
                piece = await asyncio.wrap_future(reading)
            while piece is not None:
                yield piece
                reading = self._read(pieces)
                piece = await asyncio.wrap_future(reading)
        except BaseException as error:  # nobody listens any more, for one
            hold.end()
            reading.add_done_callback(lambda _: pieces.close())
            if isinstance(error, TimeoutError):
                raise self._session.silent(self._deadline) from None
            raise
        finally:
            self._holds.discard(hold)

    def _read(self, pieces: Iterator[bytes]) -> "Future[bytes | None]":
        self._open()
        return self._streams.submit(next, pieces, None)

    def _open(self) -> None:
        if self._closed:
            raise Retryable(f"the controller goes down, and speaks to the cluster {self.name} no more")

    def _hold(self, path: str) -> Hold:
        self._open()
        if not _PATH.fullmatch(path):
            raise Invalid(f"{path.rpartition('/')[2]!r} cannot be a name in a cluster")
        hold = Hold()
        self._holds.add(hold)
        return hold


def _session(settings: ClusterSettings, connections: int) -> "Session":
    from paas_controller.caas.cluster.session import Session  # noqa: PLC0415 - many controllers have no cluster

    return Session(settings, connections)
