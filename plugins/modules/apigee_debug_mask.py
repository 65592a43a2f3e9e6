#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_debug_mask
short_description: Manage what debug sessions of an Apigee environment do not show
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Every environment has one debug mask, empty at first. A list that is stated is kept exactly as stated; one that is not
    stated stays as it is.
  - With O(state=absent) the mask is emptied, if a record in the organisation's map C(gatewayops-ownership) says that this
    collection filled or adopted it.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment it belongs to.
    type: str
    required: true
  variables:
    description: Flow variables whose values are hidden, such as V(request.header.authorization).
    type: list
    elements: str
  request_json_paths:
    description: JSONPaths of what is hidden in JSON requests.
    type: list
    elements: str
  response_json_paths:
    description: JSONPaths of what is hidden in JSON responses.
    type: list
    elements: str
  fault_json_paths:
    description: JSONPaths of what is hidden in JSON payloads of the error flow.
    type: list
    elements: str
  request_xpaths:
    description: XPaths of what is hidden in XML requests.
    type: list
    elements: str
  response_xpaths:
    description: XPaths of what is hidden in XML responses.
    type: list
    elements: str
  fault_xpaths:
    description: XPaths of what is hidden in XML payloads of the error flow.
    type: list
    elements: str
  namespaces:
    description: Prefixes used in XPaths, as a mapping of prefix to URI.
    type: dict
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_debug_mask_info
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: Keys and card numbers are never shown
  gatewayops.apigee_gke.apigee_debug_mask:
    project: acme-shop
    environment: prod
    variables: [request.header.authorization, request.queryparam.apikey]
    request_json_paths: ["$.payment.card"]
    request_xpaths: ["/shop:order/shop:card"]
    namespaces: {shop: "urn:acme:shop"}
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
  description: The mask in the words of the options; in check mode as it would be.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_debug_mask import (
    ApigeeDebugMask,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeDebugMask)


if __name__ == "__main__":
    main()
