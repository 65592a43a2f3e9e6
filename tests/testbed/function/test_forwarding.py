# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forwarding function under the real functions-framework: what crosses it, and what does not."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from testbed.engines.authority import Authority, SecretFolder
from testbed.ports import free_port
from tests.testbed.function.conftest import running
from tests.testbed.function.framework import Framework
from tests.testbed.function.upstream import Upstream

KEY = "AIzaCanary-0123456789"
#: Of the function under test.
THREADS = 4
TOKEN = "eyJhbGciOiJub25lIn0.canary.token"


def test_a_request_reaches_the_upstream_as_it_was_spelt(function: Framework, upstream: Upstream) -> None:
    answer = function.call("/products/a%20b%7Ec;v=1?q=1&q=2&empty=&x=%2Fy", "Accept: text/plain", "X-Request-Id: 7")
    assert answer.status == 200
    assert json.loads(answer.body)["line"] == "GET /products/a%20b%7Ec;v=1?q=1&q=2&empty=&x=%2Fy HTTP/1.1"
    headers = upstream.headers()
    assert headers["accept"] == "text/plain" and headers["x-request-id"] == "7"
    assert headers["host"] == f"127.0.0.1:{upstream.port}"
    assert "accept-encoding" not in headers and "user-agent" not in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_body_crosses(function: Framework, upstream: Upstream, method: str) -> None:
    assert function.call("/products", "Content-Type: text/x", method=method, body=b"hello").status == 200
    assert (upstream.seen[-1]["line"], upstream.seen[-1]["body"]) == (f"{method} /products HTTP/1.1", "hello")
    assert upstream.headers()["content-type"] == "text/x"


def test_a_chunked_body_crosses_with_its_length(function: Framework, upstream: Upstream) -> None:
    request = b"POST /products HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    assert function.raw(request, "POST").status == 200
    headers = upstream.headers()
    assert upstream.seen[-1]["body"] == "hello" and headers["content-length"] == "5"
    assert "transfer-encoding" not in headers


@pytest.mark.parametrize("status", [200, 201, 204, 304, 400, 401, 404, 418, 500, 503])
def test_statuses_of_the_upstream_pass(function: Framework, upstream: Upstream, status: int) -> None:
    assert function.call(f"/status/{status}").status == status


def test_head_keeps_the_length_and_has_no_body(function: Framework, upstream: Upstream) -> None:
    answer = function.call("/large/1234", method="HEAD")
    assert (answer.status, answer.body, answer.all("content-length")) == (200, b"", ["1234"])


def test_no_content_type_is_made_up(function: Framework, upstream: Upstream) -> None:
    answer = function.call("/plain")
    assert (answer.body, answer.all("content-type")) == (b"<b>not HTML</b>", [])


def test_cookies_are_not_kept_between_callers(function: Framework, upstream: Upstream) -> None:
    assert function.call("/cookies").all("set-cookie") == ["session=one; Path=/", "other=two"]
    for _caller in range(8):
        function.call("/products", "Cookie: mine=1")
        assert "cookie" not in upstream.headers()


@pytest.mark.parametrize(
    "target",
    [
        "/products/../admin", "/../admin", "/products/..", "/.", "/products/./x", "/products/%2e%2e/admin",
        "/products/.%2E/admin", "/products/%252e%252e/admin", "/products/%25252e%25252e/admin", "/products/..;a=b",
        "/products/%2e%2e%3Bx/admin", "//admin", "//evil.example/admin", "/products%2f..%2fadmin", "/products%2Fadmin",
        "/products%252fadmin", "/products%5c..%5cadmin", "/products\\..\\admin", "/products/%c0%ae%c0%ae/admin",
        "/products/%e0%80%ae./admin", "/products/%00", "/products/%09", "/products/%zz", "/products/%",
        "http://evil.example//admin", "*", "/products#/../admin", "/products/\xe9",
    ],
)  # fmt: skip
def test_a_path_of_two_readings_is_refused(function: Framework, upstream: Upstream, target: str) -> None:
    answer = function.call(target)
    assert answer.status == 400
    assert upstream.seen == []


@pytest.mark.parametrize("target", ["/products/%0d%0aX-Evil:%201", "/products/%0a", "/favicon.ico", "/robots.txt"])
def test_paths_that_the_framework_itself_does_not_serve(function: Framework, upstream: Upstream, target: str) -> None:
    assert function.call(target).status == 404
    assert upstream.seen == []


def test_an_absolute_target_loses_its_authority(function: Framework, upstream: Upstream) -> None:
    assert function.call(f"http://127.0.0.1:{upstream.forbidden_port}/products?a=1").status == 200
    assert upstream.seen[-1]["line"] == "GET /products?a=1 HTTP/1.1"
    assert upstream.headers()["host"] == f"127.0.0.1:{upstream.port}"
    with pytest.raises(TimeoutError):
        upstream.forbidden.accept()


def test_keys_and_tokens_stay_here(function: Framework, upstream: Upstream) -> None:
    credentials = [
        f"X-Api-Key: {KEY}", f"Authorization: Bearer {TOKEN}", f"X-Forwarded-Authorization: Bearer {TOKEN}",
        f"X-Serverless-Authorization: Bearer {TOKEN}", f"Proxy-Authorization: Basic {TOKEN}", f"Cookie: s={TOKEN}",
        f"X-Goog-Api-Key: {KEY}",
    ]  # fmt: skip
    targets = (f"/products?key={KEY}&a=1&api_key={KEY}&%6bey={KEY}", f"/products?key={KEY}", f"/../x?key={KEY}")
    for target in targets:
        function.call(target, *credentials)
    assert [one["line"] for one in upstream.seen] == ["GET /products?a=1 HTTP/1.1", "GET /products HTTP/1.1"]
    function.call(f"/vanish?key={KEY}", *credentials)
    for secret in (KEY, TOKEN):
        assert secret not in json.dumps(upstream.seen)
        assert secret not in function.log.read_text()


def test_headers_that_others_believe_are_not_smuggled(function: Framework, upstream: Upstream) -> None:
    forged = [
        "X-Apigateway-Api-Userinfo: forged", "X-Endpoint-API-UserInfo: forged", "X-Forwarded-Host: forged",
        "Forwarded: host=forged", "X-Original-URL: /forged", "X-Rewrite-URL: /forged", "X-Real-IP: forged",
        "X-HTTP-Method-Override: DELETE-forged", "Proxy: http://forged", "Metadata-Flavor: forged",
        "X_Api_Key: forged", "Upgrade: forged", "Keep-Alive: forged", "TE: forged", "X-Named: forged",
        "X-Goog-Authenticated-User-Email: forged", "X-Forwarded-Client-Cert: forged", "X-Client-Cert-Present: forged",
        "X-SSL-Client-Verify: forged", "X-Envoy-Original-Path: /forged", "X-Envoy-External-Address: forged",
        "X-Forwarded-SSL: forged", "X-Forwarded-Scheme: forged", "X-Original-Forwarded-For: forged",
        "True-Client-IP: forged", "X-Cluster-Client-IP: forged",
    ]  # fmt: skip
    request = ["GET /products HTTP/1.1", "Host: c", "Connection: X-Named, keep-alive", *forged, "", ""]
    assert function.raw("\r\n".join(request).encode()).status == 200
    assert "forged" not in json.dumps(upstream.seen)


def test_who_the_caller_is_goes_on_only_where_that_is_stated(tmp_path: Path, upstream: Upstream) -> None:
    framework = running(tmp_path, upstream.port, USER_INFO="true")
    try:
        framework.call("/products", "X-Apigateway-Api-Userinfo: eyJzdWIiOiIxIn0", "X-Endpoint-API-UserInfo: other")
    finally:
        framework.stop()
    headers = upstream.headers()
    assert headers["x-apigateway-api-userinfo"] == "eyJzdWIiOiIxIn0" and "x-endpoint-api-userinfo" not in headers


def test_two_lengths_are_refused_by_the_server_itself(function: Framework, upstream: Upstream) -> None:
    request = (
        b"POST /products HTTP/1.1\r\nHost: c\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /admin HTTP/1.1\r\nHost: c\r\n\r\n"
    )
    assert function.raw(request, "POST").status == 400
    assert upstream.seen == []


def test_redirects_are_handed_on_and_never_followed(function: Framework, upstream: Upstream) -> None:
    answer = function.call("/redirect")
    assert answer.status == 302
    assert answer.all("location") == [f"http://127.0.0.1:{upstream.forbidden_port}/token"]
    with pytest.raises(TimeoutError):
        upstream.forbidden.accept()


def test_hop_by_hop_headers_of_the_answer_end_here(function: Framework, upstream: Upstream) -> None:
    answer = function.call("/hop")
    assert answer.all("x-end") == ["2"] and answer.all("x-hop") == answer.all("keep-alive") == []
    assert len(answer.all("date")) == len(answer.all("server")) == 1


def test_bodies_beyond_the_limit(function: Framework, upstream: Upstream) -> None:
    assert function.call("/products", method="POST", body=b"x" * 100_000).status == 200
    upstream.forget()
    assert function.call("/products", method="POST", body=b"x" * 100_001).status == 413
    chunks = b"".join(b"4000\r\n" + b"x" * 16384 + b"\r\n" for _chunk in range(8)) + b"0\r\n\r\n"
    start = b"POST /products HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert function.raw(start + chunks, "POST").status == 413
    assert upstream.seen == []
    assert function.call("/large/200000").status == 200
    assert function.call("/large/200001").status == 502
    assert function.call("/endless").status == 502


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/slow", 504), ("/drip", 504), ("/cut", 502), ("/vanish", 502), ("/raw/switch", 502), ("/raw/noise", 502),
        ("/raw/folded", 502), ("/raw/name", 502),
    ],
)  # fmt: skip
def test_answers_that_are_none(function: Framework, upstream: Upstream, path: str, status: int) -> None:
    answer = function.call(path)
    assert answer.status == status
    assert json.loads(answer.body)["code"] == status and str(upstream.port) not in answer.body.decode()
    assert function.call("/products").status == 200


def test_nothing_but_the_named_paths_and_methods(tmp_path: Path, upstream: Upstream) -> None:
    framework = running(tmp_path, upstream.port, PATHS="/products,/status/200", METHODS="GET,HEAD")
    try:
        for path in ("/products", "/products/1?x", "/%70roducts", "/status/200"):
            assert framework.call(path).status == 200, path
        upstream.forget()
        for path in ("/", "/productsx", "/Products", "/status/201", "/%2570roducts", "/products;x/y", "/status"):
            assert framework.call(path).status == 404, path
        assert framework.call("/products", method="POST").all("allow") == ["GET, HEAD"]
        for method in ("POST", "TRACE", "CONNECT", "BREW"):
            assert framework.call("/products", method=method).status == 405, method
        assert upstream.seen == []
    finally:
        framework.stop()


def test_nothing_is_sent_twice_that_could_have_been_carried_out(function: Framework, upstream: Upstream) -> None:
    for _round in range(THREADS):
        assert function.call("/products").status == 200
        assert function.call("/vanish", method="POST", body=b"pay").status == 502
    assert [one["line"] for one in upstream.seen].count("POST /vanish HTTP/1.1") == THREADS


def test_an_answer_nobody_asked_for_reaches_nobody(function: Framework, upstream: Upstream) -> None:
    for _round in range(8):
        assert function.call("/extra").body == b"first"
        assert json.loads(function.call("/products").body)["line"] == "GET /products HTTP/1.1"


def test_connections_to_the_upstream_are_kept_per_thread(function: Framework, upstream: Upstream) -> None:
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _number: function.call("/products").status, range(80)))
    assert statuses == [200] * 80
    assert upstream.connections <= 2 * THREADS


def test_callers_get_their_own_answers(function: Framework, upstream: Upstream) -> None:
    def own(number: int) -> bool:
        return json.loads(function.call(f"/products/{number}").body)["line"] == f"GET /products/{number} HTTP/1.1"

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(own, range(200)))


def test_an_upstream_that_is_not_there(tmp_path: Path) -> None:
    port = free_port()
    framework = running(tmp_path, port)
    try:
        answer = framework.call("/products")
    finally:
        framework.stop()
    assert answer.status == 502 and str(port) not in answer.body.decode()
    assert "ConnectionRefusedError" in framework.log.read_text()


@pytest.mark.parametrize(("trusted", "status"), [(True, 200), (False, 502)])
def test_an_upstream_with_a_certificate(tmp_path: Path, trusted: bool, status: int) -> None:
    authority = Authority("Test CA")
    secret = SecretFolder(tmp_path / "certificate")
    secret.pair(authority.leaf("localhost"), authority)
    server = Upstream(secret.path)
    extra = {"forwarding/upstream-ca.pem": authority.pem} if trusted else {}
    framework = running(tmp_path, server.port, extra, TO=f"https://localhost:{server.port}")
    try:
        assert [framework.call("/products").status for _call in range(3)] == [status] * 3
    finally:
        framework.stop()
        server.stop()
    assert len(server.seen) == (3 if trusted else 0)


def test_a_wrong_setting_stops_the_start(tmp_path: Path) -> None:
    framework = Framework(tmp_path, {"FORWARD_TO": "http://169.254.169.254"})
    try:
        with pytest.raises(RuntimeError, match="metadata server"):
            framework.ready()
    finally:
        framework.stop()
