#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_network
short_description: Manage a VPC network
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes a VPC network.
  - A new network has no automatic subnetworks unless O(auto_create_subnetworks) says so; it is never a legacy
    network.
  - Google can change only O(routing_mode) in place.
options:
  name:
    description: Name of the network.
    type: str
    required: true
  description:
    description: What the network is for. The collection's own mark is added to it and never shown.
    type: str
  auto_create_subnetworks:
    description: Whether Google makes a subnetwork in every region. New networks have none unless stated.
    type: bool
  routing_mode:
    description: Whether Cloud Routers advertise the routes of their own region or of all.
    type: str
    choices: [REGIONAL, GLOBAL]
  mtu:
    description: Largest packet in bytes, 1300 to 8896.
    type: int
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: A network for the shop
  gatewayops.apigee_gke.compute_network:
    project: acme-shop
    name: shop-vpc
    routing_mode: GLOBAL
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
  description: The network in the words of the options, with what only Google knows. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    self_link:
      description: Google's URL of the network.
      type: str
    subnetworks:
      description: URLs of its subnetworks.
      type: list
      elements: str
    peerings:
      description: Peerings of the network, as Google describes them.
      type: list
      elements: dict
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.compute_network import ComputeNetwork


def main() -> None:
    """One call: the engine does the rest."""
    run(ComputeNetwork)


if __name__ == "__main__":
    main()
