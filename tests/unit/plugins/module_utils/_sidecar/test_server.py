# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhook as a running server: its limits, any bytes, another certificate, and leaving under load."""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import signal
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.serving.certificate import (
    Certificate,
    CertificateError,
    not_after,
)
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.serving.handler import Limits
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.certificates import Folder
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.pods import application, pod
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.test_review import asked
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SHORT = Limits(body=100_000, handshake=0.5, first=0.5, request=0.5, idle=5.0, connections=8)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


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


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.renew()
    return made


@pytest.fixture
def running(folder: Folder) -> Iterator[Running]:
    started = Running(folder)
    yield started
    started.webhook.stop(0, 0)


def test_it_answers_reviews_on_one_connection_and_counts_them(running: Running) -> None:
    connection = running.connection()
    bare = {"metadata": {}, "spec": {"containers": [application()]}}
    refused = pod(annotations={"port": "none"})
    for _each in range(3):
        status, body = post(connection, REVIEW)
        assert status == 200 and json.loads(body)["response"]["patch"]
    _status, body = post(connection, json.dumps(asked(bare)).encode())
    assert json.loads(body)["response"] == {"uid": "u-1", "allowed": True}
    response = json.loads(post(connection, json.dumps(asked(refused)).encode())[1])["response"]
    assert not response["allowed"] and "tls-sidecar.gatewayops.io/port" in response["status"]["message"]
    text = running.metrics()
    for line in (
        'requests_total{verdict="injected"} 3',
        'requests_total{verdict="skipped"} 1',
        'skips_total{reason="not_annotated"} 1',
        'refusals_total{reason="port"} 1',
        'http_responses_total{code="200"} 5',
        'duration_seconds_bucket{le="+Inf"} 5',
        "duration_seconds_count 5",
        "certificate_loads_total 1",
        "connections 1",
    ):
        assert f"\ntls_sidecar_webhook_{line}\n" in text
    [expiry] = [line for line in text.splitlines() if line.startswith("tls_sidecar_webhook_certificate_expiry")]
    assert abs(float(expiry.split()[1]) - time.time() - 86400) < 120


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /mutate HTTP/1.1\r\nHost: a\r\n\r\n", 411),
        (b"POST /mutate HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 411),
        (b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n" + b"x" * 100001, 413),
        (b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 404),
        (b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nx{]", 400),
        (b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n" + b"[" * 90000, 400),
        (b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n" + b"1" * 9000, 400),
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\na: " + b"b" * 70000 + b"\r\n\r\n", 431),
        (b"POST /mutate HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", 400),
        (b"POST /mutate HTTP/1.1\r\nContent-Length : 2\r\n\r\n{}", 400),
        (b"GET / HTTP/1.1\r\na: b\r\n folded\r\n\r\n", 400),
        (b"DELETE / HTTP/1.1\r\n\r\n", 501),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"nonsense\r\n\r\n", 400),
    ],
)
def test_what_is_no_admission_is_turned_down_with_its_status(running: Running, sent: bytes, status: int) -> None:
    with running.raw() as connection:
        connection.sendall(sent)
        assert connection.recv(65536).startswith(f"HTTP/1.1 {status} ".encode())


def test_the_slow_are_cut_off_and_the_idle_are_not(running: Running) -> None:
    began = time.monotonic()
    with running.raw() as slow:
        slow.settimeout(0.1)
        ended = False
        for letter in b"POST /mutate HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000:
            try:
                slow.sendall(bytes([letter]))
                ended = slow.recv(100) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
            if ended:
                break
        assert ended and time.monotonic() - began < 3
    connection = running.connection()
    assert post(connection, REVIEW)[0] == 200
    time.sleep(1.0)
    assert post(connection, REVIEW)[0] == 200
    with socket.create_connection(("127.0.0.1", running.port)) as silent:
        silent.settimeout(3)
        assert silent.recv(10) == b""


def test_more_connections_than_threads_wait_their_turn(running: Running) -> None:
    held = [running.raw() for _each in range(SHORT.connections)]
    # None of them asks for anything; each goes after its first half second and makes room.
    assert post(running.connection(), REVIEW)[0] == 200
    for each in held:
        each.close()


def test_any_bytes_get_an_answer_and_never_a_500(running: Running) -> None:
    chance = random.Random(4)
    connection = running.connection()
    for size in [0, 1, 2, 3, 10, 100, 1000, 10000] * 5:
        # One byte may be a digit, which is JSON.
        assert post(connection, chance.randbytes(size))[0] in ((200, 400) if size == 1 else (400,))
    for _each in range(40):
        with running.raw() as raw:
            raw.sendall(chance.randbytes(chance.randrange(1, 500)) + b"\r\n\r\n")
            received = raw.recv(1000)
            assert b" 500 " not in received.split(b"\r\n")[0]
    assert post(running.connection(), REVIEW)[0] == 200


@given(ANYTHING)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_gets_an_answer_and_never_a_500(running: Running, item: object) -> None:
    connection = getattr(running, "kept", None) or running.connection()
    running.kept = connection
    for review in (item, asked(item), {**asked(None), "request": item}):
        status, body = post(connection, json.dumps(review).encode())
        assert status == 200 and isinstance(json.loads(body)["response"]["allowed"], bool)


def test_a_fault_of_ours_is_a_refusal(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(review: object, defaults: object) -> None:
        raise KeyError("a fault made for this test")

    monkeypatch.setattr(server, "answer", broken)
    status, body = post(running.connection(), REVIEW)
    response = json.loads(body)["response"]
    assert status == 200 and response["uid"] == "u-1" and response["allowed"] is False
    assert "internal fault" in response["status"]["message"]


def shown(running: Running) -> int:
    with running.raw() as connection:
        found = connection.getpeercert()
        assert found
        return int(found["serialNumber"], 16)


def test_it_is_ready_with_a_certificate_only(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    started = Running(folder)
    port = started.webhook.metrics_port.server_address[1]

    def ready() -> int:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        client.request("GET", "/readyz")
        return client.getresponse().status

    try:
        assert ready() == 503
        with pytest.raises(OSError):
            started.raw()
        folder.renew()
        deadline = time.monotonic() + 5
        while ready() != 200:
            assert time.monotonic() < deadline
        assert shown(started) == folder.serial
        started.webhook.certificate.expires = time.time() - 1
        assert ready() == 503
    finally:
        started.webhook.stop(0, 0)


def test_a_pair_that_does_not_match_changes_nothing_until_it_is_put_right(running: Running, folder: Folder) -> None:
    good = folder.serial
    folder.renew(matching=False)
    deadline = time.monotonic() + 5
    while not running.webhook.certificate.failed:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert shown(running) == good and running.webhook.certificate.usable
    folder.renew()
    while shown(running) == good:
        assert time.monotonic() < deadline
    assert shown(running) == folder.serial


class Load:
    """Callers that keep their connections as the API server does, and what they met with."""

    def __init__(self, running: Running, callers: int = 6) -> None:
        self._running = running
        self.failures: list[str] = []
        self.answered = 0
        self.closing = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _each in range(callers)]

    def __enter__(self) -> Load:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for each in self._threads:
            each.join()

    def _call(self) -> None:
        connection = self._running.connection()
        while not self._stop.is_set():
            try:
                connection.request("POST", "/mutate", REVIEW)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200 or not json.loads(body)["response"].get("patch"):
                    self.failures.append(f"status {answer.status}")
                if answer.headers["Connection"] == "close":
                    self.closing += 1
                    connection = self._running.connection()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection = self._running.connection()
            self.answered += 1
            # About fifty a second from each: more would only measure this machine.
            time.sleep(0.02)


def test_no_admission_fails_while_certificates_change(folder: Folder) -> None:
    started = Running(folder, SHORT._replace(connections=64, request=5.0))
    try:
        with Load(started) as load:
            for matching in (True, False, True, True, False, True):
                folder.renew(matching=matching)
                # New connections, too, meet with every state.
                for _each in range(5):
                    assert post(started.connection(), REVIEW)[0] == 200
                    time.sleep(0.03)
        assert load.failures == [] and load.answered > 20
        assert started.webhook.certificate.loaded >= 4 and started.webhook.certificate.failed >= 2
    finally:
        started.webhook.stop(0, 0)


def test_ten_rollouts_under_load_lose_no_admission(folder: Folder) -> None:
    """Each time a second server takes over, as a new pod does, and the first one leaves."""
    limits = SHORT._replace(connections=64, request=5.0)
    old = Running(folder, limits)
    closing = 0
    for _rollout in range(10):
        new = Running(folder, limits)
        with Load(old) as load:
            time.sleep(0.1)
            port = old.port
            leaving = threading.Thread(target=old.webhook.stop, args=(0.4, 2))
            leaving.start()
            # Endpoints learn of it only a moment later: until then callers come back to the one that leaves.
            time.sleep(0.15)
            old.port = new.port
            leaving.join()
        assert load.failures == [] and load.answered > 10
        closing += load.closing
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1)
        old.port, old = port, new
    assert closing >= 10
    old.webhook.stop(0, 0)


def test_without_a_drain_the_same_load_loses_admissions(folder: Folder) -> None:
    """Shows that the tests above can fail."""
    old = Running(folder, SHORT._replace(connections=64))
    new = Running(folder, SHORT._replace(connections=64))
    with Load(old) as load:
        time.sleep(0.1)
        old.webhook.stop(0, 0)
        time.sleep(0.15)
        old.port = new.port
    assert load.failures
    new.webhook.stop(0, 0)


def test_as_a_process_it_leaves_politely_and_says_what_is_wrong(folder: Folder, tmp_path: Path) -> None:
    package = Path(server.__file__).parent
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    defaults = tmp_path / "defaults.json"
    defaults.write_text("{}")
    argv = [
        sys.executable, "-m", f"{package.name}.server", f"--certificate={folder.path}", f"--defaults={defaults}",
        "--host=127.0.0.1", f"--port={port}", "--metrics-port=0", "--drain=0.3",
    ]  # fmt: skip
    environment = {"PYTHONPATH": str(package.parent), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(argv, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        client = http.client.HTTPSConnection(
            "localhost", port, context=ssl.create_default_context(cafile=str(folder.authority)), timeout=5
        )
        deadline = time.monotonic() + 10
        while True:
            try:
                assert base64.b64decode(json.loads(post(client, REVIEW)[1])["response"]["patch"])
                break
            except OSError:
                assert time.monotonic() < deadline
                client.close()
                time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        assert post(client, REVIEW)[0] == 200
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.communicate()
    defaults.write_text('{"values": {"ports": 1}}')
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 1 and "values.ports is not a setting" in done.stderr


def test_when_a_certificate_expires_is_read_from_its_structure(folder: Folder) -> None:
    certificate = Certificate(str(folder.path))
    assert certificate.refresh() and not certificate.refresh()
    assert certificate.expires == folder.expires
    for broken in (b"", b"\x30", b"\x30\x82\xff\xff", bytes(200)):
        with pytest.raises(CertificateError):
            not_after(broken)
