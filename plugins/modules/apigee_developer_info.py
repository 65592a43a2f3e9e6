#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_developer_info
short_description: Read Apigee developers
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one developer by e-mail address, or all of an organisation.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  email:
    description: E-mail address; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_developer
"""

EXAMPLES = r"""
- name: Who has apps?
  gatewayops.apigee_gke.apigee_developer_info:
    project: acme-shop
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the developers, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.apigee_developer).
  returned: success
  type: list
  elements: dict
  sample:
    - {email: ann@partner.example, first_name: Ann, last_name: Smith, status: active, apps: [shop]}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_developer import ApigeeDeveloper


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeDeveloper)


if __name__ == "__main__":
    main()
