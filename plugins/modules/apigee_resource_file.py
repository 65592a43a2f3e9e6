#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_resource_file
short_description: Manage a resource file of an Apigee environment
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Uploads, replaces and deletes a file that all proxies of an environment can use, such as a property set or a schema.
  - Contents are compared by their SHA-256 digest. No result and no difference shows a content.
  - Apigee has such files in environments only. Files of a single proxy or shared flow belong into its bundle.
  - It has no place for this collection's mark. It is ours, and can be deleted, when a record in the organisation's map
    C(gatewayops-ownership) says that this collection made or adopted it, wherever it is.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment it belongs to.
    type: str
    required: true
  type:
    description: What it is. Policies and flow variables refer to files by type and name.
    type: str
    required: true
    choices: [graphql, java, jsc, oas, properties, py, wsdl, xsd, xsl]
  name:
    description: Name of the file. A property set C(limits) is read as C(propertyset.limits.KEY).
    type: str
    required: true
  content:
    description: The content as text.
    type: str
  content_base64:
    description: The content in base64, for what is no text.
    type: str
  src:
    description: Path of a file with the content, where the module runs.
    type: path
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_resource_file_info
  - module: gatewayops.apigee_gke.apigee_key_value_map
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: Settings that all proxies read
  gatewayops.apigee_gke.apigee_resource_file:
    project: acme-shop
    environment: prod
    type: properties
    name: limits
    content: |
      page.size=50
      region=europe-west1

- name: A schema from the repository
  gatewayops.apigee_gke.apigee_resource_file:
    project: acme-shop
    environment: prod
    type: xsd
    name: order.xsd
    src: schemas/order.xsd
"""

RETURN = r"""
action:
  description: What was or would be done (V(created), V(updated), V(recreated), V(deleted), V(unchanged),
      V(kept), V(pending)).
  returned: success
  type: str
  sample: created
changes:
  description: What differed, field by field.
  returned: success
  type: list
  elements: dict
  contains:
    field:
      description: Dotted name of the option.
      type: str
    before:
      description: What was found.
      type: raw
    after:
      description: What is wanted.
      type: raw
resource:
  description: Where it is, with C(digest) and C(size) in bytes, never the content; in check mode as it would be.
  returned: success
  type: dict
note:
  description: Why an object was left alone.
  returned: when there is something to say
  type: str
requests:
  description: Calls made.
  returned: success
  type: dict
  contains:
    reads:
      description: Calls that changed nothing.
      type: int
    writes:
      description: Calls that changed something.
      type: int
waited:
  description: Seconds spent waiting for Google.
  returned: success
  type: float
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_resource_file import (
    ApigeeResourceFile,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeResourceFile)


if __name__ == "__main__":
    main()
