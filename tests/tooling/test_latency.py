# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How benchmarks.latency counts: what is compared with what, which calls are warm and which cold, what is refused."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks import latency, report
from benchmarks.latency import Caller, Request, Seen, rotated, summary, turns
from tooling.steps import StepFailed

GOOD = json.dumps({"pod": "orders-6cff4d8d46-r2mvr"}).encode()


class Application(ThreadingHTTPServer):
    """Answers as it is told, and notes from which connection each call came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.body, self.ends = 200, GOOD, False
        self.peers: list[int] = []
        self.asked: list[tuple[str, str | None, str | None]] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Application)
        server.peers.append(self.client_address[1])
        server.asked.append((self.path, self.headers["Host"], self.headers["x-api-key"]))
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(server.body)))
        if server.ends:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture
def application() -> Iterator[Application]:
    server = Application()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def caller(application: Application) -> Caller:
    connect = partial(socket.create_connection, application.server_address, 10)
    return Caller("some way", Request(connect, None, "api.acme.example", "/orders", {"x-api-key": "secret"}))


def test_a_connection_is_kept_until_it_is_closed_by_either_side(application: Application) -> None:
    asking = caller(application)
    assert asking.call() > 0 and asking.call() > 0
    assert len(set(application.peers)) == 1
    assert set(application.asked) == {("/orders", "api.acme.example", "secret")}
    asking.close()
    application.ends = True
    asking.call()
    asking.call()
    assert len(set(application.peers)) == 3
    asking.close()


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, GOOD), (200, b"<html>"), (200, b"[]"), (200, b'{"pod": "other-1"}'), (200, b"{}")],
    ids=["another status", "no JSON", "no object", "another's pod", "no pod"],
)
def test_an_answer_that_is_not_the_applications_ends_the_run(
    application: Application, status: int, body: bytes
) -> None:
    application.status, application.body = status, body
    asking = caller(application)
    with pytest.raises(StepFailed, match=f"some way: a pod of orders .* {status}"):
        asking.call()
    asking.close()


class Scripted(Caller):
    """Takes so many seconds by its own word, and writes down what it is asked."""

    def __init__(self, name: str, seconds: float, log: list[str]) -> None:
        self.name, self.seconds, self.log = name, seconds, log

    def call(self) -> float:
        self.log.append(self.name)
        return self.seconds

    def close(self) -> None:
        self.log.append("close")


def test_ways_take_turns_and_each_cold_call_is_on_a_new_connection_to_one_that_has_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(latency, "WARM_UP", 1)
    monkeypatch.setattr(latency, "WARM", 2)
    monkeypatch.setattr(latency, "COLD", 2)
    log: list[str] = []
    callers = {name: Scripted(name, seconds, log) for name, seconds in (("a", 1.0), ("b", 2.0))}
    seen = turns(callers, partial(log.append, "forget"), rounds=2)
    one = ["{0}", "{0}", "{0}", "close", "close", "forget", "{0}", "close", "forget", "{0}", "close"]
    assert log == [word.format(name) for name in "abba" for word in one]
    assert seen["a"] == Seen([[1.0, 1.0]] * 2, [[1.0, 1.0]] * 2)
    assert seen["b"] == Seen([[2.0, 2.0]] * 2, [[2.0, 2.0]] * 2)


def test_a_slow_way_is_counted_for_a_bounded_time_and_at_least_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "WARM_UP", 0)
    monkeypatch.setattr(latency, "LONGEST_SECONDS", 0.0)
    seen = turns({"slow": Scripted("slow", 9.0, [])}, lambda: None, rounds=3)
    assert seen["slow"] == Seen([[9.0]] * 3, [[9.0]] * 3)


def test_each_way_has_each_place() -> None:
    orders = [rotated(["a", "b", "c"], number) for number in range(4)]
    assert orders == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]


SEEN = {
    "direct": Seen([[0.010] * 9 + [0.020], [0.010] * 10], [[0.020], [0.020]]),
    "other": Seen([[0.015] * 9 + [0.060], [0.030] * 9 + [0.060]], [[0.050], [0.050]]),
}


def test_ratios_are_of_all_calls_and_their_spread_is_of_single_rounds() -> None:
    found = summary(SEEN, direct="direct")
    direct, other = found["direct"]["warm"], found["other"]["warm"]
    assert (direct["p50"], direct["p95"], direct["count"]) == (0.010, 0.020, 20)
    assert (direct["p50_ratio"], direct["p95_ratio"], direct["added"], direct["spread"]) == (1.0, 1.0, 0.0, [1.0, 1.0])
    # Half of twenty are below the eleventh, which is the second round's.
    assert (other["p50"], other["p95"]) == (0.030, 0.060)
    assert other["p50_ratio"] == pytest.approx(3.0) and other["p95_ratio"] == pytest.approx(3.0)
    assert other["added"] == pytest.approx(0.020)
    assert other["spread"] == pytest.approx([1.5, 3.0])
    assert found["other"]["cold"]["p50_ratio"] == pytest.approx(2.5)


def test_the_table_has_a_row_for_each_way_and_says_how_much_was_counted() -> None:
    found = {"rounds": 2, "load": [1.04, 9.96], "ways": summary(SEEN, direct="direct")}
    assert report.latency(found)[2:] == [
        "| direct | 10.0 ms | 20.0 ms | 1.00 | 1.00 to 1.00 | 1.00 | 20.0 ms | 20.0 ms | 1.00 |",
        "| other | 30.0 ms | 60.0 ms | 3.00 | 1.50 to 3.00 | 3.00 | 50.0 ms | 50.0 ms | 2.50 |",
        "",
        "20 warm and 2 cold calls of each way in 2 rounds; load 1.0 at the start, 10.0 at the end.",
    ]
    head, line = report.latency(found)[:2]
    assert head.count("|") == line.count("|") == 10


def test_fewer_calls_of_a_slow_way_are_told() -> None:
    short = {**SEEN, "slow": Seen([[0.5], [0.5]], [[0.5], [0.5]])}
    last = report.latency({"rounds": 2, "load": [0.0, 0.0], "ways": summary(short, direct="direct")})[-1]
    assert last.startswith("2 to 20 warm and 2 cold calls")


def test_all_ways_are_named_differently_and_the_one_to_compare_with_is_among_them() -> None:
    names = [way.name for way in latency.WAYS]
    assert len(set(names)) == len(names) and latency.DIRECT in names
    for way in latency.WAYS:
        assert (latency.ROOT / way.site.playbook).is_file(), f"{way.name}: {way.site.playbook}"
