# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""testbed watch, against a small HTTPS server that stands in for Apigee and fails when told to."""
from __future__ import annotations

import http.server
import json
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import cli
from testbed.commands import common
from testbed.engines.authority import NAME, Authority
from testbed.state import State

URL = f"https://{NAME}/orders/42"


class Gateway(http.server.BaseHTTPRequestHandler):
    """Answers 200, each tenth time what ``trouble`` says."""

    protocol_version = "HTTP/1.1"
    trouble = 200
    count = 0

    def do_GET(self) -> None:
        type(self).count += 1
        self.send_response(self.trouble if self.count % 10 == 0 else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Gateway]]:
    """The double, in the place where ``connection.json`` says that Apigee is."""
    authority = Authority("watched")
    pair = authority.leaf(NAME)
    file = tmp_path / "pair.pem"
    file.write_bytes(pair.certificate + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    kind = type("Fresh", (Gateway,), {})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    trust = tmp_path / "ca.pem"
    trust.write_bytes(authority.pem)
    place = {"northbound": {"address": "127.0.0.1", "port": server.server_port, "ca_cert": str(trust)}}
    monkeypatch.setenv("TESTBED_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(common, "require_up", lambda _state: None)
    monkeypatch.setattr(State, "connection", lambda _self: place)
    yield kind
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("trouble", "code"), [(200, 0), (503, 1)])
def test_calls_until_the_file_is_gone_and_counts_what_failed(
    trouble: int, code: int, gateway: type[Gateway], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    gateway.trouble = trouble
    file = tmp_path / "rotating"
    file.touch()

    def enough() -> None:
        while gateway.count < 30:
            time.sleep(0.02)
        file.unlink()

    ender = threading.Thread(target=enough)
    ender.start()
    found = cli.main(["watch", URL, "--json", "--pause", "0.01", "--while", str(file)])
    ender.join()
    said = json.loads(capsys.readouterr().out)
    assert found == code
    assert said["calls"] == gateway.count >= 30
    assert len(said["failed"]) == (gateway.count // 10 if trouble != 200 else 0)
    assert all(": 503 " in text for text in said["failed"])


def test_a_file_that_is_not_there_ends_nothing(
    gateway: type[Gateway], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert cli.main(["watch", URL, "--while", str(tmp_path / "never")]) == 1
    assert "there is no such file" in capsys.readouterr().err
    assert gateway.count == 0


def test_people_see_each_failure_and_the_count(
    gateway: type[Gateway], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    gateway.trouble = 502
    file = tmp_path / "rotating"
    file.touch()
    ender = threading.Timer(1.0, file.unlink)
    ender.start()
    assert cli.main(["watch", URL, "--pause", "0.01", "--while", str(file)]) == 1
    ender.join()
    shown = capsys.readouterr().out
    assert " s: 502 " in shown
    assert f"{gateway.count} calls, {gateway.count // 10} failed" in shown
