# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds that GKE adds to a cluster with the add-on: our own definitions, with its groups, versions and fields.

Written from the types of ingress-gce (``pkg/apis``); descriptions are left out, and no field is required that Google's
definitions do not require. What they do not have is dropped when it is sent, as in GKE.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from testbed.kubernetes.client import ApiClient

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

_TEXT, _NUMBER, _YES = {"type": "string"}, {"type": "integer", "format": "int64"}, {"type": "boolean"}


def fields(**named: Any) -> dict[str, Any]:
    return {"type": "object", "properties": named}


def list_of(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


_CACHE_KEYS = {"includeHost": _YES, "includeProtocol": _YES, "includeQueryString": _YES,
               "queryStringBlacklist": list_of(_TEXT), "queryStringWhitelist": list_of(_TEXT)}
BACKEND_CONFIG = fields(
    iap=fields(enabled=_YES, oauthclientCredentials=fields(
        secretName=_TEXT, clientID=_TEXT, clientSecret=_TEXT)),
    cdn=fields(
        enabled=_YES, cachePolicy=fields(**_CACHE_KEYS), cacheMode=_TEXT, clientTtl=_NUMBER, defaultTtl=_NUMBER,
        maxTtl=_NUMBER, negativeCaching=_YES, requestCoalescing=_YES, serveWhileStale=_NUMBER,
        signedUrlCacheMaxAgeSec=_NUMBER, bypassCacheOnRequestHeaders=list_of(fields(headerName=_TEXT)),
        negativeCachingPolicy=list_of(fields(code=_NUMBER, ttl=_NUMBER)),
        signedUrlKeys=list_of(fields(keyName=_TEXT, keyValue=_TEXT, secretName=_TEXT))),
    securityPolicy={**fields(name=_TEXT), "required": ["name"]},
    timeoutSec=_NUMBER,
    connectionDraining=fields(drainingTimeoutSec=_NUMBER),
    sessionAffinity=fields(affinityType=_TEXT, affinityCookieTtlSec=_NUMBER),
    customRequestHeaders=fields(headers=list_of(_TEXT)),
    customResponseHeaders=fields(headers=list_of(_TEXT)),
    healthCheck=fields(checkIntervalSec=_NUMBER, timeoutSec=_NUMBER, healthyThreshold=_NUMBER,
                        unhealthyThreshold=_NUMBER, type=_TEXT, port=_NUMBER, requestPath=_TEXT),
    logging=fields(enable=_YES, sampleRate={"type": "number", "format": "double"}),
)
FRONTEND_CONFIG = fields(
    sslPolicy=_TEXT, redirectToHttps={**fields(enabled=_YES, responseCodeName=_TEXT), "required": ["enabled"]})
MANAGED_CERTIFICATE = {**fields(domains={**list_of({"type": "string", "maxLength": 63}), "maxItems": 100}),
                       "required": ["domains"]}

#: Plural, kind, group, version, schema of ``spec``.
Definition = tuple[str, str, str, str, dict[str, Any]]
OF_INGRESSES: tuple[Definition, ...] = (
    ("backendconfigs", "BackendConfig", "cloud.google.com", "v1", BACKEND_CONFIG),
    ("frontendconfigs", "FrontendConfig", "networking.gke.io", "v1beta1", FRONTEND_CONFIG),
    ("managedcertificates", "ManagedCertificate", "networking.gke.io", "v1", MANAGED_CERTIFICATE),
)


#: The API server takes groups of Kubernetes' own from those alone that say who allowed it (as gateway-api's files do).
_APPROVED = {"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/2997"}


def definition(plural: str, kind: str, group: str, version: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A CustomResourceDefinition of one version, with a status that only its own subresource writes."""
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"apiVersion": _TEXT, "kind": _TEXT, "metadata": {"type": "object"},
                                               "spec": spec, "status": free}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", **({"annotations": _APPROVED} if group.endswith(".k8s.io") else {})},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
                          "subresources": {"status": {}}}]},
    }


def install(client: ApiClient, wanted: Iterable[Definition]) -> None:
    """Apply definitions. Raises ApiError or OSError."""
    for each in wanted:
        made = definition(*each)
        client.apply(f"{CRDS}/{made['metadata']['name']}", made)
