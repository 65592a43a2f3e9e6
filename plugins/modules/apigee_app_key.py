#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_app_key
short_description: Manage a key of an Apigee app
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates a key of an app, given or generated, and says what it opens. Changes and deletes it.
  - A key is spoken of by a name, which the collection keeps in an attribute of it, so that no output shows the key.
  - To exchange a key, declare the new one under another name. Both are good until the old one is declared with
    O(state=absent), or until it expires.
  - A key that is already there is taken over when it is given in O(key).
  - Only a key that this collection has made is deleted.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  developer:
    description: E-mail address of the developer.
    type: str
    required: true
  app:
    description: The app.
    type: str
    required: true
  name:
    description:
      - What the key is called. A key that somebody else has made is called C(key-) and the beginning of its SHA-256 digest.
    type: str
    required: true
  key:
    description:
      - The key (consumer key), of letters, digits, C(-) and C(_). Without it, a new one is generated.
    type: str
  secret:
    description:
      - The secret (consumer secret) that belongs to O(key). Without it, a new one is generated.
    type: str
  products:
    description: API products that it opens. Those that are not in the list are taken from it.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the product.
        type: str
        required: true
      status:
        description: Whether the key is good for it. Unless stated, the product's approval decides at first, and people later.
        type: str
        choices: [approved, revoked]
  status:
    description: Whether the key is good at all. A new one is V(approved).
    type: str
    choices: [approved, revoked]
  oauth_scopes:
    description: OAuth scopes of the key. A product of the key has to define them.
    type: list
    elements: str
  expires_in:
    description: Seconds after which a new key expires. It never does unless stated, and cannot be changed.
    type: int

  attributes:
    description: Further facts about it, as a mapping. Attributes that are not stated stay. V({}) removes them all.
    type: dict
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_app_key_info
  - module: gatewayops.apigee_gke.apigee_app
  - module: gatewayops.apigee_gke.apigee_api_product
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: Bring the key that the partner already uses
  gatewayops.apigee_gke.apigee_app_key:
    project: acme-shop
    developer: ann@partner.example
    app: shop
    name: first
    key: "{{ vault_partner_key }}"
    secret: "{{ vault_partner_secret }}"
    products:
      - name: partner
        status: approved

- name: Exchange it, step one; both keys are good
  gatewayops.apigee_gke.apigee_app_key:
    project: acme-shop
    developer: ann@partner.example
    app: shop
    name: second
    key: "{{ vault_partner_next_key }}"
    secret: "{{ vault_partner_next_secret }}"
    products:
      - name: partner

- name: Step two, once the partner uses the second
  gatewayops.apigee_gke.apigee_app_key:
    project: acme-shop
    developer: ann@partner.example
    app: shop
    name: first
    state: absent
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
  description: The key in the words of the options, with C(issued_at) and C(expires_at) in seconds since the epoch, and without key
      and secret; in check mode as it would be.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_app_key import ApigeeAppKey


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeAppKey)


if __name__ == "__main__":
    main()
