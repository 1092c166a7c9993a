"""`--wait`: watches the story and the record until a wish has come true, or until it is clear that it will not."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import typer

from paas_client.client import Client, Instances
from paas_client.commands.asking import Asker, WaitFailed
from paas_client.errors import Unavailable, Unreachable
from paas_client.models import Member, Record
from paas_client.progress import Progress
from paas_client.wait import Before, Wish, before, fulfilled, left_alone, obstacle, there

WaitOption = Annotated[bool, typer.Option("--wait", "-w", help="Wait until it is there, and show how it gets on.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", min=0.1, help="With --wait: seconds to wait at most.")]
DEFAULT_TIMEOUT = 1800.0
_LOOK_EVERY = 0.4
_LEFT_ALONE = 3.0
"""Seconds after which a failed member that nobody takes care of is not waited for any longer."""


async def take_stock(instances: Instances, name: str) -> Before:
    """What must be known before the wish is sent, so that its consequences can be told from what was."""
    story = await instances.events(name, limit=1)
    return before(await instances.get(name), story.items[0].id if story.items else 0)


@dataclass
class Watch:
    """One wish, being watched."""

    client: Client
    asked: Asker
    name: str
    wish: Wish
    progress: Progress
    told: int
    doubtful_since: float | None = None
    doing: str = ""

    async def until_fulfilled(self, seconds: float) -> Record:
        """The record when the wish has come true. Raises WaitFailed."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    if record := await self._look():
                        return record
                    await asyncio.sleep(_LOOK_EVERY)
        except TimeoutError:
            message = f"{self.name} is not {self.wish.goal} after {seconds:g} s"
            raise self._failed(f"{message}; {self.doing}" if self.doing else message) from None

    async def _look(self) -> Record | None:
        try:
            record = await self.client.instances(self.asked.kind).get(self.name)
            await self._tell_story()
            if fulfilled(record, self.wish):
                return record
            self._despair(record)
            await self._show(record)
        except (Unreachable, Unavailable) as error:
            self._say(f"{error.message}; trying again")
        return None

    async def _tell_story(self) -> None:
        page = await self.client.instances(self.asked.kind).events(self.name, limit=500)
        for event in reversed(page.items):
            if event.id > self.told:
                self.progress.step(event)
                self.told = event.id

    def _despair(self, record: Record) -> None:
        """Raises WaitFailed where waiting longer is no use."""
        if found := obstacle(record, self.wish):
            log = f"its output: {self.asked.command} log {found.operation}"
            raise self._failed(found.sentence, log if found.operation else "")
        now, reason = asyncio.get_running_loop().time(), left_alone(record)
        self.doubtful_since = (self.doubtful_since or now) if reason else None
        if self.doubtful_since is not None and now - self.doubtful_since > _LEFT_ALONE:
            restart = f"{self.asked.command} restart {self.name}"
            raise self._failed(f"{self.name} is failed and left alone: {reason}", f"start it anew: {restart}")

    async def _show(self, record: Record) -> None:
        busy = [member.operation for member in record.members if member.operation]
        if busy:
            await self._show_operation(busy[0])
        else:
            await self._show_host(next(member for member in record.members if not there(member, self.wish)))

    async def _show_operation(self, identifier: str) -> None:
        operation = await self.client.operations.get(identifier)
        if not operation.ended:
            self.doing = f"{operation.action} on {operation.host} is {operation.state}"
            self.progress.under_way(operation)

    async def _show_host(self, member: Member) -> None:
        host = await self.client.hosts.get(member.host)
        match host.state:
            case "absent":
                self._say(f"{host.id} has no agent yet; a token to join one: paasctl host token")
            case "lost":
                self._say(f"{host.id} has not been heard of")
            case _:
                self._say(f"on {host.id} it is {member.realtime}")

    def _say(self, text: str) -> None:
        self.doing = text
        self.progress.doing(text, sort=text)

    def _failed(self, message: str, hint: str = "") -> WaitFailed:
        return WaitFailed(message, hint or f"what happened: {self.asked.command} events {self.name}")
