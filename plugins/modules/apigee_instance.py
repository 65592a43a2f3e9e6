#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_instance
short_description: Manage an Apigee runtime instance
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes a runtime instance. Creation takes Google up to an hour; see O(wait).
  - Google fixes O(location), O(ip_ranges) and O(disk_encryption_key_name) at creation.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  name:
    description: Name of the instance, 2 to 32 lower-case letters, digits and dashes.
    type: str
    required: true
  location:
    description: Region. Required with O(state=present).
    type: str
  ip_ranges:
    description:
      - A /22 and a /28 for the runtime, either or both. Without them Google takes some from the range of the peering.
      - Google shows ranges that it chose itself too; only those stated are compared.
    type: list
    elements: str
  display_name:
    description: Name for people.
    type: str
  description:
    description: What it is for. The collection's own mark is added to it and never shown.
    type: str
  consumer_accept_list:
    description: Projects (id or number) that may connect to its service attachment. The order does not matter.
    type: list
    elements: str
  disk_encryption_key_name:
    description: Full name of the Cloud KMS key for its disks.
    type: str
  access_logging:
    description: Access logging of the instance.
    type: dict
    suboptions:
      enabled:
        description: Whether to log.
        type: bool
      filter:
        description: Which requests to log, as an expression.
        type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_instance_info
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: A runtime in Europe
  gatewayops.apigee_gke.apigee_instance:
    project: acme-shop
    name: europe-west1
    location: europe-west1
    ip_ranges: [10.30.0.0/22]
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
  description: The instance in the words of the options, with what only Google knows; in check mode as it would be.
  returned: success
  type: dict
  contains:
    host:
      description: Address where requests enter the instance.
      type: str
    port:
      description: Port where requests enter the instance.
      type: str
    service_attachment:
      description: Service attachment for Private Service Connect.
      type: str
    runtime_version:
      description: Version of the runtime.
      type: str
    state:
      description: Google's word for its state.
      type: str
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_instance import ApigeeInstance


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeInstance)


if __name__ == "__main__":
    main()
