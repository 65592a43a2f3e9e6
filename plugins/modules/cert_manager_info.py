#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_manager_info
short_description: Read how far cert-manager is, and wait for its webhook, issuers and certificates
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads which release of cert-manager a cluster has, and whether its webhook, issuers and certificates are ready.
  - With O(wait_timeout) it waits until all that is asked for is ready, and otherwise repeats cert-manager's own reason.
  - The webhook counts as ready when it has answered, by refusing an issuer in a dry run; that its pods are ready is no
    proof.
options:
  endpoint:
    description: Host of the cluster's API server, with a port or without.
    type: str
    required: true
  ca_certificate:
    description: Certificate of its authority, PEM in base64 as GKE gives it; the system's authorities when not given.
    type: str
  namespace:
    description: Namespace of cert-manager.
    type: str
    default: cert-manager
  release:
    description: Whether to read the Helm release.
    type: bool
    default: false
  webhook:
    description: Whether the webhook must answer.
    type: bool
    default: false
  issuers:
    description: Issuers that must be ready, of cert-manager or of any external issuer.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name.
        type: str
        required: true
      kind:
        description: Kind.
        type: str
        default: ClusterIssuer
      group:
        description: API group.
        type: str
        default: cert-manager.io
      namespace:
        description: Namespace, for kinds that have one.
        type: str
  certificates:
    description: Certificates that must be ready.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name.
        type: str
        required: true
      namespace:
        description: Namespace.
        type: str
        default: default
  wait_timeout:
    description: Longest time in seconds to wait until everything is ready; V(0) reads once and accepts what there is.
    type: int
    default: 0
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.headless_service_info
"""

EXAMPLES = r"""
- name: Wait until a certificate is issued
  gatewayops.apigee_gke.cert_manager_info:
    endpoint: "{{ connection.endpoint }}"
    ca_certificate: "{{ connection.ca_certificate }}"
    certificates:
      - {name: orders-tls, namespace: shop}
    wait_timeout: 120
"""

RETURN = r"""
release:
  description: The Helm release, C(none) when there is none.
  returned: when O(release)
  type: dict
  sample: {chart: cert-manager, version: v1.21.2, status: deployed, revision: 1, values: {}}
webhook:
  description: Whether the webhook answers, and the reason if not.
  returned: when O(webhook)
  type: dict
  sample: {ready: true, reason: ""}
issuers:
  description: Each issuer with C(ready) and C(reason).
  returned: always
  type: list
  elements: dict
  sample:
    - {name: apigee-gke-ca, kind: ClusterIssuer, group: cert-manager.io, ready: true, reason: ""}
certificates:
  description: Each certificate with what it was issued for; times are those of the certificate that is in force.
  returned: always
  type: list
  elements: dict
  sample:
    - name: orders-tls
      namespace: shop
      ready: true
      reason: ""
      secret: orders-tls
      dns_names: [orders.shop.svc.acme.internal]
      issuer: {group: cert-manager.io, kind: ClusterIssuer, name: apigee-gke-ca}
      not_before: "2026-11-21T04:00:00Z"
      not_after: "2027-02-19T04:00:00Z"
      renewal_time: "2027-01-20T04:00:00Z"
      revision: 1
waited:
  description: Seconds waited.
  returned: always
  type: float
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates.watch import Watch
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import pods
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import fail, open_context
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.spec import common
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import Failure
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.reader import Reader, ReadError, unread

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 1.0


def look(watch, asked):
    """What is asked for, as it is now. Raises ReadError."""
    found = {}
    if asked["release"]:
        found["release"] = watch.release()
    if asked["webhook"]:
        reason = watch.webhook()
        found["webhook"] = {"ready": reason is None, "reason": reason or ""}
    found["issuers"] = [watch.issuer(each) for each in asked["issuers"]]
    found["certificates"] = [watch.certificate(each) for each in asked["certificates"]]
    return found


def unready(found):
    """The parts that are not ready."""
    parts = [found["webhook"]] if "webhook" in found else []
    return [each for each in [*parts, *found["issuers"], *found["certificates"]] if not each["ready"]]


def wait(watch, asked, seconds):
    """What there is once all of it is ready, or when time is up; asks more slowly as time goes on. Raises ReadError."""
    deadline, pause = time.monotonic() + seconds, FIRST_PAUSE_SECONDS
    while True:
        late = time.monotonic() + pause > deadline
        try:
            found = look(watch, asked)
            if late or not unready(found):
                return found
        except ReadError as error:
            if late or not error.again:
                raise
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


def explain(watch, found, namespace, seconds):
    """Why it is not ready, a paragraph for each part, in cert-manager's own words."""
    lines = []
    if "webhook" in found and not found["webhook"]["ready"]:
        lines.append(f"cert-manager (namespace {namespace}): after {seconds} s its webhook does not answer.")
        lines.append(f"  because   {found['webhook']['reason']}")
        lines.append("  fix       When its pods are ready, only the way to them is closed: open the webhook's port")
        lines.append(
            "            (10250) from the control plane to the nodes in the firewall. Else correct what its pods lack."
        )
    for each in found["issuers"]:
        if not each["ready"]:
            lines.append(f"{each['kind']} {each['name']}: not ready after {seconds} s.")
            lines.append(f"  because   {each['reason']}")
            lines.append("  fix       Correct the issuer, or name another one.")
    for each in found["certificates"]:
        if not each["ready"]:
            lines.append(f"Certificate {each['name']} (namespace {each['namespace']}): not issued after {seconds} s.")
            lines.append(f"  because   {each['reason']}")
            lines.extend(f"            {line}" for line in watch.requests(each))
            lines.append("  fix       Correct the issuer or the certificate's names;")
            lines.append(
                f"            kubectl --namespace {each['namespace']} describe certificate {each['name']} says more."
            )
    if lines:
        lines.extend(f"  cert-manager's own pod {pods.describe(pod)}" for pod in watch.pods()[:3])
    return "\n".join(lines)


def arguments():
    """The module's argument specification."""
    name = {"type": "str", "required": True}
    issuer = {
        "name": name,
        "kind": {"type": "str", "default": "ClusterIssuer"},
        "group": {"type": "str", "default": "cert-manager.io"},
        "namespace": {"type": "str"},
    }
    certificate = {"name": name, "namespace": {"type": "str", "default": "default"}}
    return {
        **common(),
        "endpoint": {"type": "str", "required": True},
        "ca_certificate": {"type": "str"},
        "namespace": {"type": "str", "default": "cert-manager"},
        "release": {"type": "bool", "default": False},
        "webhook": {"type": "bool", "default": False},
        "issuers": {"type": "list", "elements": "dict", "default": [], "options": issuer},
        "certificates": {"type": "list", "elements": "dict", "default": [], "options": certificate},
        "wait_timeout": {"type": "int", "default": 0},
    }


def main():
    """Reads, waits, and ends the module."""
    module = AnsibleModule(argument_spec=arguments(), supports_check_mode=True)
    seconds, namespace = module.params["wait_timeout"], module.params["namespace"]
    client = open_context(module).client
    started = time.monotonic()
    failure, reasons = None, ""
    try:
        reader = Reader(module.params["endpoint"], module.params["ca_certificate"] or "", client.token)
        watch = Watch(reader, namespace)
        found = wait(watch, module.params, seconds)
        if seconds and unready(found):
            reasons = explain(watch, found, namespace, seconds)
        reader.close()
    except Failure as error:
        failure = error
    except (ReadError, ValueError) as error:
        failure = unread(f"at {module.params['endpoint']}", "cert-manager could not be asked", error)
    if failure:
        fail(module, failure)
    found["waited"] = round(time.monotonic() - started, 1)
    if reasons:
        module.fail_json(msg=reasons, **found)
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
