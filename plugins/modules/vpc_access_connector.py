#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vpc_access_connector
short_description: Manage a Serverless VPC Access connector
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes the machines through which functions reach a VPC network.
  - Functions use a connector of their own region only. Direct VPC egress needs no connector and is the better choice where
    nothing speaks against it. A connector is paid for around the clock.
  - Whether a new connector's range is free, or its subnetwork a /28, is looked up before anything is made.
  - Google gives a connector no place for a mark. It counts as made by this collection where its subnetwork or network is.
options:
  name:
    description: Name of the connector, at most 25 characters.
    type: str
    required: true
  region:
    description: Region of the connector, and of the functions that use it.
    type: str
    required: true
  network:
    description: The network to reach, by name or URL. Goes with O(ip_cidr_range). Google cannot change it in place.
    type: str
  ip_cidr_range:
    description: A free /28 of the network, for example V(10.8.0.0/28). Google cannot change it in place.
    type: str
  subnet:
    description: A /28 subnetwork that nothing else uses, instead of O(network) and O(ip_cidr_range).
    type: str
  subnet_project:
    description: Project of O(subnet), where that is another one (shared VPC).
    type: str
  machine_type:
    description: What its machines are.
    type: str
    choices: [f1-micro, e2-micro, e2-standard-4]
  min_instances:
    description: Fewest machines, 2 to 9. A new connector gets V(2) unless stated.
    type: int
  max_instances:
    description: Most machines, 3 to 10. A new connector gets V(3) unless stated; it grows, and never shrinks by itself.
    type: int
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.vpc_access_connector_info
"""

EXAMPLES = r"""
- name: A way from functions into the network
  gatewayops.apigee_gke.vpc_access_connector:
    project: acme-shop
    name: shop
    region: europe-west1
    network: shop-vpc
    ip_cidr_range: 10.8.0.0/28
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
  description: The connector in the words of the options, with what only Google knows. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    state:
      description: Google's word for its state.
      type: str
      sample: READY
    connected_projects:
      description: Projects whose functions use it.
      type: list
      elements: str
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.vpc_access_connector import (
    VpcAccessConnector,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(VpcAccessConnector)


if __name__ == "__main__":
    main()
