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
    apart from the host name that is asked for. The certificate is always checked against the host name.
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
    fault:
      description: The gateway's own fault, with C(errorcode), C(reason) and C(faultstring), when it answered with one.
      type: dict
    error:
      description: Why no answer came.
      type: str
"""

import concurrent.futures
import http.client
import json
import socket
import ssl
import time
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule

_NOT_YET_STATUS = (404, 502, 503, 504)
_PAUSE_SECONDS = 1.0
_LONGEST_BODY = 256 * 1024

# What Apigee's faults mean on this path, matched on the end of the code: some carry a longer prefix than others.
_CAUSES = (
    ("NoResolvedHost", "Apigee cannot resolve the name: the peered DNS domain or the headless Service is missing."),
    ("NoActiveTargets", "Apigee has no healthy target server for the proxy."),
    ("SslHandshakeFailed", "Apigee does not trust the pod's certificate."),
    ("GatewayTimeout", "the pod accepted the request and did not answer in time."),
    ("UnexpectedEOFAtTarget", "the pod closed the connection without an answer."),
    (
        "ServiceUnavailable",
        "Apigee cannot connect to the pod: a firewall rule is missing, or no pod listens on the port.",
    ),
    ("ApplicationNotFound", "no deployed proxy has this base path on this host name."),
)


class _Direct(http.client.HTTPSConnection):
    """Connects to a given address while asking for, and checking the certificate of, the URL's host name."""

    def __init__(self, host, place, **options):
        super().__init__(host, **options)
        self._place = place

    def connect(self):
        plain = socket.create_connection(self._place, self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)


def _connection(parts, params, context):
    host, secure = parts.hostname, parts.scheme == "https"
    port = params["port"] or parts.port or (443 if secure else 80)
    place = (params["address"] or host, port)
    if secure:
        return _Direct(host, place, context=context, timeout=params["request_timeout"])
    return http.client.HTTPConnection(*place, timeout=params["request_timeout"])


def _send(request, params, context):
    """One request on a fresh connection. Raises OSError or HTTPException."""
    parts = urlsplit(request["url"])
    connection = _connection(parts, params, context)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": parts.netloc, "Accept": "application/json", **{k: str(v) for k, v in request["headers"].items()}}
    try:
        connection.connect()
        started = time.monotonic()
        connection.request(request["method"], path, headers=headers)
        reply = connection.getresponse()
        body = reply.read(_LONGEST_BODY)
        return reply.status, body, round((time.monotonic() - started) * 1000, 1)
    finally:
        connection.close()


def _document(body):
    try:
        document = json.loads(body.decode("utf-8"))
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {"value": document}


def _fault(document):
    fault = document.get("fault")
    if not isinstance(fault, dict):
        return {}
    detail = fault.get("detail") or {}
    return {
        "errorcode": detail.get("errorcode", ""),
        "reason": detail.get("reason", ""),
        "faultstring": fault.get("faultstring", ""),
    }


def _good(request, response):
    if response["error"]:
        return False
    if request["status"]:
        return response["status"] in request["status"]
    return response["status"] < 400


def _prove(request, params, context):
    """Sends a request until the answer is good, or shows that waiting will not help, or time is up."""
    deadline = time.monotonic() + params["timeout"]
    response = {"name": request["name"], "url": request["url"], "attempts": 0, "error": ""}
    while True:
        response.update(status=0, milliseconds=0.0, json={}, fault={}, error="")
        response["attempts"] += 1
        try:
            status, body, milliseconds = _send(request, params, context)
        except ssl.SSLCertVerificationError as error:
            response["error"] = f"the gateway's certificate is not trusted: {error.verify_message}"
            return response
        except (OSError, http.client.HTTPException) as error:
            response["error"] = str(error) or type(error).__name__
        else:
            document = _document(body)
            response.update(status=status, milliseconds=milliseconds, json=document, fault=_fault(document))
        not_yet = response["error"] or response["status"] in _NOT_YET_STATUS
        if _good(request, response) or not not_yet or time.monotonic() + _PAUSE_SECONDS > deadline:
            return response
        time.sleep(_PAUSE_SECONDS)


def _explain(request, response, params):
    """A failed request as a paragraph for people."""
    place = f"{params['address'] or urlsplit(request['url']).hostname}"
    lines = [f"{request['name']}: {request['method']} {request['url']} (through {place}) did not get a good answer."]
    fault = response["fault"]
    if response["error"]:
        lines.append(f"  found     no answer: {response['error']}")
        lines.append("  fix       Check how the gateway is reached from here (address, port, CA certificate).")
        return "\n".join(lines)
    lines.append(f"  found     status {response['status']} after {response['attempts']} attempts")
    if fault:
        lines.append(f"  Apigee    {fault['errorcode']} {fault['reason']}: {fault['faultstring']}")
        cause = next((text for end, text in _CAUSES if fault["errorcode"].endswith(end)), "")
        if cause:
            lines.append(f"  because   {cause}")
    else:
        lines.append("  because   the answer came from behind the gateway: the path works, the application refuses.")
        lines.append("  fix       State what it should answer: verify: {path: ..., status: [...]} on the proxy.")
    return "\n".join(lines)


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
            "ca_cert": {"type": "path"},
            "ca_cert_content": {"type": "str"},
            "timeout": {"type": "int", "default": 120},
            "request_timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    params = module.params
    if module.check_mode or not params["requests"]:
        module.exit_json(changed=False, responses=[])
    try:
        context = ssl.create_default_context(cafile=params["ca_cert"], cadata=params["ca_cert_content"] or None)
    except (OSError, ssl.SSLError) as error:
        module.fail_json(msg=f"The certificates to trust cannot be read: {error}")
    with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
        responses = list(pool.map(lambda request: _prove(request, params, context), params["requests"]))
    pairs = list(zip(params["requests"], responses, strict=True))
    bad = [_explain(request, response, params) for request, response in pairs if not _good(request, response)]
    if bad:
        module.fail_json(msg="\n\n".join(bad), responses=responses)
    module.exit_json(changed=False, responses=responses)


if __name__ == "__main__":
    main()
