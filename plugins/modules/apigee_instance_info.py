#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_instance_info
short_description: Read Apigee runtime instances
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one instance by name, or all of an organisation, with the address where requests enter and its ranges.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  name:
    description: Name of the instance; without it, all instances are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_instance
"""

EXAMPLES = r"""
- name: Where do requests enter?
  gatewayops.apigee_gke.apigee_instance_info:
    project: acme-shop
  register: found
"""

RETURN = r"""
resources:
  description: Instances in the words of M(gatewayops.apigee_gke.apigee_instance), with what only Google knows.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_instance import ApigeeInstance


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeInstance)


if __name__ == "__main__":
    main()
