#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_api_product_info
short_description: Read Apigee API products
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one API product by name, or all of an organisation.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  name:
    description: Name of the product; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_api_product
"""

EXAMPLES = r"""
- name: What can keys open?
  gatewayops.apigee_gke.apigee_api_product_info:
    project: acme-shop
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the API products, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.apigee_api_product).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: partner, display_name: For partners, environments: [prod], proxies: [orders], approval_type: manual}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_api_product import (
    ApigeeApiProduct,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeApiProduct)


if __name__ == "__main__":
    main()
