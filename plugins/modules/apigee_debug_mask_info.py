#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_debug_mask_info
short_description: Read what debug sessions of an Apigee environment do not show
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads the debug mask of an environment.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment.
    type: str
    required: true
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_debug_mask
"""

EXAMPLES = r"""
- name: Read what is hidden
  gatewayops.apigee_gke.apigee_debug_mask_info:
    project: acme-shop
    environment: prod
  register: found
"""

RETURN = r"""
resources:
  description:
    - The environment's mask. Empty when the mask is.
    - In the words of the options of M(gatewayops.apigee_gke.apigee_debug_mask).
  returned: success
  type: list
  elements: dict
  sample:
    - {environment: prod, variables: [request.header.authorization]}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_debug_mask import (
    ApigeeDebugMask,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeDebugMask)


if __name__ == "__main__":
    main()
