#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_reference_info
short_description: Read Apigee references
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one reference of an environment by name, or all of them.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment.
    type: str
    required: true
  name:
    description: Name of the reference; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_reference
"""

EXAMPLES = r"""
- name: Read what is there
  gatewayops.apigee_gke.apigee_reference_info:
    project: acme-shop
    environment: prod
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the Apigee references, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.apigee_reference).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: partners, environment: prod, refers: partners-2026, resource_type: TrustStore}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_reference import (
    ApigeeReference,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeReference)


if __name__ == "__main__":
    main()
