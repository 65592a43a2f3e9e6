#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_network_info
short_description: Read VPC networks
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one network by name, or all networks of the project.
options:
  name:
    description: Name of the network; without it, all networks are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.compute_network
"""

EXAMPLES = r"""
- name: Read the network
  gatewayops.apigee_gke.compute_network_info:
    project: acme-shop
    name: shop-vpc
  register: found
"""

RETURN = r"""
resources:
  description: The networks, each in the words of the options of M(gatewayops.apigee_gke.compute_network) with what
    only Google knows.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.compute_network import ComputeNetwork


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ComputeNetwork)


if __name__ == "__main__":
    main()
