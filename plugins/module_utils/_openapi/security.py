# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may call: definitions and requirements that API Gateway enforces, and those it only seems to.

Source: API Gateway documentation, "Choosing an authentication method", "Authenticating users with a custom method",
"OpenAPI feature limitations"; other-systems.md 3.2. Private to the collection.
"""

from __future__ import annotations

import re
import typing as t

from .findings import Findings, mapping, nearest
from .source import Place

KEY, JWT, OTHER = "API key", "JWT", "unsupported"
#: Where API Gateway looks for a key.
KEY_PLACES = (("header", "x-api-key"), ("query", "key"))
_NEEDED = ("x-google-issuer", "x-google-jwks_uri")

Operations = list[tuple[Place, dict[str, t.Any]]]


def check(found: Findings, operations: Operations) -> None:
    """Definitions one by one, then the requirement of every operation."""
    kinds = {}
    place: Place = ("securityDefinitions",)
    definitions = mapping(found.document.get("securityDefinitions"))
    if "openapi" in found.document:
        place = ("components", "securitySchemes")
        definitions = mapping(mapping(found.document.get("components")).get("securitySchemes"))
    for name, definition in definitions.items():
        kinds[name] = _definition(found, (*place, name), mapping(definition))
    root = found.document.get("security")
    if root is not None:
        _requirement(found, ("security",), root, kinds)
    for where, operation in operations:
        if "security" in operation:
            _requirement(found, (*where, "security"), operation["security"], kinds)
        elif root is None:
            found.add(
                where,
                "it says nothing about who may call it, so that everyone may",
                "State security, or security: [] if it is meant to be open",
            )


def _definition(found: Findings, place: Place, definition: dict[str, t.Any]) -> str:
    kind = definition.get("type")
    if kind == "apiKey":
        stated = (str(definition.get("in")), str(definition.get("name")))
        if (stated[0], stated[1].lower()) not in KEY_PLACES:
            found.add(
                place,
                f"API Gateway does not look for a key in {stated[0]} {stated[1]}, so that every call would be refused",
                "Use in: header with name: x-api-key, or in: query with name: key",
            )
        return KEY
    if "openapi" in found.document:
        return JWT if "x-google-auth" in definition else OTHER
    if kind != "oauth2":
        return OTHER
    if definition.get("flow") != "implicit":
        found.add(
            place, f"flow is {definition.get('flow')}, and API Gateway takes implicit only", "Write flow: implicit"
        )
    for name in _NEEDED:
        if not definition.get(name):
            found.add(place, f"{name} is missing, without which no token can be checked", f"State {name}")
    _addresses(found, place, definition)
    return JWT


def _addresses(found: Findings, place: Place, definition: dict[str, t.Any]) -> None:
    keys = definition.get("x-google-jwks_uri")
    if keys and not re.match(r"https://[^/\s]+", str(keys)):
        found.add((*place, "x-google-jwks_uri"), f"{keys} is no https:// address", "Keys must come over TLS")
    issuer = definition.get("x-google-issuer")
    if issuer and ("," in str(issuer) or isinstance(issuer, list)):
        found.add(
            (*place, "x-google-issuer"), "a definition has one issuer", "Define each issuer under a name of its own"
        )
    audiences = definition.get("x-google-audiences")
    if audiences is None:
        return
    if not isinstance(audiences, str) or not all(audiences.split(",")) or re.search(r"\s", audiences):
        found.add(
            (*place, "x-google-audiences"),
            "it is no text of audiences with commas and without blanks between them",
            'Write "one,two"',
        )


def _requirement(found: Findings, place: Place, stated: t.Any, kinds: dict[str, str]) -> None:
    """One ``security``: a list of alternatives, each naming what must be there together."""
    if not isinstance(stated, list) or not all(isinstance(one, dict) for one in stated):
        found.add(place, "it is no list of requirements", "Write a list, such as - api_key: []")
        return
    alternatives: list[list[str]] = []
    for index, one in enumerate(stated):
        here = (*place, index)
        for name, scopes in one.items():
            _named(found, (*here, name), name, scopes, kinds)
        together = [kinds.get(name, OTHER) for name in one]
        if together.count(JWT) > 1:
            found.add(
                here, "two tokens at once cannot be asked for", "Ask for one of them, or list them as alternatives"
            )
        alternatives.append(together)
    _alternatives(found, place, alternatives)


def _named(found: Findings, place: Place, name: str, scopes: t.Any, kinds: dict[str, str]) -> None:
    if name not in kinds:
        remedy = nearest(name, kinds) if kinds else "Define it"
        found.add(place, f"{name} is not defined", remedy)
    elif kinds[name] == OTHER:
        found.add(
            place,
            f"{name} is of a type that API Gateway does not enforce",
            "Use an API key, or oauth2 with x-google-issuer and x-google-jwks_uri",
        )
    if scopes:
        found.add(
            place,
            f"scopes ({', '.join(map(str, scopes)) if isinstance(scopes, list) else scopes}) are not enforced",
            "Take them out, and check scopes behind the gateway",
        )


def _alternatives(found: Findings, place: Place, alternatives: list[list[str]]) -> None:
    if len(alternatives) < 2:
        if alternatives == [[]]:
            found.add(place, "an empty requirement lets everyone in", "Write security: [] if that is meant")
        return
    if any(not one for one in alternatives) and any(JWT in one for one in alternatives):
        found.add(place, "an empty requirement does not make a token optional", "Use two paths, or two operations")
    if any(KEY in one for one in alternatives) and sum(bool(one) for one in alternatives) > 1:
        found.add(
            place,
            "a key as one of several alternatives is not enforced",
            "Ask for key and token together in one requirement, or for one of them",
        )
