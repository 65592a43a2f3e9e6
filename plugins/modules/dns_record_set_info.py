#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_record_set_info
short_description: Read record sets of Cloud DNS
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads the record set of one name and type in a zone, or all of that type.
options:
  managed_zone:
    description: The zone, by its name in Cloud DNS.
    type: str
    required: true
  type:
    description: Type of the records.
    type: str
    required: true
    choices: [A, AAAA, CNAME, TXT]
  name:
    description: The name; without it, all names of the zone are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.dns_record_set
"""

EXAMPLES = r"""
- name: Which addresses are in the zone?
  gatewayops.apigee_gke.dns_record_set_info:
    project: acme-shop
    managed_zone: shop-internal
    type: A
  register: found
"""

RETURN = r"""
resources:
  description: The record sets, each in the words of the options of M(gatewayops.apigee_gke.dns_record_set) with
    what only Google knows.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.dns_record_set import DnsRecordSet


def main() -> None:
    """One call: the engine does the rest."""
    run_info(DnsRecordSet)


if __name__ == "__main__":
    main()
