"""The API's document as a judge of answers: each has a documented status, and a body that is what the document says."""

import json
import re
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

Document = dict[str, Any]


@dataclass(frozen=True)
class _Operation:
    path: re.Pattern[str]
    literal: int
    """How many letters of the path are no parameter: the most literal one is meant."""
    answers: dict[int, Document | None]
    """The schema of each, where it has a body of JSON."""


class Judge:
    """Knows the answers of every operation of a document."""

    def __init__(self, document: Document) -> None:
        self._operations: dict[str, list[_Operation]] = {}
        self._schemas = _closed(document)
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}
        """Made when they are needed: each holds all schemas of the document."""
        for path, methods in document["paths"].items():
            part = ".*" if path.endswith("{path}") else "[^/]+"
            pattern = re.compile(part.join(map(re.escape, re.split(r"\{\w+\}", path))))
            for method, operation in methods.items():
                answers = {
                    int(status): _schema(_resolved(response, document))
                    for status, response in operation["responses"].items()
                }
                literal = len(re.sub(r"\{\w+\}", "", path))
                known = _Operation(pattern, literal, answers)
                self._operations.setdefault(method.upper(), []).append(known)

    def look(self, method: str, path: str, status: int, body: object) -> None:
        """AssertionError where the document has the operation, and not this answer. That to a HEAD has no body."""
        meant = [each for each in self._operations.get(method, []) if each.path.fullmatch(path)]
        if not meant or status in (405, 500):  # those have tests of their own
            return
        answers = max(meant, key=lambda each: each.literal).answers
        assert status in answers, f"{method} {path} answers {status}, and the document does not say so"
        if method != "HEAD" and (schema := answers[status]) is not None and not _too_early(status, body):
            errors = self._validator(schema).iter_errors(body)
            wrong = [f"{error.instance_path}: {error.message}" for error in errors]
            assert not wrong, f"{method} {path} answers {status} with a body that is not in the document: {wrong}"

    def _validator(self, schema: Document) -> jsonschema_rs.Draft202012Validator:
        key = json.dumps(schema)
        if key not in self._validators:
            whole = schema | {"components": {"schemas": self._schemas}}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return self._validators[key]


def _too_early(status: int, body: object) -> bool:
    """Whether the HTTP server refused the request before it reached the program."""
    return status == 400 and isinstance(body, bytes)


def _resolved(node: Document, document: Document) -> Document:
    if "$ref" not in node:
        return node
    for key in node["$ref"].removeprefix("#/").split("/"):
        document = document[key]
    return document


def _closed(document: Document) -> Document:
    """The schemas of a document; those of answers allow no key that is not documented."""
    schemas: Document = document["components"]["schemas"]
    return {name: {"additionalProperties": False} | schema if "properties" in schema else schema
            for name, schema in schemas.items()}  # fmt: skip


def _schema(response: Document) -> Document | None:
    found: Document | None = response.get("content", {}).get("application/json", {}).get("schema")
    return found
