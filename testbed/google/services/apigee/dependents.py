# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Who needs a deployed shared flow: it cannot be taken away from those.

Sources: hashicorp/terraform-provider-google #25852 ("undeployment validations failed", WOULD_BREAK_DEPENDENT, seen for
a proxy with a FlowCallout) and #14530 (a flow hook); apigee/apigee-deploy-maven-plugin #140 words the latter for Edge.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from testbed.google.services.apigee import picture
from testbed.google.services.apigee.kinds import KINDS, revision_name
from testbed.google.services.apigee.names import key

if TYPE_CHECKING:
    from testbed.google.store import Transaction

BREAKS = "WOULD_BREAK_DEPENDENT"


def violations(store: Transaction, organization: str, environment: str, shared_flow: str) -> list[dict[str, str]]:
    """Why a shared flow cannot be undeployed from an environment: one violation for each dependent."""
    found = []
    for document in picture.all_deployments(store, organization, environment):
        kind, deployment = KINDS[document["collection"]], document["deployment"]
        name, number = deployment["apiProxy"], deployment["revision"]
        if document["phase"] == "removing" or (kind.collection, name) == ("sharedflows", shared_flow):
            continue
        if shared_flow in (picture.revision(store, kind, organization, name, number) or {}).get("callouts", ()):
            found.append({"type": BREAKS, "subject": revision_name(kind, organization, name, number),
                          "description": f'{kind.title} "{name}" revision {number} calls shared flow "{shared_flow}" '
                                         f'in environment "{environment}".'})
    hooks = key("organizations", organization, "environments", environment, "flowhooks")
    for hook in store.children(hooks):
        if hook.get("sharedFlow") == shared_flow:
            point = hook["flowHookPoint"]
            found.append({"type": BREAKS,
                          "subject": f"organizations/{organization}/environments/{environment}/flowhooks/{point}",
                          "description": f'The shared flow "{shared_flow}" is in use by {point}.'})
    return found
