#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_ownership_info
short_description: Read whose the Kubernetes objects are that definitions name
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Looks up all objects that definitions name, and says of each whether it is there, whether it is ours (it carries the
    label C(app.kubernetes.io/managed-by=gatewayops.apigee_gke)), and whether applying its definition would change
    anything.
  - Fails where O(state=present) and an object of somebody else has the name of one of ours and cannot serve in its place.
    To hand an object over is to give it the label.
  - Changes nothing.
options:
  cluster:
    description: Name of the cluster, for messages.
    type: str
    required: true
  endpoint:
    description: Host of the cluster's API server, with a port or without.
    type: str
    required: true
  ca_certificate:
    description: Certificate of its authority, PEM in base64 as GKE gives it; the system's authorities when not given.
    type: str
  definitions:
    description: Definitions of Kubernetes objects, as M(kubernetes.core.k8s) takes them.
    type: list
    elements: dict
    required: true
  state:
    description: What is to be done with them. Nobody else's object stands in the way of a removal.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.gke_cluster_info
  - module: gatewayops.apigee_gke.kubernetes_state_info
  - module: kubernetes.core.k8s
"""

EXAMPLES = r"""
- name: Find the cluster
  gatewayops.apigee_gke.gke_cluster_info:
    location: europe-west1
    name: shop
  register: found

- name: See whose the Service is
  gatewayops.apigee_gke.kubernetes_ownership_info:
    cluster: shop
    endpoint: "{{ found.resources[0].endpoint }}"
    ca_certificate: "{{ found.resources[0].ca_certificate }}"
    definitions:
      - apiVersion: v1
        kind: Service
        metadata: {name: orders, namespace: shop}
    state: absent
"""

RETURN = r"""
standings:
  description: One for each definition, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    owner:
      description: V(absent) when no such object is there, V(ours) or V(theirs).
      type: str
    same:
      description:
        - Whether applying the definition would change nothing. For an object of somebody else, whether it serves as it is.
      type: bool
    differences:
      description: Why an object of somebody else does not serve, as C(field), C(before) and C(after).
      type: list
      elements: dict
    withdrawal:
      description:
        - A merge patch for M(kubernetes.core.k8s) that takes out of an object of ours what was added to it, which applying the
          definition would leave there. Null where there is nothing.
      type: dict
  sample:
    - {owner: ours, same: true, differences: [], withdrawal: null}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import ownership, problems
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import fail, open_context
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.spec import common
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import Failure
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes import objects
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.reader import Reader, ReadError, unread

_TITLE = "An object of somebody else stands in the way. Nothing has been changed in cluster {0}."


def main():
    """Reads, judges, and ends the module."""
    module = AnsibleModule(
        argument_spec={
            **common(),
            "cluster": {"type": "str", "required": True},
            "endpoint": {"type": "str", "required": True},
            "ca_certificate": {"type": "str"},
            # Definitions may hold anything, so they stay out of the log.
            "definitions": {"type": "list", "elements": "dict", "required": True, "no_log": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    # Every word of them would count as secret, names among them; what is secret in them is never returned.
    module.no_log_values.clear()
    definitions, cluster = module.params["definitions"], module.params["cluster"]
    client = open_context(module).client
    failure = None
    found = {}

    def connect():
        return Reader(module.params["endpoint"], module.params["ca_certificate"] or "", client.token)

    try:
        found = objects.read(connect, map(objects.path_of, definitions))
    except Failure as error:
        failure = error
    except (ReadError, ValueError) as error:
        failure = unread(f"{cluster} at {module.params['endpoint']}", "whose its objects are could not be read", error)
    if failure:
        fail(module, failure)
    standings = [ownership.standing(definition, found[objects.path_of(definition)]) for definition in definitions]
    conflicts = ownership.conflicts(definitions, standings, cluster) if module.params["state"] == "present" else []
    if conflicts:
        module.fail_json(msg=problems.page(conflicts, _TITLE.format(cluster)), standings=standings)
    module.exit_json(changed=False, standings=standings)


if __name__ == "__main__":
    main()
