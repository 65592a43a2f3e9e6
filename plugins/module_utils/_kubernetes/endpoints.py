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

    Args:
        reader: of the cluster.
        services: with ``name`` and ``namespace``.

    Raises:
        ReadError: the API server gives no list.
    """
    slices: list[dict[str, t.Any]] = []
    for service in services:
        path = f"/apis/discovery.k8s.io/v1/namespaces/{service['namespace']}/endpointslices"
        slices += reader.list(path, {"kubernetes.io/service-name": service["name"]})
    return manifests.ready_endpoints(slices, services)
