# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small client of the API server, against a double that says "later"."""
from __future__ import annotations

import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.engines.authority import Authority
from testbed.kubernetes import client
from testbed.kubernetes.client import ApiClient, ApiError
from testbed.kubernetes.spec import ClientFiles

BUSY = {"kind": "Status", "message": "storage is (re)initializing", "reason": "TooManyRequests", "code": 429}


class Busy(http.server.BaseHTTPRequestHandler):
    """A double of the API server: refuses as often as ``refusals`` says, with ``status`` and ``later``."""

    protocol_version = "HTTP/1.1"
    refusals, status, later = 0, 429, "0"
    asked: list[tuple[str, bytes]]

    def do_DELETE(self) -> None:
        self.asked.append((self.path, self.rfile.read(int(self.headers.get("Content-Length", 0)))))
        refused = len(self.asked) <= self.refusals
        body = json.dumps(BUSY if refused else {"kind": "Status", "status": "Success"}).encode()
        self.send_response(self.status if refused else 200)
        if refused and self.later:
            self.send_header("Retry-After", self.later)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[type[Busy], ApiClient]]:
    authority = Authority("cluster")
    pair, ca = tmp_path / "pair.pem", tmp_path / "ca.pem"
    leaf = authority.leaf("localhost")
    pair.write_bytes(leaf.certificate + leaf.key)
    ca.write_bytes(authority.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    kind = type("Fresh", (Busy,), {"asked": []})
    double = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    double.socket = context.wrap_socket(double.socket, server_side=True)
    thread = threading.Thread(target=double.serve_forever)
    thread.start()
    yield kind, ApiClient(ClientFiles(f"https://localhost:{double.server_port}", ca, pair, pair))
    double.shutdown()
    double.server_close()
    thread.join()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_asks_again_when_told_to_come_later(status: int, server: tuple[type[Busy], ApiClient]):
    double, api = server
    double.refusals, double.status = 3, status
    assert api.request("DELETE", "/api/v1/things/one", {"gracePeriodSeconds": 0}) == {
        "kind": "Status", "status": "Success"}
    assert double.asked == [("/api/v1/things/one", b'{"gracePeriodSeconds": 0}')] * 4


@pytest.mark.parametrize(("status", "later", "times"), [(429, "0", client.REPEATS + 1), (429, "", 1), (409, "0", 1)])
def test_a_refusal_counts_in_the_end(status: int, later: str, times: int, server: tuple[type[Busy], ApiClient]):
    double, api = server
    double.refusals, double.status, double.later = 1000, status, later
    with pytest.raises(ApiError, match="storage is .re.initializing") as refusal:
        api.request("DELETE", "/api/v1/things/one")
    assert refusal.value.status == status and len(double.asked) == times
