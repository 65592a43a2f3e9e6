#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_users_info
short_description: Read who else in a cluster needs the injector and cert-manager
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Looks in all namespaces for what needs the injector, cert-manager and the client certificate that this collection set up in a
    cluster, and belongs to none of the services that are named. These are Services and Certificates that this collection made
    for other services, and workloads whose pods ask for a sidecar by their annotations.
  - What cannot be read is an error, and is never taken for nothing.
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
  services:
    description:
      - Services whose use does not count, as dictionaries with C(name) and C(namespace), and where they have them C(workload),
        C(workload_kind) and C(selector).
    type: list
    elements: dict
    required: true
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.kubernetes_ownership_info
"""

EXAMPLES = r"""
- name: Find the cluster
  gatewayops.apigee_gke.gke_cluster_info:
    location: europe-west1
    name: shop
  register: found

- name: See whether anybody else needs the injector
  gatewayops.apigee_gke.tls_users_info:
    cluster: shop
    endpoint: "{{ found.resources[0].endpoint }}"
    ca_certificate: "{{ found.resources[0].ca_certificate }}"
    services:
      - {name: orders, namespace: shop}
"""

RETURN = r"""
users:
  description: Each object that needs it, with C(kind), C(namespace) and C(name).
  returned: success
  type: list
  elements: dict
  sample:
    - {kind: Deployment, namespace: depot, name: parcels}
kept:
  description: What stays because of them, as the report of a teardown has it; empty when there are none.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates import others
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import fail, open_context
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.spec import common
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import Failure
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes import objects
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.reader import Reader, ReadError, unread


def main():
    """Reads, judges, and ends the module."""
    module = AnsibleModule(
        argument_spec={
            **common(),
            "cluster": {"type": "str", "required": True},
            "endpoint": {"type": "str", "required": True},
            "ca_certificate": {"type": "str"},
            "services": {"type": "list", "elements": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    cluster, endpoint = module.params["cluster"], module.params["endpoint"]
    client = open_context(module).client
    failure = None
    found = {}
    places = others.lists()

    def connect():
        return Reader(endpoint, module.params["ca_certificate"] or "", client.token)

    try:
        found = objects.read(connect, places.values())
    except Failure as error:
        failure = error
    except (ReadError, ValueError) as error:
        failure = unread(
            f"{cluster} at {endpoint}",
            "whether others need its injector and cert-manager could not be read",
            error,
            "Check that the API server can be reached from here, and that the account may list Services, Certificates and "
            "workloads in all namespaces.",
        )
    if failure:
        fail(module, failure)
    users = others.users({kind: found[place] for kind, place in places.items()}, module.params["services"])
    module.exit_json(changed=False, users=users, kept=others.kept(cluster, users))


if __name__ == "__main__":
    main()
