# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our plugin in the real engine: ambiguous paths never reach a target, and keys never a log."""
from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import guard

from testbed.edge.gateway import Gateway
from testbed.edge.installation import Engine
from tests.testbed.edge.conftest import PROXIES, Start
from tests.testbed.edge.site import Site, call
from tests.testbed.function.upstream import Upstream


@pytest.fixture(scope="module")
def gateway(start: Start) -> Gateway:
    return start("service", ["oauth"], log_level="info")


@pytest.fixture(scope="module")
def key(site: Site) -> str:
    return site.app("guarded", "hello")["consumerKey"]


REFUSED = [
    "/hello/greet/../other", "/hello/../admin", "/hello/greet/..", "/hello/./greet", "/hello/%2e%2e/admin",
    "/hello/%2E./admin", "/hello/%252e%252e/admin", "/hello/..%2fadmin", "/hello/..%5cadmin", "/hello/..\\admin",
    "/hello/a\\b", "/hello/..;/admin", "/hello/..;x=y/admin", "/hello/%2e%2e;/admin", "/hello/a%2fb", "/hello/a%252Fb",
    "/hello/%c0%ae%c0%ae/admin", "/hello/%zz", "/hello/%", "/hello/a#/../admin", "/hello/a%00", "/hello/%0d%0a",
    "/hello/..?x=1", "/hello/%20../%2e%2e%20/admin", "http://client.example/hello/../admin",
]
PASSED = ["/hello/greet", "/hello/greet?back=/../x&y=%2e%2e", "/hello/greet/", "/hello/GREET"]


@pytest.mark.parametrize("target", REFUSED)
def test_what_could_mean_another_path_is_refused(
    gateway: Gateway, key: str, upstream: Upstream, target: str
) -> None:
    answer = call(gateway, target, {"x-api-key": key})
    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")
    assert upstream.seen == []


@pytest.mark.parametrize("target", PASSED)
def test_what_can_mean_one_path_alone_passes(gateway: Gateway, key: str, target: str) -> None:
    assert call(gateway, target, {"x-api-key": key}).status == 200


@pytest.mark.parametrize("target", [
    "/hello/...", "/hello/.well-known/a", "/hello/a..b", "/hello/100%25", "/hello/%20a",
])
def test_names_with_dots_and_signs_are_left_to_the_product(gateway: Gateway, key: str, target: str) -> None:
    """403 is the product's answer: it opens /greet alone."""
    assert call(gateway, target, {"x-api-key": key}).status == 403


def test_it_runs_before_keys_are_asked_for(gateway: Gateway) -> None:
    assert call(gateway, "/hello/../admin").status == 400
    assert call(gateway, "/hello/admin").status == 401


def test_the_engine_alone_sends_such_paths_to_the_target(site: Site, tmp_path: Path, upstream: Upstream) -> None:
    """Why the plugin is there. The same configuration with the plugin taken out of the sequence."""
    declared = site.declare("service", plugins=["oauth"], proxies=PROXIES)
    bare = site.unrefused(tmp_path, declared, lambda told: told["edgemicro"]["plugins"]["sequence"].remove(guard.NAME))
    try:
        bare.ready()
        app = site.app("unguarded", "whole")
        assert call(bare, "/hello/../../admin", {"x-api-key": app["consumerKey"]}).status == 200
        assert upstream.seen[0]["line"] == "GET /api/v1/../../admin HTTP/1.1"
    finally:
        bare.stop()


def test_encoded_slashes_can_be_allowed_and_dots_behind_them_cannot(start: Start, site: Site) -> None:
    gateway = start("service", ["oauth"], allow_encoded_slashes=True)
    key = {"x-api-key": site.app("slashes", "whole")["consumerKey"]}
    assert call(gateway, "/hello/a%2Fb", key).status == 200
    assert call(gateway, "/hello/a%2F..%2Fb", key).status == 400


def test_exact_exclusions_open_what_they_name_and_nothing_else(start: Start, upstream: Upstream) -> None:
    oauth = {"name": "oauth", "settings": {"excludeUrls": "/hello/public,/hello/terms"}}
    gateway = start("service", [oauth])
    assert call(gateway, "/hello/public").status == 200
    assert call(gateway, "/hello/terms").status == 200
    for closed in ("/hello/public/more", "/hello/publicly", "/hello", "/hello/public?x=1", "/hello/Public"):
        assert call(gateway, closed).status == 401
    assert call(gateway, "/hello/public/../private").status == 400
    assert len(upstream.seen) == 2


def test_no_key_in_any_line_of_the_log(start: Start, site: Site) -> None:
    gateway = start("service", ["oauth"], log_level="info")
    good = site.app("logged", "hello")["consumerKey"]
    for key in (good, "unknown-key-canary"):
        call(gateway, "/hello/other", {"x-api-key": key})
        call(gateway, f"/hello/other?x-api-key={key}")
        call(gateway, f"/hello/../other?x-api-key={key}")
    gateway.stop()
    log = gateway.log.read_text()
    assert "unknown-key-canary" not in log and good not in log
    assert log.count("hello/other") > 4 and "[sha256:" in log


def test_it_needs_no_package_beside_it(engine: Engine, tmp_path: Path) -> None:
    for path, content in guard.files().items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(content)
    asked = f"console.log(JSON.stringify(require('./{guard.NAME}').fault('/a/../b')))"
    done = subprocess.run([engine.node, "-e", asked], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == "a dot segment"
