#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_firewall
short_description: Manage a VPC firewall rule
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes a firewall rule of a network.
options:
  name:
    description: Name of the rule.
    type: str
    required: true
  network:
    description: The network it belongs to, by name or URL.
    type: str
    required: true
  description:
    description: What the rule is for. The collection's own mark is added to it and never shown.
    type: str
  direction:
    description: Direction of the traffic; V(INGRESS) for new rules unless stated.
    type: str
    choices: [INGRESS, EGRESS]
  priority:
    description: 0 to 65535; lower wins. Google takes 1000 when not given.
    type: int
  allowed:
    description: What the rule lets through.
    type: list
    elements: dict
    suboptions:
      protocol:
        description: Protocol, for example V(tcp).
        type: str
        required: true
      ports:
        description: Ports and ranges of ports, for example V(8443) or V(8000-8100). All when not given.
        type: list
        elements: str
  denied:
    description: What the rule stops.
    type: list
    elements: dict
    suboptions:
      protocol:
        description: Protocol, for example V(tcp).
        type: str
        required: true
      ports:
        description: Ports and ranges of ports, for example V(8443) or V(8000-8100). All when not given.
        type: list
        elements: str
  source_ranges:
    description: Where traffic comes from.
    type: list
    elements: str
  destination_ranges:
    description: Where traffic goes to.
    type: list
    elements: str
  retain:
    description:
      - Keep what the rule admits already beside O(allowed) and O(source_ranges), whose other ranges and ports are not withdrawn.
      - So a port can be admitted before callers move to it, and the old one be withdrawn by a second task when they have. The
        result's C(note) says what is still admitted.
    type: bool
  source_tags:
    description: Tags of machines that traffic comes from.
    type: list
    elements: str
  target_tags:
    description: Tags of machines that the rule applies to. All machines when not given.
    type: list
    elements: str
  source_service_accounts:
    description: Service accounts of machines that traffic comes from.
    type: list
    elements: str
  target_service_accounts:
    description: Service accounts of machines that the rule applies to.
    type: list
    elements: str
  disabled:
    description: Whether the rule is switched off.
    type: bool
  log:
    description: Whether connections are logged.
    type: bool
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: Apigee may reach the pods
  gatewayops.apigee_gke.compute_firewall:
    project: acme-shop
    name: apigee-to-pods
    network: shop-vpc
    source_ranges: [10.40.0.0/22]
    allowed:
      - protocol: tcp
        ports: ["8443"]
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
  description: The rule in the words of the options, with what only Google knows. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    self_link:
      description: Google's URL of the rule.
      type: str
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.compute_firewall import ComputeFirewall


def main() -> None:
    """One call: the engine does the rest."""
    run(ComputeFirewall)


if __name__ == "__main__":
    main()
