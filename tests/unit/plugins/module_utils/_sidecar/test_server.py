# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhook as a running server: its limits, any bytes, any JSON."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Iterator

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import server
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.certificates import Folder
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.pods import application, pod
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.serving import (
    REVIEW,
    SHORT,
    Running,
    post,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.test_review import asked
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


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
        # It goes on, and would be looked through again with each byte.
        (b"GET / HTTP/1.1\r\n" + (b"a: " + b"b" * 60000 + b"\r\n") * 4, 431),
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


def test_more_connections_than_there_may_be_wait_their_turn(running: Running) -> None:
    held = [running.raw() for _each in range(SHORT.connections)]
    # None of them asks for anything; each goes after its first half second and makes room.
    assert post(running.connection(), REVIEW)[0] == 200
    for each in held:
        each.close()


def test_a_caller_that_does_not_read_is_cut_off_and_others_are_answered(running: Running) -> None:
    """Its answers fill the socket: no more of its requests are read, and its time runs out."""
    head = f"POST /mutate HTTP/1.1\r\nContent-Length: {len(REVIEW)}\r\n\r\n".encode()
    with running.raw() as deaf:
        deaf.settimeout(0.2)
        with pytest.raises(OSError):
            for _each in range(1000):
                deaf.sendall((head + REVIEW) * 100)
        began = time.monotonic()
        while "connections 0" not in running.metrics():
            assert post(running.connection(), REVIEW)[0] == 200
            assert time.monotonic() - began < 5


def test_requests_that_come_at_once_or_in_pieces_are_answered_in_order(running: Running) -> None:
    asked_twice = b"".join(
        f"POST /mutate HTTP/1.1\r\nContent-Length: {len(REVIEW)}\r\n\r\n".encode() + REVIEW for _each in range(2)
    ) + b"GET /healthz HTTP/1.0\r\n\r\n"  # fmt: skip
    with running.raw() as connection:
        for begin in range(0, len(asked_twice), 700):
            connection.sendall(asked_twice[begin : begin + 700])
            time.sleep(0.005)
        received = b""
        while more := connection.recv(65536):
            received += more
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 3 and received.endswith(b"Connection: close\r\n\r\nalive\n")


def test_a_caller_that_asks_first_is_told_to_go_on(running: Running) -> None:
    with running.raw() as connection:
        length = len(REVIEW)
        head = f"POST /mutate HTTP/1.1\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(REVIEW)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


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


@pytest.fixture
def patient(folder: Folder) -> Iterator[Running]:
    """A webhook that waits for a caller that a busy machine has stopped between two bytes."""
    started = Running(folder, SHORT._replace(handshake=30.0, first=30.0, request=30.0, idle=60.0))
    yield started
    started.webhook.stop(0, 0)


@given(ANYTHING)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_gets_an_answer_and_never_a_500(patient: Running, item: object) -> None:
    connection = getattr(patient, "kept", None) or patient.connection(timeout=30)
    patient.kept = connection
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
