"""docs/operations.md names what the programs have: every setting, every error."""

import re
from pathlib import Path

import pytest

from paas_agent.settings import Settings as AgentSettings
from paas_controller.base.errors import PaasError
from paas_controller.base.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


def _errors(kind: type[PaasError]) -> list[type[PaasError]]:
    """The error and all those below it in the tree of all rooms."""
    children = [child for child in kind.__subclasses__() if child.__module__ == PaasError.__module__]
    return [kind, *(found for child in children for found in _errors(child))]


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_of_the_controller_is_explained(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", sorted(AgentSettings.__dataclass_fields__.keys() - {"command"}))
def test_every_setting_of_the_agent_is_named(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("error", _errors(PaasError), ids=lambda error: error.__name__)
def test_every_error_stands_in_the_table_with_its_status(error: type[PaasError]) -> None:
    assert re.search(rf"^\| {error.status} \| `{error.code}` \|", PAGE, re.MULTILINE)
