#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_resource_file_info
short_description: Read resource files of an Apigee environment
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one resource file of an environment, or all of one type. Contents are read to tell their digests and not shown.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment.
    type: str
    required: true
  type:
    description: The type.
    type: str
    required: true
    choices: [graphql, java, jsc, oas, properties, py, wsdl, xsd, xsl]
  name:
    description: Name of the file; without it, all of the type are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_resource_file
"""

EXAMPLES = r"""
- name: Read what property sets there are
  gatewayops.apigee_gke.apigee_resource_file_info:
    project: acme-shop
    environment: prod
    type: properties
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the files, with C(digest) and C(size) in bytes. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.apigee_resource_file).
  returned: success
  type: list
  elements: dict
  sample:
    - {environment: prod, type: properties, name: limits, digest: 'sha256:...', size: 31}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_resource_file import (
    ApigeeResourceFile,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeResourceFile)


if __name__ == "__main__":
    main()
