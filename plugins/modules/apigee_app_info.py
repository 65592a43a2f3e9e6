#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_app_info
short_description: Read apps of an Apigee developer
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one app of a developer by name, or all of them, without any key or secret.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  developer:
    description: E-mail address of the developer.
    type: str
    required: true
  name:
    description: Name of the app; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_app
"""

EXAMPLES = r"""
- name: When do keys expire?
  gatewayops.apigee_gke.apigee_app_info:
    project: acme-shop
    developer: ann@partner.example
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the apps, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.apigee_app).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: shop, developer: ann@partner.example, products: [partner], status: approved, keys: []}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_app import ApigeeApp


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeApp)


if __name__ == "__main__":
    main()
