# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a request through the emulator: contract, identity, activation, permission, rules, handler, answer."""

from __future__ import annotations

import inspect
import json
import logging
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from testbed.google.contract import Match, query_value
from testbed.google.emulator import Api, Emulator
from testbed.google.errors import ContractViolation, GoogleError
from testbed.google.roles import permission as permission_of
from testbed.google.schema import ERROR, Finding, camel
from testbed.google.service import Call, Handler, Reply, Service
from testbed.google.store import Transaction

log = logging.getLogger("testbed.google")

# Where gcloud's own endpoint for an API reaches further down the path than the host.
_INSERTED = {"compute": ("compute/v1/",), "dns": ("dns/v1/",)}


@dataclass
class Incoming:
    """A request as it came in; path is relative to the service's prefix and still percent-encoded."""

    prefix: str
    verb: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    raw: bytes
    content_type: str
    api: Api | None = None
    match: Match | None = None
    principal: str | None = None
    findings: list[Finding] = field(default_factory=list)
    faults: dict[str, Any] = field(default_factory=dict)

    @property
    def method(self) -> str | None:
        """The discovery id, or None when no method matches."""
        return self.match.method.id if self.match else None

    @property
    def mutating(self) -> bool:
        """Whether the call may change something."""
        return self.match.method.mutating if self.match else False


def route(emulator: Emulator, incoming: Incoming) -> None:
    """Find the API and method of a request; leaves match None when there is none."""
    for api in emulator.apis.get(incoming.prefix, []):
        for inserted in ("", *_INSERTED.get(incoming.prefix, ())):
            match = api.document.match(incoming.verb, inserted + incoming.path)
            if match is not None:
                incoming.api, incoming.match = api, match
                return


def error_reply(incoming: Incoming, error: GoogleError) -> Reply:
    """Return an error in the shape of the API that was called, or in the one asked for by ``$.xgafv``.

    Source: the system parameter in every discovery document ("V1 error format", "V2 error format"); google-apis.md
    section 1 item 7 (Apigee's details are missing from a generic errors[] list) and section 2 (compute has no status).
    """
    style = incoming.api.services[0].error_style if incoming.api else "rpc"
    wanted = next((value for name, value in incoming.query if name == "$.xgafv"), None)
    if wanted == "1":
        style = "v1"
    elif wanted == "2" and style == "both":
        style = "rpc"
    return Reply(error.body(style), error.http, unchecked=True)


async def answer(emulator: Emulator, incoming: Incoming) -> Reply:
    """Answer a request. Every refusal, also of the emulator's own wrong answers, comes back as a Reply."""
    try:
        return await _answer(emulator, incoming)
    except GoogleError as error:
        return error_reply(incoming, error)
    except ContractViolation as violation:
        emulator.violations.append(str(violation))
        log.error("%s", violation)
        return error_reply(incoming, GoogleError(500, f"EMULATOR DEFECT: {violation}"))
    except Exception as exc:
        log.exception("%s failed", incoming.method)
        emulator.violations.append(f"{incoming.method}: {type(exc).__name__}: {exc}")
        return error_reply(
            incoming, GoogleError(500, f"EMULATOR DEFECT in {incoming.method}: {type(exc).__name__}: {exc}")
        )


async def _answer(emulator: Emulator, incoming: Incoming) -> Reply:
    if incoming.match is None or incoming.api is None:
        raise _unrouted(emulator, incoming)
    method = incoming.match.method
    service, handler = incoming.api.handlers.get(method.id, (incoming.api.services[0], None))
    if handler is None or not handler.public:
        incoming.principal = emulator.identity.principal(_token(incoming))
    body, has_body = _body(incoming)
    incoming.findings = incoming.api.document.check_request(incoming.match, incoming.query, body, has_body)
    errors = [f for f in incoming.findings if f.level == ERROR]
    if errors:
        raise _refused(errors)
    if handler is None:
        raise GoogleError(501, f"{method.id} is not emulated by this testbed.", status="UNIMPLEMENTED")
    if method.mutating:
        async with emulator.store.transaction() as tx:
            call = _call(emulator, incoming, service, handler, body, tx)
            reply = await _handle(incoming, call, handler)
        for consequence in call.consequences:
            await consequence()
        return reply
    call = _call(emulator, incoming, service, handler, body, emulator.store.snapshot())
    return await _handle(incoming, call, handler)


def _token(incoming: Incoming) -> str | None:
    scheme, _, token = incoming.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return next((value for name, value in incoming.query if name in ("access_token", "oauth_token")), None)


def _body(incoming: Incoming) -> tuple[Any, bool]:
    """Return the parsed body and whether there is one; raw bodies are not parsed."""
    if incoming.match is None or incoming.match.method.raw or not incoming.raw:
        return None, bool(incoming.raw)
    if incoming.content_type.startswith("application/x-www-form-urlencoded"):
        # The token exchange takes a form, as OAuth says.
        return dict(urllib.parse.parse_qsl(incoming.raw.decode())), True
    try:
        return json.loads(incoming.raw), True
    except ValueError as exc:
        raise GoogleError(400, f"Invalid JSON payload received. {exc}") from exc


def _unrouted(emulator: Emulator, incoming: Incoming) -> GoogleError:
    where = f"{incoming.verb} {incoming.prefix}/{incoming.path}"
    for api in emulator.apis.get(incoming.prefix, []):
        for inserted in ("", *_INSERTED.get(incoming.prefix, ())):
            verbs = api.document.verbs(inserted + incoming.path)
            if verbs:
                incoming.api = api
                text = f"{where}: no method with this verb in {api.document.name}; this path takes {', '.join(verbs)}."
                incoming.findings = [Finding(ERROR, "", text)]
                return GoogleError(400, text)
    known = emulator.apis.get(incoming.prefix)
    names = ", ".join(a.document.name for a in known) if known else "any emulated service"
    text = f"{where}: the URL was not found in {names}."
    incoming.findings = [Finding(ERROR, "", text)]
    return GoogleError(404, text)


def _refused(errors: list[Finding]) -> GoogleError:
    violations = [{"field": f.path, "description": f.message} for f in errors]
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}]
    text = "\n".join(f"Invalid JSON payload received. {f.message} at '{f.path}'" for f in errors)
    return GoogleError(400, text, details=details)


def _call(
    emulator: Emulator, incoming: Incoming, service: Service, handler: Handler, body: Any, tx: Transaction
) -> Call:
    match = incoming.match
    api = incoming.api
    assert match is not None and api is not None
    method = match.method
    query: dict[str, Any] = {}
    for name, text in incoming.query:
        known = name if name in method.query else camel(name)
        spec = method.query.get(known)
        if spec is None:
            continue
        if spec.get("repeated"):
            query.setdefault(known, []).append(query_value(spec, text))
        else:
            query[known] = query_value(spec, text)
    normal = api.document.schemas.normalise(method.request, body) if method.request and not method.raw else None
    return Call(
        emulator=emulator,
        service=service,
        document=api.document,
        method=method,
        path=match.path,
        query=query,
        body=normal if isinstance(normal, dict) else {},
        raw=incoming.raw,
        content_type=incoming.content_type,
        headers=incoming.headers,
        principal=incoming.principal or "",
        store=tx,
        rules=handler.rules,
        faults=incoming.faults,
    )


async def _handle(incoming: Incoming, call: Call, handler: Handler) -> Reply:
    _check_access(call, handler)
    for rule in handler.rules:
        rule.check(call)
    result = getattr(call.service, handler.function)(call)
    if inspect.isawaitable(result):
        result = await result
    reply = result if isinstance(result, Reply) else Reply(result)
    if isinstance(reply.body, bytes) or reply.unchecked:
        return reply
    if call.method.response is None:
        reply.body = None if reply.body in (None, {}) else reply.body
        return reply
    schemas = call.document.schemas
    reply.body = schemas.render(call.method.response, reply.body or {}, drop_defaults=call.service.drop_defaults)
    findings = call.document.check_response(call.method, reply.body)
    if findings:
        raise ContractViolation(f"{call.method.id} answered against its contract: " + "; ".join(map(str, findings)))
    return reply


def _check_access(call: Call, handler: Handler) -> None:
    if handler.public:
        return
    service = call.service
    name = service.project_name(call)
    project = None
    if name and name != "-":
        project = call.project(name)
        if service.api and not service_enabled(call.store, project["number"], service.api):
            raise _disabled(service.api, project["number"])
    needed = permission_of(call.method.id) if handler.permission is None else handler.permission
    if (
        needed
        and project
        and not call.emulator.identity.allowed(call.store, call.principal, needed, project["projectId"])
    ):
        raise service.denied(call, needed)


def service_enabled(tx: Transaction, number: str, api: str) -> bool:
    """Tell whether an API is enabled in the project of that number."""
    state = tx.get(f"serviceusage/projects/{number}/services/{api}") or {}
    return state.get("state") == "ENABLED"


def _disabled(api: str, number: str) -> GoogleError:
    title = {"compute.googleapis.com": "Compute Engine API", "container.googleapis.com": "Kubernetes Engine API"}.get(
        api, api.removesuffix(".googleapis.com").capitalize() + " API"
    )
    url = f"https://console.developers.google.com/apis/api/{api}/overview?project={number}"
    return GoogleError(
        403,
        f"{title} has not been used in project {number} before or it is disabled. Enable it by visiting {url} then "
        "retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and "
        "retry.",
        reason="accessNotConfigured",
        details=[
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "SERVICE_DISABLED",
                "domain": "googleapis.com",
                "metadata": {
                    "service": api,
                    "consumer": f"projects/{number}",
                    "activationUrl": url,
                    "serviceTitle": title,
                },
            },
            {
                "@type": "type.googleapis.com/google.rpc.Help",
                "links": [{"description": "Google developers console API activation", "url": url}],
            },
        ],
    )
