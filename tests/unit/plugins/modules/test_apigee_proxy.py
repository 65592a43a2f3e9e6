# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies: made, pinned, labelled, shown and deleted."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_proxy, apigee_proxy_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_proxy_replies import (
    DIGEST,
    ONE,
    WANTED,
    ProxyScript,
    labels,
    path,
    proxy,
)


def test_create() -> None:
    script = ProxyScript()
    script.get(None)
    script.routes({"basepath": "/other", "receiver": "organizations/acme-shop/apis/other/revisions/1"})
    script.surroundings()
    script.upload().replies({"name": "orders", "revision": "1"})
    script.label(labels(1))
    script.report(1)
    script.deploy(1)
    script.state(1, "PROGRESSING")
    script.state(1)
    script.get(proxy(1, labels(1)))
    script.state(1)
    result = script.run(apigee_proxy, **WANTED)
    assert result["action"] == "created" and result["note"] == "imported revision 1; deployed revision 1 in prod"
    assert result["resource"]["deployments"][0]["state"] == "READY" and result["requests"]["writes"] == 3


def test_unchanged_costs_two_reads() -> None:
    script = ProxyScript()
    script.get(proxy(7, labels(7)))
    script.state(7)
    result = script.run(apigee_proxy, **WANTED)
    assert not result["changed"] and result["requests"] == {"reads": 2, "writes": 0}


def test_a_pinned_revision() -> None:
    script = ProxyScript()
    script.get(proxy(3, labels(3)))
    script.state(2)
    assert not script.run(apigee_proxy, name="orders", revision=2, environments=["prod"])["changed"]
    script = ProxyScript()
    script.get(proxy(3, labels(3)))
    script.deployed(3)
    said = script.run(apigee_proxy, fails=True, name="orders", revision=9, environments=["prod"])["msg"]
    assert "revision 9 does not exist. There are: 1, 2, 3" in said


def test_delete_undeploys_first_and_only_ours() -> None:
    script = ProxyScript()
    script.get(proxy(3, labels(3)))
    script.deployed(3)
    script.state(3)
    script.expect("GET", "apigee", f"{ONE}/keyvaluemaps").replies([])
    script.deployed(3)
    script.expect("DELETE", "apigee", path(3)).replies({})
    script.state(3)
    script.state(3, None)
    script.expect("DELETE", "apigee", ONE).replies({})
    assert script.run(apigee_proxy, name="orders", state="absent")["action"] == "deleted"
    script = ProxyScript()
    script.get(proxy(3))
    script.deployed(3)
    script.state(3)
    assert script.run(apigee_proxy, name="orders", state="absent")["action"] == "kept"
    script = ProxyScript()
    script.get(None)
    gone = {"name": "orders", "state": "absent", "bundle": "/nowhere/at/all"}
    assert script.run(apigee_proxy, **gone)["action"] == "unchanged"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"base_path": "orders", "target_url": "http://a"}, "Write /orders"),
        ({"base_path": "/orders"}, "neither target_servers nor target_url"),
        ({"bundle": "/nowhere"}, "cannot be read"),
        ({}, "any of the following are missing"),
        ({"base_path": "/a", "revision": 1}, "mutually exclusive"),
    ],
)
def test_options_that_cannot_be_right(options: dict[str, t.Any], said: str) -> None:
    assert said in ProxyScript().run(apigee_proxy, fails=True, name="orders", **options)["msg"]


def test_user_labels_are_kept_and_changed_beside_ours() -> None:
    script = ProxyScript()
    script.get(proxy(7, {**labels(7), "team": "shop", "tier": "1"}))
    script.state(7)
    script.label({**labels(7), "team": "web", "tier": "1"})
    script.get(proxy(7, {**labels(7), "team": "web", "tier": "1"}))
    script.state(7)
    result = script.run(apigee_proxy, **WANTED, labels={"team": "web"})
    assert result["resource"]["labels"] == {"team": "web", "tier": "1"}


def test_info_shows_the_state_of_every_deployment() -> None:
    script = ProxyScript()
    script.get(proxy(3, labels(3)))
    script.deployed(3)
    script.state(3)
    found = script.run(apigee_proxy_info, name="orders")["resources"][0]
    assert found["deployments"][0]["state"] == "READY" and found["digest"] == DIGEST
    assert found["deployments"][0]["problems"] == []


def test_info_tells_which_replicas_lack_a_revision_that_is_ready() -> None:
    script = ProxyScript()
    script.get(proxy(3, labels(3)))
    script.deployed(3)
    half = {"instance": "eu", "deployedRevisions": [{"revision": str(one), "percentage": 50} for one in (2, 3)]}
    script.state(3, instances=[half])
    found = script.run(apigee_proxy_info, name="orders")["resources"][0]
    told = "instance eu has revision 3 on 50 % of its replicas, revision 2 on the others"
    assert found["deployments"][0]["problems"] == [told]
