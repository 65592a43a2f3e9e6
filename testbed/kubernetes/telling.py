# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How controllers of the testbed write to a cluster: patches, finalizers and events about an object."""
from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from typing import Any

from .client import ApiClient, ApiError

MERGE = "application/merge-patch+json"

log = logging.getLogger("testbed.telling")

#: Plurals and roots of what controllers speak of, by kind.
_PLACES = {
    "Service": "/api/v1/namespaces/{}/services/{}",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses/{}",
    "Gateway": "/apis/gateway.networking.k8s.io/v1/namespaces/{}/gateways/{}",
    "HTTPRoute": "/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes/{}",
    "GCPBackendPolicy": "/apis/networking.gke.io/v1/namespaces/{}/gcpbackendpolicies/{}",
    "GCPGatewayPolicy": "/apis/networking.gke.io/v1/namespaces/{}/gcpgatewaypolicies/{}",
    "ManagedCertificate": "/apis/networking.gke.io/v1/namespaces/{}/managedcertificates/{}",
    "HealthCheckPolicy": "/apis/networking.gke.io/v1/namespaces/{}/healthcheckpolicies/{}",
}


def path_of(kind: str, item: Mapping[str, Any]) -> str:
    """Where an object is in its API server."""
    return _PLACES[kind].format(item["metadata"]["namespace"], item["metadata"]["name"])


def patch(client: ApiClient, path: str, body: dict[str, Any]) -> Any:
    """A merge patch. Raises ApiError or OSError."""
    return client.request("PATCH", path, body, MERGE)


def finalize(client: ApiClient, path: str, finalizer: str, *, present: bool) -> None:
    """Add a finalizer or take it away. Read anew: the list is replaced as a whole, and others keep finalizers in it."""
    now = client.get(path)["metadata"]
    others = [each for each in now.get("finalizers") or [] if each != finalizer]
    wanted = [*others, finalizer] if present else others
    if wanted != (now.get("finalizers") or []):
        patch(client, path, {"metadata": {"finalizers": wanted, "resourceVersion": now["resourceVersion"]}})


class Voice:
    """Who speaks in the events of one controller."""

    def __init__(self, component: str) -> None:
        self._component = component
        self._said: dict[str, tuple[str, str]] = {}

    def tell(self, client: ApiClient, kind: str, item: Mapping[str, Any], type_: str, reason: str,
             message: str) -> None:
        """An event; a warning once as long as nothing else is to be told. That it cannot be written harms nothing."""
        metadata = item["metadata"]
        if type_ == "Warning" and self._said.get(metadata["uid"]) == (reason, message):
            return
        self._said[metadata["uid"]] = (reason, message)
        moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"generateName": f"{metadata['name']}.", "namespace": metadata["namespace"]},
            "involvedObject": {"apiVersion": item.get("apiVersion", "v1"), "kind": kind,
                               "namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]},
            "type": type_, "reason": reason, "message": message, "count": 1, "firstTimestamp": moment,
            "lastTimestamp": moment, "source": {"component": self._component},
            "reportingComponent": self._component}
        try:
            client.request("POST", f"/api/v1/namespaces/{metadata['namespace']}/events", event)
        except (ApiError, OSError) as error:
            log.info("event %s of %s %s: %s", reason, kind, metadata["name"], error)
