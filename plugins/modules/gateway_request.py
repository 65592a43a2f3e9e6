#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends requests through an API gateway as a client would, and says what came of them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_request
short_description: Send requests through an API gateway and check the answers
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Sends each request as a client outside would, and proves that the whole path works.
  - A gateway often has a private address and a certificate for another name, so the address to connect to is given
    apart from the host name that is asked for. The certificate is always checked, against the host name or O(tls_name).
  - A gateway needs some time to learn a new name, certificate or deployment. Refusals that mean "not yet" are repeated
    until O(timeout) has passed; any other answer ends the wait at once.
options:
  requests:
    description: Requests to send, all at the same time.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What the request proves, for messages.
        type: str
        required: true
      url:
        description: The address as a client writes it.
        type: str
        required: true
      method:
        description: HTTP method.
        type: str
        default: GET
      headers:
        description: Headers to send. Values are never shown.
        type: dict
        default: {}
      status:
        description: Accepted status codes; any below 400 when empty.
        type: list
        elements: int
        default: []
  address:
    description: Address or name to connect to; the URL's own host when not given.
    type: str
  tls_name:
    description:
      - Name to ask for in TLS, which the gateway's certificate must carry; the URL's own host when not given.
      - An Apigee instance that is called directly shows a certificate for C(*.ORGANIZATION.apigee.internal).
    type: str
  gateway:
    description: Which gateway is asked, for messages that say what an answer means.
    type: str
    choices: [apigee, api_gateway]
    default: apigee
  probe:
    description:
      - Seconds in which a connection to the address must come about before anything is sent.
      - Where none does, the module ends without failure, and RV(no_connection) says why. Not tried when not given.
    type: int
  port:
    description: Port to connect to; the URL's own when not given.
    type: int
  ca_cert:
    description: File with the certificates of the authorities to trust; the system's when not given.
    type: path
  ca_cert_content:
    description: The same as text in PEM form.
    type: str
  timeout:
    description: Longest time in seconds to wait for a good answer.
    type: int
    default: 120
  request_timeout:
    description: Longest time in seconds that one request may take.
    type: int
    default: 20
attributes:
  check_mode:
    support: full
    description: Sends nothing in check mode, because what is to be proved may not be there yet.
  diff_mode:
    support: none
    description: Changes nothing.
  idempotent:
    support: full
    description: Changes nothing.
"""

EXAMPLES = r"""
- name: Call the orders proxy on the private address of the Apigee instance
  gatewayops.apigee_gke.gateway_request:
    address: 10.64.0.2
    ca_cert: /etc/ssl/apigee-instance.pem
    requests:
      - name: orders
        url: https://api.example.com/orders/42
"""

RETURN = r"""
no_connection:
  description: Why no connection to the address came about within O(probe) seconds; empty when one did.
  returned: always
  type: str
responses:
  description: One entry for each request, in the same order.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The request's name.
      type: str
    url:
      description: The request's address.
      type: str
    status:
      description: Status code of the answer; 0 when none came or none was asked for.
      type: int
    milliseconds:
      description: Time from the first byte sent to the last byte received.
      type: float
    attempts:
      description: How often the request was sent.
      type: int
    json:
      description: The answer's body, when it is JSON.
      type: dict
    is_json:
      description: Whether the answer's body is JSON.
      type: bool
    fault:
      description: The gateway's own fault, with C(errorcode), C(reason) and C(faultstring), when it answered with one.
      type: dict
    error:
      description: Why no answer came.
      type: str
"""

import concurrent.futures
import ssl

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._gateway import answers, asking, sendable

_WAY = ("address", "port", "tls_name", "ca_cert", "ca_cert_content", "timeout", "request_timeout")


def main():
    """Sends the requests and ends the module."""
    requests = {
        "name": {"type": "str", "required": True},
        "url": {"type": "str", "required": True},
        "method": {"type": "str", "default": "GET"},
        "headers": {"type": "dict", "default": {}, "no_log": True},
        "status": {"type": "list", "elements": "int", "default": []},
    }
    module = AnsibleModule(
        argument_spec={
            "requests": {"type": "list", "elements": "dict", "required": True, "options": requests},
            "address": {"type": "str"},
            "port": {"type": "int"},
            "tls_name": {"type": "str"},
            "gateway": {"type": "str", "choices": [answers.APIGEE, answers.API_GATEWAY], "default": answers.APIGEE},
            "probe": {"type": "int"},
            "ca_cert": {"type": "path"},
            "ca_cert_content": {"type": "str"},
            "timeout": {"type": "int", "default": 120},
            "request_timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    params = module.params
    if module.check_mode or not params["requests"]:
        module.exit_json(changed=False, responses=[], no_connection="")
    problems = [
        *sendable.problems({name: params[name] for name in ("address", "port", "tls_name")}),
        *(f"{request['name']}: {one}" for request in params["requests"] for one in sendable.problems(request)),
    ]
    if problems:
        module.fail_json(msg="\n".join(problems))
    way = asking.Way(**{name: params[name] for name in _WAY})
    no_connection = way.obstacle(params["requests"][0]["url"], params["probe"]) if params["probe"] else ""
    if no_connection:
        module.exit_json(changed=False, responses=[], no_connection=no_connection)
    try:
        context = way.context()
    except (OSError, ssl.SSLError) as error:
        module.fail_json(msg=f"The certificates to trust cannot be read: {error}")
    with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
        gateway = params["gateway"]
        responses = list(pool.map(lambda one: asking.prove(one, way, context, gateway=gateway), params["requests"]))
    pairs = list(zip(params["requests"], responses, strict=True))
    address = params["address"] or ""
    bad = [answers.explain(*pair, address, params["gateway"]) for pair in pairs if not answers.good(*pair)]
    if bad:
        module.fail_json(msg="\n\n".join(bad), responses=responses, no_connection="")
    module.exit_json(changed=False, responses=responses, no_connection="")


if __name__ == "__main__":
    main()
