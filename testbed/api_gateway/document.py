# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An OpenAPI document as API Gateway reads it: refused with diagnostics, or routes with what they ask of callers.

What Google accepts without enforcing (scopes, a key as one of several alternatives) is accepted here too, and not
enforced: whoever relies on it must find out in a test. Source of the rules: other-systems.md 3.2; API Gateway
documentation, "OpenAPI feature limitations" and "OpenAPI 2.0 extensions". The wording is ours, not Google's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
DEFAULT_DEADLINE = 15.0
MOST_ALIASES = 200


@dataclass(frozen=True)
class Issuer:
    """Who signs the tokens of a definition; audiences are empty when the document states none."""

    name: str
    issuer: str
    keys: str
    audiences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Route:
    """One operation as it is served.

    needs_key: a call without a valid key is refused. issuers: a token of any of them is needed (none: no token).
    """

    method: str
    path: str
    operation: str
    address: str
    constant: bool
    deadline: float
    audience: str
    needs_key: bool
    issuers: tuple[Issuer, ...]


class Refused(Exception):
    """The document is not accepted: (location, message) for each reason."""

    def __init__(self, diagnostics: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{place}: {message}" for place, message in diagnostics))
        self.diagnostics = diagnostics


@dataclass
class _Reading:
    name: str
    document: dict[str, Any]
    diagnostics: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self, place: str, message: str) -> None:
        self.diagnostics.append((f"{self.name}: {place}", message))


def read(name: str, content: bytes) -> list[Route]:
    """Return the routes of a document, in its order. Raises Refused. name is the file's, for diagnostics."""
    try:
        reading = _Reading(name, load(content))
    except ValueError as exc:
        raise Refused([(name, str(exc))]) from exc
    _whole(reading)
    routes = _routes(reading)
    if reading.diagnostics:
        raise Refused(reading.diagnostics)
    return routes


def load(content: bytes) -> dict[str, Any]:
    """Return a document's data. Raises ValueError."""
    try:
        text = content.decode()
        aliases = sum(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader))
        if aliases > MOST_ALIASES:
            raise ValueError(f"more than {MOST_ALIASES} YAML aliases")
        found = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        raise ValueError(f"not readable: {exc}") from exc
    if not isinstance(found, dict):
        raise ValueError("the document is not an object")
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (path, method, operation)."""
    for path, item in (document.get("paths") or {}).items():
        for method, operation in (item or {}).items():
            if method in METHODS:
                yield path, method, operation or {}


def _whole(reading: _Reading) -> None:
    document = reading.document
    third = str(document.get("openapi") or "")
    if document.get("swagger") != "2.0" and not re.fullmatch(r"3\.[01]\.\d+", third):
        reading.refuse("version", "unsupported OpenAPI version: 2.0, 3.0.x and 3.1.x are supported")
    info = document.get("info") or {}
    for name in ("title", "version"):
        if not isinstance(info.get(name), str):
            reading.refuse(f"info.{name}", "required, and a string")
    if ":" in str(document.get("host") or ""):
        reading.refuse("host", "a port is not allowed")
    if not document.get("paths"):
        reading.refuse("paths", "at least one path is required")
    if third and not (document.get("x-google-api-management") or {}).get("backends"):
        reading.refuse("x-google-api-management", "required for OpenAPI 3.x, with backends")
    for target in _targets(document):
        if not target.startswith("#/"):
            reading.refuse("$ref", f"external reference {target} is not supported")


def _targets(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref" and isinstance(inner, str):
                yield inner
            yield from _targets(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _targets(inner)


def _routes(reading: _Reading) -> list[Route]:
    definitions = _definitions(reading)
    found: list[Route] = []
    names: set[str] = set()
    for path, method, operation in operations(reading.document):
        place = f"{method} {path}"
        if not path.startswith("/"):
            reading.refuse(place, "a path begins with a slash")
        if re.search(r"[^/{]\{|\}[^/]", path):
            reading.refuse(place, "a path parameter must be a whole segment")
        name = operation.get("operationId")
        if not name or name in names:
            reading.refuse(place, "operationId is required and must be unique")
        if not operation.get("responses"):
            reading.refuse(place, "responses is required")
        names.add(name)
        security = operation.get("security", reading.document.get("security")) or []
        key, issuers = _security(reading, place, security, definitions)
        backend = _backend(reading, place, operation)
        if backend:
            found.append(Route(method.upper(), path, name, needs_key=key, issuers=issuers, **backend))
    return found


def _definitions(reading: _Reading) -> dict[str, Issuer | None]:
    """Definitions by name: an issuer, or None for an API key. Types that are not enforced are left out."""
    document = reading.document
    third = "openapi" in document
    schemes = (
        (document.get("components") or {}).get("securitySchemes") if third else document.get("securityDefinitions")
    )
    found: dict[str, Issuer | None] = {}
    for name, stated in (schemes or {}).items():
        if stated.get("type") == "apiKey":
            found[name] = None
        elif third and "x-google-auth" in stated:
            auth = stated["x-google-auth"]
            audiences = tuple(auth.get("audiences") or ())
            found[name] = Issuer(name, auth.get("issuer", ""), auth.get("jwksUri", ""), audiences)
        elif not third and stated.get("type") == "oauth2":
            keys, issuer = stated.get("x-google-jwks_uri"), stated.get("x-google-issuer")
            if not isinstance(issuer, str) or not isinstance(keys, str):
                reading.refuse(f"securityDefinitions.{name}", "x-google-issuer and x-google-jwks_uri are required")
                continue
            audiences = tuple(filter(None, str(stated.get("x-google-audiences") or "").split(",")))
            found[name] = Issuer(name, issuer, keys, audiences)
    return found


def _security(
    reading: _Reading, place: str, security: list[dict[str, Any]], definitions: dict[str, Issuer | None]
) -> tuple[bool, tuple[Issuer, ...]]:
    """Whether a key is needed, and whose tokens are taken.

    Google enforces a key when every alternative has one; one alternative without a key makes all of them optional.
    """
    keys: list[bool] = []
    issuers: list[Issuer] = []
    for alternative in security:
        unknown = [name for name in alternative if name not in definitions]
        if unknown:
            reading.refuse(place, f"security definition {', '.join(unknown)} is not defined or not supported")
            continue
        tokens = [issuer for issuer in map(definitions.get, alternative) if issuer is not None]
        if len(tokens) > 1:
            reading.refuse(place, "more than one token in a security requirement is not supported")
        keys.append(len(tokens) < len(alternative))
        issuers += tokens
    return bool(keys) and all(keys), tuple(dict.fromkeys(issuers))


def _backend(reading: _Reading, place: str, operation: dict[str, Any]) -> dict[str, Any] | None:
    """The backend of an operation: its own or the document's. An own one keeps its address constant by default."""
    document = reading.document
    own = operation.get("x-google-backend")
    stated = own if own is not None else document.get("x-google-backend")
    if isinstance(stated, str):
        backends = (document.get("x-google-api-management") or {}).get("backends") or {}
        stated = backends.get(stated)
    if not isinstance(stated, dict) or not re.match(r"(https?|grpcs?)://[^/]+", str(stated.get("address") or "")):
        reading.refuse(place, "x-google-backend with an absolute address is required")
        return None
    translation = stated.get("path_translation") or stated.get("pathTranslation")
    disabled = stated.get("disable_auth", stated.get("disableAuth", False))
    address = stated["address"].rstrip("/")
    audience = "" if disabled else stated.get("jwt_audience") or stated.get("jwtAudience") or address
    return {
        "address": address,
        "constant": translation == "CONSTANT_ADDRESS" or (translation is None and own is not None),
        "deadline": float(stated.get("deadline") or DEFAULT_DEADLINE),
        "audience": audience,
    }
