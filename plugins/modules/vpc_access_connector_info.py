#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vpc_access_connector_info
short_description: Read Serverless VPC Access connectors
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one connector of a region by name, or all of them.
options:
  region:
    description: Region of the connectors.
    type: str
    required: true
  name:
    description: Name of the connector; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.vpc_access_connector
"""

EXAMPLES = r"""
- name: Which ranges do connectors take?
  gatewayops.apigee_gke.vpc_access_connector_info:
    project: acme-shop
    region: europe-west1
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the connectors, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.vpc_access_connector).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: shop, region: europe-west1, network: shop-vpc, ip_cidr_range: 10.8.0.0/28, state: READY}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.vpc_access_connector import (
    VpcAccessConnector,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(VpcAccessConnector)


if __name__ == "__main__":
    main()
