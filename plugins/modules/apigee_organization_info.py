#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_organization_info
short_description: Read Apigee organisations
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one organisation by name, or all that the credentials may see, with its network model.
options:
  name:
    description: Name of the organisation; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_organization
"""

EXAMPLES = r"""
- name: Is the organisation peered?
  gatewayops.apigee_gke.apigee_organization_info:
    project: acme-shop
    name: acme-shop
  register: found
"""

RETURN = r"""
resources:
  description: Organisations in the words of M(gatewayops.apigee_gke.apigee_organization), with what only Google knows.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_organization import (
    ApigeeOrganization,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeOrganization)


if __name__ == "__main__":
    main()
