#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_address_info
short_description: Read regional addresses
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one regional address by name, or all of a region.
options:
  name:
    description: Name of the address; without it, all addresses of the region are read.
    type: str
  region:
    description: Region of the addresses.
    type: str
    required: true
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.compute_address
"""

EXAMPLES = r"""
- name: Read the addresses of a region
  gatewayops.apigee_gke.compute_address_info:
    project: acme-shop
    region: europe-west1
  register: found
"""

RETURN = r"""
resources:
  description: The addresses, each in the words of the options of M(gatewayops.apigee_gke.compute_address) with
    what only Google knows.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.compute_address import ComputeAddress


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ComputeAddress)


if __name__ == "__main__":
    main()
