#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gke_cluster_info
short_description: Read GKE clusters
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one cluster by name, or all clusters of a location.
  - It gives what a Kubernetes client needs (endpoint, CA certificate), never a token.
options:
  location:
    description: Region or zone; V(-) with no O(name) reads all of them.
    type: str
    required: true
  name:
    description: Name of the cluster; without it, all clusters of the location are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.gke_cluster
"""

EXAMPLES = r"""
- name: Read the cluster
  gatewayops.apigee_gke.gke_cluster_info:
    project: acme-shop
    location: europe-west1
    name: shop
  register: found
"""

RETURN = r"""
resources:
  description: The clusters, each in the words of the options of M(gatewayops.apigee_gke.gke_cluster) with what only
    Google knows.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.gke_cluster import GkeCluster


def main() -> None:
    """One call: the engine does the rest."""
    run_info(GkeCluster)


if __name__ == "__main__":
    main()
