"""The create body, from a file or stdin. What is wrong with it is said with line and column."""

import json
import sys
from pathlib import Path
from typing import Any


class BadDocument(Exception):
    """A sentence that says what is wrong, and where."""


def read(path: str) -> dict[str, Any]:
    """The JSON object in the file; `-` is stdin. Raises BadDocument."""
    name = "stdin" if path == "-" else path
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return parse(name, data.decode("utf-8-sig"))
    except OSError as error:
        raise BadDocument(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadDocument(f"{name} is not UTF-8 text: byte {error.start}") from None


def parse(name: str, text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadDocument(_place(name, text, error)) from None
    except RecursionError:
        raise BadDocument(f"{name} is nested too deeply") from None
    if not isinstance(document, dict):
        raise BadDocument(f"{name} holds no object: the body begins with {{")
    return document


def _place(name: str, text: str, error: json.JSONDecodeError) -> str:
    before = text[: error.pos].rstrip()
    told, at = error.msg.lower(), error.pos
    if before.endswith(",") and text[error.pos : error.pos + 1] in ("}", "]"):
        told, at = "a comma before the closing bracket", len(before) - 1
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return f"{name} is not JSON: line {line}, column {column}: {told}"
