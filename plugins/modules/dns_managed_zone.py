#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_managed_zone
short_description: Manage a zone of Cloud DNS
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes a zone, private unless stated, and says which networks see it.
  - Google deletes a zone only once it is empty. One that holds names which do not go in the same run is left alone, as are its
    records.
options:
  name:
    description: Name of the zone.
    type: str
    required: true
  dns_name:
    description: The domain, for example V(shop.internal). The final dot may be left out.
    type: str
    required: true
  description:
    description: What the zone is for. The collection's own mark is added to it and never shown.
    type: str
  visibility:
    description: Whether only O(networks) see the zone or everybody. New zones are V(private) unless stated.
    type: str
    choices: [private, public]
  networks:
    description:
      - Networks that see a private zone, by name or URL.
      - The list is the whole of them unless O(shared); an empty one takes the zone away from all networks.
    type: list
    elements: str
  shared:
    description:
      - Whether others may show the zone to their networks too, which are then left alone.
      - With O(state=absent) O(networks) no longer see a zone that others' networks see. The zone goes with the last network.
      - The names in it are common to all. Choose different ones.
    type: bool
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
- name: Names of our own inside the network
  gatewayops.apigee_gke.dns_managed_zone:
    project: acme-shop
    name: shop-internal
    dns_name: shop.internal.
    networks: [shop-vpc]
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
  description: The zone in the words of the options, with what only Google knows. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    id:
      description: Google's number of the zone.
      type: str
    name_servers:
      description: Name servers of the zone.
      type: list
      elements: str
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.dns_managed_zone import DnsManagedZone


def main() -> None:
    """One call: the engine does the rest."""
    run(DnsManagedZone)


if __name__ == "__main__":
    main()
