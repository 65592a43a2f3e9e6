# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to a gateway of API Gateway on the testbed, as a client outside makes them, with a key that nobody sees."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import urllib.request
from pathlib import Path
from typing import Any


def connection() -> dict[str, Any]:
    """Return connection.json of the running testbed."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    home = Path(os.environ.get("TESTBED_HOME") or Path(state) / "apigee-gke-testbed")
    return json.loads((home / "connection.json").read_text(encoding="utf-8"))


def google(service: str, path: str) -> dict[str, Any]:
    """Read from an emulated API."""
    details = connection()
    token = Path(details["token_file"]).read_text(encoding="utf-8").strip()
    request = urllib.request.Request(f"{details['emulator']}/{service}/{path}")
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


def host(name: str, region: str = "europe-west1") -> str:
    """Return the host name that a gateway got."""
    where = f"v1/projects/{connection()['project']}/locations/{region}/gateways/{name}"
    return str(google("apigateway", where)["defaultHostname"])


def key(name: str) -> str:
    """Return the string of an API key."""
    where = f"v2/projects/{connection()['project']}/locations/global/keys/{name}/keyString"
    return str(google("apikeys", where)["keyString"])


def call(name: str, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> tuple[int, bytes]:
    """Return status and body of a request to a gateway's host name."""
    way = connection()["api_gateway"]
    trust = ssl.create_default_context(cafile=way["ca_cert"])
    link = http.client.HTTPSConnection(name, timeout=60, context=trust)
    plain = socket.create_connection((way["address"], way["port"]), 10)
    link.sock = trust.wrap_socket(plain, server_hostname=name)
    try:
        link.request(method, path, headers=headers or {})
        reply = link.getresponse()
        return reply.status, reply.read()
    finally:
        link.close()
