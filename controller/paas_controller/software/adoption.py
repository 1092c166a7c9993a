"""Makes agents know instances that they do not list: adopted ones, and those of a lost journal.

The agent is asked for a check, which also makes it check from then on; its next report says what is there.
"""

import asyncio
import logging

from paas_agent.contract import Order
from paas_controller.base.errors import PaasError
from paas_controller.hosts.agents import Agents
from paas_controller.hosts.host import Host
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member
from paas_controller.software.orders import Specs, order_for

_log = logging.getLogger(__name__)


class Adoption:
    """At most one question at a time for each member; the next full report asks again where it failed."""

    def __init__(self, specs: Specs, agents: Agents, operator: tuple[str, int]) -> None:
        self._specs, self._agents, self._operator = specs, agents, operator
        self._asking: dict[int, asyncio.Task[None]] = {}

    def __call__(self, host: Host, instance: Instance, member: Member) -> None:
        if member.id not in self._asking:
            task = asyncio.create_task(self._ask(host, instance, member))
            self._asking[member.id] = task
            task.add_done_callback(lambda _: self._asking.pop(member.id))

    async def _ask(self, host: Host, instance: Instance, member: Member) -> None:
        order: Order = order_for(instance, member, await self._specs.of(instance), self._operator)
        order.epoch = host.epoch
        try:
            await self._agents.check(host.reach, order)
        except PaasError as error:
            _log.info("%s does not know %s %s yet: %s", host.id, instance.kind, instance.name, error.message)

    async def stop(self) -> None:
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
