# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the names of Services lead now. Private."""

from __future__ import annotations

import typing as t

from .._declaration import manifests
from .reader import Reader


def ready(reader: Reader, services: list[dict[str, t.Any]]) -> dict[str, list[dict[str, t.Any]]]:
    """Ready endpoints (``address``, ``pod``) by the Service's name.

    A name of which a pod lacks the sidecar that it should have gives none: some of its calls would fail.

    Args:
        reader: of the cluster.
        services: with ``name`` and ``namespace``; with ``selector`` and ``sidecar_port`` where sidecars end TLS.

    Raises:
        ReadError: the API server gives no list.
    """
    slices: list[dict[str, t.Any]] = []
    for service in services:
        path = f"/apis/discovery.k8s.io/v1/namespaces/{service['namespace']}/endpointslices"
        slices += reader.list(path, {"kubernetes.io/service-name": service["name"]})
    found = manifests.ready_endpoints(slices, services)
    return {
        service["name"]: [] if _bare(reader, service, found[service["name"]]) else found[service["name"]]
        for service in services
    }


def _bare(reader: Reader, service: dict[str, t.Any], endpoints: list[dict[str, t.Any]]) -> list[str]:
    """Pods behind a name without the sidecar that they should have."""
    if not service.get("sidecar_port") or not service.get("selector") or not endpoints:
        return []
    found = reader.list(f"/api/v1/namespaces/{service['namespace']}/pods", service["selector"])
    names = {endpoint["pod"] for endpoint in endpoints}
    return manifests.without_sidecar(found, names, service["sidecar_port"])
