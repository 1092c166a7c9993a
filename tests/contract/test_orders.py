"""Whatever the controller takes from people, the agent takes from the controller: at every limit, and not beyond."""

from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from paas_agent import orders
from paas_agent.contract import LIMITS, MAX_VALUE, Order
from paas_agent.errors import Refused
from paas_agent.server import MAX_BODY as MOST_OF_AN_ORDER
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member
from paas_controller.software.orders import order_for, timeout_of
from paas_controller.software.schemas import InstanceBody
from paas_controller.web.faults import MAX_BODY
from tests.controller.shell import body

ACTIONS = ("install", "uninstall", "restart", "start", "stop")
AT_THE_LIMIT: list[dict[str, Any]] = [
    {"timeouts": {**dict.fromkeys(ACTIONS, LIMITS["timeout"][1]), "check": LIMITS["check_timeout"][1]}},
    {"timeouts": {**dict.fromkeys(ACTIONS, 1), "check": 1}},
    {"check_interval": LIMITS["check_interval"][0]},
    {"check_interval": LIMITS["check_interval"][1], "check_fall": 100, "check_rise": 100},
    {"metadata": {"A": "\U0001f600" * MAX_VALUE, "_" * 255: "x"}},
    {"repo_url": "http://" + "r" * 2041, "package": ".".join("x" * 128), "restart": "x" * 255},
]
BEYOND: list[dict[str, Any]] = [
    {"timeouts": {"check": LIMITS["check_timeout"][1] + 1}},
    {"timeouts": {"start": LIMITS["timeout"][1] + 1}},
    {"check_interval": LIMITS["check_interval"][1] + 1},
    {"metadata": {"A": "x" * (MAX_VALUE + 1)}},
    {"metadata": {"_" * 256: "x"}},
]


def order_of(**app: Any) -> bytes:
    """The order that follows from a create body; ValidationError where the controller refuses the body."""
    asked = InstanceBody.model_validate(body("db", "192.168.19.100:3335", **app))
    member = Member(id=1, host="192.168.19.100:3335", position=0)
    order = order_for(Instance(1, "database", "db", "running", (member,)), member, asked, ("192.168.19.13", 3334))
    order.timeout = max(timeout_of(asked, action) for action in ACTIONS)
    return msgspec.json.encode(order)


@pytest.mark.parametrize("app", AT_THE_LIMIT)
def test_what_people_may_just_ask_for_the_agent_takes(app: dict[str, Any]) -> None:
    assert orders.parse(order_of(**app)).name == "db"


@pytest.mark.parametrize("app", BEYOND)
def test_what_the_agent_would_refuse_people_are_refused(app: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        order_of(**app)


@pytest.mark.parametrize(("field", "limits"), LIMITS.items())
def test_the_agent_holds_an_order_to_the_same_limits(field: str, limits: tuple[float, float]) -> None:
    for value, taken in [(limits[0], True), (limits[1], True), (limits[0] - 0.01, False), (limits[1] + 0.01, False)]:
        order = msgspec.json.decode(order_of(), type=Order)
        setattr(order, field, value)
        if taken:
            assert getattr(orders.parse(msgspec.json.encode(order)), field) == value
        else:
            with pytest.raises(Refused, match=f"{field}: seconds from"):
                orders.parse(msgspec.json.encode(order))


def test_an_agent_reads_longer_orders_than_people_can_write() -> None:
    room = len(order_of()) + 1000 * len('"",')
    assert MAX_BODY + room < MOST_OF_AN_ORDER
