# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of Application Load Balancers, global and regional, which are read.

What stands in for GKE's controllers puts them there.
"""

from __future__ import annotations

from typing import Any

from testbed.google.service import Call, handles
from testbed.google.services.compute.common import Readable


class HealthChecks(Readable):
    collection, kind, method_prefix = "healthChecks", "compute#healthCheck", "compute.healthChecks"


class UrlMaps(Readable):
    collection, kind, method_prefix = "urlMaps", "compute#urlMap", "compute.urlMaps"


class TargetHttpProxies(Readable):
    collection, kind, method_prefix = "targetHttpProxies", "compute#targetHttpProxy", "compute.targetHttpProxies"


class TargetHttpsProxies(Readable):
    collection, kind, method_prefix = "targetHttpsProxies", "compute#targetHttpsProxy", "compute.targetHttpsProxies"


class GlobalForwardingRules(Readable):
    collection, kind, method_prefix = "forwardingRules", "compute#forwardingRule", "compute.globalForwardingRules"


class RegionHealthChecks(Readable):
    collection, kind, method_prefix = "healthChecks", "compute#healthCheck", "compute.regionHealthChecks"


class RegionUrlMaps(Readable):
    collection, kind, method_prefix = "urlMaps", "compute#urlMap", "compute.regionUrlMaps"


class RegionTargetHttpProxies(Readable):
    collection, kind = "targetHttpProxies", "compute#targetHttpProxy"
    method_prefix = "compute.regionTargetHttpProxies"


class RegionTargetHttpsProxies(Readable):
    collection, kind = "targetHttpsProxies", "compute#targetHttpsProxy"
    method_prefix = "compute.regionTargetHttpsProxies"


class NetworkEndpointGroups(Readable):
    """Zonal ones with the addresses of pods."""

    collection, kind = "networkEndpointGroups", "compute#networkEndpointGroup"
    method_prefix = "compute.networkEndpointGroups"

    @handles(".listNetworkEndpoints", permission="compute.networkEndpointGroups.get")
    def endpoints(self, call: Call) -> dict[str, Any]:
        path = self.path(call)
        items = [
            {"networkEndpoint": {"ipAddress": address, "port": port}}
            for address, port in self.stored(call)["_endpoints"]
        ]
        answer = {"kind": "compute#networkEndpointGroupsListNetworkEndpoints", "id": path}
        return {**answer, "items": items} if items else answer
