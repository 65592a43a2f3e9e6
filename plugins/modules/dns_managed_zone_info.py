#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_managed_zone_info
short_description: Read zones of Cloud DNS
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one zone by name, or all of the project, those that GKE keeps for clusters included.
options:
  name:
    description: Name of the zone; without it, all zones are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.dns_managed_zone
"""

EXAMPLES = r"""
- name: Read all zones
  gatewayops.apigee_gke.dns_managed_zone_info:
    project: acme-shop
  register: found
"""

RETURN = r"""
resources:
  description: The zones, each in the words of the options of M(gatewayops.apigee_gke.dns_managed_zone) with
    what only Google knows.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.dns_managed_zone import DnsManagedZone


def main() -> None:
    """One call: the engine does the rest."""
    run_info(DnsManagedZone)


if __name__ == "__main__":
    main()
