#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_state_info
short_description: Read which clusters have what is wanted of them already, ready
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Looks at all that is wanted of each cluster at once, so that a run with nothing to change need not ask object by object.
  - A part is settled when no object of it would be sent or removed and nothing would be waited for, because all of it is
    seen to be there, ours, as declared, and ready. A part behind one that is not settled is not settled either.
  - Never fails because of what it finds or cannot read. What is not seen to be settled is not settled, and the tasks that
    bring it about say what is wrong.
  - Changes nothing. Made for the playbooks of this collection, and may change with them.
options:
  clusters:
    description: The clusters.
    type: list
    elements: dict
    required: true
    suboptions:
      cluster:
        description: Name of the cluster.
        type: str
        required: true
      endpoint:
        description: Host of the cluster's API server, with a port or without.
        type: str
        required: true
      ca_certificate:
        description: Certificate of its authority, PEM in base64 as GKE gives it; the system's authorities when not given.
        type: str
      parts:
        description: What is wanted, in the order in which it is made.
        type: list
        elements: dict
        required: true
        suboptions:
          part:
            description: What to call it.
            type: str
            required: true
          definitions:
            description: Objects that must be as declared. Deployments among them must have been rolled out.
            type: list
            elements: dict
            default: []
          withdrawn:
            description: Objects of ours that must be gone.
            type: list
            elements: dict
            default: []
          namespace:
            description: Namespace of cert-manager.
            type: str
            default: cert-manager
          release:
            description: The Helm release of cert-manager that must be deployed, as C(version) and C(values).
            type: dict
          webhook:
            description: Whether cert-manager's webhook must answer.
            type: bool
            default: false
          issuers:
            description: Issuers that must be ready, each with C(name), C(kind), C(group), and C(namespace) where its kind has one.
            type: list
            elements: dict
            default: []
          certificates:
            description: Certificates that must be ready, each with C(name) and C(namespace).
            type: list
            elements: dict
            default: []
          services:
            description: Services behind which a pod must be ready, each with C(name) and C(namespace).
            type: list
            elements: dict
            default: []
          most_endpoints:
            description: More pods than this behind one name are for somebody to look at.
            type: int
          secrets:
            description: Secrets that must name an authority, each with C(name) and C(namespace).
            type: list
            elements: dict
            default: []
          client:
            description: What Apigee shows to pods, as role C(headless_service) takes it. Sidecars must be told who issues it.
            type: dict
          client_issuer:
            description: The cluster in which that is issued, C(endpoint) and C(ca_certificate); this one when not given.
            type: dict
          probe:
            description: A pod that must get its TLS sidecar, in a dry run.
            type: dict
          when_served:
            description: Leave the part out where the cluster does not know this kind, C(api_version) and C(kind).
            type: dict
          unless_served:
            description: Leave the part out where the cluster knows this kind, C(api_version) and C(kind).
            type: dict
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.kubernetes_ownership_info
"""

EXAMPLES = r"""
- name: See whether the name leads to a pod already
  gatewayops.apigee_gke.kubernetes_state_info:
    clusters:
      - cluster: shop
        endpoint: "{{ connection.endpoint }}"
        ca_certificate: "{{ connection.ca_certificate }}"
        parts:
          - part: orders
            services:
              - {name: orders, namespace: shop}
  register: state
"""

RETURN = r"""
settled:
  description: For each part, the clusters in which it is settled.
  returned: success
  type: dict
  sample:
    orders: [shop]
found:
  description: What was found of each part, by cluster. C(because) says why a part is not settled.
  returned: success
  type: dict
  sample:
    shop:
      - {part: orders, settled: false, because: no pod is ready behind orders}
outcomes:
  description: An entry for each object of the settled parts, none of which differs.
  returned: success
  type: list
  elements: dict
  sample:
    - {kind: Service, name: shop/shop/orders, action: unchanged, changes: [], resource: {}}
endpoints:
  description: Ready endpoints of services of the settled parts by name, each with C(address) and C(pod).
  returned: success
  type: dict
  sample:
    orders:
      - {address: 10.20.0.9, pod: orders-6c9f7-x2x8k}
authorities:
  description: Authorities (PEM) that Secrets of the settled parts name.
  returned: success
  type: list
  elements: str
certificates:
  description: The certificates in Secrets of the settled parts, by CLUSTER/NAMESPACE/NAME.
  returned: success
  type: dict
  sample: {shop/shop/orders-tls: {subject: no common name, issuer: CN=apigee-gke CA, names: [orders.shop.svc.cluster.local],
    expires: "2027-02-19T09:00:00+00:00"}}
"""

import concurrent.futures

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import fail, open_context
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.spec import common
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import Failure
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes import state
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.reader import Reader

#: Seconds for an answer. A cluster that can be reached at all answers in a fraction of one.
PATIENCE = 5.0
_MOST_CLUSTERS = 8


def arguments():
    """The module's argument specification."""
    objects = {"type": "list", "elements": "dict", "default": []}
    part = {
        "part": {"type": "str", "required": True},
        "definitions": objects,
        "withdrawn": objects,
        "namespace": {"type": "str", "default": "cert-manager"},
        "release": {"type": "dict"},
        "webhook": {"type": "bool", "default": False},
        "issuers": objects,
        "certificates": objects,
        "services": objects,
        "most_endpoints": {"type": "int"},
        # Names of Secrets, nothing secret.
        "secrets": {**objects, "no_log": False},
        "client": {"type": "dict"},
        "client_issuer": {"type": "dict"},
        "probe": {"type": "dict"},
        "when_served": {"type": "dict"},
        "unless_served": {"type": "dict"},
    }
    cluster = {
        "cluster": {"type": "str", "required": True},
        "endpoint": {"type": "str", "required": True},
        "ca_certificate": {"type": "str"},
        "parts": {"type": "list", "elements": "dict", "required": True, "options": part},
    }
    # Definitions may hold anything, so they stay out of the log.
    clusters = {"type": "list", "elements": "dict", "required": True, "options": cluster, "no_log": True}
    return {**common(), "clusters": clusters}


def main():
    """Looks, and ends the module."""
    module = AnsibleModule(argument_spec=arguments(), supports_check_mode=True)
    # Every word of them would count as secret, names among them; what is secret in them is never returned.
    module.no_log_values.clear()
    client = open_context(module).client
    try:
        client.token()
    except Failure as error:
        fail(module, error)

    def connect(place):
        return Reader(place["endpoint"], place["ca_certificate"] or "", client.token, PATIENCE)

    def look(place):
        return place["cluster"], state.look(connect, place)

    settled, found, outcomes, endpoints, authorities, certificates = {}, {}, [], {}, [], {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=_MOST_CLUSTERS) as pool:
        for cluster, (parts, seen) in pool.map(look, module.params["clusters"]):
            found[cluster] = parts
            for part in parts:
                if part["settled"]:
                    settled.setdefault(part["part"], []).append(cluster)
            outcomes += seen["outcomes"]
            endpoints.update(seen["endpoints"])
            authorities += [one["certificate"] for one in seen["authorities"]]
            certificates.update(seen["certificates"])
    module.exit_json(
        changed=False,
        settled=settled,
        found=found,
        outcomes=outcomes,
        endpoints=endpoints,
        authorities=list(dict.fromkeys(authorities)),
        certificates=certificates,
    )


if __name__ == "__main__":
    main()
