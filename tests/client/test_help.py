"""Every command says in a plain sentence what it does."""

from collections.abc import Iterator

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from paas_client.commands.asking import EXIT_CODES
from paas_client.paasctl import app
from tests.client.conftest import Paasctl

Command = TyperCommand | TyperGroup


def commands(command: Command, path: str = "paasctl") -> Iterator[tuple[str, Command]]:
    yield path, command
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            assert isinstance(child, Command)
            yield from commands(child, f"{path} {name}")


ALL = dict(commands(get_command(app)))
PLAIN = ("log", "host token")
"""Commands whose output goes as it is into a pipe."""


@pytest.mark.parametrize("path", ALL)
def test_the_help_of_a_command_is_a_sentence(path: str) -> None:
    told = (ALL[path].help or "").strip()
    assert told[:1].isupper(), told
    assert told.endswith("."), told
    assert not {"HTTP", "PUT", "POST", "JSON body"} & set(told.split()), told


@pytest.mark.parametrize("path", ALL)
def test_each_option_says_what_it_does(path: str) -> None:
    for parameter in ALL[path].params:
        if parameter.name not in ("install_completion", "show_completion", "help"):
            told = getattr(parameter, "help", None)
            assert told, f"{path}: {parameter.name}"
            assert told.endswith((".", ". [default: ]")), f"{path}: {parameter.name}: {told}"


@pytest.mark.parametrize("word", ["running", "stopped", "restart", "log"])
async def test_a_component_is_named_where_there_may_be_several(paasctl: Paasctl, word: str) -> None:
    wide = paasctl.with_(COLUMNS="200")
    assert "APP/INSTANCE[/COMPONENT]" in (await wide("app", word, "--help")).out
    of_caas = (await wide("caas", word, "--help")).out
    assert "APP/INSTANCE" in of_caas
    assert "omponent" not in of_caas.partition("Arguments")[2].partition("Options")[0]
    assert "COMPONENT" not in of_caas


@pytest.mark.parametrize("path", [path for path, command in ALL.items() if isinstance(command, TyperCommand)])
def test_what_is_answered_can_be_had_for_programs(path: str) -> None:
    assert path.endswith(PLAIN) or any(parameter.name == "form" for parameter in ALL[path].params)


async def test_the_help_tells_the_exit_codes(paasctl: Paasctl) -> None:
    told = " ".join((await paasctl.with_(COLUMNS="200")("--help")).out.split())
    for code, meaning in EXIT_CODES.items():
        assert f"{code} {meaning}" in told
