#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_microgateway_keys
short_description: Make the keys that sign the tokens of gateways
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Makes a pair of keys and puts it into the encrypted key value map C(microgateway) of an environment, from which the proxy
    C(edgemicro-auth) takes it, as C(edgemicro configure) does. Keys that are there are never replaced.
  - The private key is given to Edge and to nobody else. No result shows it.
  - Without these keys no gateway of the environment verifies anybody. With O(state=absent), only keys that this collection has
    made are deleted, unless O(force=true).
options:
  organization:
    description: The organisation on Edge.
    type: str
    required: true
  environment:
    description: The environment.
    type: str
    required: true
extends_documentation_fragment:
  - gatewayops.apigee_gke.edge
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.edge
requirements:
  - cryptography
seealso:
  - module: gatewayops.apigee_gke.edge_microgateway_credential
  - module: gatewayops.apigee_gke.edge_proxy
"""

EXAMPLES = r"""
- name: Tokens of the test environment can be signed
  gatewayops.apigee_gke.edge_microgateway_keys:
    organization: acme
    environment: test
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
  description: C(organization), C(environment), and the names of the C(entries). Never their values.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._edge.keys import EdgeMicrogatewayKeys
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run


def main() -> None:
    """One call: the engine does the rest."""
    run(EdgeMicrogatewayKeys, EDGE)


if __name__ == "__main__":
    main()
