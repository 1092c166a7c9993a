"""Specs from a file or stdin, as JSON or YAML. What is wrong with one is said with line and column."""

import json
import re
import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from paas_client import show
from paas_client.commands.asking import USAGE

FileOption = Annotated[str, typer.Option("--file", "-f", help="JSON or YAML file with the spec; - reads stdin.")]


class BadDocument(Exception):
    """A sentence that says what is wrong, and where."""


class _Loader(yaml.SafeLoader):
    """YAML of which JSON can say all: a key is the text that is written there, and so is any value that JSON has not.

    YAML 1.1 has dates, counts to sixty, and takes `on`, `NO` and `012` for something else.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        self.flatten_mapping(node)
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                key.tag = _YAML + "str"
        return super().construct_mapping(node, deep)


_YAML = "tag:yaml.org,2002:"
_PLAIN = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "int": (r"-?(0|[1-9][0-9]*)", "-0123456789"),
    "float": (r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+][0-9]+)?", "-0123456789"),
    "merge": (r"<<", "<"),
}
"""What is no text though it has no quotes, and how it begins. Each is less than YAML 1.1 has: its writers quote all."""

_Loader.yaml_implicit_resolvers = {}
for _tag, (_pattern, _first) in _PLAIN.items():
    _Loader.add_implicit_resolver(_YAML + _tag, re.compile(f"({_pattern})$"), _first)


def given(path: str) -> dict[str, Any]:
    """The document in the file, or the end of the program with a sentence."""
    try:
        return read(path)
    except BadDocument as error:
        show.failure(str(error), hint="correct it and try again")
        raise typer.Exit(USAGE) from None


def read(path: str) -> dict[str, Any]:
    """The document in the file; `-` is stdin. Raises BadDocument."""
    name = "stdin" if path == "-" else path
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return parse(name, data.decode("utf-8-sig"))
    except OSError as error:
        raise BadDocument(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadDocument(f"{name} is not UTF-8 text: byte {error.start}") from None


def parse(name: str, text: str) -> dict[str, Any]:
    """JSON where it begins with a bracket, as JSON does, unless its name says that it is YAML. Raises BadDocument."""
    is_json = text.lstrip()[:1] in ("{", "[", "") and not name.endswith((".yaml", ".yml"))
    try:
        document = json.loads(text) if is_json else yaml.load(text, _Loader)  # noqa: S506
    except json.JSONDecodeError as error:
        raise BadDocument(_place(name, text, error)) from None
    except yaml.YAMLError as error:
        raise BadDocument(f"{name} is not YAML: {_yaml_place(error)}") from None
    except RecursionError:
        raise BadDocument(f"{name} is nested too deeply") from None
    if not isinstance(document, dict):
        raise BadDocument(f"{name} holds no object: a spec begins with {{ or with name:")
    return document


def _place(name: str, text: str, error: json.JSONDecodeError) -> str:
    before = text[: error.pos].rstrip()
    told, at = error.msg.lower(), error.pos
    if before.endswith(",") and text[error.pos : error.pos + 1] in ("}", "]"):
        told, at = "a comma before the closing bracket", len(before) - 1
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return f"{name} is not JSON: line {line}, column {column}: {told}"


def _yaml_place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return where + str(getattr(error, "problem", None) or "it cannot be read")
