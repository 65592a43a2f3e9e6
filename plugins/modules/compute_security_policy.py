#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_security_policy
short_description: Manage a Cloud Armor security policy
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes a global security policy, which says whose requests an external load balancer passes on.
  - Google takes ten ranges in a rule. A rule stated here may have any number and becomes as many of Google's as it needs.
  - Rules are changed one after the other while requests are answered. In between, every caller gets what the old rules
    say or what the new ones say. Nobody gets in whom neither lets in, and nobody is kept out whom both let in.
  - A policy has an effect once a backend service uses it (a C(BackendConfig) or C(GCPBackendPolicy) in GKE). A load
    balancer has further backend services than that one, such as an Ingress' default backend; each needs a policy.
options:
  name:
    description: Name of the policy.
    type: str
    required: true
  description:
    description: What it is for. The mark of this collection is kept at its end.
    type: str
  type:
    description: What it protects, backends or the edge's cache too. Google cannot change it in place.
    type: str
    choices: [CLOUD_ARMOR, CLOUD_ARMOR_EDGE]
  rules:
    description:
      - All rules beside the default one, in the order in which they are tried. The first that matches decides.
      - Rules that are there and not stated are removed. An empty list removes all.
      - A rule is stated in full. Without O(rules[].preview) it is enforced.
    type: list
    elements: dict
    suboptions:
      priority:
        description:
          - Priority of the rule, and of the first of Google's rules that it becomes.
          - Without it, the next multiple of 1000 above the rule before.
        type: int
      action:
        description: What happens to a request that matches.
        type: str
        required: true
        choices: [allow, deny(403), deny(404), deny(502)]
      source_ranges:
        description:
          - IPv4 and IPv6 ranges or addresses that the rule is for. V(*) is everybody.
          - A rule for nobody, with an empty list, is stated and not made.
        type: list
        elements: str
      apigee_nat_addresses:
        description:
          - Reserved NAT addresses of Apigee instances that the rule is for as well, as V(INSTANCE/NAME) in the
            organisation that is named like the project, or as V(organizations/O/instances/I/natAddresses/NAME).
          - Stated beside them in M(gatewayops.apigee_gke.resources), the addresses are reserved first, then come into
            the policy, and only then are used. Addresses that go in that run are given back before they leave the policy.
        type: list
        elements: str
      expression:
        description: An expression of the rules language instead of addresses, for example V(request.path.startsWith('/a')).
        type: str
      preview:
        description: Log what the rule would do, and do not do it.
        type: bool
      description:
        description: What the rule is for.
        type: str
  default_action:
    description: What happens to requests that no rule matches. A new policy gets V(deny(403)) unless stated.
    type: str
    choices: [allow, deny(403), deny(404), deny(502)]
  default_preview:
    description: Log whom O(default_action) would keep out, and let them in. A dry run of a list of allowed callers.
    type: bool
  log_level:
    description: How much of a request the log tells.
    type: str
    choices: [NORMAL, VERBOSE]
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.compute_security_policy_info
  - module: gatewayops.apigee_gke.apigee_nat_address
"""

EXAMPLES = r"""
- name: Let in Apigee alone
  gatewayops.apigee_gke.compute_security_policy:
    project: acme-shop
    name: shop
    rules:
      - action: allow
        description: Apigee
        source_ranges: [203.0.113.8/32, 203.0.113.9/32, 2001:db8:7::/64]
    default_action: deny(403)

- name: The same from addresses that are reserved now, in the one order in which no call is lost
  gatewayops.apigee_gke.resources:
    project: acme-shop
    resources:
      - {kind: apigee_nat_address, instance: eu, name: nat-1, active: true}
      - kind: compute_security_policy
        name: shop
        rules:
          - action: allow
            apigee_nat_addresses: [eu/nat-1]
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
  description: The policy in the words of the options, with what only Google knows. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    rules:
      description: Google's rules beside the default one. A rule with more than ten ranges is several.
      type: list
      elements: dict
      sample: [{priority: 1000, action: allow, source_ranges: [203.0.113.8/32]}]
    default_action:
      description: What happens to requests that no rule matches.
      type: str
      sample: deny(403)
    self_link:
      description: Google's URL of the policy.
      type: str
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.compute_security_policy import (
    ComputeSecurityPolicy,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ComputeSecurityPolicy)


if __name__ == "__main__":
    main()
