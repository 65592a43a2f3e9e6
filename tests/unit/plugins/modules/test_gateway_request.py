# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests through a gateway: what counts as an answer, what is worth waiting for, what is said about a refusal."""

from __future__ import annotations

import dataclasses
import http.server
import json
import threading
import typing
from collections.abc import Iterator

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._gateway import answers, asking

NOT_RESOLVED = {
    "fault": {
        "faultstring": "Unable to resolve host orders",
        "detail": {"errorcode": "protocol.http.NoResolvedHost", "reason": "TARGET_CONNECT_HOST_NOT_REACHABLE"},
    }
}


class Gateway:
    """A local HTTP server that answers what it is told, in turn; the last answer stays."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict]] = [(200, {"pod": "orders-1"})]
        self.hosts: list[str] = []
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gateway.hosts.append(self.headers["Host"])
                status, document = gateway.answers[0]
                if len(gateway.answers) > 1:
                    gateway.answers.pop(0)
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def prove(self, timeout: float = 5, **request: typing.Any) -> tuple[dict, dict, dict]:
        way = asking.Way("127.0.0.1", self.server.server_address[1], timeout=timeout, request_timeout=5)
        asked = {
            "name": "orders",
            "url": "http://api.acme.example/orders",
            "method": "GET",
            "headers": {},
            "status": [],
        }
        asked.update(request)
        return asking.prove(asked, way, None), asked, dataclasses.asdict(way)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.setattr(asking, "PAUSE", 0.01)
    running = Gateway()
    yield running
    running.server.shutdown()
    running.server.server_close()


def test_connects_to_the_address_and_asks_for_the_host(gateway: Gateway) -> None:
    response, _asked, _params = gateway.prove()
    assert response["status"] == 200
    assert response["json"] == {"pod": "orders-1"}
    assert gateway.hosts == ["api.acme.example"]


def test_waits_while_the_gateway_does_not_know_the_name_yet(gateway: Gateway) -> None:
    gateway.answers = [(503, NOT_RESOLVED), (404, {}), (200, {})]
    response, _asked, _params = gateway.prove()
    assert (response["status"], response["attempts"]) == (200, 3)


def test_does_not_wait_where_waiting_does_not_help(gateway: Gateway) -> None:
    gateway.answers = [(401, {})]
    response, asked, params = gateway.prove()
    assert (response["status"], response["attempts"]) == (401, 1)
    assert "the path works, the application refuses" in answers.explain(asked, response, params["address"])


def test_a_status_that_is_expected_is_good(gateway: Gateway) -> None:
    gateway.answers = [(401, {})]
    response, asked, _params = gateway.prove(status=[401])
    assert answers.good(asked, response)


def test_says_what_apigee_says_and_what_it_means(gateway: Gateway) -> None:
    gateway.answers = [(503, NOT_RESOLVED)]
    response, asked, params = gateway.prove(timeout=0.05)
    text = answers.explain(asked, response, params["address"])
    assert "protocol.http.NoResolvedHost TARGET_CONNECT_HOST_NOT_REACHABLE" in text
    assert "the peered DNS domain or the headless Service is missing" in text


def test_api_gateway_has_no_faults_but_statuses_that_mean_something(gateway: Gateway) -> None:
    gateway.answers = [(403, {"code": 403, "message": "PERMISSION_DENIED"})]
    response, asked, params = gateway.prove()
    text = answers.explain(asked, response, params["address"], answers.API_GATEWAY)
    assert "may not invoke the function" in text and "Apigee" not in text
    gateway.answers = [(302, {})]
    response, asked, params = gateway.prove(status=[200])
    text = answers.explain(asked, response, params["address"], answers.API_GATEWAY)
    assert "State what it should answer: verify" in text


def test_no_answer_at_all(gateway: Gateway) -> None:
    gateway.server.shutdown()
    gateway.server.server_close()
    response, asked, params = gateway.prove(timeout=0.05)
    assert response["status"] == 0
    text = answers.explain(asked, response, params["address"])
    assert "no answer" in text and "apigee_gke_ingress: {via" in text


def test_an_address_that_cannot_be_connected_to_is_told_and_nothing_is_sent(gateway: Gateway) -> None:
    way, url = asking.Way("127.0.0.1", gateway.server.server_address[1]), "https://api.acme.example/orders"
    assert way.obstacle(url, 2) == ""
    gateway.server.shutdown()
    gateway.server.server_close()
    assert "refused" in way.obstacle(url, 2)
    assert gateway.hosts == []
