# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhook among callers that want to keep it from its work: reviews are answered in time, and memory is bounded.

The server is the real one, in a process of its own, with its usual limits.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import server
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.serving.connection import USUAL
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.certificates import Folder
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.pods import pod
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.serving import (
    REVIEW,
    Running,
    post,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.test_review import asked

STRANGER, API_SERVER, WEBHOOK = "127.0.0.1", "127.0.0.2", "127.0.0.3"
HEAD = b"POST /mutate HTTP/1.1\r\nHost: webhook\r\nContent-Length: %d\r\n\r\n"
IN_TIME = 2.0
"""Seconds. The API server gives the webhook five, of which a new connection costs a few milliseconds."""


class Process:
    """The webhook as a process, and both kinds of callers."""

    def __init__(self, folder: Folder) -> None:
        package = Path(server.__file__).parent
        self.ports = []
        for _each in range(2):
            with socket.socket() as probe:
                probe.bind((WEBHOOK, 0))
                self.ports.append(probe.getsockname()[1])
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", f"{package.name}.server", f"--certificate={folder.path}",
                f"--host={WEBHOOK}", f"--port={self.ports[0]}", f"--metrics-port={self.ports[1]}", "--log-level=ERROR",
            ],
            env={"PYTHONPATH": str(package.parent), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        self._context = ssl.create_default_context(cafile=str(folder.authority))
        self._context.check_hostname = False
        deadline = time.monotonic() + 10
        while self.metric("connections") is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def raw(self, address: str = STRANGER) -> ssl.SSLSocket:
        plain = socket.create_connection((WEBHOOK, self.ports[0]), 5, (address, 0))
        return self._context.wrap_socket(plain)

    def api_server(self, address: str = API_SERVER) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            WEBHOOK, self.ports[0], timeout=5, context=self._context, source_address=(address, 0)
        )

    def metric(self, name: str) -> float | None:
        client = http.client.HTTPConnection(WEBHOOK, self.ports[1], timeout=5)
        try:
            client.request("GET", "/metrics")
            lines = client.getresponse().read().decode().splitlines()
        except OSError:
            return None
        finally:
            client.close()
        [line] = [line for line in lines if line.startswith(f"tls_sidecar_webhook_{name} ")]
        return float(line.split()[1])

    def most_memory(self) -> int:
        """Bytes that the process has had in memory at most."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024


@pytest.fixture
def process(folder: Folder) -> Iterator[Process]:
    started = Process(folder)
    yield started
    started.stop()


def reviewed(process: Process, kept: http.client.HTTPSConnection, rounds: int = 10) -> None:
    """Reviews on a connection that is kept and on new ones, each answered in time."""
    for _each in range(rounds):
        for connection in (kept, process.api_server()):
            began = time.monotonic()
            status, body = post(connection, REVIEW)
            assert status == 200 and json.loads(body)["response"]["patch"]
            assert time.monotonic() - began < IN_TIME
        connection.close()


@contextlib.contextmanager
def meanwhile(*work: object) -> Iterator[None]:
    """Do something again and again in threads, whatever becomes of it."""
    ended = threading.Event()

    def again(each: object) -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError):
                each(ended)

    threads = [threading.Thread(target=again, args=(each,), daemon=True) for each in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_idle_connections_of_others_make_room(process: Process) -> None:
    kept = process.api_server()
    assert post(kept, REVIEW)[0] == 200
    held = []
    for _each in range(USUAL.connections + 20):
        connection = process.raw()
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: webhook\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        held.append(connection)
    reviewed(process, kept)
    assert process.metric("evictions_total") >= 20
    assert process.metric("connections") <= USUAL.connections + 1
    # Whoever has waited longest for a request has gone; the last one has not.
    assert held[0].recv(100) == b""
    held[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: webhook\r\n\r\n")
    assert held[-1].recv(1000).startswith(b"HTTP/1.1 200 ")
    # From the crowd's own address, too, there is a place for somebody new.
    reviewed(process, process.api_server(STRANGER), rounds=1)
    for connection in held:
        connection.close()


def test_connections_that_never_shake_hands_make_room(process: Process) -> None:
    kept = process.api_server()
    held = [
        socket.create_connection((WEBHOOK, process.ports[0]), 5, (STRANGER, 0))
        for _each in range(USUAL.connections + 200)
    ]
    reviewed(process, kept)
    for connection in held:
        connection.close()


def test_requests_that_do_not_come_to_an_end_make_room(process: Process) -> None:
    kept = process.api_server()
    assert post(kept, REVIEW)[0] == 200
    held = []
    for number in range(USUAL.connections):
        connection = process.raw()
        connection.sendall(HEAD % 1000 + b"{" if number % 2 else HEAD[:20])
        held.append(connection)
    reviewed(process, kept, rounds=4)
    for connection in held:
        connection.close()


def test_unfinished_bodies_do_not_fill_the_memory(process: Process) -> None:
    kept = process.api_server()
    piece = b"x" * 1_000_000

    def send(ended: threading.Event) -> None:
        with contextlib.ExitStack() as stack:
            for _each in range(20):
                connection = stack.enter_context(process.raw())
                connection.sendall(HEAD % 6_200_000)
                for _piece in range(6):
                    if ended.is_set():
                        return
                    with contextlib.suppress(OSError):
                        connection.sendall(piece)

    before = process.most_memory()
    with meanwhile(send, send):
        deadline = time.monotonic() + 10
        while not process.metric("evictions_total"):
            assert time.monotonic() < deadline
        reviewed(process, kept)
    assert process.most_memory() < before + 2 * USUAL.held


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" + b"{}," * 2_000_000 + b"1]", id="objects"),
        pytest.param(b"[" + b'{"":1},' * 800_000 + b"1]", id="members"),
        pytest.param(b"[" + b'"ab",' * 1_200_000 + b"1]", id="texts"),
        pytest.param(b"[" + b"[" * 200_000 + b"]" * 200_000 + b"]", id="depth"),
        pytest.param('["\U0001f600'.encode() + b"a" * 6_000_000 + b'"]', id="wide"),
        pytest.param(
            json.dumps(asked(pod(annotations={f"x{number}": "y" for number in range(30_000)}))).encode(),
            id="annotations",
        ),
        pytest.param(json.dumps(asked(pod(annotations={"x" * 5_000_000: "y"}))).encode(), id="name"),
    ],
)
def test_bodies_that_are_costly_to_read_are_answered_at_once(process: Process, body: bytes) -> None:
    connection = process.api_server()
    began = time.monotonic()
    status, answer = post(connection, body)
    assert time.monotonic() - began < IN_TIME
    assert status in (200, 400, 413) and len(answer) < 20_000
    assert process.most_memory() < 128 * 1024 * 1024


def test_requests_that_come_in_a_row_wait_for_others(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends requests without waiting for answers gets one or two, then the others have their turn."""
    began, sent = threading.Event(), threading.Event()
    order = []
    real = running.webhook.port._decide

    def decide(review: dict) -> object:
        order.append(review["request"]["uid"])
        began.set()
        assert sent.wait(5)
        return real(review)

    def request(uid: str) -> bytes:
        body = json.dumps({**json.loads(REVIEW), "request": {**json.loads(REVIEW)["request"], "uid": uid}}).encode()
        return HEAD % len(body) + body

    monkeypatch.setattr(running.webhook.port, "_decide", decide)
    with running.raw() as many, running.raw() as one:
        many.sendall(b"".join(map(request, "123456")))
        assert began.wait(5)
        one.sendall(request("another"))
        sent.set()
        assert one.recv(1000).startswith(b"HTTP/1.1 200 ")
        while len(order) < 7:
            assert many.recv(65536)
    assert order.index("another") <= 2 and [uid for uid in order if uid != "another"] == list("123456")


def test_what_holds_most_of_all_makes_room_and_not_the_one_that_came_last(folder: Folder) -> None:
    running = Running(folder, USUAL._replace(held=200_000, body=180_000))
    try:
        with running.raw() as large, running.raw() as small:
            large.sendall(HEAD % 170_000 + b"x" * 150_000)
            while running.webhook.port.connections < 2:
                time.sleep(0.01)
            time.sleep(0.1)
            small.sendall(HEAD % 170_000 + b"x" * 60_000)
            with contextlib.suppress(ConnectionResetError):
                assert large.recv(100) == b""
            assert running.webhook.port.evicted == 1
            small.sendall(b"x" * 110_000)
            assert small.recv(100).startswith(b"HTTP/1.1 400 ")
            # What the first one held is free again.
            small.sendall(HEAD % 170_000 + b"x" * 170_000)
            assert small.recv(1000).count(b"HTTP/1.1 400 ") <= 1
        assert running.webhook.port.evicted == 1
    finally:
        running.webhook.stop(0, 0)
