#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_dns_peering_info
short_description: Read DNS peerings of an Apigee organisation
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads which domains the runtime of an organisation resolves in your network, one by name or all of them.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  network:
    description: The network, by name or URL. Without it, the one that the organisation is peered with. An organisation
      without VPC peering shows the zones of all networks.
    type: str
  name:
    description: Name of the peering; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_dns_peering
"""

EXAMPLES = r"""
- name: Which names can Apigee resolve?
  gatewayops.apigee_gke.apigee_dns_peering_info:
    project: acme-shop
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the DNS peerings of an Apigee organisation, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.apigee_dns_peering).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: shop, dns_suffix: shop.gke.acme.internal., network: shop-vpc, mechanism: peered_dns_domain}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_dns_peering import (
    ApigeeDnsPeering,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeDnsPeering)


if __name__ == "__main__":
    main()
