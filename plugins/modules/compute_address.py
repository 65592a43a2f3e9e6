#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_address
short_description: Manage a regional address
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates and deletes a regional address, most often the static internal address of an internal load balancer.
  - Google changes only O(labels) in place.
options:
  name:
    description: Name of the address.
    type: str
    required: true
  region:
    description: Region of the address, and of the load balancer that takes it.
    type: str
    required: true
  description:
    description: What the address is for. The collection's own mark is added to it and never shown.
    type: str
  address:
    description: The address. Google chooses a free one when not given.
    type: str
  address_type:
    description: Whether the address is internal. With O(subnetwork) it is V(INTERNAL) without being told.
    type: str
    choices: [INTERNAL, EXTERNAL]
  purpose:
    description:
      - What an internal address is for. Google takes V(GCE_ENDPOINT) when not given.
      - With V(SHARED_LOADBALANCER_VIP), several internal forwarding rules can have the address.
    type: str
    choices: [GCE_ENDPOINT, SHARED_LOADBALANCER_VIP]
  subnetwork:
    description: The subnetwork in the same region whose primary range an internal address is from, by name or URL.
    type: str
  labels:
    description: Labels; those not named are left alone.
    type: dict
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: An address for the orders service's internal load balancer
  gatewayops.apigee_gke.compute_address:
    project: acme-shop
    name: orders
    region: europe-west1
    subnetwork: shop-europe-west1
  register: orders

- name: Show it
  ansible.builtin.debug:
    msg: "{{ orders.resource.address }}"
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
  description: The address in the words of the options, with what only Google knows. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    self_link:
      description: Google's URL of the address.
      type: str
    status:
      description: Google's word for its state.
      type: str
    users:
      description: URLs of what uses the address.
      type: list
      elements: str
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.compute_address import ComputeAddress


def main() -> None:
    """One call: the engine does the rest."""
    run(ComputeAddress)


if __name__ == "__main__":
    main()
