# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of the Gateway API in its standard channel, and GKE's policies for them: our own definitions.

Written from the types of gateway-api (``apis/v1``) and gke-gateway-api, with the defaults that the API server fills in;
of filters and matches what GKE's load balancers and this testbed know.
"""
from __future__ import annotations

from typing import Any

from .definitions import Definition, fields, list_of

_TEXT, _NUMBER, _YES = {"type": "string"}, {"type": "integer", "format": "int32"}, {"type": "boolean"}
_LABELS = {"type": "object", "additionalProperties": _TEXT}


def _default(value: Any, of: dict[str, Any] | None = None) -> dict[str, Any]:
    return {**(of or _TEXT), "default": value}


def _required(of: dict[str, Any], *names: str) -> dict[str, Any]:
    return {**of, "required": list(names)}


_SECRET = _required(fields(group=_default(""), kind=_default("Secret"), name=_TEXT, namespace=_TEXT), "name")
_ALLOWED = _default({"namespaces": {"from": "Same"}}, fields(
    namespaces=_default({"from": "Same"}, fields(**{"from": _default("Same")}, selector=fields(matchLabels=_LABELS))),
    kinds=list_of(_required(fields(group=_default("gateway.networking.k8s.io"), kind=_TEXT), "kind"))))
GATEWAY = _required(fields(
    gatewayClassName=_TEXT,
    listeners=list_of(_required(fields(
        name=_TEXT, hostname=_TEXT, port=_NUMBER, protocol=_TEXT, allowedRoutes=_ALLOWED,
        tls=fields(mode=_default("Terminate"), certificateRefs=list_of(_SECRET), options=_LABELS)),
        "name", "port", "protocol")),
    addresses=list_of(fields(type=_default("IPAddress"), value=_TEXT)),
), "gatewayClassName", "listeners")

_PATH = _default({"type": "PathPrefix", "value": "/"}, fields(type=_default("PathPrefix"), value=_default("/")))
_HEADERS = list_of(_required(fields(name=_TEXT, value=_TEXT), "name", "value"))
_MODIFIED = fields(set=_HEADERS, add=_HEADERS, remove=list_of(_TEXT))
_FILTERS = list_of(_required(fields(
    type=_TEXT, requestHeaderModifier=_MODIFIED, responseHeaderModifier=_MODIFIED,
    requestRedirect=fields(scheme=_TEXT, hostname=_TEXT, port=_NUMBER, statusCode=_default(302, _NUMBER),
                           path=fields(type=_TEXT, replaceFullPath=_TEXT, replacePrefixMatch=_TEXT))), "type"))
ROUTE = fields(
    parentRefs=list_of(_required(fields(
        group=_default("gateway.networking.k8s.io"), kind=_default("Gateway"), name=_TEXT, namespace=_TEXT,
        sectionName=_TEXT, port=_NUMBER), "name")),
    hostnames=list_of(_TEXT),
    rules=_default([{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}], list_of(fields(
        name=_TEXT,
        matches=_default([{"path": {"type": "PathPrefix", "value": "/"}}], list_of(fields(
            path=_PATH, method=_TEXT,
            headers=list_of(_required(fields(type=_default("Exact"), name=_TEXT, value=_TEXT), "name", "value"))))),
        filters=_FILTERS,
        backendRefs=list_of(_required(fields(
            group=_default(""), kind=_default("Service"), name=_TEXT, namespace=_TEXT, port=_NUMBER,
            weight=_default(1, _NUMBER), filters=_FILTERS), "name")),
        timeouts=fields(request=_TEXT, backendRequest=_TEXT)))),
)

_TARGET = _required(fields(group=_TEXT, kind=_TEXT, name=_TEXT, namespace=_TEXT), "group", "kind", "name")
BACKEND_POLICY = _required(fields(
    targetRef=_TARGET,
    default=fields(
        securityPolicy=_TEXT, timeoutSec={"type": "integer", "format": "int64"}, maxRatePerEndpoint=_NUMBER,
        connectionDraining=fields(drainingTimeoutSec={"type": "integer", "format": "int64"}),
        logging=fields(enabled=_YES, sampleRate=_NUMBER),
        sessionAffinity=fields(type=_TEXT, cookieTtlSec=_NUMBER),
        iap=fields(enabled=_YES, clientID=_TEXT, oauth2ClientSecret=fields(name=_TEXT)))), "targetRef")
GATEWAY_POLICY = _required(fields(
    targetRef=_TARGET, default=fields(sslPolicy=_TEXT, allowGlobalAccess=_YES, region=_TEXT)), "targetRef")
_HTTP_CHECK = fields(host=_TEXT, port=_NUMBER, portName=_TEXT, portSpecification=_TEXT, proxyHeader=_TEXT,
                     requestPath=_TEXT, response=_TEXT)
HEALTH_POLICY = _required(fields(
    targetRef=_TARGET,
    default=fields(
        checkIntervalSec=_NUMBER, timeoutSec=_NUMBER, healthyThreshold=_NUMBER, unhealthyThreshold=_NUMBER,
        logConfig=fields(enabled=_YES),
        config=fields(type=_TEXT, httpHealthCheck=_HTTP_CHECK, httpsHealthCheck=_HTTP_CHECK,
                      http2HealthCheck=_HTTP_CHECK, tcpHealthCheck=fields(
                          port=_NUMBER, portName=_TEXT, portSpecification=_TEXT, proxyHeader=_TEXT, request=_TEXT,
                          response=_TEXT)))), "targetRef")

OF_GATEWAYS: tuple[Definition, ...] = (
    ("gateways", "Gateway", "gateway.networking.k8s.io", "v1", GATEWAY),
    ("httproutes", "HTTPRoute", "gateway.networking.k8s.io", "v1", ROUTE),
    ("gcpbackendpolicies", "GCPBackendPolicy", "networking.gke.io", "v1", BACKEND_POLICY),
    ("gcpgatewaypolicies", "GCPGatewayPolicy", "networking.gke.io", "v1", GATEWAY_POLICY),
    ("healthcheckpolicies", "HealthCheckPolicy", "networking.gke.io", "v1", HEALTH_POLICY),
)
