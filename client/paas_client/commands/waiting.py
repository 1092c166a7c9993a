"""`--wait`: watches the story and the record until a wish has come true, or until it is clear that it will not."""

import asyncio
from dataclasses import dataclass

from paas_client.client import Client
from paas_client.commands.asking import Asker, TimeIsUp, WaitFailed
from paas_client.commands.planning import waits
from paas_client.errors import NotFound, Unavailable, Unreachable
from paas_client.instances import Instances
from paas_client.models import InstanceStatus, Member, Record, Status
from paas_client.progress import Progress
from paas_client.wait import Before, Obstacle, Wish, before, fulfilled, left_alone, obstacle, there

DEFAULT_TIMEOUT = 1800.0
_LOOK_EVERY = 0.4
_LEFT_ALONE = 3.0
"""Seconds after which a failed member that nobody takes care of is not waited for any longer."""


async def take_stock(instances: Instances, name: str, *, missing: bool = False) -> Before:
    """What must be known before the wish is sent, so that its consequences can be told from what was.

    NotFound where there is no such instance, unless it may be missing.
    """
    last = 0
    try:
        story = await instances.events(name, limit=1)
        last = story.items[0].id if story.items else 0
        return before(await instances.get(name), last)
    except NotFound:
        if missing:
            return Before(event=last)
        raise


async def watched(client: Client, asked: Asker, wish: Wish, seconds: float) -> InstanceStatus:
    """The status when the wish has come true; raises WaitFailed where it does not."""
    with Progress() as progress:
        return await _Watch(client, asked, wish, progress, wish.before.event).until_fulfilled(seconds)


@dataclass
class _Watch:
    """One wish, being watched."""

    client: Client
    asked: Asker
    wish: Wish
    progress: Progress
    told: int
    doubtful_since: float | None = None
    doing: str = ""

    async def until_fulfilled(self, seconds: float) -> InstanceStatus:
        try:
            async with asyncio.timeout(seconds):
                while True:
                    if status := await self._look():
                        return status
                    await asyncio.sleep(_LOOK_EVERY)
        except TimeoutError:
            what = "deleted" if self.wish.deletion else self.wish.goal
            message = f"{self.asked.name} is not {what} after {seconds:g} s"
            raise TimeIsUp(f"{message}; {self.doing}" if self.doing else message, self._story) from None

    async def _look(self) -> InstanceStatus | None:
        try:
            record = await self._record()
            await self._tell_story()
            if record is None:
                gone = Status(expect="not-installed", realtime="not-installed")
                return InstanceStatus(name=self.asked.name, status=gone)
            if fulfilled(record, self.wish):
                return InstanceStatus(name=record.name, status=record.status)
            self._despair(record)
            await self._show(record)
        except (Unreachable, Unavailable) as error:
            self._say(f"{error.message}; trying again")
        return None

    async def _record(self) -> Record | None:
        """The record; None where it is to be deleted and is gone."""
        try:
            return await self.client.instances(self.asked.kind).get(self.asked.name)
        except NotFound:
            if self.wish.deletion:
                return None
            raise

    async def _tell_story(self) -> None:
        page = await self.client.instances(self.asked.kind).events(self.asked.name, limit=500)
        for event in reversed(page.items):
            if event.id > self.told:
                self.progress.step(event)
                self.told = event.id

    def _despair(self, record: Record) -> None:
        """Raises WaitFailed where waiting longer is no use."""
        if found := obstacle(record, self.wish):
            raise WaitFailed(found.sentence, self._hint(found))
        now, reason = asyncio.get_running_loop().time(), left_alone(record)
        self.doubtful_since = (self.doubtful_since or now) if reason else None
        if self.doubtful_since is not None and now - self.doubtful_since > _LEFT_ALONE:
            restart = f"{self.asked.command} restart {self.asked.name}"
            raise WaitFailed(f"{self.asked.name} is failed and left alone: {reason}", f"start it anew: {restart}")

    def _hint(self, found: Obstacle) -> str:
        if found.operation:
            return f"its output: {self.asked.command} log {found.operation}"
        return f"end the hold: {self.asked.command} release {self.asked.name}" if found.held else self._story

    async def _show(self, record: Record) -> None:
        busy = [member.operation for member in record.members if member.operation]
        if not busy:
            waiting = (member for member in record.members if not there(member, self.wish))
            return self._show_member(next(waiting, record.members[0]))
        operation = await self.client.operations.get(busy[0])
        if not operation.ended:
            self.doing = f"{operation.action} on {operation.host} is {operation.state}"
            self.progress.under_way(operation)
        return None

    def _show_member(self, member: Member) -> None:
        self._say(waits(member) or f"on {member.host} it is {member.realtime}")

    def _say(self, text: str) -> None:
        self.doing = text
        self.progress.doing(text, sort=text)

    @property
    def _story(self) -> str:
        return f"what happened: {self.asked.command} events {self.asked.name}"
