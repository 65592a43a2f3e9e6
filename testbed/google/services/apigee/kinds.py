# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The two kinds of thing that are imported as a bundle and deployed by revision: API proxies and shared flows."""
from __future__ import annotations

from dataclasses import dataclass

from testbed.apigee.bundle.archive import ROOT, SHARED_FLOW_ROOT


@dataclass(frozen=True)
class Kind:
    """How a kind is called: in resource names, in messages, in the store, in the runtime's configuration."""

    # In resource names, and the name of the list's field in answers.
    collection: str
    title: str
    schema: str
    sub_type: str
    # The bundle's folder and its descriptor's root element.
    root: str
    descriptor: str
    # Collection below an environment in the store.
    deployments: str
    # In the runtime's configuration: the environment's list, and the field with the name.
    listed: str
    named: str


PROXY = Kind("apis", "API proxy", "ApiProxy", "Proxy", ROOT, "APIProxy", "deployments", "deployments", "proxy")
SHARED_FLOW = Kind("sharedflows", "shared flow", "SharedFlow", "SharedFlow", SHARED_FLOW_ROOT, "SharedFlowBundle",
                   "sharedflowdeployments", "shared_flows", "shared_flow")
KINDS = {kind.collection: kind for kind in (PROXY, SHARED_FLOW)}


def revision_name(kind: Kind, organization: str, name: str, number: str) -> str:
    return f"organizations/{organization}/{kind.collection}/{name}/revisions/{number}"
