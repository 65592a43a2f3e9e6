# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether API Gateway takes an OpenAPI document, and does what it says: rules with line numbers, no network.

Sources: API Gateway documentation, "OpenAPI overview" (versions), "OpenAPI feature limitations", "OpenAPI 2.0
extensions", "OpenAPI 3.x extensions", "Authentication between services". A fault is what Google refuses, or what it
accepts and does not enforce although the document reads as if it did.

Private to the collection.
"""

from __future__ import annotations

import re
import typing as t

from . import extensions, security
from .findings import Finding, Findings, mapping
from .source import Place, Source

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_BESIDE_METHODS = ("parameters", "$ref", "summary", "description", "servers")
_NAME = re.compile(r"\{([^{}]*)\}")


def faults(source: Source) -> list[Finding]:
    """All faults, by line."""
    return sorted(_checked(source).faults, key=lambda one: one.line)


def advice(source: Source) -> list[Finding]:
    """What works and should be otherwise, by line."""
    return sorted(_checked(source).advice, key=lambda one: one.line)


def _checked(source: Source) -> Findings:
    found = Findings(source)
    if _version(found):
        _head(found)
        _references(found)
        _paths(found)
        security.check(found, list(operations(source.value)))
        extensions.check(found, list(operations(source.value)))
    return found


def operations(document: dict[str, t.Any]) -> t.Iterator[tuple[Place, dict[str, t.Any]]]:
    """Every operation and its place: ("paths", path, method)."""
    for path, item in mapping(document.get("paths")).items():
        for method, operation in mapping(item).items():
            if method in METHODS:
                yield ("paths", path, method), mapping(operation)


def is_version_3(document: dict[str, t.Any]) -> bool:
    """Whether it is OpenAPI 3.x, whose Google extensions differ from those of 2.0."""
    return "openapi" in document


def _version(found: Findings) -> bool:
    """Note a version that API Gateway does not take; returns whether there is one at all."""
    document = found.document
    if "swagger" not in document and "openapi" not in document:
        found.add((), "it does not say which version of OpenAPI it is", 'Begin it with swagger: "2.0"')
        return False
    if "swagger" in document and str(document["swagger"]) != "2.0":
        found.add(("swagger",), f"version {document['swagger']} does not exist", 'Write swagger: "2.0"')
    elif "openapi" in document and not re.fullmatch(r"3\.[01]\.\d+", str(document["openapi"])):
        found.add(
            ("openapi",),
            f"API Gateway does not take version {document['openapi']}",
            "Use 2.0 (swagger), 3.0.x or 3.1.x",
        )
    return True


def _head(found: Findings) -> None:
    document = found.document
    info = mapping(document.get("info"))
    for name in ("title", "version"):
        if not isinstance(info.get(name), str) or not info[name]:
            found.add(("info", name), f"info.{name} is missing or no text", f"State info.{name}, in quotes")
    host = document.get("host")
    if isinstance(host, str) and ":" in host:
        found.add(("host",), f"host {host} has a port", "Take the port out; a gateway answers on 443 only")
    base = document.get("basePath")
    if base is not None and not str(base).startswith("/"):
        found.add(("basePath",), f"basePath {base} does not begin with a slash", f"Write /{base}")
    if not mapping(document.get("paths")):
        found.add(("paths",), "no path is declared", "Declare at least one: a gateway answers 404 to all others")


def _references(found: Findings) -> None:
    """References must stay inside the document and lead somewhere."""
    for place, target in _all_references(found.document, ()):
        if not isinstance(target, str) or not target.startswith("#/"):
            found.add(place, f"$ref {target} leads outside of the document", "Put what it names into this document")
            continue
        value: t.Any = found.document
        for part in target[2:].split("/"):
            value = mapping(value).get(part.replace("~1", "/").replace("~0", "~"))
        if value is None:
            found.add(place, f"$ref {target} leads nowhere", "Correct the name, or define what it names")


def _all_references(value: t.Any, place: Place) -> t.Iterator[tuple[Place, t.Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            # A property of a schema may be called $ref; then it is a mapping.
            if key == "$ref" and not isinstance(inner, dict):
                yield (*place, key), inner
            yield from _all_references(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _all_references(inner, (*place, index))


def _paths(found: Findings) -> None:
    shapes: dict[str, str] = {}
    identifiers: dict[str, Place] = {}
    for path, item in mapping(found.document.get("paths")).items():
        if path.startswith("x-"):
            continue
        place: Place = ("paths", path)
        _path(found, place, path)
        shape = _NAME.sub("{}", path)
        if shape in shapes:
            found.add(place, f"it matches the same requests as {shapes[shape]}", "Make one path of the two")
        shapes.setdefault(shape, path)
        for key in mapping(item):
            if key not in METHODS and key not in _BESIDE_METHODS and not key.startswith("x-"):
                found.add((*place, key), f"{key} is no method that API Gateway serves", f"Use {', '.join(METHODS)}")
    for place, operation in operations(found.document):
        _operation(found, place, operation, identifiers)
    lower: dict[str, str] = {}
    for path in shapes.values():
        other = lower.setdefault(path.lower(), path)
        if other != path:
            found.advise(("paths", path), f"it differs from {other} only in case", "Keep both apart in the backend too")


def _path(found: Findings, place: Place, path: str) -> None:
    if not path.startswith("/"):
        found.add(place, "the path does not begin with a slash", f"Write /{path}")
    for segment in path.split("/"):
        names = _NAME.findall(segment)
        if names and _NAME.sub("", segment, count=1):
            found.add(
                place,
                f"{segment} is a parameter for a part of a segment, which API Gateway does not take",
                f"Give the parameter a segment of its own, such as /{{{names[0] or 'name'}}}",
            )
        elif ("{" in segment or "}" in segment) and not names:
            found.add(place, f"{segment} has a brace without its partner", "Write a parameter as {name}")
        elif segment in (".", ".."):
            found.add(place, "the path has a dot segment, which no client sends", "Write the path that is meant")
    if "?" in path or "#" in path:
        found.add(place, "the path holds a query", "Declare query parameters in parameters")


def _operation(found: Findings, place: Place, operation: dict[str, t.Any], identifiers: dict[str, Place]) -> None:
    identifier = operation.get("operationId")
    if not isinstance(identifier, str) or not identifier:
        found.add(place, "it has no operationId, which API Gateway needs", "Give it one of its own")
    elif identifier in identifiers:
        found.add(
            (*place, "operationId"),
            f"operationId {identifier} is taken on line {found.source.line(identifiers[identifier])}",
            "Give each operation one of its own",
        )
    else:
        identifiers[identifier] = (*place, "operationId")
    if not mapping(operation.get("responses")):
        found.add(place, "it has no responses", "Declare at least one, such as 200 with a description")
    _path_parameters(found, place, operation)


def _path_parameters(found: Findings, place: Place, operation: dict[str, t.Any]) -> None:
    path = str(place[1])
    declared: dict[str, Place] = {}
    for around, owner in (
        (place[:2], mapping(mapping(found.document.get("paths")).get(path))),
        (place, operation),
    ):
        for index, stated in enumerate(owner.get("parameters") or []):
            parameter = _resolved(found.document, mapping(stated))
            if parameter.get("in") == "path":
                declared[str(parameter.get("name"))] = (*around, "parameters", index)
    names = _NAME.findall(path)
    for name in names:
        if name not in declared:
            found.add(place, f"the path's parameter {name} is not declared", "Add it to parameters, with in: path")
    for name, where in declared.items():
        if name not in names:
            found.add(
                where, f"the parameter {name} does not stand in the path", f"Write {{{name}}} in it, or remove it"
            )


def _resolved(document: dict[str, t.Any], value: dict[str, t.Any]) -> dict[str, t.Any]:
    """What a reference inside the document leads to; the value itself where it is none."""
    target = value.get("$ref")
    if not isinstance(target, str) or not target.startswith("#/"):
        return value
    inner: t.Any = document
    for part in target[2:].split("/"):
        inner = mapping(inner).get(part)
    return mapping(inner)
