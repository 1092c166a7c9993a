"""Agents on loopback of which the test says what they see and how each order ends. They speak the real wire."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from paas_agent.contract import Accepted, Action, Change, InstanceReport, Joined, Kind, Order, Outcome, Report, Status
from tests.controller.shell import Answer, Shell, until

REACHED: dict[Action, Status] = {
    "install": "stopped", "start": "running", "stop": "stopped", "restart": "running", "uninstall": "not-installed",
}  # fmt: skip


def refusing(status: int, sentence: str = "not so") -> Callable[[Order], web.Response]:
    """For `Agent.refuses`."""
    return lambda _: web.json_response({"error": {"message": sentence}}, status=status)


@dataclass
class Agent:
    """Takes orders, tells nothing by itself. `refuses` answers instead where it is set."""

    shell: Shell
    epoch: str = "first"
    refuses: Callable[[Order], web.Response] | None = None
    received: list[tuple[str, Order]] = field(default_factory=list)
    """Every order that came, repeated ones and questions for a check included."""
    cancelled: list[str] = field(default_factory=list)
    there: dict[tuple[Kind, str], InstanceReport] = field(default_factory=dict)
    features: list[str] = field(default_factory=list)
    joined: Joined | None = None
    sequence: int = 0
    _taken: int = 0

    async def start(self, port: int | None = None) -> None:
        app = web.Application()
        app.router.add_post("/{action}", self._order)
        app.router.add_get("/operations/{id}/log", self._log)
        app.router.add_delete("/operations/{id}", self._cancel)
        self._server = TestServer(app, port=port)
        await self._server.start_server(access_log=None)
        self.port = str(self._server.port)
        self.host = f"127.0.0.1:{self.port}"

    async def stop(self) -> None:
        await self._server.close()

    async def join(self) -> Joined:
        """Joins with a fresh token and reports what it knows."""
        answer = await self.ask_to_join()
        assert answer.status == 200, answer.body
        self.joined = msgspec.convert(answer.body, Joined)
        await self.report()
        return self.joined

    async def ask_to_join(self, token: str | None = None, **more: Any) -> Answer:
        """The answer to a join; by default with a fresh token and this agent's address."""
        if token is None:
            token = (await self.shell.post("/hosts/join-tokens")).body["join_token"]
        asked = {"join_token": token, "address": "127.0.0.1", "port": self.port, "version": "1.0"}
        asked |= {"former": self.joined.agent_token if self.joined else ""} | more
        return await self.shell.post("/agents/join", asked, token="")

    def says(self, *outcomes: Outcome, changes: Sequence[Change] = (), **more: Any) -> Report:
        """The next report."""
        self.sequence += 1
        known = {"host": self.host, "epoch": self.epoch, "sequence": self.sequence, "full": True}
        known |= {"sent_at": self.shell.clock.now, "features": self.features, "instances": list(self.there.values())}
        return Report(**known | {"outcomes": list(outcomes), "changes": list(changes)} | more)

    async def send(self, report: Report) -> Answer:
        assert self.joined
        return await self.shell.post("/agents/report", report, token=self.joined.agent_token)

    async def report(self, *outcomes: Outcome, **more: Any) -> Answer:
        answer = await self.send(self.says(*outcomes, **more))
        assert answer.status == 202, answer.body
        return answer

    async def sees(self, status: Status, name: str = "db", kind: Kind = "database", **more: Any) -> None:
        """Reports what is there."""
        known = {"type": kind, "name": name, "status": status, "installed": status != "not-installed"}
        self.there[kind, name] = InstanceReport(**known | more)
        await self.report()

    async def ordered(self) -> tuple[Action, Order]:
        """The next order that it did not know yet."""
        await until(lambda: len(self.orders) > self._taken, "an order")
        self._taken += 1
        return self.orders[self._taken - 1]

    @property
    def orders(self) -> list[tuple[Action, Order]]:
        """The orders, each once."""
        return list(
            {order.operation_id: (action, order) for action, order in self.received if order.operation_id}.values()
        )

    async def ends(self, action: Action, order: Order, state: str = "succeeded", **more: Any) -> Outcome:
        """Reports how an order ended; where it did not succeed the software is failed."""
        status: Status = REACHED[action] if state == "succeeded" else "failed"
        known = {"type": order.type, "name": order.name, "status": status}
        known["installed"] = status != "not-installed" and (action, state) != ("install", "failed")
        ended = {"operation_id": order.operation_id, "action": action, "state": state, "ended_at": self.shell.clock.now}
        ended["fault"] = "" if state == "succeeded" else "software"
        outcome = Outcome(**known | ended | more)
        here = {"status": outcome.status, "installed": outcome.installed, "alive": outcome.alive}
        self.there[order.type, order.name] = InstanceReport(type=order.type, name=order.name, **here)
        await self.report(outcome)
        return outcome

    async def obeys(self, *actions: Action) -> None:
        """Takes these orders, one after the other, and each goes well."""
        for action in actions:
            got, order = await self.ordered()
            assert got == action
            await self.ends(got, order)

    async def _order(self, request: web.Request) -> web.Response:
        order = msgspec.json.decode(await request.read(), type=Order)
        assert self.joined
        assert request.headers["Authorization"] == f"Bearer {self.joined.controller_token}"
        self.received.append((request.match_info["action"], order))
        if self.refuses:
            return self.refuses(order)
        accepted = Accepted(operation_id=order.operation_id, state="pending")
        return web.Response(body=msgspec.json.encode(accepted), status=202)

    async def _cancel(self, request: web.Request) -> web.Response:
        identifier = request.match_info["id"]
        self.cancelled.append(identifier)
        known = identifier in [order.operation_id for _, order in self.orders]
        return web.json_response({}, status=202 if known and not self.refuses else 404)

    async def _log(self, request: web.Request) -> web.Response:
        offset, data = int(request.query["offset"]), f"of {request.match_info['id']}"
        return web.json_response({"offset": offset, "next": offset + len(data), "data": data, "ended": False})
