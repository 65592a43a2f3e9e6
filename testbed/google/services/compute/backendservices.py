# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regional backend services, read only: those that GKE makes for Services of type LoadBalancer."""

from __future__ import annotations

from typing import Any

from testbed.google.service import Call, handles
from testbed.google.services.compute.common import ComputeService


class RegionBackendServices(ComputeService):
    """Their backends are the nodes of a cluster; network endpoint groups and health checks are not emulated."""

    collection = "backendServices"
    kind = "compute#backendService"

    @handles("compute.regionBackendServices.get")
    def get(self, call: Call) -> dict[str, Any]:
        return self.shown(call, self.stored(call))

    @handles("compute.regionBackendServices.list")
    def list(self, call: Call) -> dict[str, Any]:
        return self.listed(call)

    def shown(self, call: Call, document: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in document.items() if not key.startswith("_")}
