#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_record_set
short_description: Manage a record set of Cloud DNS
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes all records of one name and type in a zone.
  - Cloud DNS has no place for the collection's mark in a record set. It counts as ours if its zone is; in a zone that
    somebody else made, O(state=absent) needs O(force=true).
options:
  managed_zone:
    description: The zone, by its name in Cloud DNS.
    type: str
    required: true
  name:
    description: The name, inside the zone's domain. The final dot may be left out.
    type: str
    required: true
  type:
    description: Type of the records.
    type: str
    required: true
    choices: [A, AAAA, CNAME, TXT]
  ttl:
    description: Seconds for which resolvers may keep an answer. New record sets get 300 unless stated.
    type: int
  rrdatas:
    description:
      - The whole of the values, in any order. Needed unless O(state=absent).
      - The final dot of an alias, and the quotes around a text, may be left out.
    type: list
    elements: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: A name for the internal load balancer
  gatewayops.apigee_gke.dns_record_set:
    project: acme-shop
    managed_zone: shop-internal
    name: orders.shop.internal
    type: A
    ttl: 60
    rrdatas: [10.10.0.80]
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
  description: The record set in the words of the options. In check mode, as it would be.
  returned: success
  type: dict
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.dns_record_set import DnsRecordSet


def main() -> None:
    """One call: the engine does the rest."""
    run(DnsRecordSet)


if __name__ == "__main__":
    main()
