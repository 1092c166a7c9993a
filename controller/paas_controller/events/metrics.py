"""What is measured of the stream."""

from collections.abc import Iterable

from prometheus_client.core import Metric

from paas_controller.events.stream import Stream
from paas_controller.web.meters import Collect, Meter

LISTENERS = Meter("gauge", "paas_stream_listeners", "Who listens to GET /events.")
METERS = (LISTENERS,)


def of_stream(stream: Stream) -> Collect:
    async def collect() -> Iterable[Metric]:
        return (LISTENERS.of([((), stream.listeners)]),)

    return collect
