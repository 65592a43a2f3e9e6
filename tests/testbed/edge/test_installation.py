# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's packages: which ones, from where, and on which Node they run."""
from __future__ import annotations

import json
import shutil

import pytest

from testbed.edge import installation
from testbed.edge.installation import Engine
from testbed.images.packages import NODE_WHEEL
from testbed.kubernetes.toolchain import BuildError
from testbed.node import ensure_node, version_of
from tests.testbed.edge.conftest import PROXIES, Start
from tests.testbed.edge.site import Site, call
from tests.testbed.function.upstream import Upstream

#: Others were seen to fail: with microgateway-config 3.3.7 a sidecar never gets its keys.
PINNED = {"microgateway-core": "3.3.5", "microgateway-config": "3.3.6", "microgateway-plugins": "3.3.5",
          "microgateway-edgeauth": "3.2.2"}


def test_the_lock_file_names_versions_and_digests_and_no_registry() -> None:
    lock = json.loads((installation.SOURCE / "package-lock.json").read_text())
    packages = {path: found for path, found in lock["packages"].items() if path}
    assert [path for path, found in packages.items() if "resolved" in found] == []
    assert [path for path, found in packages.items() if not found.get("integrity") or not found.get("version")] == []


@pytest.mark.parametrize("name", PINNED)
def test_one_copy_of_each_package_of_the_engine_in_the_pinned_version(engine: Engine, name: str) -> None:
    found = sorted((engine.folder / "node_modules").rglob(f"{name}/package.json"))
    assert [json.loads(one.read_text())["version"] for one in found] == [PINNED[name]]


def test_the_proxy_for_edge_is_there(engine: Engine) -> None:
    assert (engine.auth_bundle / "apiproxy" / "edgemicro-auth.xml").exists()


@pytest.fixture
def no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **_options: None)


@pytest.mark.usefixtures("no_node")
def test_without_a_node_of_the_machine_the_engine_runs_on_the_one_from_a_wheel(
    engine: Engine, site: Site, start: Start, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = ensure_node(installation.OLDEST_NODE)
    assert ".".join(map(str, version_of(node.program))) == NODE_WHEEL.partition("==")[2]
    monkeypatch.setattr(site, "engine", Engine(node.program, engine.folder))
    gateway = start("service", ["oauth"], proxies=PROXIES)
    key = {"x-api-key": site.app("wheel", "whole")["consumerKey"]}
    assert [call(gateway, "/hello", headers).status for headers in ({}, key)] == [401, 200]
    assert len(upstream.seen) == 1


@pytest.mark.usefixtures("no_node")
def test_a_node_that_cannot_be_had_is_said() -> None:
    with pytest.raises(BuildError, match="put Node 99 or newer with npm on the PATH"):
        ensure_node((99,))
