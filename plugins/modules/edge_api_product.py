#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_api_product
short_description: Manage an API product on Apigee Edge
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes an API product, which says what a key opens.
  - Edge replaces a product as a whole. What is not stated here is read first and sent back as it is.
  - A product that lists proxies of gateways (C(edgemicro_...)) must list C(edgemicro-auth) as well, or Edge refuses its keys;
    that, and resource paths that gateways take otherwise than Edge, is said before anything is sent.
options:
  organization:
    description: The organisation on Edge.
    type: str
    required: true
  name:
    description: Name of the product. It cannot be changed.
    type: str
    required: true
  display_name:
    description: Name that people see. That of a new product is O(name) unless stated.
    type: str
  description:
    description: What it is.
    type: str
  approval_type:
    description: Whether keys are good at once or wait for approval. V(auto) for a new product.
    type: str
    choices: [auto, manual]
  environments:
    description: Environments that it opens. V([]) opens all. Required with O(state=present).
    type: list
    elements: str
  proxies:
    description: Proxies that it opens. V([]) opens all. Required with O(state=present).
    type: list
    elements: str
  api_resources:
    description:
      - Paths behind a proxy's base path that it opens.
      - Gateways take V(/) for every path. V(/**) does not open the base path itself.
    type: list
    elements: str
  quota:
    description: Calls that a key may make in the interval.
    type: int
  quota_interval:
    description: Length of the interval, in O(quota_time_unit).
    type: int
  quota_time_unit:
    description: Unit of O(quota_interval).
    type: str
    choices: [minute, hour, day, month]
  oauth_scopes:
    description: OAuth scopes that tokens may have.
    type: list
    elements: str
  attributes:
    description: Further facts about it, as a mapping. Attributes that are not stated stay. V({}) removes them all.
    type: dict
extends_documentation_fragment:
  - gatewayops.apigee_gke.edge
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.edge
seealso:
  - module: gatewayops.apigee_gke.edge_app
  - module: gatewayops.apigee_gke.edge_organization_info
"""

EXAMPLES = r"""
- name: Keys for the orders that a gateway serves
  gatewayops.apigee_gke.edge_api_product:
    organization: acme
    name: orders
    environments: [test]
    proxies: [edgemicro-auth, edgemicro_orders]
    api_resources: [/orders/**]
    edge_user: "{{ edge_user }}"
    edge_password: "{{ edge_password }}"
"""

RETURN = r"""
action:
  description: What was or would be done (V(created), V(updated), V(deleted), V(unchanged), V(kept)).
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
  description: The product in the words of the options; in check mode as it would be.
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
  description: Seconds spent waiting.
  returned: success
  type: float
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._edge.access import EDGE
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._edge.consumers import EdgeApiProduct
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run


def main() -> None:
    """One call: the engine does the rest."""
    run(EdgeApiProduct, EDGE)


if __name__ == "__main__":
    main()
