"""Bodies made of the document's schemas: a sound one, and each field of it wrong in turn."""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Document = dict[str, Any]
_OTHER = {
    "string": [7, 1.5, True, [], {}],
    "integer": ["x", "7", 1.5, True, [], {}],
    "number": ["x", "7", True, [], {}],
    "boolean": ["x", 7, [], {}],
    "array": ["x", 7, True, {}],
    "object": ["x", 7, True, []],
}
"""By type, values of other types."""
_STRANGE = ["", "/", ".", "-", " ", "a b", "a\nb", "\x00", "x" * 3000, "http://", "ftp://host/", "7", "ü"]
"""Some violate any pattern."""


@dataclass(frozen=True)
class Wrong:
    """A body that is wrong at one place."""

    place: str
    value: object
    body: Document


class Bodies:
    """What the document says of bodies."""

    def __init__(self, document: Document) -> None:
        self._schemas = document["components"]["schemas"]

    def sound(self, schema: Document) -> Any:
        """A value that the schema takes: its example, or the least."""
        schema = self._resolved(schema)
        if "examples" in schema:
            return copy.deepcopy(schema["examples"][0])
        if "enum" in schema:
            return schema["enum"][0]
        if schema.get("type") == "object":
            known = schema.get("properties", {})
            told = [name for name in known if name in schema.get("required", []) or "examples" in known[name]]
            return {name: self.sound(known[name]) for name in told}
        if schema.get("type") == "array":
            return [self.sound(schema["items"])] * schema.get("minItems", 0)
        least = {"string": "x" * schema.get("minLength", 0), "boolean": False}
        return least.get(schema.get("type", ""), schema.get("minimum", 0))

    def wrong(self, schema: Document, sound: Document) -> Iterator[Wrong]:
        """Every way in which a sound body can be wrong at one place."""
        for keys, inner in self._places((), schema):
            name = ".".join(map(str, keys))
            for value in self._wrong_values(inner):
                yield Wrong(name, value, self._with(schema, sound, keys, value))
            for key in inner.get("required", []):
                body = self._with(schema, sound, keys, self.sound(inner) if keys else sound)
                del _at(body, keys)[key]
                yield Wrong(".".join(map(str, (*keys, key))), "missing", body)

    def _places(
        self, keys: tuple[str | int, ...], schema: Document
    ) -> Iterator[tuple[tuple[str | int, ...], Document]]:
        schema = self._resolved(schema)
        yield keys, schema
        if schema.get("type") == "array":
            yield from self._places((*keys, 0), schema["items"])
        for name, inner in schema.get("properties", {}).items():
            yield from self._places((*keys, name), inner)

    def _with(self, schema: Document, sound: Document, keys: tuple[str | int, ...], value: object) -> Any:
        """A sound body with this value at this place; what leads there is made."""
        if not keys:
            return copy.deepcopy(value)
        body = here = copy.deepcopy(sound)
        inner = self._resolved(schema)
        for key, following in pairwise(keys):
            inner = self._resolved(inner["items"] if isinstance(key, int) else inner["properties"][key])
            if isinstance(following, int):
                here[key] = here.get(key) or [self.sound(inner["items"])] if isinstance(key, str) else here[key]
            elif isinstance(key, str):
                here[key] = here.get(key) or self.sound(inner)
            here = here[key]
        here[keys[-1]] = value
        return body

    def _wrong_values(self, schema: Document) -> Iterator[object]:
        if not _takes_null(schema):
            yield None
        yield from _OTHER.get(schema.get("type", ""), [])
        if "enum" in schema:
            yield "nonsense"
        if "pattern" in schema:
            yield from (text for text in _STRANGE if not re.search(schema["pattern"], text))
        if "maxLength" in schema:
            yield "x" * (schema["maxLength"] + 1)
        if schema.get("minLength"):
            yield ""
        if "minimum" in schema:
            yield schema["minimum"] - 1
        if "maximum" in schema:
            yield schema["maximum"] + 1
        if "maxItems" in schema:
            yield [self.sound(schema["items"])] * (schema["maxItems"] + 1)
        if schema.get("minItems"):
            yield []
        if "maxProperties" in schema:
            yield {f"A{number}": "" for number in range(schema["maxProperties"] + 1)}
        if schema.get("additionalProperties") is False:
            yield self.sound(schema) | {"nonsense of mine": 1}

    def _resolved(self, schema: Document) -> Document:
        """The schema that is meant where it is not null."""
        choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
        if len(choices) == 1:
            outer = {key: value for key, value in schema.items() if key != "anyOf"}
            return self._resolved(choices[0]) | outer | {"null": True}
        if "$ref" in schema:
            return self._resolved(self._schemas[schema["$ref"].rpartition("/")[2]])
        return schema


def _takes_null(schema: Document) -> bool:
    return "null" in schema or not {"type", "enum"} & schema.keys()


def _at(body: Any, keys: tuple[str | int, ...]) -> Any:
    for key in keys:
        body = body[key]
    return body
