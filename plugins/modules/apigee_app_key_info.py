#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_app_key_info
short_description: Read keys of an Apigee app
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one key of an app by name, or all of them.
  - Secrets are never shown, and keys only with O(show_keys=true).
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  developer:
    description: E-mail address of the developer.
    type: str
    required: true
  app:
    description: The app.
    type: str
    required: true
  name:
    description: Name of the key; without it, all are read.
    type: str
  show_keys:
    description: Whether to show each key as C(key). Use C(no_log) on the task.
    type: bool
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_app_key
"""

EXAMPLES = r"""
- name: The key that Apigee has made for an app
  gatewayops.apigee_gke.apigee_app_key_info:
    project: acme-shop
    developer: ann@partner.example
    app: shop
    show_keys: true
  register: found
  no_log: true
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the keys, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.apigee_app_key).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: first, developer: ann@partner.example, app: shop, status: approved, products: [{name: partner, status: approved}]}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_app_key import ApigeeAppKey


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeAppKey)


if __name__ == "__main__":
    main()
