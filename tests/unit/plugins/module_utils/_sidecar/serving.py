# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhook as a running server, for the tests of it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import server
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.serving.connection import Limits
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.certificates import Folder
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.pods import pod
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.test_review import asked

SHORT = Limits(body=100_000, handshake=0.5, first=0.5, request=0.5, idle=5.0, connections=8)


class Running:
    """A webhook on loopback, and callers of it."""

    def __init__(self, folder: Folder, limits: Limits = SHORT) -> None:
        self.webhook = server.Webhook(
            Defaults(), str(folder.path), ("127.0.0.1", 0), ("127.0.0.1", 0), limits, interval=0.05
        )
        self.webhook.start()
        self.port = self.webhook.port.server_address[1]
        self.context = ssl.create_default_context(cafile=str(folder.authority))

    def connection(self, timeout: float = 5.0) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("localhost", self.port, timeout=timeout, context=self.context)

    def raw(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        return self.context.wrap_socket(plain, server_hostname="localhost")

    def metrics(self) -> str:
        client = http.client.HTTPConnection("127.0.0.1", self.webhook.metrics_port.server_address[1], timeout=5)
        client.request("GET", "/metrics")
        return client.getresponse().read().decode()


def post(connection: http.client.HTTPConnection, body: bytes) -> tuple[int, bytes]:
    connection.request("POST", "/mutate?timeout=5s", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read()


REVIEW = json.dumps(asked(pod())).encode()
