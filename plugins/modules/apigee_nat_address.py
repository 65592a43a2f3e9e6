#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_nat_address
short_description: Manage a NAT address of an Apigee instance
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reserves, puts into use and gives back an address from which an Apigee instance calls the internet.
  - Without any, Apigee calls from addresses that change. With one, a backend can let in Apigee by its address.
  - A reserved address is not used before O(active) says so. Put it where callers are let in first.
    M(gatewayops.apigee_gke.resources) does so by itself. Security policies and firewall rules that are stated beside it
    come between reserving and using it.
  - An address belongs to one instance, so every region needs its own. Each takes about 64000 connections at once.
  - An Apigee hybrid organisation has none.
options:
  instance:
    description: The instance that uses it.
    type: str
    required: true
  name:
    description: Name of the address, at most 20 characters.
    type: str
    required: true
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  active:
    description:
      - Whether the instance uses it. Without it, a new address is reserved only.
      - Google does not take an address out of use but by giving it back.
    type: bool
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_nat_address_info
  - module: gatewayops.apigee_gke.compute_security_policy
"""

EXAMPLES = r"""
- name: Reserve an address
  gatewayops.apigee_gke.apigee_nat_address:
    project: acme-shop
    instance: eu
    name: nat-1
  register: reserved

- name: Tell those who let callers in by address
  ansible.builtin.debug:
    var: reserved.resource.ip_address

- name: Use it
  gatewayops.apigee_gke.apigee_nat_address:
    project: acme-shop
    instance: eu
    name: nat-1
    active: true
"""

RETURN = r"""
action:
  description:
    - What was or would be done.
    - One of V(created), V(updated), V(recreated), V(deleted), V(unchanged), V(kept) (not ours, left alone) and
      V(pending).
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
resource:
  description: The address in the words of the options, with what only Google knows. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    ip_address:
      description: The IPv4 address.
      type: str
      sample: 203.0.113.8
    active:
      description: Whether the instance uses it.
      type: bool
    state:
      description: Google's word for its state.
      type: str
      sample: RESERVED
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_nat_address import (
    ApigeeNatAddress,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeNatAddress)


if __name__ == "__main__":
    main()
