#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api_gateway_config_info
short_description: Read configs of an API of API Gateway
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one config of an API by name, with its document, or all of them, without.
options:
  api:
    description: Name of the API.
    type: str
    required: true
  name:
    description: Name of the config; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.api_gateway_config
"""

EXAMPLES = r"""
- name: Which configs are there?
  gatewayops.apigee_gke.api_gateway_config_info:
    project: acme-shop
    api: products
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each config, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.api_gateway_config).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: products-0a1b2c3d4e, api: products, state: ACTIVE}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.api_gateway_config import (
    ApiGatewayConfig,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApiGatewayConfig)


if __name__ == "__main__":
    main()
