#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_app
short_description: Manage an app of a developer on Apigee Edge
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes an app, which holds a key that opens API products.
  - Edge makes a key together with an app. O(products) and O(oauth_scopes) are those of that key, and later changes are made to
    it, so that running again never makes another key. No result shows a key or a secret.
  - Deleting removes the app's keys first. Only an app that this collection has made is deleted, unless O(force=true).
options:
  organization:
    description: The organisation on Edge.
    type: str
    required: true
  developer:
    description: E-mail address of the developer.
    type: str
    required: true
  name:
    description: Name of the app. It cannot be changed.
    type: str
    required: true
  callback_url:
    description: Where OAuth authorisation codes are sent.
    type: str
  products:
    description: API products that the app's own key opens. Those that are not in the list are taken from it.
    type: list
    elements: str
  oauth_scopes:
    description: OAuth scopes of the app's own key. A product of the key has to define them.
    type: list
    elements: str
  status:
    description: Whether the app's keys are good. A new app is V(approved).
    type: str
    choices: [approved, revoked]
  key_expires_in:
    description: Seconds after which the key that comes with a new app expires. It never does unless stated, and cannot be changed.
    type: int
  attributes:
    description: Further facts about it, as a mapping. Attributes that are not stated stay. V({}) removes them all.
    type: dict
extends_documentation_fragment:
  - gatewayops.apigee_gke.edge
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.edge
seealso:
  - module: gatewayops.apigee_gke.edge_api_product
  - module: gatewayops.apigee_gke.edge_developer
"""

EXAMPLES = r"""
- name: A partner's app
  gatewayops.apigee_gke.edge_app:
    organization: acme
    developer: ann@partner.example
    name: shop
    products: [orders]
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
  description: The app in the words of the options, with C(keys) without their texts; in check mode as it would be.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._edge.consumers import EdgeApp
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run


def main() -> None:
    """One call: the engine does the rest."""
    run(EdgeApp, EDGE)


if __name__ == "__main__":
    main()
