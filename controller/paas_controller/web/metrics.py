"""GET /metrics: what this process does, for Prometheus."""

import platform
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter

from aiohttp import web
from prometheus_client import ProcessCollector
from prometheus_client.core import Metric

from paas_controller import __version__
from paas_controller.base.principal import ANYBODY
from paas_controller.base.tally import Histogram
from paas_controller.store.store import Store
from paas_controller.web.meters import Collect, Meter, written
from paas_controller.web.routing import Handler, Route, Said

REQUESTS = Meter(
    "counter", "paas_http_requests_total", "Requests by route and status; route * is where there is none.",
    ("method", "route", "status"),
)  # fmt: skip
REQUEST_DURATION = Meter(
    "histogram", "paas_http_request_duration_seconds", "From the head of a request until its answer is made.",
    ("method", "route"),
)  # fmt: skip
COMMIT_DURATION = Meter("histogram", "paas_store_commit_duration_seconds", "From taking writes up until they are safe.")
COMMIT_WRITES = Meter("histogram", "paas_store_commit_writes", "Writes that went into one commit.")
QUEUE_LENGTH = Meter("gauge", "paas_store_queue_length", "Writes that wait to be taken up.")
READS = Meter("counter", "paas_store_reads_total", "Queries that were answered from the database.")
BUILD = Meter("gauge", "paas_build_info", "Always 1; the labels say what runs.", ("version", "python"))
METERS = (REQUESTS, REQUEST_DURATION, COMMIT_DURATION, COMMIT_WRITES, QUEUE_LENGTH, READS, BUILD)
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Requests:
    """Counts every request at its route."""

    def __init__(self, timer: Callable[[], float] = perf_counter) -> None:
        self._timer = timer
        self._durations: dict[tuple[str, str], Histogram] = {}
        self._statuses: dict[tuple[str, str], dict[int, int]] = {}

    def measure(self, route: Route, handler: Handler) -> Handler:
        """The handler with a stopwatch around it."""
        key = (route.method, "*" if route.method == "*" else route.path)
        duration, statuses = self._durations.setdefault(key, Histogram(_BOUNDS)), self._statuses.setdefault(key, {})
        timer = self._timer

        async def measured(request: web.Request) -> web.StreamResponse:
            begun = timer()
            response = await handler(request)
            duration.observe(timer() - begun)
            statuses[response.status] = statuses.get(response.status, 0) + 1
            return response

        return measured

    async def collect(self) -> Iterable[Metric]:
        seen = {key: counts for key, counts in self._statuses.items() if counts}
        answered = [
            ((*key, str(status)), count) for key, counts in seen.items() for status, count in list(counts.items())
        ]
        return REQUESTS.of(answered), REQUEST_DURATION.spread((key, self._durations[key]) for key in seen)


def of_store(store: Store) -> Collect:
    """What the store does."""

    async def collect() -> Iterable[Metric]:
        figures = store.figures
        return [
            COMMIT_DURATION.spread([((), figures.commit_seconds)]), COMMIT_WRITES.spread([((), figures.commit_writes)]),
            QUEUE_LENGTH.of([((), store.waiting)]), READS.of([((), figures.reads)]),
        ]  # fmt: skip

    return collect


async def of_process() -> Iterable[Metric]:
    """This process and what runs in it."""
    build = BUILD.of([((__version__, platform.python_version()), 1)])
    return [build, *ProcessCollector(registry=None).collect()]


def metrics_route(parts: Sequence[Collect]) -> Route:
    """GET /metrics, each time asked anew of every part."""

    async def show(request: web.Request) -> web.Response:
        families = [family for collect in parts for family in await collect()]
        body, content_type = written(families, request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    said = Said("What is measured here, for Prometheus.", {200: "text/plain"})
    return Route("GET", "/metrics", show, ANYBODY, said)
