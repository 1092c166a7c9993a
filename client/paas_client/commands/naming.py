"""Which name was meant: for whoever mistyped one, and for the shell that completes one."""

import asyncio
import difflib
import os
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import get_args

import typer

from paas_client.client import Client, connect
from paas_client.commands.asking import Asker, Hints
from paas_client.errors import ClientError, NotFound
from paas_client.models import Kind
from paas_client.settings import BadSetting, load

_MOST = 2000
"""Names are looked through up to here: a fleet has more than anybody wants to be shown."""
_PATIENCE = 3.0
"""Seconds after which a shell is given nothing, and not kept waiting."""


def instance_hints(asked: Asker) -> Hints:
    """Where there is no such instance: the one that was meant, and the command that lists them."""

    async def hint(client: Client, _: ClientError) -> str:
        listing = f"see which there are: {asked.command} list"
        with suppress(ClientError):
            here = await _names(client, asked.kind)
            if meant := near(asked.name, here):
                return f"did you mean {meant}? {listing}"
            other = next(kind for kind in get_args(Kind) if kind != asked.kind)
            if asked.name in await _names(client, other):
                return f"there is a {other} of this name: paasctl {other} show {asked.name}"
        return listing

    return {NotFound: hint}


def near_hints(wanted: str, known: Callable[[Client], Awaitable[Iterable[str]]], listing: str) -> Hints:
    """The same for what is not an instance; `listing` is the command that lists them."""

    async def hint(client: Client, _: ClientError) -> str:
        with suppress(ClientError):
            if meant := near(wanted, await known(client)):
                return f"did you mean {meant}? see which there are: {listing}"
        return f"see which there are: {listing}"

    return {NotFound: hint}


def instance_names(context: typer.Context, incomplete: str) -> list[str]:
    """For the shell, below `database` and `middleware`."""
    group = context.parent.info_name if context.parent else ""
    kind: Kind = "middleware" if group in ("middleware", "mw") else "database"
    return completed(context, incomplete, lambda client: _names(client, kind))


def all_instance_names(context: typer.Context, incomplete: str) -> list[str]:
    """For the shell, as kind/name."""

    async def names(client: Client) -> list[str]:
        return [f"{kind}/{name}" for kind in get_args(Kind) for name in await _names(client, kind)]

    return completed(context, incomplete, names)


def host_names(context: typer.Context, incomplete: str) -> list[str]:
    return completed(context, incomplete, known_hosts)


def holder_names(context: typer.Context, incomplete: str) -> list[str]:
    return completed(context, incomplete, known_holders)


def pool_names(context: typer.Context, incomplete: str) -> list[str]:
    return completed(context, incomplete, known_pools)


async def known_pools(client: Client) -> list[str]:
    return [pool.name for pool in await client.ports.all()]


def tenant_names(context: typer.Context, incomplete: str) -> list[str]:
    return completed(context, incomplete, known_tenants)


async def known_hosts(client: Client) -> list[str]:
    return [host.id for host in await client.hosts.all()]


async def known_holders(client: Client) -> list[str]:
    return [holder.name for holder in await client.tokens.all()]


async def known_tenants(client: Client) -> list[str]:
    return [tenant.name for tenant in await client.tenants.all()]


def words(*known: str) -> Callable[[str], list[str]]:
    """For the shell: these words."""
    return lambda incomplete: [word for word in known if word.startswith(incomplete)]


def near(wanted: str, known: Iterable[str]) -> str:
    """The one that was meant; empty where none is like it."""
    return next(iter(difflib.get_close_matches(wanted, known, n=1)), "")


async def _names(client: Client, kind: Kind) -> list[str]:
    names: list[str] = []
    async for item in client.instances(kind).all():
        names.append(item.name)
        if len(names) == _MOST:
            break
    return names


def completed(
    context: typer.Context, incomplete: str, known: Callable[[Client], Awaitable[Iterable[str]]]
) -> list[str]:
    """For the shell: what is known and begins so; nothing where the controller cannot be asked at once."""

    async def asking() -> list[str]:
        async with asyncio.timeout(_PATIENCE), connect(settings.url, settings.token) as client:
            return [name for name in await known(client) if name.startswith(incomplete)]

    with suppress(BadSetting, ClientError, TimeoutError):
        given = context.find_root().params.get("config")
        settings = load(Path(given) if given else None, os.environ)
        return asyncio.run(asking())
    return []
