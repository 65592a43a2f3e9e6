#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_shared_flow_info
short_description: Read shared flows and their deployments
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one shared flow by name, or all of an organisation, with revisions and the state of every deployment.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  name:
    description: Name of the shared flow; without it, all shared flows are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_shared_flow
"""

EXAMPLES = r"""
- name: Is security healthy everywhere?
  gatewayops.apigee_gke.apigee_shared_flow_info:
    project: acme-shop
    name: security
  register: found
  failed_when: found.resources[0].deployments | rejectattr('state', 'eq', 'READY') | list | length > 0
"""

RETURN = r"""
resources:
  description: Shared flows in the words of M(gatewayops.apigee_gke.apigee_shared_flow), with what only Google knows.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_shared_flow import (
    ApigeeSharedFlow,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeSharedFlow)


if __name__ == "__main__":
    main()
