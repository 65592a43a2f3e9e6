#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_microgateway_workload_info
short_description: Read what a workload has of a gateway beside its application, and wait for its pods
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads a workload, and the objects that role P(gatewayops.apigee_gke.edge_microgateway#role) made in its namespace for the gateway
    in its pods.
  - With O(wait_for) it waits until all pods have their gateway, or until the last pod with one is gone.
  - Without O(wait_for) it shows the workload's whole pod template; a task wants C(no_log) where that holds secrets.
options:
  endpoint:
    description: Host of the cluster's API server, with a port or without.
    type: str
    required: true
  ca_certificate:
    description: Certificate of its authority, PEM in base64 as GKE gives it; the system's authorities when not given.
    type: str
  namespace:
    description: Namespace of the workload.
    type: str
    default: default
  name:
    description: Name of the workload.
    type: str
    required: true
  kind:
    description: Its kind.
    type: str
    choices: [Deployment, StatefulSet]
    default: Deployment
  gateway:
    description: Name of its gateway.
    type: str
    required: true
  show_credentials:
    description: Whether to show keys and secrets of the gateway; a task that asks for them wants C(no_log).
    type: bool
    default: false
  pod:
    description: A pod that the API server shall make in a dry run. Nothing is stored or started.
    type: dict
  wait_for:
    description: What to wait for.
    type: str
    choices: [served, gone]
  asked:
    description: With O(wait_for=served), the name that the annotation of every pod must bear.
    type: str
    default: ""
  wait_timeout:
    description: Longest time in seconds to wait.
    type: int
    default: 300
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.edge_microgateway_info
"""

EXAMPLES = r"""
- name: Wait until every pod has its gateway
  gatewayops.apigee_gke.edge_microgateway_workload_info:
    endpoint: "{{ found.resources[0].endpoint }}"
    ca_certificate: "{{ found.resources[0].ca_certificate }}"
    namespace: shop
    name: orders
    gateway: orders-gateway
    wait_for: served
    asked: "{{ beside.name }}"
"""

RETURN = r"""
workload:
  description: C(metadata) with name and namespace, and of C(spec) the replicas, selector and pod template. Empty without one.
  returned: without O(wait_for)
  type: dict
objects:
  description: Everything that bears the gateway's label, each with C(apiVersion), C(kind) and C(metadata), and no content.
  returned: success
  type: list
  elements: dict
credentials:
  description: C(key) and C(secret) that the pods are told to use; empty where there are none.
  returned: with O(show_credentials)
  type: dict
pairs:
  description: C(key) and C(secret) of each Secret of the gateway, those of before included.
  returned: with O(show_credentials)
  type: list
  elements: dict
made:
  description: The pod as the API server would have made it.
  returned: with O(pod)
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import beside, objects

PAUSE_SECONDS = 1.0


def _workload(reader, params):
    place = "/apis/apps/v1/namespaces/{}/{}s/{}".format(
        quote(params["namespace"], safe=""), params["kind"].lower(), quote(params["name"], safe="")
    )
    found = reader.get(place)
    if not found:
        return {}
    spec = found.get("spec") or {}
    return {
        "metadata": {"name": params["name"], "namespace": params["namespace"]},
        "spec": {key: spec[key] for key in ("replicas", "selector", "template") if key in spec},
    }


def _missing(reader, params):
    """What is still to come about, in words. A workload that is gone has no pods."""
    live = _workload(reader, params)
    labels = ((live.get("spec") or {}).get("selector") or {}).get("matchLabels")
    pods = reader.list(f"/api/v1/namespaces/{quote(params['namespace'], safe='')}/pods", labels) if labels else []
    if params["wait_for"] == "gone":
        return [f"{name} has its gateway still" for name in beside.served(pods)]
    return beside.unserved(live, pods, params["asked"])


def _read(reader, params):
    labels = beside.labels(params["gateway"])
    place = f"/namespaces/{quote(params['namespace'], safe='')}/"
    found = {}
    for kind in beside.KINDS:
        version, path = objects.KINDS[kind]
        root, _slash, plural = path.rpartition("/")
        listed = reader.list(root + place + plural, labels)
        # A gateway as a Service of the same name is another one.
        found[kind] = [one for one in listed if objects.NAMESPACE_LABEL not in one["metadata"]["labels"]]
    live = _workload(reader, params)
    result = {"objects": [objects.named(kind, one) for kind, these in found.items() for one in these]}
    if not params["wait_for"]:
        result["workload"] = live
    if params["show_credentials"]:
        result["credentials"] = beside.used(live, found["Secret"])
        result["pairs"] = beside.pairs(found["Secret"])
    if params["pod"]:
        result["made"] = reader.preview(f"/api/v1{place}pods", params["pod"])
    return result


def main():
    """Reads, waits, and ends the module."""
    module = AnsibleModule(
        argument_spec={
            **common(),
            "endpoint": {"type": "str", "required": True},
            "ca_certificate": {"type": "str"},
            "namespace": {"type": "str", "default": "default"},
            "name": {"type": "str", "required": True},
            "kind": {"type": "str", "choices": ["Deployment", "StatefulSet"], "default": "Deployment"},
            "gateway": {"type": "str", "required": True},
            # Whether, not which: it hides nothing.
            "show_credentials": {"type": "bool", "default": False, "no_log": False},
            "pod": {"type": "dict"},
            "wait_for": {"type": "str", "choices": ["served", "gone"]},
            "asked": {"type": "str", "default": ""},
            "wait_timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    params, failure, late = module.params, None, []
    client = open_context(module).client
    started = time.monotonic()
    result = {}
    try:
        reader = Reader(params["endpoint"], params["ca_certificate"] or "", client.token)
        if params["wait_for"]:

            def look():
                late[:] = _missing(reader, params)
                return {"done": not late}

            wait(look, params["wait_timeout"], PAUSE_SECONDS)
        result = {} if late else _read(reader, params)
        reader.close()
    except Failure as error:
        failure = error
    except (ReadError, ValueError) as error:
        failure = unread(
            f"at {params['endpoint']}",
            f"what {params['namespace']}/{params['name']} has of gateway {params['gateway']} could not be read",
            error,
            "Do what is said there. Else check that the API server can be reached from here, and that the account may read there.",
        )
    if failure:
        fail(module, failure)
    if late:
        what = "are not all gone" if params["wait_for"] == "gone" else "do not all have their gateway"
        module.fail_json(
            msg=(
                f"{params['kind']} {params['namespace']}/{params['name']}: after {params['wait_timeout']} seconds its pods {what}.\n"
                f"  found     {'; '.join(late)}\n"
                "  fix       See kubectl describe and the logs of container edge-microgateway. One that Edge does not answer ends by "
                "itself and says so; one that runs is ready once the application listens on its port."
            )
        )
    module.exit_json(changed=False, waited=round(time.monotonic() - started, 1), **result)


if __name__ == "__main__":
    main()
