# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edge Microgateway beside an application: what the real engine answers with what we render for its container."""
from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.edge.gateway import Gateway
from tests.testbed.edge.conftest import Start
from tests.testbed.edge.site import Site, call
from tests.testbed.function.upstream import Upstream


@pytest.fixture(scope="module")
def gateway(start: Start, serving: Upstream) -> Gateway:
    return start("sidecar", ["healthcheck", "oauth"], application_port=serving.port)


@pytest.fixture(scope="module")
def good(site: Site) -> dict[str, str]:
    """A key whose product names no proxy but ``edgemicro-auth``: a sidecar needs none on Edge."""
    site.product("sidecars", [], ["/orders/**"])
    return {"x-api-key": site.app("sidecars", "sidecars")["consumerKey"]}


def test_no_key(gateway: Gateway, upstream: Upstream) -> None:
    assert call(gateway, "/orders/1").status == 401
    assert upstream.seen == []


def test_an_unknown_key(gateway: Gateway, upstream: Upstream) -> None:
    assert call(gateway, "/orders/1", {"x-api-key": "unknown"}).status == 403
    assert upstream.seen == []


def test_a_good_key_reaches_the_application_at_the_same_path(
    start: Start, good: dict[str, str], upstream: Upstream
) -> None:
    """A gateway of its own: it learns products when it starts."""
    gateway = start("sidecar", ["oauth"], application_port=upstream.port)
    assert call(gateway, "/orders/1?a=b", good).status == 200
    assert upstream.seen[0]["line"] == "GET /orders/1?a=b HTTP/1.1"
    assert call(gateway, "/admin", good).status == 403
    assert len(upstream.seen) == 1


def test_a_token_is_taken_and_a_tampered_one_is_not(gateway: Gateway, site: Site) -> None:
    token = site.token(site.app("sidecar-token", "whole"))
    assert call(gateway, "/any", {"Authorization": f"Bearer {token}"}).status == 200
    assert call(gateway, "/any", {"Authorization": f"Bearer {token[:-4]}AAAA"}).status == 401


def test_a_valid_key_of_a_foreign_product_opens_everything(gateway: Gateway, site: Site, upstream: Upstream) -> None:
    """Known, and said in the documentation: in this mode the engine compares no proxies, and takes a product that it
    does not know for one that opens every path."""
    site.product("foreign", ["edgemicro_other"], ["/nothing-of-this"])
    assert call(gateway, "/orders/1", {"x-api-key": site.app("foreign", "foreign")["consumerKey"]}).status == 200
    assert len(upstream.seen) == 1


def test_a_quota_is_counted_for_products_with_the_engines_own_proxy_alone(
    start: Start, site: Site, upstream: Upstream
) -> None:
    """Known, and said in the documentation: of a product without it every call passes."""
    fields = {"quota": "2", "quotaInterval": "1", "quotaTimeUnit": "month"}
    site.product("counted", ["edgemicro_default"], ["/"], **fields)
    site.product("uncounted", [], ["/"], **fields)
    keys = {name: {"x-api-key": site.app(name, name)["consumerKey"]} for name in ("counted", "uncounted")}
    plugins = ["oauth", {"name": "quota", "settings": {"bufferSize": {"default": 0}}}]
    gateway = start("sidecar", plugins, application_port=upstream.port)
    answers = {name: [call(gateway, "/orders/1", key).status for _each in range(4)] for name, key in keys.items()}
    assert answers == {"counted": [200, 200, 403, 403], "uncounted": [200] * 4}


def test_ambiguous_paths_are_refused_here_too(gateway: Gateway, upstream: Upstream) -> None:
    assert call(gateway, "/orders/../admin").status == 400
    assert upstream.seen == []


def test_one_without_keys_beside_one_with(gateway: Gateway, start: Start, upstream: Upstream) -> None:
    """Policies differ per workload, on purpose and by name."""
    public = start("sidecar", [], application_port=upstream.port, open=True)
    assert call(public, "/orders/1").status == 200
    assert call(gateway, "/orders/1").status == 401


@pytest.fixture
def application() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.stop()


def test_health_is_the_applications_as_well(start: Start, application: Upstream) -> None:
    gateway = start("sidecar", ["healthcheck", "oauth"], application_port=application.port)
    assert call(gateway, "/healthcheck").status == 200
    application.stop()
    answer = call(gateway, "/healthcheck")
    assert answer.status == 500
    assert str(application.port) in answer.json()["decoratorError"]


def test_changes_on_edge_arrive_without_a_restart(site: Site, start: Start, upstream: Upstream) -> None:
    gateway = start("sidecar", ["oauth"], application_port=upstream.port, poll_interval=1)
    site.product("narrow", [], ["/first"])
    key = {"x-api-key": site.app("narrow", "narrow")["consumerKey"]}
    # Unknown to the gateway, the product opens everything; once known, its own path alone.
    deadline = time.monotonic() + 30
    while call(gateway, "/second", key).status != 403 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert call(gateway, "/second", key).status == 403
    assert call(gateway, "/first", key).status == 200


def test_it_ends_when_it_is_told_to(site: Site, upstream: Upstream, tmp_path: Path) -> None:
    gateway = site.gateway(tmp_path, site.declare("sidecar", plugins=["oauth"], application_port=upstream.port))
    gateway.ready()
    assert gateway.stop() == 0
