#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_service_account
short_description: Manage a service account
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - A service account is who a function or a gateway is when it calls something. Roles are granted to it by
    M(gatewayops.apigee_gke.iam_member).
  - Keys are never made for it, as nothing here needs one.
  - An account that is made again under the name of a deleted one is another account, and has none of the roles of the first.
options:
  name:
    description: What stands before the C(@) of its address.
    type: str
    required: true
  display_name:
    description: What people call it. At most 100 bytes.
    type: str
  initial_display_name:
    description:
      - What it is called when it is made, unless O(display_name) says. One that exists keeps the name that it has. At most 100
        bytes.
    type: str
  description:
    description: What it is for. The collection's own mark is added to it and never shown.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.iam_member
  - module: gatewayops.apigee_gke.iam_service_account_info
"""

EXAMPLES = r"""
- name: Who the gateway is when it calls the function
  gatewayops.apigee_gke.iam_service_account:
    project: acme-shop
    name: shop-gateway
    display_name: API gateway of the shop
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
  description: The account in the words of the options; in check mode as it would be.
  returned: success
  type: dict
  contains:
    email:
      description: Its address, by which roles are granted.
      type: str
    unique_id:
      description: The number that Google gave it. An account that is made again gets another one.
      type: str
    disabled:
      description: Whether somebody disabled it.
      type: bool
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.iam_service_account import (
    IamServiceAccount,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(IamServiceAccount)


if __name__ == "__main__":
    main()
