#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_security_policy_info
short_description: Read Cloud Armor security policies
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one global security policy by name, or all of them.
options:
  name:
    description: Name of the policy; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.compute_security_policy
"""

EXAMPLES = r"""
- name: Whom does the policy let in?
  gatewayops.apigee_gke.compute_security_policy_info:
    project: acme-shop
    name: shop
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the policies, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.compute_security_policy). Rules are Google's, one by one.
  returned: success
  type: list
  elements: dict
  sample:
    - name: shop
      rules: [{priority: 1000, action: allow, source_ranges: [203.0.113.8/32]}]
      default_action: deny(403)
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.compute_security_policy import (
    ComputeSecurityPolicy,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ComputeSecurityPolicy)


if __name__ == "__main__":
    main()
