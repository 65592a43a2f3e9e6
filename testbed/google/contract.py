# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Discovery documents become routes, and every message is checked against them.

The documents are the ones that Google ships in google-api-python-client; only the JSON files are read.
"""

from __future__ import annotations

import functools
import json
import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from testbed.google.schema import ERROR, WARNING, Finding, Schemas, camel, check_scalar

# Google's servers accept the leading names without the dollar sign too; gcloud sends $alt with enum options.
# returnPartialSuccess is sent by gcloud to Compute although the document lacks it (google-apis.md 7, false alarms).
_SYSTEM_ALIASES = (
    {"returnPartialSuccess"}
    | {"$" + name for name in ("alt", "fields", "prettyPrint", "key", "callback")}
    | {"$userProject"}
)
_TEMPLATE = re.compile(r"\{(\+?)([^}]+)\}")


@dataclass(frozen=True)
class Method:
    """One method of one API."""

    id: str
    verb: str
    template: str
    regex: re.Pattern[str] = field(repr=False)
    literal: int
    parameters: dict[str, Any] = field(repr=False)
    request: dict[str, Any] | None = field(repr=False)
    response: dict[str, Any] | None = field(repr=False)
    patterns: dict[str, str] = field(repr=False, default_factory=dict)

    @property
    def raw(self) -> bool:
        """Whether the body is anything but JSON (google.api.HttpBody)."""
        return bool(self.request) and self.request.get("$ref") == "GoogleApiHttpBody"

    @property
    def mutating(self) -> bool:
        """Whether a call may change something: not a read, a dry run, a wait or a question."""
        name = self.id.rsplit(".", 1)[-1]
        reads = (
            "wait",
            "testIamPermissions",
            "getIamPolicy",
            "lookupKey",
            "generateDeployChangeReport",
            "generateUndeployChangeReport",
            "generateAccessToken",
            "generateIdToken",
            "token",
            "signBlob",
            "signJwt",
            "searchRange",
            "validate",
            "batchGet",
        )
        return self.verb not in ("GET", "HEAD") and name not in reads

    @property
    def query(self) -> dict[str, Any]:
        """The query parameters of this method."""
        return {name: spec for name, spec in self.parameters.items() if spec["location"] == "query"}


@dataclass(frozen=True)
class Match:
    """A request's method and its path parameters (decoded)."""

    method: Method
    path: dict[str, str]


class Document:
    """One discovery document: routes and schemas."""

    def __init__(self, name: str, content: dict[str, Any], extra_routes: Iterable[dict[str, Any]] = ()) -> None:
        self.name = name
        self.api = content["name"]
        self.service_path = content.get("servicePath", "")
        self.schemas = Schemas(content["schemas"])
        self.system = set(content["parameters"]) | _SYSTEM_ALIASES
        self.methods: dict[str, Method] = {}
        for raw in _walk(content):
            method = self._method(raw)
            self.methods[method.id] = method
        for raw in extra_routes:
            method = self._method(raw)
            self.methods[method.id] = method
        # Literal parts win over parameters (keys/create beside keys/{key}), and a custom verb over an id.
        self._ordered = sorted(self.methods.values(), key=lambda m: -m.literal)

    def _method(self, raw: dict[str, Any]) -> Method:
        parameters = raw.get("parameters", {})
        parts, literal, position = [], 0, 0
        template, patterns = raw["path"], {}
        for match in _TEMPLATE.finditer(template):
            text = template[position : match.start()]
            parts.append(re.escape(text))
            literal += len(text) + 100 * (":" in text)
            plus, name = match.groups()
            pattern = parameters.get(name, {}).get("pattern", "")
            if plus and pattern.startswith("^"):
                inner = pattern.removeprefix("^").removesuffix("$")
                literal += len(inner.replace("[^/]+", ""))
            elif plus:
                inner = ".+"
            else:
                inner = "[^/]+"
                if pattern:
                    patterns[name] = pattern
            parts.append(f"(?P<{name}>{inner})")
            position = match.end()
        tail = template[position:]
        parts.append(re.escape(tail))
        literal += len(tail) + 100 * (":" in tail)
        return Method(
            id=raw["id"],
            verb=raw["httpMethod"],
            template=self.service_path + template,
            regex=re.compile(re.escape(self.service_path) + "".join(parts) + r"\Z"),
            literal=literal,
            parameters=parameters,
            request=raw.get("request"),
            response=raw.get("response"),
            patterns=patterns,
        )

    def match(self, verb: str, path: str) -> Match | None:
        """Find the method of a request; path has no leading slash and is still percent-encoded."""
        for method in self._ordered:
            if method.verb != verb:
                continue
            found = method.regex.match(path)
            if found is None:
                continue
            if _swallows_verb(method, path):
                continue
            values = {key: urllib.parse.unquote(value) for key, value in found.groupdict().items()}
            return Match(method, values)
        return None

    def verbs(self, path: str) -> list[str]:
        """Return the HTTP verbs that some method has at a path."""
        return sorted({m.verb for m in self.methods.values() if m.regex.match(path) and not _swallows_verb(m, path)})

    def check_request(self, match: Match, query: list[tuple[str, str]], body: Any, has_body: bool) -> list[Finding]:
        """Return every disagreement of a request with the contract."""
        method, findings = match.method, []
        for name, pattern in method.patterns.items():
            if not re.fullmatch(pattern, match.path[name]):
                findings.append(Finding(ERROR, name, f"Invalid value for field '{name}': '{match.path[name]}'."))
        findings += self._check_query(method, query)
        if method.raw:
            return findings
        if method.request is None:
            if has_body:
                findings.append(Finding(ERROR, "", f"{method.id} takes no request body"))
        elif has_body:
            # Google ignores an echo of the path fields in the body (parent, name, project, zone).
            echoed = self._without_echo(method, body)
            findings += self.schemas.check(method.request, echoed)
        return findings

    def _without_echo(self, method: Method, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        known = self.schemas.properties(method.request or {})
        echo = {n for n, s in method.parameters.items() if s["location"] == "path" and n not in known}
        return {key: value for key, value in body.items() if key not in echo}

    def _check_query(self, method: Method, query: list[tuple[str, str]]) -> list[Finding]:
        findings, seen = [], set()
        for name, value in query:
            known = name if name in method.query else camel(name)
            spec = method.query.get(known)
            if spec is None:
                if name not in self.system:
                    findings.append(
                        Finding(
                            ERROR,
                            name,
                            f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.',
                        )
                    )
                continue
            if known in seen and not spec.get("repeated"):
                findings.append(Finding(ERROR, name, "is given more than once"))
            seen.add(known)
            findings += check_scalar(spec, query_value(spec, value), name, request=True)
            if spec.get("format") == "google-fieldmask":
                findings += self._check_mask(method, name, value)
        for name, spec in method.query.items():
            if spec.get("required") and name not in seen:
                findings.append(Finding(ERROR, name, f"Required parameter: {name}"))
        return findings

    def _check_mask(self, method: Method, name: str, value: str) -> list[Finding]:
        if not value:
            return [Finding(WARNING, name, "is empty")]
        target = method.request
        if target is None:
            return []
        # Some APIs wrap the resource: the mask speaks about the message inside.
        return [
            Finding(ERROR, name, f"Invalid field mask path '{path}'")
            for path in value.split(",")
            if not self.schemas.mask_path(target, path.strip())
        ]

    def check_response(self, method: Method, body: Any) -> list[Finding]:
        """Return every disagreement of the emulator's own answer with the contract."""
        if method.response is None or method.response.get("$ref") == "GoogleApiHttpBody":
            return []
        return list(self.schemas.check(method.response, body, request=False))


def query_value(spec: dict[str, Any], text: str) -> Any:
    """Return the value that the text of a query parameter stands for."""
    if spec.get("type") == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if spec.get("enum") and text.isdigit():
        return int(text)
    return text


def _swallows_verb(method: Method, path: str) -> bool:
    """Tell whether a (misspelt) custom verb would become part of an identifier: environments/e:subscribee."""
    # No identifier of the emulated APIs holds a colon in its last segment.
    return ":" in path.rsplit("/", 1)[-1] and ":" not in method.template.rsplit("/", 1)[-1]


def _walk(node: dict[str, Any]) -> Iterable[dict[str, Any]]:
    yield from node.get("methods", {}).values()
    for child in node.get("resources", {}).values():
        yield from _walk(child)


@functools.cache
def content(name: str) -> dict[str, Any]:
    """Return a discovery document of google-api-python-client, such as compute.v1.

    Raises FileNotFoundError when the package has no such document.
    """
    folder = resources.files("googleapiclient.discovery_cache") / "documents"
    return json.loads((folder / f"{name}.json").read_text())


@functools.cache
def load(name: str) -> Document:
    """Return the routes and schemas of a discovery document (cached for the process)."""
    return Document(name, content(name))
