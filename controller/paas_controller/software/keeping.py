"""Where the service's changes go: on the board and to disk, or, for a dry run, nowhere. Nobody else knows which."""

from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy import Connection

from paas_controller.hosts.naming import NamedHost
from paas_controller.hosts.service import Hosts
from paas_controller.software.board import Board
from paas_controller.software.drafts import Draft
from paas_controller.software.instances import Instance
from paas_controller.software.members import Moved
from paas_controller.software.orders import Specs
from paas_controller.software.schemas import InstanceBody
from paas_controller.store.store import Store


class Keeping(Protocol):
    """What the service needs to keep a change."""

    async def create(
        self, write: Callable[[Connection], Instance], named: Sequence[NamedHost], body: InstanceBody
    ) -> Instance: ...
    async def introduce(self, named: Sequence[NamedHost]) -> None: ...
    async def commit(self, draft: Draft) -> None: ...
    async def respec(self, draft: Draft, after: Instance, body: InstanceBody) -> None: ...
    async def forget(self, instance: Instance, why: Moved) -> None: ...


class InEarnest:
    """Everything is kept."""

    def __init__(self, store: Store, board: Board, specs: Specs, hosts: Hosts) -> None:
        self._store, self._board, self._specs, self._hosts = store, board, specs, hosts

    async def create(
        self, write: Callable[[Connection], Instance], named: Sequence[NamedHost], body: InstanceBody
    ) -> Instance:
        created = await self._store.write(write)
        self._hosts.admit(named)
        self._specs.keep(created, body)
        self._board.add(created)
        return created

    async def introduce(self, named: Sequence[NamedHost]) -> None:
        await self._store.write(lambda connection: self._hosts.name(connection, named), alone=True)
        self._hosts.admit(named)

    async def commit(self, draft: Draft) -> None:
        await self._board.commit(draft)

    async def respec(self, draft: Draft, after: Instance, body: InstanceBody) -> None:
        self._specs.keep(after, body)  # what the draft gives rise to is done by the new spec
        try:
            await self._board.commit(draft)
        except BaseException:
            self._specs.drop(after)
            raise

    async def forget(self, instance: Instance, why: Moved) -> None:
        await self._board.forget(instance, why)


class Rehearsal:
    """Nothing is kept; what the database would refuse is refused."""

    def __init__(self, store: Store, hosts: Hosts) -> None:
        self._store, self._hosts = store, hosts

    async def create(
        self, write: Callable[[Connection], Instance], named: Sequence[NamedHost], body: InstanceBody
    ) -> Instance:
        del named, body
        return await self._store.rehearse(write)

    async def introduce(self, named: Sequence[NamedHost]) -> None:
        await self._store.rehearse(lambda connection: self._hosts.name(connection, named))

    async def commit(self, draft: Draft) -> None:
        """The draft is dropped."""

    async def respec(self, draft: Draft, after: Instance, body: InstanceBody) -> None:
        """The spec stays as it is."""

    async def forget(self, instance: Instance, why: Moved) -> None:
        """The instance stays."""
