#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_microgateway_info
short_description: Read what a cluster has of a gateway, and wait for its pods
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads the objects that bear the label of a gateway that the role P(gatewayops.apigee_gke.edge_microgateway#role) made.
  - With O(wait_for) it waits until all pods are as the Deployment declares them and no earlier one is left, or until the last pod
    is gone.
options:
  endpoint:
    description: Host of the cluster's API server, with a port or without.
    type: str
    required: true
  ca_certificate:
    description: Certificate of its authority, PEM in base64 as GKE gives it; the system's authorities when not given.
    type: str
  namespace:
    description: Namespace of the gateway.
    type: str
    required: true
  name:
    description: Name of the gateway.
    type: str
    required: true
  show_credentials:
    description: Whether to show key and secret that its pods use; a task that asks for them wants C(no_log).
    type: bool
    default: false
  wait_for:
    description: What to wait for.
    type: str
    choices: [rolled_out, gone]
  wait_timeout:
    description: Longest time in seconds to wait.
    type: int
    default: 300
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.edge_microgateway_request
"""

EXAMPLES = r"""
- name: Wait until every pod is as declared
  gatewayops.apigee_gke.edge_microgateway_info:
    endpoint: "{{ found.resources[0].endpoint }}"
    ca_certificate: "{{ found.resources[0].ca_certificate }}"
    namespace: edge-microgateway
    name: edge-microgateway
    wait_for: rolled_out
"""

RETURN = r"""
objects:
  description: Everything that bears the gateway's label, each with C(apiVersion), C(kind) and C(metadata), and no content.
  returned: success
  type: list
  elements: dict
rolled_out:
  description: Whether all replicas are available and as declared, and no earlier pod is left.
  returned: success
  type: bool
replicas:
  description: How many pods its Deployment asks for; 0 where there is none.
  returned: success
  type: int
credentials:
  description: C(key) and C(secret) that its pods use; empty where there are none.
  returned: with O(show_credentials)
  type: dict
waited:
  description: Seconds waited.
  returned: success
  type: float
"""

import time
from urllib.parse import quote

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import fail, open_context
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.spec import common
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import Failure
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.reader import (
    Reader,
    ReadError,
    unread,
    wait,
)
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import objects

PAUSE_SECONDS = 1.0


def _pods(reader, params):
    """All pods of the gateway, those that end included."""
    place = f"/api/v1/namespaces/{quote(params['namespace'], safe='')}/pods"
    return reader.list(place, {objects.GATEWAY_LABEL: params["name"]})


def _deployment(reader, params):
    namespace, name = (quote(params[part], safe="") for part in ("namespace", "name"))
    return reader.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")


def _state(reader, params):
    """Whether what is waited for has come about."""
    pods = _pods(reader, params)
    if params["wait_for"] == "gone":
        return {"gone": not pods}
    return {"rolled_out": objects.rolled_out(_deployment(reader, params), pods)}


def _trouble(reader, params):
    """What the pods that are not ready say, in a few words each."""
    said = []
    for pod in _pods(reader, params):
        states = [one.get("state") or {} for one in (pod.get("status") or {}).get("containerStatuses") or []]
        reasons = [state.get(kind, {}).get("reason") for state in states for kind in ("waiting", "terminated")]
        ready = all(one.get("ready") for one in (pod.get("status") or {}).get("containerStatuses") or [{}])
        if not ready or pod["metadata"].get("deletionTimestamp"):
            words = [str(reason) for reason in reasons if reason] or [(pod.get("status") or {}).get("phase") or "unknown"]
            said.append(f"{pod['metadata']['name']}: {', '.join(words)}")
    return "; ".join(said) or "no pod says why"


def main():
    """Reads, waits, and ends the module."""
    module = AnsibleModule(
        argument_spec={
            **common(),
            "endpoint": {"type": "str", "required": True},
            "ca_certificate": {"type": "str"},
            "namespace": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            # Whether, not which: it hides nothing.
            "show_credentials": {"type": "bool", "default": False, "no_log": False},
            "wait_for": {"type": "str", "choices": ["rolled_out", "gone"]},
            "wait_timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    params, failure, late = module.params, None, ""
    client = open_context(module).client
    started = time.monotonic()
    result = {}
    try:
        reader = Reader(params["endpoint"], params["ca_certificate"] or "", client.token)
        if params["wait_for"] and not all(
            wait(lambda: _state(reader, params), params["wait_timeout"], PAUSE_SECONDS).values()
        ):
            late = _trouble(reader, params)
        deployment = _deployment(reader, params)
        labels = objects.labels(params["name"], params["namespace"])
        found = {kind: reader.list(path, labels) for kind, (_version, path) in objects.KINDS.items()}
        result["objects"] = [objects.named(kind, one) for kind, these in found.items() for one in these]
        result["rolled_out"] = objects.rolled_out(deployment, _pods(reader, params))
        result["replicas"] = ((deployment or {}).get("spec") or {}).get("replicas") or 0
        if params["show_credentials"]:
            result["credentials"] = objects.current(found["Secret"], deployment)
        reader.close()
    except Failure as error:
        failure = error
    except (ReadError, ValueError) as error:
        failure = unread(
            f"at {params['endpoint']}",
            f"what it has of gateway {params['name']} could not be read",
            error,
        )
    if failure:
        fail(module, failure)
    if late:
        what = "are not all gone" if params["wait_for"] == "gone" else "are not all available and as declared"
        module.fail_json(
            msg=(
                f"Gateway {params['namespace']}/{params['name']}: after {params['wait_timeout']} seconds its pods {what}.\n"
                f"  found     {late}\n"
                "  fix       See their logs. A gateway that Edge does not answer, or whose certificate it does not trust, ends by "
                "itself and says so."
            )
        )
    module.exit_json(changed=False, waited=round(time.monotonic() - started, 1), **result)


if __name__ == "__main__":
    main()
