#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_firewall_info
short_description: Read VPC firewall rules
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one firewall rule by name, or all of the project.
options:
  name:
    description: Name of the rule; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.compute_firewall
"""

EXAMPLES = r"""
- name: Who may reach the pods?
  gatewayops.apigee_gke.compute_firewall_info:
    project: acme-shop
    name: shop-vpc-apigee-to-pods
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the VPC firewall rules, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.compute_firewall).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: shop-vpc-apigee-to-pods, direction: INGRESS, source_ranges: [10.64.0.0/22]}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.compute_firewall import ComputeFirewall


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ComputeFirewall)


if __name__ == "__main__":
    main()
