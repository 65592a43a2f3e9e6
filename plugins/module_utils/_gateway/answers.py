# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer of the gateway is worth: good, not yet, or refused, and why; the same from wherever it was asked.

Private to this collection.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

#: Begins the error of a request whose certificate was refused: waiting does not help.
UNTRUSTED = "the gateway's certificate is not trusted"
_NOT_YET_STATUS = (404, 502, 503, 504)
#: API Gateway of a key, a managed service or a right that is minutes old: Google tells its own machines of it little by little.
_NOT_YET_KNOWN = (400, 401, 403)

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

APIGEE = "apigee"
API_GATEWAY = "api_gateway"
#: The inventory's variable that says how a gateway is reached.
_REACHED = {
    APIGEE: ("apigee_gke_ingress: {via, address, port, ca_cert, tls_name};", "via: job asks from inside the cluster."),
    API_GATEWAY: ("api_gateway_gke_ingress: {address, port, ca_cert};", "without it the gateway's own host name is asked."),
}
# What a status means on the way through API Gateway and the function, which say it without a fault of Apigee's form.
_STATUS_CAUSES = {
    400: "the key is unknown or has expired, or it is of another project.",
    401: "no key or token came with the call, or the token is not good for this API.",
    403: "the key may not be used for this API, its managed service is not enabled, or the gateway's service account may not "
    "invoke the function.",
    404: "the document declares no such path, or the application answers so.",
    405: "the document declares the path without this method, or the application answers so.",
    502: "the function got no good answer from the internal load balancer.",
    503: "the function has no instance that could start, or the application answers so.",
    504: "the function waited in vain: its way into the network (egress), the balancer's source ranges, global access across "
    "regions, or no ready pod.",
}


def blank(request: dict) -> dict:
    """The response of a request that got no answer yet."""
    return {
        "name": request["name"],
        "url": request["url"],
        "attempts": 0,
        "status": 0,
        "milliseconds": 0.0,
        "json": {},
        "is_json": False,
        "fault": {},
        "error": "",
    }


def answered(status: int, milliseconds: float, body: bytes | str) -> dict:
    """The part of a response that an answer gives."""
    found = document(body)
    return {
        "status": status,
        "milliseconds": milliseconds,
        "json": found or {},
        "is_json": found is not None,
        "fault": fault(found or {}),
        "error": "",
    }


def document(body: bytes | str) -> dict | None:
    """A JSON body; None when it is none. What is no mapping is kept as ``value``."""
    try:
        found = json.loads(body.decode("utf-8") if isinstance(body, bytes) else body)
    except (ValueError, RecursionError):
        # Nothing keeps a backend from nesting deeper than Python reads.
        return None
    return found if isinstance(found, dict) else {"value": found}


def fault(found: dict) -> dict:
    """The gateway's own fault in a body, as ``errorcode``, ``reason`` and ``faultstring``."""
    entry = found.get("fault")
    detail = (entry.get("detail") or {}) if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(detail, dict):
        # A fault of another form is the backend's own.
        return {}
    said = {"errorcode": detail.get("errorcode"), "reason": detail.get("reason"), "faultstring": entry.get("faultstring")}
    return {name: value if isinstance(value, str) else "" for name, value in said.items()}


def good(request: dict, response: dict) -> bool:
    """Whether the answer is one that the request accepts."""
    if response["error"]:
        return False
    if request.get("status"):
        return response["status"] in request["status"]
    return response["status"] < 400


def executed(request: dict, response: dict) -> bool:
    """Whether a deployed proxy dealt with the request, whatever it or its backend answered.

    It did not where Apigee's router knows no proxy for the path (whatever status is stated), or Apigee itself answers
    that it cannot (5xx); Apigee says so as JSON. What a load balancer in front of it says when it has no way to it (404,
    502, 503 or 504 with a page) proves nothing.
    """
    if response["error"] or unknown_path(response):
        return False
    if request.get("status"):
        return response["status"] in request["status"]
    if response["fault"]:
        return response["status"] < 500
    return response["is_json"] or response["status"] not in _NOT_YET_STATUS


def unknown_path(response: dict) -> bool:
    """Whether Apigee's router has no proxy for the host name and path."""
    return str(response["fault"].get("errorcode", "")).endswith("ApplicationNotFound")


def not_yet(response: dict, gateway: str = APIGEE) -> bool:
    """Whether the gateway may just not have learnt of a name, a certificate, a deployment, or of a key or an account."""
    if response["error"]:
        return not response["error"].startswith(UNTRUSTED)
    return response["status"] in _NOT_YET_STATUS or (gateway == API_GATEWAY and response["status"] in _NOT_YET_KNOWN)


def meaning(found: dict) -> str:
    """What one of Apigee's faults means on this path; "" for others."""
    return next((text for end, text in _CAUSES if str(found.get("errorcode", "")).endswith(end)), "")


def explain(request: dict, response: dict, place: str = "", gateway: str = APIGEE) -> str:
    """A request without a good answer as a paragraph for people.

    Args:
        request: what was asked.
        response: what came.
        place: what was connected to, when it is not the URL's own host.
        gateway: ``apigee`` or ``api_gateway``: whose words are used.
    """
    place = place or urlsplit(request["url"]).hostname or ""
    method = request.get("method") or "GET"
    lines = [f"{request['name']}: {method} {request['url']} (through {place}) did not get a good answer."]
    found = response["fault"]
    if response["error"]:
        lines.append(f"  found     no answer: {response['error']}")
        variable, otherwise = _REACHED[gateway]
        lines.append(f"  fix       Say how the gateway is reached: {variable}")
        lines.append(f"            {otherwise}")
        return "\n".join(lines)
    lines.append(f"  found     status {response['status']} after {response['attempts']} attempts")
    if found:
        lines.append(f"  Apigee    {found['errorcode']} {found['reason']}: {found['faultstring']}")
        cause = meaning(found)
        if cause:
            lines.append(f"  because   {cause}")
    elif gateway == API_GATEWAY and response["status"] in _STATUS_CAUSES:
        lines.append(f"  because   {_STATUS_CAUSES[response['status']]}")
        lines.append("  fix       Look at the function's log and, for keys and tokens, at docs/api-gateway.md.")
    else:
        lines.append("  because   the answer came from behind the gateway: the path works, the application refuses.")
        lines.append("  fix       State what it should answer: verify: {path: ..., status: [...]}.")
    return "\n".join(lines)
