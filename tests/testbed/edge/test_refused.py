# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why rendering refuses what it refuses: what the real engine does with it."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.edge.gateway import Gateway
from tests.testbed.edge.conftest import PROXIES
from tests.testbed.edge.site import Site, call
from tests.testbed.function.upstream import Upstream


class Bare:
    """Starts gateways with what is refused."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.folder = folder
        self.running: list[Gateway] = []

    def __call__(
        self, change: Any, plugins: list[Any] | None = None, application: int = 0, **variables: str
    ) -> Gateway:
        """``application``: the port of one, for a sidecar."""
        kind = {"application_port": application} if application else {"proxies": PROXIES}
        declared = self.site.declare("sidecar" if application else "service", plugins=plugins or ["oauth"], **kind)
        folder = self.folder / str(len(self.running))
        gateway = self.site.unrefused(folder, declared, change, variables)
        self.running.append(gateway)
        gateway.ready()
        return gateway


@pytest.fixture
def bare(site: Site, tmp_path: Path) -> Iterator[Bare]:
    made = Bare(site, tmp_path)
    yield made
    for gateway in made.running:
        gateway.stop()


def test_the_levels_debug_and_trace_write_the_secret(bare: Bare, site: Site) -> None:
    gateway = bare(lambda told: told["edgemicro"]["logging"].update(level="debug"))
    gateway.stop()
    assert site.secret in gateway.log.read_text()


@pytest.mark.parametrize("size, fourth", [({"day": 0}, 200), ({"default": 0}, 403)])
def test_a_buffer_of_zero_for_one_unit_is_the_default(
    bare: Bare, site: Site, size: dict[str, int], fourth: int
) -> None:
    """With the default, processes count for themselves: the first call at another one passes after three were made."""

    def buffered(told: dict[str, Any]) -> None:
        told["quotas"] = {"bufferSize": size}

    key = {"x-api-key": site.app(f"buffered-{fourth}", "few")["consumerKey"]}
    one, other = (bare(buffered, ["oauth", "quota"]) for _each in range(2))
    assert [call(one, "/hello", key).status for _each in range(4)] == [200, 200, 200, 403]
    assert call(other, "/hello", key).status == fourth


def test_the_local_mode_is_an_open_gateway(bare: Bare, upstream: Upstream) -> None:
    gateway = bare(lambda told: None, application=upstream.port, EDGEMICRO_LOCAL="1")
    assert call(gateway, "/hello").status == 200
    assert len(upstream.seen) == 1


def test_the_local_mode_with_any_value_counts_nothing(bare: Bare, site: Site, upstream: Upstream) -> None:
    quota = {"name": "quota", "settings": {"bufferSize": {"default": 0}}}
    gateway = bare(lambda told: None, ["oauth", quota], EDGEMICRO_LOCAL="0")
    key = {"x-api-key": site.app("uncounted", "few")["consumerKey"]}
    assert [call(gateway, "/hello", key).status for _each in range(6)] == [200] * 6
    assert len(upstream.seen) == 6


@pytest.mark.parametrize("name, headers", [
    ("allowNoAuthorization", {}), ("allowInvalidAuthorization", {"Authorization": "Bearer x.y.z"}),
])
def test_doors_that_oauth_can_open(bare: Bare, name: str, headers: dict[str, str]) -> None:
    gateway = bare(lambda told: told["oauth"].update({name: True}))
    assert call(gateway, "/hello", headers).status == 200


def test_quota_before_oauth_counts_nothing(bare: Bare, site: Site) -> None:
    def swap(told: dict[str, Any]) -> None:
        told["edgemicro"]["plugins"]["sequence"] = ["quota", "oauth"]
        told["quotas"] = {"bufferSize": {"default": 0}}

    key = {"x-api-key": site.app("early", "few")["consumerKey"]}
    gateway = bare(swap)
    assert [call(gateway, "/hello", key).status for _each in range(6)] == [200] * 6


def test_a_wildcard_without_keys_excludes_nothing_in_this_version(bare: Bare) -> None:
    """Others were seen to open protected paths by it; here it is a path like any other."""
    gateway = bare(lambda told: told["oauth"].update(excludeUrls="/hello/public/*"))
    paths = ("/hello/public/a", "/hello/public/*", "/hello/public/../private")
    assert [call(gateway, path).status for path in paths] == [401, 200, 400]


def test_signs_of_patterns_in_a_resource_path_open_more(bare: Bare, site: Site) -> None:
    site.product("pattern", ["edgemicro_hello"], ["/a|.*"])
    key = {"x-api-key": site.app("pattern", "pattern")["consumerKey"]}
    assert call(bare(lambda told: None), "/hello/whatever", key).status == 200
