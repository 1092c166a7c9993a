"""What is measured of instances and operations."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import get_args

from prometheus_client.core import Metric

from paas_agent.contract import Kind
from paas_controller.software.board import Board
from paas_controller.software.operations import Operations
from paas_controller.web.meters import Collect, Labels, Meter

INSTANCES = Meter(
    "gauge", "paas_instances", "Instances by what is expected and what is there.", ("kind", "expect", "realtime")
)
DRIFT = Meter(
    "gauge", "paas_members_in_drift", "Members of which state or spec is not what is expected (yet).", ("kind",)
)
ON_HOLD = Meter("gauge", "paas_instances_on_hold", "Instances that a person told to leave alone.", ("kind",))
HELD_BACK = Meter(
    "gauge",
    "paas_members_held_back",
    "Members that failed so often that they are tried every 15 minutes only.",
    ("kind",),
)
IN_FLIGHT = Meter(
    "gauge", "paas_operations_in_flight", "Operations whose outcome is not stored yet.", ("action", "state")
)
ENDED = Meter(
    "counter", "paas_operations_total", "Operations that ended since the start of this controller.",
    ("action", "outcome"),
)  # fmt: skip
DURATION = Meter(
    "histogram", "paas_operation_duration_seconds", "From the decision until the outcome is stored, waiting included.",
    ("action",),
)  # fmt: skip
METERS = (INSTANCES, DRIFT, ON_HOLD, HELD_BACK, IN_FLIGHT, ENDED, DURATION)
_AT_ONCE = 200
"""Instances that are counted before others get their turn."""


def of_software(board: Board, operations: Operations) -> Collect:
    """What the board holds and what is under way."""

    async def collect() -> Iterable[Metric]:
        flying = Counter[Labels]((operation.action, operation.state) for operation in operations)
        tally = operations.tally
        return [
            *await _instances(board), IN_FLIGHT.of(flying.items()), ENDED.of(tally.ended.items()),
            DURATION.spread(((action,), histogram) for action, histogram in tally.seconds.items()),
        ]  # fmt: skip

    return collect


async def _instances(board: Board) -> Iterable[Metric]:
    states = Counter[Labels]()
    drift, on_hold, held_back = (Counter[Labels]({(kind,): 0 for kind in get_args(Kind)}) for _ in range(3))
    for count, instance in enumerate(board):
        kind = (instance.kind,)
        states[*kind, instance.expect, instance.realtime] += 1
        on_hold[kind] += instance.held
        for member in instance.members:
            drift[kind] += instance.drifts_on(member)
            held_back[kind] += member.held_back
        if count % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
    counted = {INSTANCES: states, DRIFT: drift, ON_HOLD: on_hold, HELD_BACK: held_back}
    return [meter.of(numbers.items()) for meter, numbers in counted.items()]
