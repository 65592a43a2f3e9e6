#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_global_address
short_description: Manage a global address or reserved range
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates and deletes a global address, or with O(purpose=VPC_PEERING) a range that Google services get in a
    network.
  - Google changes only O(labels) in place.
options:
  name:
    description: Name of the address.
    type: str
    required: true
  description:
    description: What the address is for. The collection's own mark is added to it and never shown.
    type: str
  address:
    description: The address, or the first of the range. Google chooses when not given.
    type: str
  prefix_length:
    description: Length of the range. Apigee needs a /22 and a /28 for each instance.
    type: int
  address_type:
    description: Whether the address is internal. A range for Google services is V(INTERNAL) without being told.
    type: str
    choices: [INTERNAL, EXTERNAL]
  purpose:
    description: What the address is for.
    type: str
    choices: [VPC_PEERING, PRIVATE_SERVICE_CONNECT]
  network:
    description: The network the range is reserved in, by name or URL.
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
- name: A range for Apigee
  gatewayops.apigee_gke.compute_global_address:
    project: acme-shop
    name: google-services
    network: shop-vpc
    purpose: VPC_PEERING
    prefix_length: 21
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
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.compute_global_address import (
    ComputeGlobalAddress,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ComputeGlobalAddress)


if __name__ == "__main__":
    main()
