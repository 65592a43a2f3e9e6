#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_flow_hook_info
short_description: Read flow hooks of an Apigee environment
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads what is attached to one point of an environment, or to all four. Points with nothing attached are left out.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment.
    type: str
    required: true
  point:
    description: The point; without it, all are read.
    type: str
    choices: [PreProxyFlowHook, PreTargetFlowHook, PostTargetFlowHook, PostProxyFlowHook]
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_flow_hook
"""

EXAMPLES = r"""
- name: Read what runs for every proxy
  gatewayops.apigee_gke.apigee_flow_hook_info:
    project: acme-shop
    environment: prod
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each point with something attached. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.apigee_flow_hook).
  returned: success
  type: list
  elements: dict
  sample:
    - {environment: prod, point: PreProxyFlowHook, shared_flow: verify-key, continue_on_error: false}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_flow_hook import (
    ApigeeFlowHook,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeFlowHook)


if __name__ == "__main__":
    main()
