"""Orders in flight and instances known, on disk: one file an instance, each written whole or not at all.

A record holds the order with its secrets, so the files are readable by the agent alone. What an operation changes
(its outcome, the new status, the entry in the list of changes) stands in one record and therefore changes at once.

A disk may take long. So one thread writes, in the order of the calls, what was to be written at the moment of each.
"""

import asyncio
import logging
import os
import shutil
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec

from paas_agent.contract import Action, Change, Kind, Order, Outcome, Status
from paas_agent.process import Identity

log = logging.getLogger(__name__)

Key = tuple[Kind, str]
P = ParamSpec("P")
Record = TypeVar("Record", bound=msgspec.Struct)
Write = Callable[[Path, bytes, bool], None]
"""Replaces a file, for good or until the power fails: `write_whole`."""
SEQUENCE_BLOCK = 1000
RESERVE = 256 * 1024  # bytes


class Operation(msgspec.Struct):
    """An accepted order, until its outcome is known. `boot` is the boot it was accepted in."""

    id: str
    action: Action
    order: Order
    accepted_at: float
    boot: str
    cancelled: bool = False


class Ended(msgspec.Struct):
    """An operation that has ended, and whether the controller has taken note."""

    outcome: Outcome
    acknowledged: bool = False


class Instance(msgspec.Struct):
    """All that must survive of one instance. `order` is the last one, `operation` the one in flight."""

    order: Order
    status: Status
    installed: bool
    reason: str = ""
    watched: Identity | None = None
    operation: Operation | None = None
    ended: list[Ended] = []
    changes: list[Change] = []

    @property
    def key(self) -> Key:
        return self.order.type, self.order.name


class State(msgspec.Struct):
    """What belongs to the journal as a whole: `change` is the last number given, `published` the last one taken."""

    epoch: str
    sequence: int = 0
    change: int = 0
    published: int = 0
    day: str = ""


def write_whole(path: Path, data: bytes, durable: bool = True) -> None:
    """Replace a file so that either the old or the new text is there, also after a power failure; mode 0600."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        if durable:
            os.fsync(descriptor)
    fresh.replace(path)
    if durable:
        _sync_folder(path.parent)


class Journal:
    """The journal below `root`. What is asked for is done when its future says so, also when nobody waits for it.

    A future raises OSError when a record cannot be written; what was there then still is.
    """

    def __init__(self, root: Path, write: Write = write_whole) -> None:
        self._write = write
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._records = root / "journal" / "instances"
        self._state_file = root / "journal" / "state.json"
        self._reserve = root / "journal" / "reserve"
        self._operations = root / "operations"
        self._instances = root / "instances"
        for folder in (self._records, self._operations, self._instances):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = _read(self._state_file, State)
        self.state = found or State(epoch=uuid.uuid4().hex)
        self._reserved = self._sequence = self.state.sequence
        if found is None:
            write(self._state_file, msgspec.json.encode(self.state), True)
        self._keep_reserve()

    def load(self) -> list[Instance]:
        """Every instance that can be read; a broken file is set aside with a line in the log."""
        found = [_read(path, Instance) for path in sorted(self._records.glob("*.json"))]
        instances = [instance for instance in found if instance is not None]
        numbers = [change.number for instance in instances for change in instance.changes]
        self.state.change = max([self.state.change, *numbers])
        return instances

    def save(self, instance: Instance) -> asyncio.Future[None]:
        """Write one record."""
        return self._in_turn(self._write, self._record(instance.key), msgspec.json.encode(instance), True)

    def save_whatever(self, instance: Instance, *, durable: bool = True) -> asyncio.Future[None]:
        """Write a record of what has already happened, on a full disk at the cost of the reserve.

        Not `durable` is enough for what may be said twice after a power failure.
        """
        data = msgspec.json.encode(instance)
        return self._in_turn(self._write_whatever, self._record(instance.key), data, durable)

    def reserve(self) -> asyncio.Future[None]:
        """Keep some disk for `save_whatever`, if there is some."""
        return self._in_turn(self._keep_reserve)

    def remove(self, instance: Instance) -> asyncio.Future[None]:
        """Forget an instance and the output of its operations; its working folder stays."""
        for ended in instance.ended:
            self.remove_operation(ended.outcome.operation_id)
        path = self._record(instance.key)
        return self._in_turn(_or_say, f"{path.name} cannot be removed", partial(path.unlink, missing_ok=True))

    def remove_operation(self, operation_id: str) -> asyncio.Future[None]:
        """Forget the output of one operation."""
        return self._in_turn(partial(shutil.rmtree, self.operation_folder(operation_id), ignore_errors=True))

    def save_state(self) -> asyncio.Future[None]:
        """Write the numbers of the journal; while that is not possible, a crash may make some be said again."""
        writing = partial(self._write, self._state_file, msgspec.json.encode(self.state), True)
        return self._in_turn(_or_say, "the journal's numbers cannot be written", writing)

    async def next_sequence(self) -> int:
        """The next report's number. They are reserved in blocks: after a crash some are skipped, none comes twice."""
        self._sequence = number = self._sequence + 1
        if number > self._reserved:
            self.state.sequence = reserved = number + SEQUENCE_BLOCK
            await self.save_state()
            self._reserved = reserved
        return number

    def go_on_after(self, sequence: int) -> None:
        """Skip numbers of reports that a crash has made forget: the disk was too full to reserve them."""
        self._sequence = max(self._sequence, sequence)

    def prepare(self, operation: Operation) -> asyncio.Future[None]:
        """Make the folders that scripts need, and keep the order beside their output, which may show its secrets."""
        order = operation.order
        folders = self.instance_folder((order.type, order.name)), self.operation_folder(operation.id)
        return self._in_turn(self._prepare, *folders, msgspec.json.encode(order))

    def close(self) -> None:
        """Return when everything is done that was asked for."""
        self._writer.shutdown()

    def kept_order(self, operation_id: str) -> Order | None:
        """The order of an operation, if it came so far as to print something."""
        return _read(self.operation_folder(operation_id) / "order.json", Order)

    def operation_folder(self, operation_id: str) -> Path:
        """Where the output and the marks of an operation's scripts are."""
        return self._operations / operation_id

    def operation_folders(self) -> list[Path]:
        """The folders of all operations, those of a lost journal as well."""
        return list(self._operations.iterdir())

    def instance_folder(self, key: Key) -> Path:
        """INSTANCE_DIR: the scripts' working folder."""
        return self._instances / key[0] / key[1]

    def _record(self, key: Key) -> Path:
        return self._records / f"{key[0]}.{key[1]}.json"

    def _in_turn(self, work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[None]:
        return asyncio.wrap_future(self._writer.submit(work, *args, **kwargs))

    def _write_whatever(self, path: Path, data: bytes, durable: bool) -> None:
        try:
            self._write(path, data, durable)
        except OSError:
            self._reserve.unlink(missing_ok=True)
            self._write(path, data, durable)

    def _keep_reserve(self) -> None:
        with suppress(OSError), self._reserve.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE)

    def _prepare(self, instance: Path, operation: Path, order: bytes) -> None:
        for folder in (instance, operation):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write(operation / "order.json", order, False)


def _or_say(what: str, work: Callable[[], None]) -> None:
    try:
        work()
    except OSError as error:
        log.warning("%s: %s", what, error.strerror)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, kind: type[Record]) -> Record | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        aside = path.with_name(f"{path.name}.broken")
        path.replace(aside)
        log.error("the journal's %s cannot be read (%s); it was set aside as %s", path.name, error, aside)
        return None
