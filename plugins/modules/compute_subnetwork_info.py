#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_subnetwork_info
short_description: Read VPC subnetworks
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one subnetwork of a region by name, or all of them, with their secondary ranges.
options:
  region:
    description: Region of the subnetworks.
    type: str
    required: true
  name:
    description: Name of the subnetwork; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.compute_subnetwork
"""

EXAMPLES = r"""
- name: Which ranges are taken?
  gatewayops.apigee_gke.compute_subnetwork_info:
    project: acme-shop
    region: europe-west1
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the VPC subnetworks, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.compute_subnetwork).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: shop-nodes, region: europe-west1, network: shop-vpc, ip_cidr_range: 10.10.0.0/20}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.compute_subnetwork import (
    ComputeSubnetwork,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ComputeSubnetwork)


if __name__ == "__main__":
    main()
