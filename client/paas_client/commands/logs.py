"""What the scripts of an operation have printed, once or as it comes."""

import asyncio

from paas_client import show
from paas_client.client import Client
from paas_client.commands.asking import Hints, HostSilent
from paas_client.commands.planning import waits
from paas_client.errors import ClientError, NotFound, Unavailable
from paas_client.models import LogPiece, Operation

_FOLLOW_EVERY = 0.5
_PATIENCE = 5.0
"""Seconds after which a host that does not answer is not waited for any longer."""
SILENT: Hints = {Unavailable: "see which hosts are lost: paasctl host list"}


async def last_operation(client: Client, kind: str, name: str, host: str) -> Operation:
    """The newest operation of an instance, on this host where one is named; `name` may be an operation's id as well."""
    instances = client.database if kind == "database" else client.middleware
    try:
        ran = (await instances.operations(name, limit=100)).items
    except NotFound as error:
        try:
            return await client.operations.get(name)
        except NotFound:
            raise error from None
    found = next((operation for operation in ran if host in ("", operation.host)), None)
    if found is None:
        members = [member for member in (await instances.get(name)).members if host in ("", member.host)]
        why = next((f": {line}" for member in members if (line := waits(member))), "")
        raise ClientError(f"nothing was done to {name}{f' on {host}' if host else ''} yet{why}")
    return found


async def print_log(client: Client, operation: Operation, *, follow: bool) -> None:
    """Prints it whole, or until it has ended. Raises ClientError where its host does not answer."""
    if not operation.may_have_printed:
        return show.note(f"{operation.action} on {operation.host} ended before a script ran: {operation.message}")
    offset = 0
    while True:
        piece = await _piece(client, operation, offset, follow=follow)
        show.output(piece.data)
        at_end, offset = piece.next == offset, piece.next
        if piece.ended or (at_end and not follow):
            break
        if at_end:
            await asyncio.sleep(_FOLLOW_EVERY)
    if not offset:
        show.note(f"{operation.action} on {operation.host} has printed nothing")
    return None


async def _piece(client: Client, operation: Operation, offset: int, *, follow: bool) -> LogPiece:
    """The next piece; whoever follows waits for an operation whose agent does not have it yet."""
    while True:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await client.operations.log(operation.id, offset, attempts=1)
        except TimeoutError:
            message = f"{operation.host} keeps the output, and has not answered in {_PATIENCE:g} s"
            raise HostSilent(message, f"see how it is: paasctl host show {operation.host}") from None
        except (NotFound, Unavailable):
            if not follow or (await client.operations.get(operation.id)).ended:
                raise
        await asyncio.sleep(_FOLLOW_EVERY)
