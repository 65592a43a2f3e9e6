#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: resources_info
short_description: Read many Google objects and say whether they are ready
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Takes the same list as M(gatewayops.apigee_gke.resources) and changes nothing.
  - With C(until) it follows long work that was started with O(gatewayops.apigee_gke.resources#module:wait=false).
options:
  resources:
    description: The objects, as M(gatewayops.apigee_gke.resources) takes them.
    type: list
    elements: dict
    required: true
  started:
    description:
      - Long work that was started, as RV(gatewayops.apigee_gke.resources#module:pending) of
        M(gatewayops.apigee_gke.resources) names it. The end of each operation is read too, so that one that failed is
        known with Google's own words, and an object that Google does not show yet counts as pending.
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: Start what takes long
  gatewayops.apigee_gke.resources:
    project: acme-shop
    resources:
      - kind: gke_cluster
        name: shop
        location: europe-west1
    wait: false
  register: begun

- name: Wait for the cluster
  gatewayops.apigee_gke.resources_info:
    project: acme-shop
    resources:
      - kind: gke_cluster
        name: shop
        location: europe-west1
    started: "{{ begun.pending }}"
  register: found
  until: found.failures | default([]) | length > 0 or found.pending | length == 0
  retries: 60
  delay: 15
"""

RETURN = r"""
resources:
  description: One entry for each object, in the order of the list.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: The kind.
      type: str
    name:
      description: The name.
      type: str
    state:
      description: One of V(ready), V(pending), V(failed) and V(absent).
      type: str
    word:
      description: Google's own word for the state, where it has one.
      type: str
    error:
      description: Why it failed, in Google's words; empty when it did not.
      type: str
    resource:
      description: The object in the words of the options, with what only Google knows; empty when absent.
      type: dict
pending:
  description: Those that exist and are not ready yet, as C(kind), C(name).
  returned: success
  type: list
  elements: dict
absent:
  description: Those that do not exist, as C(kind), C(name).
  returned: success
  type: list
  elements: dict
failures:
  description: Those that could not be made or changed, as C(kind), C(name), C(error).
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.plural import run_info


def main() -> None:
    """One call: the engine does the rest."""
    run_info()


if __name__ == "__main__":
    main()
