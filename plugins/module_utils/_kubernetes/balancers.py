# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster says of Services with a load balancer. Private."""

from __future__ import annotations

import typing as t
from urllib.parse import urlencode

from .._declaration import manifests
from .reader import Reader

#: What GKE's controllers write when a load balancer cannot be had.
_WARNING = "Warning"


def look(reader: Reader, services: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """The state of each Service, in the same order.

    Returns:
        ``name``, ``namespace``, ``exists``, ``ours`` (by the collection's mark), ``is_load_balancer``,
        ``load_balancer_class``, ``address`` (empty as long as there is none) and ``endpoints``, the ready pods behind it
        (``address`` and ``pod``).

    Raises:
        ReadError: the API server gives no answer.
    """
    result = []
    for service in services:
        name, namespace = service["name"], service["namespace"]
        found = reader.get(f"/api/v1/namespaces/{namespace}/services/{name}") or {}
        spec = found.get("spec") or {}
        labels = (found.get("metadata") or {}).get("labels") or {}
        slices: list[dict[str, t.Any]] = []
        if found:
            path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
            slices = reader.list(path, {"kubernetes.io/service-name": name})
        ingress = ((found.get("status") or {}).get("loadBalancer") or {}).get("ingress") or [{}]
        result.append(
            {
                "name": name,
                "namespace": namespace,
                "exists": bool(found),
                "ours": labels.get(manifests.OWNER_LABEL) == manifests.MANAGED_BY,
                "is_load_balancer": spec.get("type") == "LoadBalancer",
                "load_balancer_class": spec.get("loadBalancerClass") or "",
                "address": ingress[0].get("ip") or "",
                "endpoints": manifests.ready_endpoints(slices, [service])[name],
            }
        )
    return result


def warnings(reader: Reader, service: dict[str, t.Any]) -> list[str]:
    """What controllers complained of about a Service, the latest last and each once. Raises ReadError."""
    query = {"fieldSelector": f"involvedObject.kind=Service,involvedObject.name={service['name']}"}
    found = reader.get(f"/api/v1/namespaces/{service['namespace']}/events?{urlencode(query)}") or {}
    said = [
        each.get("message") or ""
        for each in sorted(found.get("items") or [], key=lambda one: one.get("lastTimestamp") or "")
        if each.get("type") == _WARNING
    ]
    return list(dict.fromkeys(said))
