"""How a command asks the controller, and what a person is told when that fails."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import typer

from paas_client import show
from paas_client.client import Client, Instances, connect
from paas_client.errors import ClientError, NotFound, Refused, Unauthorized, Unavailable, Unreachable
from paas_client.models import Kind
from paas_client.settings import BadSetting, load

REFUSED, USAGE, NOT_FOUND, UNREACHABLE, UNAUTHORIZED, INTERRUPTED = 1, 2, 3, 4, 5, 130

T = TypeVar("T")
Hints = Mapping[type[ClientError], str]


class WaitFailed(ClientError):
    """What was waited for did not come; the message says why, `hint` what to try next."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Asker:
    """What the options before the command say. `kind` is set below `database` and `middleware`."""

    config: Path | None = None
    kind: Kind = "database"

    @property
    def command(self) -> str:
        return f"paasctl {self.kind}"

    @property
    def hints(self) -> dict[type[ClientError], str]:
        return {NotFound: f"see which there are: {self.command} list"}

    def ask(self, question: Callable[[Client], Awaitable[T]], hints: Hints | None = None) -> T:
        """Asks, or ends the program with its exit code and a sentence.

        `hints` say which command to try next, by the error they are for.
        """
        try:
            settings = load(self.config, os.environ)
        except BadSetting as error:
            show.failure(str(error))
            raise typer.Exit(USAGE) from None
        if settings.warning:
            show.note(settings.warning)

        async def asking() -> T:
            async with connect(settings.url, settings.token) as client:
                return await question(client)

        try:
            return asyncio.run(asking())
        except ClientError as error:
            _tell(error, hints or {}, has_token=bool(settings.token))
            raise typer.Exit(_exit_code(error)) from None
        except KeyboardInterrupt:
            show.note("interrupted; what was asked of the controller goes on there")
            raise typer.Exit(INTERRUPTED) from None

    def ask_for(self, question: Callable[[Instances], Awaitable[T]], hints: Hints | None = None) -> T:
        """Asks about instances of the chosen kind."""
        return self.ask(lambda client: question(client.instances(self.kind)), hints or self.hints)


def asker(context: typer.Context) -> Asker:
    assert isinstance(context.obj, Asker)
    return context.obj


def _exit_code(error: ClientError) -> int:
    if isinstance(error, NotFound):
        return NOT_FOUND
    if isinstance(error, Unreachable):
        return UNREACHABLE
    return UNAUTHORIZED if isinstance(error, Unauthorized) else REFUSED


def _tell(error: ClientError, hints: Hints, *, has_token: bool) -> None:
    refused = error if isinstance(error, Refused) else None
    details = [detail for detail in refused.details if detail != error.message] if refused else []
    if refused and refused.status >= 500 and refused.request_id:
        details.append(f"the controller's log has it under request {refused.request_id}")
    hint = next((hint for kind, hint in hints.items() if isinstance(error, kind)), "")
    show.failure(error.message, details, hint or _usual_hint(error, has_token=has_token))


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
