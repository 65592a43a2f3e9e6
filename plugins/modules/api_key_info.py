#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api_key_info
short_description: Read API keys
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one API key of a project by its name, or all of them. Deleted ones are not told.
  - Key strings are only shown with O(show_key_strings=true).
options:
  name:
    description: ID of the key; without it, all are read.
    type: str
  show_key_strings:
    description: Whether to read the string of each key and to show it as C(key_string). Use C(no_log) on the task.
    type: bool
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.api_key
"""

EXAMPLES = r"""
- name: Read what is there
  gatewayops.apigee_gke.api_key_info:
    project: acme-shop
  register: found

- name: Read a key to hand it over
  gatewayops.apigee_gke.api_key_info:
    project: acme-shop
    name: partner
    show_key_strings: true
  register: partner
  no_log: true
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the keys, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.api_key).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: partner, display_name: "Partner's shop", services: [{service: products-1a2b3c.apigateway.acme-shop.cloud.goog}]}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.api_key import (
    ApiKey,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApiKey)


if __name__ == "__main__":
    main()
