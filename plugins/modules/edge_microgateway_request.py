#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_microgateway_request
short_description: Call a gateway in a cluster through its Service
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Sends one GET to a Service by the API server's proxy, so that nothing has to be opened to this machine, and repeats it until
    the answer is one of O(status).
  - The account needs C(get) on C(services/proxy) in the namespace.
options:
  endpoint:
    description: Host of the cluster's API server, with a port or without.
    type: str
    required: true
  ca_certificate:
    description: Certificate of its authority, PEM in base64 as GKE gives it; the system's authorities when not given.
    type: str
  namespace:
    description: Namespace of the Service.
    type: str
    required: true
  name:
    description: Name of the Service.
    type: str
    required: true
  port:
    description: Port of the Service.
    type: int
    default: 8000
  path:
    description: What to ask for, as a plain path.
    type: str
    required: true
  key:
    description: Key of an app, sent in O(key_header). None is sent without it.
    type: str
  key_header:
    description: Header that takes the key.
    type: str
    default: x-api-key
  status:
    description: Answers that are accepted; any below 400 when not given.
    type: list
    elements: int
  wait_timeout:
    description: Longest time in seconds until an accepted answer comes; V(0) asks once.
    type: int
    default: 0
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.edge_app_info
  - module: gatewayops.apigee_gke.gateway_request
"""

EXAMPLES = r"""
- name: A call without a key is refused
  gatewayops.apigee_gke.edge_microgateway_request:
    endpoint: "{{ found.resources[0].endpoint }}"
    ca_certificate: "{{ found.resources[0].ca_certificate }}"
    namespace: gateway
    name: edge-microgateway
    path: /orders/42
    status: [401]
"""

RETURN = r"""
status:
  description: Status of the answer.
  returned: when something answered
  type: int
body:
  description: The first 2000 characters of its body.
  returned: when something answered
  type: str
waited:
  description: Seconds until the last answer.
  returned: always
  type: float
"""

import time
from urllib.parse import quote

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import fail, open_context
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.spec import common
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import Failure
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.reader import Reader, ReadError

PAUSE_SECONDS = 1.0
MOST_SHOWN = 2000


def _ask(reader, params):
    """Status and body of one call. Raises ReadError."""
    place = "/api/v1/namespaces/{}/services/{}:{}/proxy".format(
        quote(params["namespace"], safe=""), quote(params["name"], safe=""), params["port"]
    )
    headers = {params["key_header"]: params["key"]} if params["key"] else {}
    return reader.ask_service(place + quote(params["path"], safe="/?&=%"), headers)


def _accepted(status, wanted):
    return status in wanted if wanted else status < 400


def main():
    """Asks until it is as it should be, and ends the module."""
    module = AnsibleModule(
        argument_spec={
            **common(),
            "endpoint": {"type": "str", "required": True},
            "ca_certificate": {"type": "str"},
            "namespace": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "port": {"type": "int", "default": 8000},
            "path": {"type": "str", "required": True},
            "key": {"type": "str", "no_log": True},
            # Its name is no secret.
            "key_header": {"type": "str", "default": "x-api-key", "no_log": False},
            "status": {"type": "list", "elements": "int"},
            "wait_timeout": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    params, failure = module.params, None
    client = open_context(module).client
    started = time.monotonic()
    status, body, trouble = None, "", ""
    try:
        reader = Reader(params["endpoint"], params["ca_certificate"] or "", client.token)
        while True:
            try:
                status, body = _ask(reader, params)
                trouble = f"answered {status}: {body[:300]}"
            except ReadError as error:
                status, trouble = None, str(error)
            late = time.monotonic() - started + PAUSE_SECONDS > params["wait_timeout"]
            if late or (status is not None and _accepted(status, params["status"])):
                break
            time.sleep(PAUSE_SECONDS)
        reader.close()
    except Failure as error:
        failure = error
    except ValueError as error:
        failure = Failure(f"ca_certificate is no certificate in base64: {error}")
    if failure:
        fail(module, failure)
    waited = round(time.monotonic() - started, 1)
    result = {"waited": waited} if status is None else {"waited": waited, "status": status, "body": body[:MOST_SHOWN]}
    if status is None or not _accepted(status, params["status"]):
        wanted = ", ".join(map(str, params["status"] or [])) or "a status below 400"
        module.fail_json(
            msg=(
                f"Service {params['namespace']}/{params['name']}: {params['path']} was to be answered with {wanted}.\n"
                f"  found     {trouble}\n"
                "  fix       See the logs of its pods, whether the app's products hold the proxy and its path, and whether a "
                "NetworkPolicy is in the way."
            ),
            **result,
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
