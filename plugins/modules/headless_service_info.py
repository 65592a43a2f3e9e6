#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: headless_service_info
short_description: Read the pods that headless Services name, and wait for them
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads which ready pods stand behind headless Services, which is what their names give.
  - With O(wait_timeout) it waits until every name gives at least one address, and otherwise says which pods there are
    and what they wait for.
options:
  endpoint:
    description: Host of the cluster's API server, with a port or without.
    type: str
    required: true
  ca_certificate:
    description: Certificate of its authority, PEM in base64 as GKE gives it; the system's authorities when not given.
    type: str
  services:
    description: The Services.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the Service.
        type: str
        required: true
      namespace:
        description: Its namespace.
        type: str
        default: default
      selector:
        description: Labels that the Service selects its pods by.
        type: dict
      sidecar_port:
        description:
          - Port on which the TLS sidecar of each pod of O(services[].selector) must answer. As long as a ready pod lacks it, the
            name gives no address here, because calls of that pod would fail.
        type: int
  wait_timeout:
    description: Longest time in seconds to wait for a ready pod behind each; V(0) reads once and accepts none.
    type: int
    default: 0
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.gke_cluster_info
  - module: kubernetes.core.k8s_info
"""

EXAMPLES = r"""
- name: Find the cluster
  gatewayops.apigee_gke.gke_cluster_info:
    location: europe-west1
    name: shop
  register: found

- name: Wait until the name leads to a pod
  gatewayops.apigee_gke.headless_service_info:
    endpoint: "{{ found.resources[0].endpoint }}"
    ca_certificate: "{{ found.resources[0].ca_certificate }}"
    services:
      - {name: orders, namespace: shop}
    wait_timeout: 180
"""

RETURN = r"""
endpoints:
  description: Ready endpoints by the Service's name, each with C(address) and C(pod); an empty list where there is none.
  returned: always
  type: dict
  sample:
    orders:
      - {address: 10.20.0.9, pod: orders-6c9f7-x2x8k}
waited:
  description: Seconds waited.
  returned: always
  type: float
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import manifests, pods
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import fail, open_context
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.spec import common
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import Failure
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.endpoints import ready
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.reader import (
    Reader,
    ReadError,
    unread,
    wait,
)

PAUSE_SECONDS = 1.0


def explain(reader, service, seconds):
    """Why a name gives no address, as a paragraph for people."""
    place = f"/api/v1/namespaces/{service['namespace']}"
    try:
        found = reader.get(f"{place}/services/{service['name']}")
        selector = ((found or {}).get("spec") or {}).get("selector") or {}
        there = reader.list(f"{place}/pods", selector) if selector else []
    except ReadError as error:
        return f"{service['name']}: its pods could not be read ({error})."
    port = service.get("sidecar_port")
    bare = manifests.without_sidecar(there, {pod["metadata"]["name"] for pod in there}, port) if port else []
    return pods.explain(service, found, there, seconds, bare)


def main():
    """Reads, waits, and ends the module."""
    service = {
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "default": "default"},
        "selector": {"type": "dict"},
        "sidecar_port": {"type": "int"},
    }
    module = AnsibleModule(
        argument_spec={
            **common(),
            "endpoint": {"type": "str", "required": True},
            "ca_certificate": {"type": "str"},
            "services": {"type": "list", "elements": "dict", "required": True, "options": service},
            "wait_timeout": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    services, seconds = module.params["services"], module.params["wait_timeout"]
    client = open_context(module).client
    started = time.monotonic()
    failure = None
    try:
        reader = Reader(module.params["endpoint"], module.params["ca_certificate"] or "", client.token)
        endpoints = wait(lambda: ready(reader, services), seconds, PAUSE_SECONDS)
    except Failure as error:
        failure = error
    except (ReadError, ValueError) as error:
        failure = unread(f"at {module.params['endpoint']}", "the pods behind its names could not be read", error)
    if failure:
        fail(module, failure)
    waited = round(time.monotonic() - started, 1)
    without = [service for service in services if not endpoints[service["name"]]] if seconds else []
    if without:
        reasons = [explain(reader, service, seconds) for service in without]
        module.fail_json(msg="\n".join(reasons), endpoints=endpoints, waited=waited)
    reader.close()
    module.exit_json(changed=False, endpoints=endpoints, waited=waited)


if __name__ == "__main__":
    main()
