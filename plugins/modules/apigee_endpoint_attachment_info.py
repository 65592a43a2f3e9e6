#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_endpoint_attachment_info
short_description: Read Apigee endpoint attachments
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one endpoint attachment by name, or all of an organisation, with the host that each answers at and whether its
      producer has accepted it.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  name:
    description: Name of the endpoint attachment; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_endpoint_attachment
"""

EXAMPLES = r"""
- name: Where are the load balancers that Apigee reaches?
  gatewayops.apigee_gke.apigee_endpoint_attachment_info:
    project: acme-shop
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the endpoint attachments, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.apigee_endpoint_attachment).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: orders, location: europe-west1, host: 7.0.3.2, connection_state: ACCEPTED, state: ACTIVE}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_endpoint_attachment import (
    ApigeeEndpointAttachment,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeEndpointAttachment)


if __name__ == "__main__":
    main()
