#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_microgateway_credential
short_description: Give Edge the key and secret of gateways, or take them back
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Registers a key and a secret with an environment of Edge, by which gateways identify themselves, as C(edgemicro configure)
    does. Edge never shows them; whether it knows a pair is asked with the pair itself.
  - Several pairs are good at the same time. To replace one without a gap, register the new one, roll the gateways, then take the
    old one back with O(state=absent).
  - Make both with a generator of random texts, and keep them in a vault or a Secret.
options:
  organization:
    description: The organisation on Edge.
    type: str
    required: true
  environment:
    description: The environment.
    type: str
    required: true
  key:
    description: By what Edge knows the gateway. 32 or more random letters, digits and dashes.
    type: str
    required: true
  secret:
    description: What proves it. 32 or more random letters, digits and dashes, others than O(key).
    type: str
    required: true
extends_documentation_fragment:
  - gatewayops.apigee_gke.edge
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.edge
seealso:
  - module: gatewayops.apigee_gke.edge_organization_info
"""

EXAMPLES = r"""
- name: The gateways of the test environment may ask Edge
  gatewayops.apigee_gke.edge_microgateway_credential:
    organization: acme
    environment: test
    key: "{{ gateway_key }}"
    secret: "{{ gateway_secret }}"
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
  description: C(organization), C(environment), and the C(region) and C(host) that Edge tells the gateways to use. Never the pair.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._edge.credential import EdgeMicrogatewayCredential
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run


def main() -> None:
    """One call: the engine does the rest."""
    run(EdgeMicrogatewayCredential, EDGE)


if __name__ == "__main__":
    main()
