#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: internal_load_balancer_info
short_description: Read the load balancers of Services, and wait for their addresses
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads the version of a cluster and, for Services, the address of their load balancer and the ready pods behind it.
  - With O(wait_timeout) it waits until each has its address and a ready pod, and otherwise says what GKE says against it.
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
      address:
        description: The address that it is to get. Any will do when not given.
        type: str
  state:
    description: What is waited for, with O(wait_timeout); that they have their addresses, or that they are gone.
    type: str
    choices: [present, absent]
    default: present
  wait_timeout:
    description: Longest time in seconds to wait; V(0) reads once and takes everything for an answer.
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

- name: Wait for the load balancer
  gatewayops.apigee_gke.internal_load_balancer_info:
    endpoint: "{{ found.resources[0].endpoint }}"
    ca_certificate: "{{ found.resources[0].ca_certificate }}"
    services:
      - {name: products, namespace: shop, address: 10.10.0.80}
    wait_timeout: 300
"""

RETURN = r"""
server_version:
  description: Version of the API server.
  returned: always
  type: str
  sample: v1.36.2-gke.1203000
services:
  description: The Services, in the order asked for.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name.
      type: str
    namespace:
      description: Namespace.
      type: str
    exists:
      description: Whether there is such a Service.
      type: bool
    ours:
      description: Whether it bears this collection's mark.
      type: bool
    is_load_balancer:
      description: Whether it is of type LoadBalancer.
      type: bool
    load_balancer_class:
      description: Its class; empty without one.
      type: str
    address:
      description: Address of the load balancer; empty as long as there is none.
      type: str
    endpoints:
      description: Ready pods behind it, each with C(address) and C(pod).
      type: list
      elements: dict
waited:
  description: Seconds waited.
  returned: always
  type: float
"""

import contextlib
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration.problems import Problem
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import fail, open_context
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.spec import common
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import Failure
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes import balancers
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.reader import (
    Reader,
    ReadError,
    unread,
    wait,
)

PAUSE_SECONDS = 1.0


def good(service, found, state):
    """Whether a Service is as it is waited for."""
    if state == "absent":
        return not found["exists"]
    return bool(found["endpoints"]) and bool(found["address"]) and found["address"] == (service["address"] or found["address"])


def explain(reader, service, found, state, seconds):
    """Why a Service is not as it should be, as a paragraph for people."""
    path = f"Service {service['namespace']}/{service['name']}"
    said = []
    with contextlib.suppress(ReadError):
        said = balancers.warnings(reader, service)
    because = f"GKE says: {said[-1]}" if said else ""
    if state == "absent":
        fix = "See its finalizers and events: kubectl describe service. GKE removes the load balancer first."
        return Problem(path, f"is not gone after {seconds} s.", because=because, fix=fix).as_text()
    if not found["exists"]:
        return Problem(path, "is not there.", fix="Make it, or correct name and namespace.").as_text()
    if not found["address"]:
        fix = "Correct what GKE names." if said else "See its events, and whether the cluster has load balancers of this kind: kubectl describe service."
        return Problem(path, f"has no address after {seconds} s.", because=because, fix=fix).as_text()
    if service["address"] and found["address"] != service["address"]:
        return Problem(
            path,
            f"has another address than {service['address']}.",
            found=found["address"],
            because=because or "GKE passes over a reserved address that is not in the cluster's region and subnet.",
            fix="Reserve the address there, and remove the Service so that it is made with it.",
        ).as_text()
    return Problem(
        path,
        f"has no ready pod after {seconds} s.",
        found=f"address {found['address']}",
        fix="See whether its selector and target port are those of the pods, and what these wait for: kubectl describe pods.",
    ).as_text()


def main():
    """Reads, waits, and ends the module."""
    service = {
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "default": "default"},
        "address": {"type": "str"},
    }
    module = AnsibleModule(
        argument_spec={
            **common(),
            "endpoint": {"type": "str", "required": True},
            "ca_certificate": {"type": "str"},
            "services": {"type": "list", "elements": "dict", "required": True, "options": service},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "wait_timeout": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    services, seconds, state = (module.params[name] for name in ("services", "wait_timeout", "state"))
    client = open_context(module).client
    started = time.monotonic()
    failure = None
    found, version = [], ""
    try:
        reader = Reader(module.params["endpoint"], module.params["ca_certificate"] or "", client.token)

        def look():
            found[:] = balancers.look(reader, services)
            return {index: good(*pair, state) for index, pair in enumerate(zip(services, found, strict=False))}

        outcome = wait(look, seconds, PAUSE_SECONDS)
        version = (reader.get("/version") or {}).get("gitVersion") or ""
    except Failure as error:
        failure = error
    except (ReadError, ValueError) as error:
        failure = unread(f"at {module.params['endpoint']}", "its load balancers could not be read", error)
    if failure:
        fail(module, failure)
    result = {"services": found, "server_version": version, "waited": round(time.monotonic() - started, 1)}
    bad = [index for index, fine in outcome.items() if not fine] if seconds else []
    if bad:
        reasons = [explain(reader, services[index], found[index], state, seconds) for index in bad]
        module.fail_json(msg="\n".join(reasons), **result)
    reader.close()
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
