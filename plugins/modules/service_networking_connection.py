#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_networking_connection
short_description: Manage the private connection between a network and Google services
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates and changes the peering through which Apigee and other Google services reach a VPC network.
  - Reserved ranges that are not named are left alone.
  - It is this collection's if the network is; O(state=absent) deletes it then.
  - Google refuses to delete it while a service still uses it, and for a while afterwards.
options:
  network:
    description: The network, by name or URL.
    type: str
    required: true
  reserved_peering_ranges:
    description: Names of reserved ranges (M(gatewayops.apigee_gke.compute_global_address) with
      C(purpose=VPC_PEERING)) for Google services to take addresses from.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: Connect the network with Google services
  gatewayops.apigee_gke.service_networking_connection:
    project: acme-shop
    network: shop-vpc
    reserved_peering_ranges: [google-services]
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
  description: The connection in the words of the options, with what only Google knows. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    peering:
      description: Name of the peering in the network.
      type: str
    service:
      description: The service it connects to.
      type: str
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.service_networking_connection import (
    ServiceNetworkingConnection,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ServiceNetworkingConnection)


if __name__ == "__main__":
    main()
