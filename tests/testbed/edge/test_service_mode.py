# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edge Microgateway in front of Services: what the real engine answers with the configuration that we render."""
from __future__ import annotations

import base64
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from testbed.edge.gateway import Gateway, GatewayError
from tests.testbed.edge.conftest import PROXIES, Start
from tests.testbed.edge.site import PASSWORD, Site, arguments, call
from tests.testbed.function.upstream import Upstream


@pytest.fixture(scope="module")
def gateway(start: Start) -> Gateway:
    quota = {"name": "quota", "settings": {"bufferSize": {"default": 0}}}
    return start("service", ["healthcheck", "oauth", quota])


@pytest.fixture(scope="module")
def whole(site: Site) -> dict[str, str]:
    """An app whose key opens the whole proxy."""
    return site.app("whole", "whole")


def key(app: dict[str, str]) -> dict[str, str]:
    return {"x-api-key": app["consumerKey"]}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_no_key_and_no_token(gateway: Gateway, upstream: Upstream) -> None:
    answer = call(gateway, "/hello")
    assert (answer.status, answer.json()["error"]) == (401, "missing_authorization")
    assert upstream.seen == []


def test_an_unknown_key_is_forbidden_not_unauthorised(gateway: Gateway, upstream: Upstream) -> None:
    answer = call(gateway, "/hello", {"x-api-key": "unknown"})
    assert (answer.status, answer.json()["error"]) == (403, "access_denied")
    assert upstream.seen == []


def test_an_unknown_key_with_the_answer_of_edge(start: Start) -> None:
    gateway = start("service", [{"name": "oauth", "settings": {"useUpstreamResponse": True}}])
    assert call(gateway, "/hello", {"x-api-key": "unknown"}).status == 401


def test_a_good_key_in_header_and_query(gateway: Gateway, whole: dict[str, str], upstream: Upstream) -> None:
    assert call(gateway, "/hello/world?a=b", key(whole)).status == 200
    assert call(gateway, f"/hello/world?x-api-key={whole['consumerKey']}").status == 200
    assert upstream.seen[0]["line"] == "GET /api/v1/world?a=b HTTP/1.1"
    assert len(upstream.seen) == 2


def test_the_target_learns_who_calls(gateway: Gateway, whole: dict[str, str], upstream: Upstream) -> None:
    assert call(gateway, "/hello", key(whole)).status == 200
    headers = upstream.headers()
    claims = json.loads(base64.b64decode(headers["x-authorization-claims"]))
    assert claims["developer_email"] == "dev@acme.example"
    assert headers["x-forwarded-for"] == "127.0.0.1" and headers["x-forwarded-proto"] == "http"
    assert headers["host"] == f"127.0.0.1:{upstream.port}"


def test_a_proxy_that_is_not_in_the_product(gateway: Gateway, site: Site, upstream: Upstream) -> None:
    assert call(gateway, "/hello", key(site.app("stranger", "other"))).status == 403
    assert upstream.seen == []


def test_a_path_that_is_not_in_the_product(gateway: Gateway, site: Site, upstream: Upstream) -> None:
    app = site.app("greeter", "hello")
    assert call(gateway, "/hello/greet", key(app)).status == 200
    assert call(gateway, "/hello/other", key(app)).status == 403
    assert len(upstream.seen) == 1


def test_a_product_that_the_gateway_does_not_know_yet(gateway: Gateway, site: Site, upstream: Upstream) -> None:
    site.product("late", ["edgemicro_hello"], ["/"])
    assert call(gateway, "/hello", key(site.app("late", "late"))).status == 403
    assert upstream.seen == []


def test_a_good_token(gateway: Gateway, site: Site, whole: dict[str, str], upstream: Upstream) -> None:
    assert call(gateway, "/hello", bearer(site.token(whole))).status == 200
    assert "authorization" not in upstream.headers()


@pytest.fixture
def claims() -> dict[str, object]:
    now = int(time.time())
    return {"api_product_list": ["whole"], "application_name": "forged", "client_id": "x", "iat": now,
            "exp": now + 600}


def test_a_token_with_the_same_claims_is_good(gateway: Gateway, site: Site, claims: dict[str, object]) -> None:
    """What makes the next ones bad is what each changes, nothing else."""
    assert call(gateway, "/hello", bearer(jwt.encode(claims, site.signing, "RS256", {"kid": "1"}))).status == 200


@pytest.mark.parametrize("how", ["tampered", "expired", "foreign key", "wrong kid", "no kid", "none", "HS256"])
def test_a_bad_token(gateway: Gateway, site: Site, claims: dict[str, object], upstream: Upstream, how: str) -> None:
    public = site.signing.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    if how == "tampered":
        head, _claims, signature = jwt.encode(claims, site.signing, "RS256", {"kid": "1"}).split(".")
        other = base64.urlsafe_b64encode(json.dumps({**claims, "client_id": "y"}).encode()).decode().rstrip("=")
        token = f"{head}.{other}.{signature}"
    elif how == "expired":
        token = jwt.encode({**claims, "exp": int(time.time()) - 60}, site.signing, "RS256", {"kid": "1"})
    elif how == "foreign key":
        foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        token = jwt.encode(claims, foreign, "RS256", {"kid": "1"})
    elif how in ("wrong kid", "no kid"):
        token = jwt.encode(claims, site.signing, "RS256", {"kid": "2"} if how == "wrong kid" else None)
    elif how == "none":
        token = jwt.encode(claims, None, "none", {"kid": "1"})
    else:
        # The public key taken for a shared secret: PyJWT would not sign so, an attacker would.
        token = _signed_with_public_key(claims, public)
    assert call(gateway, "/hello", bearer(token)).status == 401
    assert upstream.seen == []


def _signed_with_public_key(claims: dict[str, object], public: bytes) -> str:
    import hashlib
    import hmac

    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    signed = ".".join(part(json.dumps(one).encode()) for one in ({"alg": "HS256", "kid": "1"}, claims))
    return f"{signed}.{part(hmac.new(public, signed.encode(), hashlib.sha256).digest())}"


def test_authorisation_that_is_no_bearer_token(gateway: Gateway) -> None:
    assert call(gateway, "/hello", {"Authorization": "Basic YTpi"}).status == 400


def test_a_path_of_no_proxy(gateway: Gateway, whole: dict[str, str]) -> None:
    answer = call(gateway, "/nothing", key(whole))
    assert (answer.status, answer.json()["message"]) == (404, "no match found")


def test_spike_arrest_spaces_calls(start: Start, whole: dict[str, str], upstream: Upstream) -> None:
    """Six in a minute are one in ten seconds: the second call fails although only one was made."""
    spike = {"name": "spikearrest", "settings": {"timeUnit": "minute", "allow": 6}}
    gateway = start("service", ["oauth", spike])
    assert [call(gateway, "/hello", key(whole)).status for _each in range(3)] == [200, 503, 503]
    assert len(upstream.seen) == 1


@pytest.mark.parametrize("settings, status", [({}, 403), ({"isHTTPStatusTooManyRequestEnabled": True}, 429)])
def test_a_quota_of_three(start: Start, site: Site, upstream: Upstream, settings: dict[str, bool], status: int) -> None:
    gateway = start("service", ["oauth", {"name": "quota", "settings": {"bufferSize": {"default": 0}, **settings}}])
    app = site.app(f"few-{status}", "few")
    assert [call(gateway, "/hello", key(app)).status for _each in range(5)] == [200, 200, 200, status, status]
    assert len(upstream.seen) == 3


def test_a_target_that_is_down(gateway: Gateway, whole: dict[str, str]) -> None:
    answer = call(gateway, "/down", key(whole))
    assert answer.status == 502
    # Known, and said in the documentation: the engine tells callers where the target is.
    assert answer.json()["address"] == "127.0.0.1" and answer.json()["port"] == 9


def test_health(gateway: Gateway) -> None:
    assert call(gateway, "/healthcheck").status == 200
    assert call(gateway, "/healthcheck?x=1").status == 401


def test_health_without_a_proxy_is_not_found(start: Start, site: Site) -> None:
    """Why rendering refuses it; here the name is rendered, and the proxy is not deployed."""
    site.manage("DELETE", "/environments/test/apis/edgemicro_health/revisions/1/deployments")
    try:
        assert call(start("service", ["healthcheck", "oauth"]), "/healthcheck").status == 404
    finally:
        site.manage("POST", "/environments/test/apis/edgemicro_health/revisions/1/deployments")


def test_edge_goes_down_and_comes_back(start: Start, site: Site, whole: dict[str, str], upstream: Upstream) -> None:
    gateway = start("service", [{"name": "oauth", "settings": {"cacheKey": True}}])
    other = site.app("uncached", "whole")
    assert call(gateway, "/hello", key(whole)).status == 200
    site.control_plane.stop()
    try:
        assert call(gateway, "/hello", key(whole)).status == 200
        assert call(gateway, "/hello", key(other)).status == 504
        assert len(upstream.seen) == 2
    finally:
        site.control_plane.start()
    assert call(gateway, "/hello", key(other)).status == 200


def test_without_edge_at_the_start_it_ends(start: Start, site: Site) -> None:
    site.control_plane.stop()
    try:
        with pytest.raises(GatewayError, match="no configuration from Edge and none kept"):
            start("service", ["oauth"])
    finally:
        site.control_plane.start()


def test_with_a_kept_configuration_it_starts_without_edge(
    site: Site, tmp_path: pytest.TempPathFactory, upstream: Upstream, whole: dict[str, str]
) -> None:
    declared = site.declare("service", plugins=["oauth"], proxies=PROXIES)
    token = bearer(site.token(whole))
    for down in (False, True):
        if down:
            site.control_plane.stop()
        gateway = site.gateway(tmp_path, declared)
        try:
            gateway.ready()
            assert call(gateway, "/hello", token).status == 200
        finally:
            assert gateway.stop() == 0
            if down:
                site.control_plane.start()
    assert len(upstream.seen) == 2


def test_with_wrong_credentials_it_ends(site: Site, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "secret", "wrong")
    with pytest.raises(GatewayError, match="Unauthorized"):
        start("service", ["oauth"])


def test_secrets_are_in_no_arguments_and_no_log(gateway: Gateway, site: Site, whole: dict[str, str]) -> None:
    assert call(gateway, "/hello", key(whole)).status == 200
    shown = arguments(gateway.process.pid) + gateway.log.read_text()
    assert shown.count("launch.js") == 2
    for secret in (site.key, site.secret, PASSWORD, whole["consumerSecret"], "PRIVATE KEY"):
        assert secret not in shown
