#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_nat_address_info
short_description: Read NAT addresses of an Apigee instance
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one NAT address of an instance by name, or all of them.
options:
  instance:
    description: The instance.
    type: str
    required: true
  name:
    description: Name of the address; without it, all are read.
    type: str
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_nat_address
"""

EXAMPLES = r"""
- name: From which addresses does Apigee call?
  gatewayops.apigee_gke.apigee_nat_address_info:
    project: acme-shop
    instance: eu
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the addresses, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.apigee_nat_address).
  returned: success
  type: list
  elements: dict
  sample:
    - {instance: eu, name: nat-1, active: true, ip_address: 203.0.113.8, state: ACTIVE}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_nat_address import (
    ApigeeNatAddress,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeNatAddress)


if __name__ == "__main__":
    main()
