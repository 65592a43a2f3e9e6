# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks a JSON value along a schema of a discovery document.

Two uses: checking (requests, and the emulator's own answers) and rendering an answer as Google's servers do
(default values dropped, 64-bit integers as strings).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ERROR = "error"
WARNING = "warning"

_INTEGER = re.compile(r"-?\d+\Z")
_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")
_BOUNDS = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}


@dataclass(frozen=True)
class Finding:
    """One disagreement between a message and the contract."""

    level: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def camel(name: str) -> str:
    """Return the lowerCamelCase spelling of a snake_case field name; any other name comes back as it is."""
    if not _SNAKE.fullmatch(name):
        return name
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


class Schemas:
    """The schemas of one discovery document."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        self._schemas = schemas

    def resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Follow a reference to a named schema."""
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"]]
        return schema

    def named(self, name: str) -> dict[str, Any]:
        """Return the schema called name."""
        return self._schemas[name]

    def properties(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the declared properties of a schema."""
        return self.resolve(schema).get("properties", {})

    def check(self, schema: dict[str, Any], value: Any, path: str = "", *, request: bool = True) -> Iterator[Finding]:
        """Yield every disagreement between value and schema.

        request=True applies the leniencies that Google's servers show to clients: null means absent, enumerations
        by number or empty, snake_case names (a warning), output-only fields (a warning).
        """
        schema = self.resolve(schema)
        if value is None:
            if not request:
                yield Finding(ERROR, path, "null is never sent by Google")
            return
        kind = schema.get("type", "object")
        if kind == "any":
            return
        if kind == "object":
            yield from self._check_object(schema, value, path, request)
        elif kind == "array":
            if not isinstance(value, list):
                yield Finding(ERROR, path, f"expected a list, got {_kind(value)}")
                return
            for index, item in enumerate(value):
                yield from self.check(schema["items"], item, f"{path}[{index}]", request=request)
        else:
            yield from check_scalar(schema, value, path, request=request)

    def _check_object(self, schema: dict[str, Any], value: Any, path: str, request: bool) -> Iterator[Finding]:
        if not isinstance(value, dict):
            yield Finding(ERROR, path, f"expected an object, got {_kind(value)}")
            return
        properties = schema.get("properties", {})
        extra = schema.get("additionalProperties")
        for key, item in value.items():
            where = f"{path}.{key}" if path else key
            if key in properties:
                declared = properties[key]
                if request and declared.get("readOnly") and item is not None:
                    yield Finding(WARNING, where, "is output only and ignored")
                yield from self.check(declared, item, where, request=request)
            elif request and "_" in key and camel(key) in properties:
                yield Finding(WARNING, where, f"is written {camel(key)} in JSON")
                yield from self.check(properties[camel(key)], item, where, request=request)
            elif extra is not None:
                yield from self.check(extra, item, where, request=request)
            else:
                owner = schema.get("id", "this object")
                yield Finding(ERROR, where, f'Unknown name "{key}": Cannot find field in {owner}.')

    def mask_path(self, schema: dict[str, Any], mask: str) -> bool:
        """Tell whether a field mask path exists below schema (camelCase or snake_case)."""
        node = self.resolve(schema)
        for part in mask.split("."):
            properties = node.get("properties", {})
            name = part if part in properties else camel(part)
            if name in properties:
                node = self.resolve(properties[name])
            elif "additionalProperties" in node:
                node = self.resolve(node["additionalProperties"])
            else:
                return part == "*"
        return True

    def normalise(self, schema: dict[str, Any], value: Any) -> Any:
        """Return a request value as the server understands it: nulls absent, JSON names, integers as numbers."""
        schema = self.resolve(schema)
        if isinstance(value, dict) and schema.get("type", "object") == "object":
            properties = schema.get("properties", {})
            result = {}
            for key, item in value.items():
                if item is None:
                    continue
                name = key if key in properties or camel(key) not in properties else camel(key)
                inner = properties.get(name) or schema.get("additionalProperties") or {"type": "any"}
                result[name] = self.normalise(inner, item)
            return result
        if isinstance(value, list) and schema.get("type") == "array":
            return [self.normalise(schema["items"], item) for item in value if item is not None]
        if schema.get("type") == "string" and schema.get("format") in ("int64", "uint64"):
            return str(value)
        if schema.get("type") == "integer" and isinstance(value, str):
            return int(value)
        if schema.get("enum") and isinstance(value, int) and value < len(schema["enum"]):
            return schema["enum"][value]
        return value

    def render(self, schema: dict[str, Any], value: Any, *, drop_defaults: bool) -> Any:
        """Return value as Google's servers write it.

        64-bit integers become strings; with drop_defaults, false, 0, "", [], {} (maps) and the zero value of an
        enumeration are left out, as proto3 JSON does. Empty messages stay: they say that the message was set.
        """
        schema = self.resolve(schema)
        kind = schema.get("type", "object")
        if kind == "object" and isinstance(value, dict):
            properties = schema.get("properties", {})
            extra = schema.get("additionalProperties")
            result = {}
            for key, item in value.items():
                if item is None:
                    continue
                inner = properties.get(key)
                if inner is None:
                    result[key] = self.render(extra, item, drop_defaults=drop_defaults) if extra else item
                    continue
                rendered = self.render(inner, item, drop_defaults=drop_defaults)
                if drop_defaults and self._is_default(self.resolve(inner), rendered):
                    continue
                result[key] = rendered
            return result
        if kind == "array" and isinstance(value, list):
            return [self.render(schema["items"], item, drop_defaults=drop_defaults) for item in value]
        if kind == "string" and schema.get("format") in ("int64", "uint64") and isinstance(value, int):
            return str(value)
        return value

    @staticmethod
    def _is_default(schema: dict[str, Any], value: Any) -> bool:
        kind = schema.get("type", "object")
        if kind == "boolean":
            return value is False
        if kind in ("integer", "number"):
            return value == 0
        if kind == "string":
            if schema.get("format") in ("int64", "uint64"):
                return value in ("0", "")
            enum = schema.get("enum")
            return value == "" or bool(enum) and value == enum[0] and value.endswith("UNSPECIFIED")
        if kind == "array":
            return value == []
        return kind == "object" and "additionalProperties" in schema and value == {}


def _kind(value: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)


def check_scalar(schema: dict[str, Any], value: Any, path: str, *, request: bool) -> Iterator[Finding]:
    """Yield disagreements of a string, number or boolean with its schema."""
    kind, form = schema.get("type"), schema.get("format")
    if isinstance(value, (dict, list)):
        yield Finding(ERROR, path, f"expected {kind}, got {_kind(value)}")
    elif kind == "boolean":
        if not isinstance(value, bool):
            yield Finding(ERROR, path, f"Invalid value, expected a boolean, got {_kind(value)}")
    elif kind in ("integer", "number"):
        text = str(value)
        if isinstance(value, bool) or isinstance(value, str) and not (request and _INTEGER.match(text)):
            yield Finding(ERROR, path, f"Invalid value, expected a number, got {_kind(value)}")
        elif kind == "integer":
            if not _INTEGER.match(text):
                yield Finding(ERROR, path, f"Invalid value {text}, expected a whole number")
            else:
                yield from _bounds(form, int(text), path)
    elif schema.get("enum"):
        known = value in schema["enum"] or request and (value == "" or isinstance(value, int))
        if not known or isinstance(value, bool):
            yield Finding(ERROR, path, f"Invalid value {value!r}, expected one of {', '.join(schema['enum'])}")
    elif form in ("int64", "uint64"):
        if isinstance(value, bool) or not (isinstance(value, str) or request) or not _INTEGER.match(str(value)):
            yield Finding(ERROR, path, f"Invalid value {value!r}, expected a {form} number written as a string")
        else:
            yield from _bounds(form, int(value), path)
    elif not isinstance(value, str):
        yield Finding(ERROR, path, f"Invalid value, expected a string, got {_kind(value)}")
    elif form == "byte" and value:
        try:
            base64.b64decode(value.replace("-", "+").replace("_", "/") + "=" * (-len(value) % 4), validate=True)
        except (binascii.Error, ValueError):
            yield Finding(ERROR, path, "Base64 decoding failed")
    elif form == "google-datetime" and value and not _TIMESTAMP.match(value):
        yield Finding(ERROR, path, f"Invalid value {value!r}, expected an RFC 3339 timestamp")


def _bounds(form: str | None, number: int, path: str) -> Iterator[Finding]:
    low, high = _BOUNDS.get(form or "", (number, number))
    if not low <= number <= high:
        yield Finding(ERROR, path, f"Value {number} is outside of {form}")
