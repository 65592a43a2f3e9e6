# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhook while it runs: another certificate, and leaving under load."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import server
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.serving.certificate import (
    Certificate,
    CertificateError,
    not_after,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.certificates import Folder
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.serving import (
    REVIEW,
    SHORT,
    Running,
    post,
)


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
            # Long enough for a caller that read the old port and was then kept from connecting by a busy machine.
            leaving = threading.Thread(target=old.webhook.stop, args=(1.0, 5))
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


def test_a_listener_that_ends_while_it_is_woken_has_left_all_the_same(running: Running) -> None:
    port = running.webhook.port
    waker = port._waker

    class Late:
        """A double of the socket that wakes: it comes when somebody else has woken the listener."""

        def send(self, data: bytes) -> int:
            waker.send(data)
            assert port._ended.wait(3)
            return waker.send(data)

        def close(self) -> None:
            waker.close()

    port._waker = Late()
    port.drain(0, 0)
    assert port.connections == 0
    with pytest.raises(ConnectionRefusedError):
        running.raw()


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
