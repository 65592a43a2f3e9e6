#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_subnetwork
short_description: Manage a subnetwork
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes a subnetwork with its secondary ranges.
  - Secondary ranges that are not named are left alone, since GKE adds its own.
  - In place, Google widens O(ip_cidr_range), adds secondary ranges and switches O(private_ip_google_access).
options:
  name:
    description: Name of the subnetwork.
    type: str
    required: true
  region:
    description: Region of the subnetwork.
    type: str
    required: true
  network:
    description: The network it is in, by name or URL.
    type: str
    required: true
  ip_cidr_range:
    description: Primary range, for example V(10.10.0.0/20). It can be widened in place, never made smaller.
    type: str
    required: true
  description:
    description: What the subnetwork is for. The collection's own mark is added to it and never shown.
    type: str
  secondary_ip_ranges:
    description: Further ranges, for pods and Services. An empty list removes all of them, those of others included.
    type: list
    elements: dict
    suboptions:
      range_name:
        description: Name of the range.
        type: str
        required: true
      ip_cidr_range:
        description: The range, for example V(10.20.0.0/16).
        type: str
        required: true
  private_ip_google_access:
    description: Whether machines without public address reach Google's APIs. New subnetworks allow it unless stated.
    type: bool
  purpose:
    description:
      - What it is for. V(REGIONAL_MANAGED_PROXY) is the subnet in which Google has the proxies of a region's internal load
        balancers for HTTP, and holds nothing else. V(PRIVATE), which Google takes when none is given, is for everything else.
      - It stays for life.
    type: str
    choices: [PRIVATE, REGIONAL_MANAGED_PROXY]
  role:
    description: Of a subnet for proxies, whether it is in use. There is one V(ACTIVE) subnet in each region of a network.
    type: str
    choices: [ACTIVE, BACKUP]
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: A subnetwork with ranges for pods and Services
  gatewayops.apigee_gke.compute_subnetwork:
    project: acme-shop
    name: shop-europe-west1
    region: europe-west1
    network: shop-vpc
    ip_cidr_range: 10.10.0.0/20
    secondary_ip_ranges:
      - range_name: pods
        ip_cidr_range: 10.20.0.0/16
      - range_name: services
        ip_cidr_range: 10.30.0.0/20
"""

RETURN = r"""
action:
  description:
    - What was or would be done.
    - One of V(created), V(updated), V(recreated), V(deleted), V(unchanged), V(kept) (not ours, left alone) and
      V(pending).
  returned: success
  type: str
  sample: created
changes:
  description: What differed, field by field.
  returned: success
  type: list
  elements: dict
  contains:
    field:
      description: Dotted name of the option.
      type: str
    before:
      description: What was found.
      type: raw
    after:
      description: What is wanted.
      type: raw
requests:
  description: Calls made.
  returned: success
  type: dict
  contains:
    reads:
      description: Calls that changed nothing.
      type: int
    writes:
      description: Calls that changed something.
      type: int
waited:
  description: Seconds spent waiting for Google.
  returned: success
  type: float
resource:
  description: The subnetwork in the words of the options, with what only Google knows. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    self_link:
      description: Google's URL of the subnetwork.
      type: str
    gateway_address:
      description: Address of its gateway.
      type: str
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.compute_subnetwork import (
    ComputeSubnetwork,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ComputeSubnetwork)


if __name__ == "__main__":
    main()
