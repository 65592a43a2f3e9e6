#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_proxy_info
short_description: Read API proxies and their deployments
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one proxy by name, or all of an organisation, with revisions, labels and the state of every deployment.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  name:
    description: Name of the proxy; without it, all proxies are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_proxy
"""

EXAMPLES = r"""
- name: Is orders healthy everywhere?
  gatewayops.apigee_gke.apigee_proxy_info:
    project: acme-shop
    name: orders
  register: found
  failed_when: found.resources[0].deployments | rejectattr('state', 'eq', 'READY') | list | length > 0
"""

RETURN = r"""
resources:
  description: Proxies in the words of M(gatewayops.apigee_gke.apigee_proxy), with what only Google knows.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_proxy import ApigeeProxy


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeProxy)


if __name__ == "__main__":
    main()
