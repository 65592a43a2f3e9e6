#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api_gateway_gateway_info
short_description: Read gateways of API Gateway
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one gateway of a region by name, or all of them.
options:
  region:
    description: Region of the gateways; V(-) asks for those of every region.
    type: str
    required: true
  name:
    description: Name of the gateway; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.api_gateway_gateway
"""

EXAMPLES = r"""
- name: Where do callers go?
  gatewayops.apigee_gke.api_gateway_gateway_info:
    project: acme-shop
    region: europe-west1
    name: products
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each gateway, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.api_gateway_gateway).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: products, region: europe-west1, config: products-0a1b2c3d4e, default_hostname: products-1a2b.ew.gateway.dev}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.api_gateway_gateway import (
    ApiGatewayGateway,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApiGatewayGateway)


if __name__ == "__main__":
    main()
