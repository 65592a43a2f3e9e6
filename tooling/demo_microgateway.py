# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edge Microgateway before a Service, shown: with a key the pod answers, without one nobody does."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from testbed.commands.common import control
from testbed.state import State
from tooling import gateway_call
from tooling.steps import StepFailed

#: Of inventories/testbed.
DEVELOPER, APP, PATH = "ann@partner.example", "shop", "/orders/42"
SERVICE = "/api/v1/namespaces/edge-microgateway/services/edge-microgateway"
INGRESS, HOST, SOMEBODY = "edge-microgateway", "gateway.acme.example", "192.0.2.7"


def call() -> None:
    """Call the gateway through its Service, by the API server's proxy, with and without a key.

    :raises StepFailed: when a status is not the expected one.
    """
    found = {"x-api-key": key()}
    print(f" $ curl http://edge-microgateway.edge-microgateway.svc:8000{PATH} --header 'x-api-key: ...'\n", flush=True)
    status, body = _ask(PATH, found)
    if status != 200:
        raise StepFailed(f"The gateway was to pass the call on to a pod, and answered {status}: {body.decode()}")
    answer = json.loads(body)
    print(f" {status}  pod {answer['pod']} answers {answer['path']}")
    for what, wanted, status in (
        ("without a key", 401, _ask(PATH, {})[0]),
        ("with a key that does not exist", 403, _ask(PATH, {"x-api-key": "nobodys"})[0]),
        ("a path of no proxy", 404, _ask("/admin", found)[0]),
    ):
        print(f" {status}  {what}")
        if status != wanted:
            raise StepFailed(f"A call {what} was to be answered with {wanted}.")
    _call_from_outside(found)
    print("\n The engine is the real one; Edge, which it asks about keys, is a double.")


def _call_from_outside(told: dict[str, str]) -> None:
    """Call the Ingress before the gateway, as somebody on the testbed's internet."""
    path = f"compute/v1/projects/{gateway_call.connection()['project']}/global/addresses/{INGRESS}"
    external = gateway_call.google("compute", path)["address"]
    print(f"\n The Ingress before it, {external}, called from {SOMEBODY}:\n", flush=True)
    for what, host, headers, wanted in (
        ("with the key", HOST, told, (200,)),
        ("without a key", HOST, {}, (401,)),
        ("another host, which the default backend answers", "other.example", told, (502, 503)),
    ):
        wished = {"url": f"http://{external}{PATH}", "source": SOMEBODY, "host": host, "headers": headers}
        # Not by the command, whose arguments everybody sees.
        asked = urllib.parse.urlencode({"call": json.dumps(wished)})
        answer = control(State.from_environment(), "GET", f"/outside?{asked}")
        print(f" {answer.get('status') or answer['error']}  {what}")
        if answer.get("status") not in wanted:
            raise StepFailed(f"A call from outside, {what}, was to be answered with {wanted[0]}.")


def address(service: str = SERVICE) -> tuple[str, int]:
    """Address and port of a gateway's Service, in the cluster."""
    spec = json.loads(_read(service, {})[1])["spec"]
    return spec["clusterIP"], spec["ports"][0]["port"]


def key() -> str:
    """The app's key, as its developer sees it on Edge."""
    edge = gateway_call.connection()["edge"]
    url = f"{edge['url']}/v1/organizations/{edge['organization']}/developers/{DEVELOPER}/apps/{APP}"
    request = urllib.request.Request(url)
    user = f"{edge['user']}:{Path(edge['password_file']).read_text(encoding='ascii')}"
    request.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
    context = ssl.create_default_context(cafile=edge["ca_cert"])
    with urllib.request.urlopen(request, timeout=30, context=context) as answer:
        return json.load(answer)["credentials"][0]["consumerKey"]


def ask(service: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and body of a call through a gateway's Service, which is named as the API server does."""
    return _read(f"{service}:8000/proxy{path}", headers)


def _ask(path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    return ask(SERVICE, path, headers)


def _read(path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """A call to the API server."""
    access: dict[str, Any] = json.loads(Path(gateway_call.connection()["kubeconfig"]).read_text(encoding="utf-8"))
    cluster, user = access["clusters"][0]["cluster"], access["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode("ascii")
    host = cluster["server"].removeprefix("https://")
    connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cadata=authority), timeout=30)
    try:
        connection.request("GET", path, headers={**headers, "Authorization": f"Bearer {user['token']}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
