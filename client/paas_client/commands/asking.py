"""How a command asks the controller, and with which code it ends when that fails."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import typer

from paas_client import show
from paas_client.app_models import AppKind
from paas_client.apps import Apps
from paas_client.client import Client, connect
from paas_client.commands.spoken import spoken
from paas_client.errors import ClientError, Conflict, NotFound, Refused, Unauthorized, Unavailable, Unreachable
from paas_client.instances import Instances
from paas_client.models import Kind
from paas_client.settings import BadSetting, Settings, load

USAGE = 2
INTERRUPTED = 130
EXIT_CODES = {
    0: "done", 1: "refused or failed", USAGE: "wrong usage", 3: "not found",
    4: "the controller or the host cannot be reached now", 5: "not authorised", 6: "it stands against what is there",
    7: "--wait: the time is up", INTERRUPTED: "interrupted",
}  # fmt: skip

T = TypeVar("T")
Hint = str | Callable[[Client, ClientError], Awaitable[str]]
Hints = Mapping[type[ClientError], Hint]
"""What to try next, by the error it is for; the controller may be asked for it. It may be empty."""


class WaitFailed(ClientError):
    """What was waited for did not come; the message says why, `hint` what to try next."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class TimeIsUp(WaitFailed):
    """It may still come."""


class HostSilent(WaitFailed):
    """A host did not answer in time."""


@dataclass(frozen=True)
class Asker:
    """What is asked about: the options before the command, the kind below `database` and `middleware` or below `app`
    and `caas`, the name.
    """

    config: Path | None = None
    kind: Kind = "database"
    name: str = "NAME"
    app_kind: AppKind = "apps"

    @property
    def command(self) -> str:
        return f"paasctl {self.kind}"

    @property
    def app_command(self) -> str:
        return "paasctl caas" if self.app_kind == "caas_apps" else "paasctl app"

    def about(self, name: str) -> "Asker":
        return replace(self, name=name)

    def _settings(self) -> Settings:
        """The settings, or the end of the program with a sentence."""
        try:
            settings = load(self.config, os.environ)
        except BadSetting as error:
            show.failure(str(error))
            raise typer.Exit(USAGE) from None
        if settings.warning:
            show.note(settings.warning)
        return settings

    def ask(self, question: Callable[[Client], Awaitable[T]], hints: Hints | None = None, *, goes_on: bool = True) -> T:
        """Asks, or ends the program with its exit code, a sentence, and what to try next.

        `goes_on`: what was asked for is done by the controller, also where nobody waits for it.
        """
        settings = self._settings()
        try:
            return asyncio.run(self._asking(settings, question, hints or {}))
        except KeyboardInterrupt:
            if goes_on:
                show.note("interrupted; what was asked of the controller goes on there")
            raise typer.Exit(INTERRUPTED) from None

    async def _asking(self, settings: Settings, question: Callable[[Client], Awaitable[T]], hints: Hints) -> T:
        async with connect(settings.url, settings.token, settings.ca_file) as client:
            try:
                return await question(client)
            except ClientError as error:
                hint = await _hint(error, client, hints)
                show.failure(spoken(error.message), map(spoken, _details(error)), hint)
                raise typer.Exit(_exit_code(error)) from None

    def ask_for(self, question: Callable[[Instances], Awaitable[T]], hints: Hints | None = None) -> T:
        """Asks about instances of the chosen kind."""
        return self.ask(lambda client: question(client.instances(self.kind)), hints)

    def ask_apps(self, question: Callable[[Apps], Awaitable[T]], hints: Hints | None = None) -> T:
        """Asks about apps of the chosen kind."""
        return self.ask(lambda client: question(client.all_apps(self.app_kind)), hints)


def asker(context: typer.Context) -> Asker:
    assert isinstance(context.obj, Asker)
    return context.obj


def _exit_code(error: ClientError) -> int:
    match error:
        case NotFound():
            return 3
        case Unreachable() | Unavailable() | HostSilent():
            return 4
        case Unauthorized():
            return 5
        case Conflict():
            return 6
        case TimeIsUp():
            return 7
    return 1


def _details(error: ClientError) -> list[str]:
    if not isinstance(error, Refused):
        return []
    details = [detail for detail in error.details if detail != error.message]
    if error.status == 500 and error.request_id:
        details.append(f"the controller's log has it under request {error.request_id}")
    return details


async def _hint(error: ClientError, client: Client, hints: Hints) -> str:
    foreign = isinstance(error, Refused) and (error.status == 401 or not error.code)
    if foreign and await client.transport.is_agent():
        return "an agent answers there; the controller listens on another port, mostly 3334: set PAAS_URL"
    hint = next((hint for kind, hint in hints.items() if isinstance(error, kind)), "")
    if callable(hint):
        hint = await hint(client, error)
    return hint or _usual_hint(error, has_token=bool(client.transport.token))


def _usual_hint(error: ClientError, *, has_token: bool) -> str:
    match error:
        case WaitFailed():
            return error.hint
        case Unreachable():
            return "is it running (systemctl status paas-controller), and is PAAS_URL its address?"
        case Unauthorized(status=403):
            return "use the token of somebody who may: set PAAS_TOKEN"
        case Unauthorized():
            told = "PAAS_TOKEN is wrong or no longer good" if has_token else "set PAAS_TOKEN"
            return f"{told}; the administrator's token is in the file admin.token in the controller's data folder"
        case Unavailable():
            return "try again in a moment"
    return ""
