#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_function_info
short_description: Read Cloud Functions
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one function of a region by name, or all of them.
options:
  region:
    description: Region of the functions.
    type: str
    required: true
  name:
    description: Name of the function; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.cloud_function
"""

EXAMPLES = r"""
- name: Which functions are there?
  gatewayops.apigee_gke.cloud_function_info:
    project: acme-shop
    region: europe-west1
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the functions, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.cloud_function).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: products, region: europe-west1, runtime: python311, state: ACTIVE}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.cloud_function import (
    CloudFunction,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(CloudFunction)


if __name__ == "__main__":
    main()
