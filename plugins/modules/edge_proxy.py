#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_proxy
short_description: Manage an API proxy on Apigee Edge
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Brings a proxy with the wanted content into one environment of Apigee Edge. Content that is deployed is compared by file; what
    differs becomes a new revision, which takes the place of the old one.
  - Gateways download of a proxy its base path and its target alone, and only if its name begins with C(edgemicro_). The proxy
    C(edgemicro-auth), which they ask for tokens, is in the npm package microgateway-edgeauth.
  - A sentence in the description of the bundle says that this collection made it. With O(state=absent), only such a proxy is
    deleted, from all environments, unless O(force=true).
options:
  organization:
    description: The organisation on Edge.
    type: str
    required: true
  environment:
    description: The environment.
    type: str
    required: true
  name:
    description: Name of the proxy. It cannot be changed.
    type: str
    required: true
  bundle:
    description:
      - A zip file, a folder that holds C(apiproxy), or that folder.
      - Either this or O(base_path) is required with O(state=present).
    type: path
  base_path:
    description: Makes a proxy for requests below this path.
    type: str
  target_url:
    description: Where the requests of O(base_path) go.
    type: str
  description:
    description: What the proxy of O(base_path) is.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.edge
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.edge
seealso:
  - module: gatewayops.apigee_gke.edge_api_product
  - module: gatewayops.apigee_gke.edge_microgateway_keys
"""

EXAMPLES = r"""
- name: Orders that a gateway serves
  gatewayops.apigee_gke.edge_proxy:
    organization: acme
    environment: test
    name: edgemicro_orders
    base_path: /orders
    target_url: http://orders.shop.svc:8080
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
  description: C(organization), C(environment), C(name), the C(revision) that is deployed there, and all C(revisions).
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._edge.proxy import EdgeProxy
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run


def main() -> None:
    """One call: the engine does the rest."""
    run(EdgeProxy, EDGE)


if __name__ == "__main__":
    main()
