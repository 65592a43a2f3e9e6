# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backend services: regional ones that GKE makes for Services of type LoadBalancer, global ones of Ingresses.

None is made through the API: what stands in for GKE's controllers puts them there.
"""

from __future__ import annotations

from typing import Any

from testbed.google.rules import Said
from testbed.google.service import Call, handles
from testbed.google.services.compute.common import Readable, fingerprint


class _Either(Readable):
    """Those of both scopes."""

    collection = "backendServices"
    kind = "compute#backendService"


class RegionBackendServices(_Either):
    """Their backends are the nodes of a cluster; network endpoint groups and health checks are not emulated."""

    method_prefix = "compute.regionBackendServices"


class BackendServices(_Either):
    """Behind global load balancers; a security policy decides whose requests reach them."""

    method_prefix = "compute.backendServices"

    @handles(
        ".setSecurityPolicy",
        rules=[Said("the policy exists; without one there is none afterwards", source="google-apis.md 4.3")],
    )
    def set_security_policy(self, call: Call) -> dict[str, Any]:
        before = self.stored(call)
        document = {name: value for name, value in before.items() if name != "securityPolicy"}
        if named := call.body.get("securityPolicy"):
            _, policy = self.reference(call, "securityPolicy", named, r"global/securityPolicies/[^/]+")
            document["securityPolicy"] = policy["selfLink"]
        document["fingerprint"] = fingerprint(document)
        operation = self.operate(call, document, "setSecurityPolicy", before=before)
        call.store.put(f"compute/{self.path(call)}", document)
        return operation
