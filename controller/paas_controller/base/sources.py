"""Where settings come from: command line before PAAS_CONTROLLER_… before the TOML file before the defaults.

What is wrong with one is said under the name that it was given by.
"""

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from paas_controller.base.clusters import ClusterSettings
from paas_controller.base.errors import Invalid
from paas_controller.base.settings import Settings

PREFIX = "PAAS_CONTROLLER_"
_OF_KUBERNETES = re.compile(r"SERVICE_(HOST|PORT.*)|PORT(_\d+_.*)?")
"""What every container is given beside a service that is called paas-controller."""
_PLAIN = {
    "bool_parsing": "has to be true or false",
    "bool_type": "has to be true or false",
    "float_parsing": "has to be a number",
    "float_type": "has to be a number",
    "greater_than": "has to be more than {gt:g}",
    "greater_than_equal": "has to be {ge:g} or more",
    "less_than_equal": "has to be {le:g} or less",
    "missing": "is missing",
    "tuple_type": "has to be a list: [[clusters]] in the file",
    "literal_error": "has to be {expected}",
    "path_type": "has to be the path of a file or folder, in quotes",
    "string_type": "has to be a text in quotes",
}


def load(config: Path | None, arguments: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings from all three sources. Invalid has a sentence for each that is wrong, and for a file that is."""
    from_file = _read(config) if config else {}
    variables = {name: PREFIX + name.upper() for name in Settings.model_fields}
    from_environment = {name: environment[of] for name, of in variables.items() if of in environment}
    named = {name: f"{name} in {config}" for name in from_file}
    named |= {name: variables[name] for name in from_environment}
    named |= {name: f"--{name.replace('_', '-')}" for name in arguments}
    try:
        return Settings.model_validate({**from_file, **from_environment, **arguments})
    except ValidationError as error:
        told = [_sentence(fault, named) for fault in error.errors(include_url=False)]
        raise Invalid("\n".join(told), told) from None


def strangers(environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """A sentence for each variable that looks like a setting and is none."""
    for variable in sorted(environment):
        name = variable.removeprefix(PREFIX)
        known = name.lower() in Settings.model_fields and name == name.upper()
        if variable.startswith(PREFIX) and not known and not _OF_KUBERNETES.fullmatch(name):
            yield f"{variable} is no setting, and nothing was made of it; there are {_all(PREFIX, str.upper)}"


def _all(prefix: str = "", spelled: Callable[[str], str] = str) -> str:
    return ", ".join(prefix + spelled(name) for name in Settings.model_fields)


def _sentence(fault: ErrorDetails, named: Mapping[str, str]) -> str:
    where = named.get(str(fault["loc"][0]), "") if fault["loc"] else ""
    within = ".".join(str(part) for part in fault["loc"][1:])
    where += f": {within}" if within else ""
    if fault["type"] == "extra_forbidden" and within:
        return f"{where} is no setting of a cluster; there are {', '.join(ClusterSettings.model_fields)}"
    if fault["type"] == "extra_forbidden":
        return f"{where} is no setting; there are {_all()}"
    if plain := _PLAIN.get(fault["type"]):
        return f"{where} {plain.format(**fault.get('ctx', {}))}"
    told = fault["msg"].removeprefix("Value error, ")
    return f"{where}: {told}" if where else told


def _read(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text())
    except OSError as error:
        raise Invalid(f"{config} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{config} is not TOML: {error}") from None
