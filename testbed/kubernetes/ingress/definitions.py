# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds that GKE adds to a cluster with the add-on: our own definitions, with its groups, versions and fields.

Written from the types of ingress-gce (``pkg/apis``); descriptions are left out, and no field is required that Google's
definitions do not require. What they do not have is dropped when it is sent, as in GKE.
"""
from __future__ import annotations

from typing import Any

from testbed.kubernetes.client import ApiClient

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

_TEXT, _NUMBER, _YES = {"type": "string"}, {"type": "integer", "format": "int64"}, {"type": "boolean"}


def _fields(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


_CACHE_KEYS = {"includeHost": _YES, "includeProtocol": _YES, "includeQueryString": _YES,
               "queryStringBlacklist": _list(_TEXT), "queryStringWhitelist": _list(_TEXT)}
BACKEND_CONFIG = _fields(
    iap=_fields(enabled=_YES, oauthclientCredentials=_fields(
        secretName=_TEXT, clientID=_TEXT, clientSecret=_TEXT)),
    cdn=_fields(
        enabled=_YES, cachePolicy=_fields(**_CACHE_KEYS), cacheMode=_TEXT, clientTtl=_NUMBER, defaultTtl=_NUMBER,
        maxTtl=_NUMBER, negativeCaching=_YES, requestCoalescing=_YES, serveWhileStale=_NUMBER,
        signedUrlCacheMaxAgeSec=_NUMBER, bypassCacheOnRequestHeaders=_list(_fields(headerName=_TEXT)),
        negativeCachingPolicy=_list(_fields(code=_NUMBER, ttl=_NUMBER)),
        signedUrlKeys=_list(_fields(keyName=_TEXT, keyValue=_TEXT, secretName=_TEXT))),
    securityPolicy={**_fields(name=_TEXT), "required": ["name"]},
    timeoutSec=_NUMBER,
    connectionDraining=_fields(drainingTimeoutSec=_NUMBER),
    sessionAffinity=_fields(affinityType=_TEXT, affinityCookieTtlSec=_NUMBER),
    customRequestHeaders=_fields(headers=_list(_TEXT)),
    customResponseHeaders=_fields(headers=_list(_TEXT)),
    healthCheck=_fields(checkIntervalSec=_NUMBER, timeoutSec=_NUMBER, healthyThreshold=_NUMBER,
                        unhealthyThreshold=_NUMBER, type=_TEXT, port=_NUMBER, requestPath=_TEXT),
    logging=_fields(enable=_YES, sampleRate={"type": "number", "format": "double"}),
)
FRONTEND_CONFIG = _fields(
    sslPolicy=_TEXT, redirectToHttps={**_fields(enabled=_YES, responseCodeName=_TEXT), "required": ["enabled"]})
MANAGED_CERTIFICATE = {**_fields(domains={**_list({"type": "string", "maxLength": 63}), "maxItems": 100}),
                       "required": ["domains"]}

#: Plural, kind, group, version, schema of ``spec``.
DEFINITIONS = (
    ("backendconfigs", "BackendConfig", "cloud.google.com", "v1", BACKEND_CONFIG),
    ("frontendconfigs", "FrontendConfig", "networking.gke.io", "v1beta1", FRONTEND_CONFIG),
    ("managedcertificates", "ManagedCertificate", "networking.gke.io", "v1", MANAGED_CERTIFICATE),
)


def definition(plural: str, kind: str, group: str, version: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A CustomResourceDefinition of one version, with a status that only its own subresource writes."""
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"apiVersion": _TEXT, "kind": _TEXT, "metadata": {"type": "object"},
                                               "spec": spec, "status": free}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
                          "subresources": {"status": {}}}]},
    }


def install(client: ApiClient) -> None:
    """Apply all of them. Raises ApiError or OSError."""
    for each in DEFINITIONS:
        made = definition(*each)
        client.apply(f"{CRDS}/{made['metadata']['name']}", made)
