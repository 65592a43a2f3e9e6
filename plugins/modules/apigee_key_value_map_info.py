#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_key_value_map_info
short_description: Read Apigee key value maps
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one key value map of an organisation, an environment or a proxy by name, or all of them.
  - Any value may be a secret. Without O(values=true) only the names of entries are shown.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment. Without it and without O(proxy), the organisation's maps are meant.
    type: str
  proxy:
    description: The API proxy.
    type: str
  name:
    description: Name of the map; without it, all are read.
    type: str
  values:
    description: Whether to show values. Use C(no_log) on the task if one of them may be a secret.
    type: bool
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_key_value_map
"""

EXAMPLES = r"""
- name: Which settings are there?
  gatewayops.apigee_gke.apigee_key_value_map_info:
    project: acme-shop
    environment: prod
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the key value maps, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.apigee_key_value_map).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: settings, environment: prod, entries: {}, entry_names: [page_size, region], masked_values: false}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_key_value_map import (
    ApigeeKeyValueMap,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeKeyValueMap)


if __name__ == "__main__":
    main()
