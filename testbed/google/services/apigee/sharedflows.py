# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Shared flows: imported and deployed as proxies are, without base paths, routes and labels."""
from __future__ import annotations

from typing import Any

from testbed.google.service import Call, handles
from testbed.google.services.apigee.base import name_list
from testbed.google.services.apigee.deployments import Deployments
from testbed.google.services.apigee.kinds import SHARED_FLOW
from testbed.google.services.apigee.revisions import UPDATE_RULES, Imported, Revisions


class SharedFlows(Imported):
    """organizations.sharedflows.*"""

    kind = SHARED_FLOW
    method_prefix = "apigee.organizations.sharedflows"


class SharedFlowRevisions(Revisions):
    """organizations.sharedflows.revisions.*"""

    kind = SHARED_FLOW
    method_prefix = "apigee.organizations.sharedflows.revisions"
    extra_routes = (name_list(f"{method_prefix}.list", "organizations/[^/]+/sharedflows/[^/]+", "revisions"),)

    @handles(".updateSharedFlowRevision", rules=UPDATE_RULES)
    def update(self, call: Call) -> dict[str, Any]:
        return super().update(call)


class SharedFlowDeployments(Deployments):
    """organizations.environments.sharedflows.revisions: deploy, undeploy, state."""

    kind = SHARED_FLOW
    method_prefix = "apigee.organizations.environments.sharedflows.revisions"
