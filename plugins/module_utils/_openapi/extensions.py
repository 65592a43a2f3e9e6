# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Google's extensions: their names, where they work, and their values.

Source: API Gateway documentation, "OpenAPI 2.0 extensions" and "OpenAPI 3.x extensions". Private to the collection.
"""

from __future__ import annotations

import re
import typing as t

from .findings import Findings, mapping, nearest
from .source import Place

#: Where each extension of OpenAPI 2.0 works: at the root, in an operation, in a security definition, or elsewhere.
_ROOT, _OPERATION, _SECURITY = "the document's root", "an operation", "a security definition"
PLACES_2 = {
    "x-google-allow": (_ROOT,),
    "x-google-api-name": (_ROOT, _OPERATION),
    "x-google-audiences": (_SECURITY,),
    "x-google-backend": (_ROOT, _OPERATION),
    "x-google-endpoint": (_ROOT,),
    "x-google-endpoints": (_ROOT,),
    "x-google-issuer": (_SECURITY,),
    "x-google-jwks_uri": (_SECURITY,),
    "x-google-jwt-locations": (_SECURITY,),
    "x-google-management": (_ROOT,),
    "x-google-quota": (_OPERATION,),
}
PLACES_3 = {
    "x-google-allow": (_ROOT,),
    "x-google-api-management": (_ROOT,),
    "x-google-auth": (_SECURITY,),
    "x-google-backend": (_ROOT, _OPERATION),
    "x-google-endpoint": ("a server",),
    "x-google-parameter": ("a parameter",),
    "x-google-quota": (_ROOT, _OPERATION),
}
_BACKEND_2 = ("address", "deadline", "disable_auth", "jwt_audience", "path_translation", "protocol")
_BACKEND_3 = ("address", "deadline", "disableAuth", "jwtAudience", "pathTranslation", "protocol")
TRANSLATIONS = ("APPEND_PATH_TO_ADDRESS", "CONSTANT_ADDRESS")
PROTOCOLS = ("http/1.1", "h2", "grpc")
#: Seconds that API Gateway waits for a backend unless the document says otherwise.
DEFAULT_DEADLINE = 15.0

Operations = list[tuple[Place, dict[str, t.Any]]]


def check(found: Findings, operations: Operations) -> None:
    """All extensions of the document."""
    version_3 = "openapi" in found.document
    _names(found, found.document, (), PLACES_3 if version_3 else PLACES_2)
    if found.document.get("x-google-allow") == "all":
        found.add(
            ("x-google-allow",),
            "paths that are not declared would pass without any check",
            "Remove it, and declare what should be served",
        )
    if version_3:
        _version_3(found, operations)
    else:
        _version_2(found, operations)


def _names(found: Findings, value: t.Any, place: Place, known: dict[str, tuple[str, ...]]) -> None:
    """Unknown extensions, and known ones where they have no effect; Google ignores both without a word."""
    if isinstance(value, list):
        for index, inner in enumerate(value):
            _names(found, inner, (*place, index), known)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        here = (*place, key)
        if key.startswith("x-google-"):
            where = _kind(place)
            if key not in known:
                found.add(here, f"{key} is no extension of API Gateway, which ignores it", nearest(key, known))
            elif where and where not in known[key]:
                found.add(here, f"{key} has no effect in {where}", f"It belongs in {' or '.join(known[key])}")
        else:
            _names(found, inner, here, known)


def _kind(place: Place) -> str:
    """What a place is, as far as extensions care; "" for places that are not told apart."""
    if not place:
        return _ROOT
    if place[0] == "paths":
        return {2: "a path", 3: _OPERATION}.get(len(place), "")
    if place[0] == "securityDefinitions" or place[:2] == ("components", "securitySchemes"):
        return _SECURITY
    return ""


def _version_2(found: Findings, operations: Operations) -> None:
    root = found.document.get("x-google-backend")
    if root is not None:
        _backend(found, ("x-google-backend",), root, _BACKEND_2)
    for place, operation in operations:
        stated = operation.get("x-google-backend")
        if stated is not None:
            _backend(found, (*place, "x-google-backend"), stated, _BACKEND_2)
        elif root is None:
            found.add(place, "it has no backend", "State x-google-backend for it, or at the document's root")


def _version_3(found: Findings, operations: Operations) -> None:
    management = found.document.get("x-google-api-management")
    backends = mapping(mapping(management).get("backends"))
    if not backends:
        found.add(
            ("x-google-api-management",),
            "OpenAPI 3.x needs x-google-api-management with backends at the document's root",
            "Define the backends there",
        )
    for name, stated in backends.items():
        _backend(found, ("x-google-api-management", "backends", name), stated, _BACKEND_3)
    root = found.document.get("x-google-backend")
    for place, stated in [((), root), *((place, operation.get("x-google-backend")) for place, operation in operations)]:
        here = (*place, "x-google-backend")
        if stated is None:
            if place and root is None:
                found.add(place, "it has no backend", "Name one of x-google-api-management.backends")
        elif not isinstance(stated, str):
            found.add(
                here, "in OpenAPI 3.x it is the name of a backend", "Define it in x-google-api-management.backends"
            )
        elif stated not in backends:
            found.add(here, f"no backend is called {stated}", nearest(stated, backends) if backends else "Define it")


def _backend(found: Findings, place: Place, stated: t.Any, known: tuple[str, ...]) -> None:
    if not isinstance(stated, dict):
        found.add(place, "it is no mapping", f"State {', '.join(known)} below it")
        return
    for key in stated:
        if key not in known:
            found.add((*place, key), f"{key} is unknown and would be ignored", nearest(key, known))
    _address(found, place, stated, stated.get(known[2]), stated.get(known[3]), known)
    deadline = stated.get("deadline")
    if deadline is None:
        found.advise(
            place,
            f"no deadline is stated, so that calls end after {DEFAULT_DEADLINE:g} s",
            "State deadline, longer than the backend's own time-out",
        )
    elif isinstance(deadline, bool) or not isinstance(deadline, (int, float)) or deadline <= 0:
        found.add(
            (*place, "deadline"), f"deadline {deadline!r} is no number of seconds", "Write a number, such as 30.0"
        )
    for name, choices in ((known[4], TRANSLATIONS), ("protocol", PROTOCOLS)):
        if name in stated and stated[name] not in choices:
            found.add((*place, name), f"{stated[name]} is unknown", nearest(str(stated[name]), choices))


def _address(
    found: Findings, place: Place, stated: dict[str, t.Any], disabled: t.Any, audience: t.Any, known: tuple[str, ...]
) -> None:
    address = stated.get("address")
    if not isinstance(address, str) or not re.match(r"(https?|grpcs?)://[^/\s?#]+", address):
        found.add((*place, "address"), f"address {address!r} is no address of a backend", "Write https://HOST")
    elif re.search(r"[?#]", address):
        found.add((*place, "address"), "the address holds a query", "Take it out")
    elif address.startswith(("http://", "grpc://")) and disabled is not True:
        found.add(
            (*place, "address"),
            "the gateway's identity token would travel without TLS",
            f"Write https://, or state {known[2]}: true",
        )
    if disabled is not None and not isinstance(disabled, bool):
        found.add((*place, known[2]), f"{known[2]} is no boolean", "Write true or false")
    if disabled is True and audience:
        found.add(place, f"{known[2]} and {known[3]} contradict each other", "Keep one")
