#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gke_ingress_info
short_description: Read what stands behind an Ingress or Gateway, and wait until a security policy is on all of it
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads the address of a GKE Ingress or Gateway, its backend services, and the security policy of each. The default
    backend and whatever else its URL map leads to are among them.
  - GKE attaches a policy to backend services while it serves, and says nothing when it does not. So with O(wait_timeout)
    this waits until O(policy) is seen on every one of them, and otherwise says which lack it and what GKE says.
options:
  endpoint:
    description: Host of the cluster's API server, with a port or without.
    type: str
    required: true
  ca_certificate:
    description: Certificate of its authority, PEM in base64 as GKE gives it; the system's authorities when not given.
    type: str
  form:
    description: Whether it is an Ingress or a Gateway.
    type: str
    choices: [ingress, gateway]
    default: ingress
  name:
    description: Name of the Ingress or Gateway.
    type: str
    required: true
  namespace:
    description: Its namespace.
    type: str
    default: default
  region:
    description: Region of its load balancer, where that is a regional one. Global when not given.
    type: str
  policy:
    description:
      - Name of the security policy that every backend service is to have. An empty name means that none has one.
      - Not judged when not given.
    type: str
  address:
    description: The address that it is to get. Any will do when not given.
    type: str
  healthy:
    description: Services, as V(NAMESPACE/NAME), of which a pod is to pass its health check.
    type: list
    elements: str
    default: []
  backends:
    description: Names of backend services that were seen before. With O(state=absent) they are to be gone.
    type: list
    elements: str
    default: []
  state:
    description: What is waited for, with O(wait_timeout); that it is as stated, or that it is gone.
    type: str
    choices: [present, absent]
    default: present
  wait_timeout:
    description: Longest time in seconds to wait; V(0) reads once.
    type: int
    default: 0
  judge:
    description: Whether it is a failure when it is not as stated in time. Without O(wait_timeout) it never is.
    type: bool
    default: true
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.compute_security_policy
  - module: gatewayops.apigee_gke.gke_cluster_info
"""

EXAMPLES = r"""
- name: Find the cluster
  gatewayops.apigee_gke.gke_cluster_info:
    location: europe-west1
    name: shop
  register: found

- name: Wait until nobody but the callers of the policy gets in
  gatewayops.apigee_gke.gke_ingress_info:
    endpoint: "{{ found.resources[0].endpoint }}"
    ca_certificate: "{{ found.resources[0].ca_certificate }}"
    name: shop
    namespace: shop
    policy: shop
    healthy: [shop/products]
    wait_timeout: 900
"""

RETURN = r"""
exists:
  description: Whether there is such an Ingress or Gateway.
  returned: always
  type: bool
ours:
  description: Whether it bears this collection's mark.
  returned: always
  type: bool
exposure:
  description: V(internal) or V(external), by its class.
  returned: always
  type: str
address:
  description: Its address; empty as long as there is none.
  returned: always
  type: str
backends:
  description: Its backend services.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name at Google.
      type: str
    service:
      description: The Service that it stands for, as NAMESPACE/NAME; empty where GKE does not say.
      type: str
    policy:
      description: Name of its security policy; empty without one.
      type: str
    health:
      description: Its health as GKE notes it, such as V(HEALTHY); empty where it notes none.
      type: str
certificates:
  description: Its certificates that Google manages.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the ManagedCertificate.
      type: str
    status:
      description: What Google says of it, such as V(Active) or V(Provisioning); empty as long as it says nothing.
      type: str
    domains:
      description: The same for each domain. V(FailedNotVisible) means that its name does not lead to the address.
      type: dict
lacking:
  description: Names of backend services whose security policy is not O(policy).
  returned: always
  type: list
  elements: str
said:
  description: What GKE complained of, where it is not as stated.
  returned: always
  type: list
  elements: str
good:
  description: Whether all is as stated.
  returned: always
  type: bool
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.session import Wire
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes import ingresses
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.reader import (
    Reader,
    ReadError,
    unread,
    wait,
)

PAUSE_SECONDS = 1.0
_NOTHING = {
    "exists": False,
    "ours": False,
    "exposure": "external",
    "address": "",
    "url_maps": [],
    "backends": [],
    "certificates": [],
}


def lacking(wanted, found):
    """Names of backend services that have another policy than is wanted."""
    if wanted["policy"] is None:
        return []
    return [one["name"] for one in found["backends"] if one["policy"] != wanted["policy"]]


def unhealthy(wanted, found):
    """Services of which no pod is known to answer its health check."""
    well = {one["service"] for one in found["backends"] if one["health"] in ("HEALTHY", "")}
    return [service for service in wanted["healthy"] if service not in well]


def reasons(wanted, found):
    """Why it is not as it should be, as paragraphs for people; empty when it is."""
    path = f"{ingresses.FORMS[wanted['form']][1]} {wanted['namespace']}/{wanted['name']}"
    if wanted["state"] == "absent":
        left = ", ".join(one["name"] for one in found["backends"])
        if not found["exists"] and not left:
            return []
        fix = "See its finalizers and events: kubectl describe. GKE removes the load balancer first."
        return [Problem(path, "is not gone.", found=left, fix=fix)]
    if not found["exists"]:
        return [Problem(path, "is not there.", fix="Make it, or correct name and namespace.")]
    if not found["address"] or not found["backends"]:
        fix = "See its events, and whether the cluster's add-on HTTP load balancing is on: kubectl describe."
        return [Problem(path, "has no load balancer yet.", found=f"address {found['address'] or 'none'}", fix=fix)]
    result = []
    if wanted["address"] and found["address"] != wanted["address"]:
        because = "GKE passes over a reserved address that is of another kind, or in use."
        fix = "See who uses the reserved address, and the events of the object."
        result.append(
            Problem(path, f"has another address than {wanted['address']}.", found["address"], because=because, fix=fix)
        )
    bare = lacking(wanted, found)
    if bare:
        policies = {one["name"]: one["policy"] or "none" for one in found["backends"]}
        result.append(
            Problem(
                path,
                f"security policy {wanted['policy']} is not on every backend service, so callers get in that it keeps out."
                if wanted["policy"]
                else "backend services still have a security policy.",
                found=", ".join(f"{name} has {policies[name]}" for name in bare),
                fix="See whether each Service names its BackendConfig (or has its GCPBackendPolicy), and what GKE says.",
                docs="docs/ingress.md#when-the-policy-is-not-attached",
            )
        )
    ill = unhealthy(wanted, found)
    if ill:
        result.append(
            Problem(
                path,
                f"no pod of {', '.join(ill)} passes its health check.",
                found=", ".join(
                    f"{one['service'] or one['name']} {one['health'] or 'unknown'}" for one in found["backends"]
                ),
                because="Google asks from 35.191.0.0/16 and 130.211.0.0/22.",
                fix="See path and port of the health check, and network policies and firewall rules that close the pods to these.",
                docs="docs/ingress.md#health",
            )
        )
    return result


def main():
    """Reads, waits, and ends the module."""
    module = AnsibleModule(
        argument_spec={
            **common(),
            "endpoint": {"type": "str", "required": True},
            "ca_certificate": {"type": "str"},
            "form": {"type": "str", "choices": ["ingress", "gateway"], "default": "ingress"},
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str", "default": "default"},
            "region": {"type": "str"},
            "policy": {"type": "str"},
            "address": {"type": "str"},
            "healthy": {"type": "list", "elements": "str", "default": []},
            "backends": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "wait_timeout": {"type": "int", "default": 0},
            "judge": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    wanted, seconds = module.params, module.params["wait_timeout"]
    context = open_context(module)
    started = time.monotonic()
    failure = None
    found, said, bad = dict(_NOTHING), [], []
    wire = Wire(context.client)
    try:
        reader = Reader(wanted["endpoint"], wanted["ca_certificate"] or "", context.client.token)
        where = {name: wanted[name] for name in ("form", "name", "namespace", "backends")}
        where |= {"project": wanted["project"] or context.client.project(), "region": wanted["region"] or ""}

        def look():
            found.update(ingresses.look(reader, wire, where))
            return {"good": not reasons(wanted, found)}

        wait(look, seconds, PAUSE_SECONDS)
        bad = reasons(wanted, found)
        if bad and found["exists"]:
            with contextlib.suppress(ReadError):
                said = ingresses.warnings(reader, where)
        reader.close()
    except Failure as error:
        failure = error
    except (ReadError, ValueError) as error:
        failure = unread(
            f"at {wanted['endpoint']}",
            f"its {ingresses.FORMS[wanted['form']][1]} could not be read",
            error,
        )
    if failure:
        fail(module, failure)
    result = {name: found[name] for name in ("exists", "ours", "exposure", "address", "backends", "certificates")}
    result |= {"lacking": lacking(wanted, found), "said": said, "good": not bad}
    result["waited"] = round(time.monotonic() - started, 1)
    result["requests"] = {"reads": wire.counts.reads, "writes": wire.counts.writes}
    if bad and seconds and wanted["judge"]:
        page = [problem.as_text() for problem in bad] + [f"  GKE says  {sentence}" for sentence in said[-3:]]
        module.fail_json(msg="\n".join([*page, f"  waited    {seconds} s"]), **result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
