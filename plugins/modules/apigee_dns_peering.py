#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_dns_peering
short_description: Let Apigee resolve names of a VPC network
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Makes names below a DNS suffix, as seen from a VPC network, resolvable for the runtime of an organisation.
  - Reads which network model the organisation has. With VPC peering it manages a peered DNS domain of Service
      Networking, without it a DNS zone of Apigee. A hybrid organisation has neither and is refused with the reason.
  - Without VPC peering names alone bring no way to pods. Proxies reach a load balancer there through
      M(gatewayops.apigee_gke.apigee_endpoint_attachment), and a record in a private zone gives it its name.
  - A DNS zone needs the role C(roles/dns.peer) for Apigee's service agent on the network's project. Where it is missing,
      the error says how to grant it.
  - Google changes neither in place. Another suffix, or another network of a zone, is refused unless O(allow_recreate)
      is set.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  network:
    description: Short name or full path of the network. Without it, the network that the organisation is peered with;
      required where it is peered with none.
    type: str
  name:
    description: Name of the peering, lower-case letters, digits and dashes.
    type: str
    required: true
  dns_suffix:
    description: The suffix. A missing final dot is added. Required with O(state=present).
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.service_networking_connection
  - module: gatewayops.apigee_gke.apigee_organization
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: Let proxies find services of the cluster by name
  gatewayops.apigee_gke.apigee_dns_peering:
    project: acme-shop
    name: shop-cluster
    dns_suffix: gke.acme.internal

- name: The same in an organisation without VPC peering, with the network of a host project
  gatewayops.apigee_gke.apigee_dns_peering:
    project: acme-shop
    name: shop-cluster
    dns_suffix: gke.acme.internal
    network: projects/acme-network/global/networks/shop-vpc
"""

RETURN = r"""
action:
  description: What was or would be done (V(created), V(updated), V(recreated), V(deleted), V(unchanged),
      V(kept), V(pending)).
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
resource:
  description: The peering in the words of the options, with the mechanism; in check mode as it would be.
  returned: success
  type: dict
  contains:
    mechanism:
      description: What carries the names, V(peered_dns_domain) for an organisation with VPC peering, V(dns_zone) for
        one without.
      type: str
      sample: peered_dns_domain
    network:
      description: Short name of the network.
      type: str
    network_project:
      description: Project of the network.
      type: str
note:
  description: Why an object was left alone.
  returned: when there is something to say
  type: str
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
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_dns_peering import (
    ApigeeDnsPeering,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeDnsPeering)


if __name__ == "__main__":
    main()
