#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_organization_info
short_description: Read organisations of Apigee Edge
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one organisation of Apigee Edge by name, or the names of all that the user may see.
  - Fails for an organisation of Apigee X or hybrid, which Edge Microgateway cannot work with, and names what can.
options:
  name:
    description: Name of the organisation; without it, all are named.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.edge
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.edge
seealso:
  - module: gatewayops.apigee_gke.edge_api_product
"""

EXAMPLES = r"""
- name: Can Edge Microgateway work with this organisation?
  gatewayops.apigee_gke.edge_organization_info:
    name: acme
    edge_user: "{{ edge_user }}"
    edge_password: "{{ edge_password }}"
  register: found
"""

RETURN = r"""
resources:
  description: Organisations with C(name), C(type) and C(environments); of all, the names alone.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._edge.access import EDGE
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._edge.organization import EdgeOrganization
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info


def main() -> None:
    """One call: the engine does the rest."""
    run_info(EdgeOrganization, EDGE)


if __name__ == "__main__":
    main()
