# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventories that are shipped are right as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import (
    derive,
    microgateway,
    rules,
    shape,
)
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import gateway, objects
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import rules as gateway_rules

INVENTORIES = Path(__file__).resolve().parents[3] / "inventories"
# What the testbed's inventory leaves to Ansible, with what comes of it.
EXPRESSIONS = {"{{ testbed.project }}": "acme-shop", '"{{ testbed_tls | default(true) | bool }}"': "true"}


@pytest.mark.parametrize("name", ["testbed", "example"])
def test_a_shipped_inventory_is_right(name: str) -> None:
    text = (INVENTORIES / name / "group_vars" / "all" / "site.yml").read_text(encoding="utf-8")
    for expression, value in EXPRESSIONS.items():
        text = text.replace(expression, value)
    declaration = yaml.safe_load(text)["apigee_gke"]
    read, wrong = shape.read(declaration)
    site, more = derive.derive(read)
    assert wrong + more + rules.check(read, site) == []


def test_the_example_of_a_gateway_of_edge_is_right() -> None:
    """The testbed's own is played, by the acceptance tests."""
    text = (INVENTORIES / "example" / "group_vars" / "all" / "microgateway.yml").read_text(encoding="utf-8")
    told = yaml.safe_load(text)
    named = {"mode": "service", "name": "g", "namespace": "g", "port": 8000}
    site = microgateway.site(told["microgateway_gke"], named)
    assert len(site["clusters"]) == 1 and site["ingress"]["state"] == "present"
    health = {"name": "edgemicro_health", "base_path": "/healthcheck"}
    declared = {
        "mode": "service",
        "organization": "acme",
        "environment": "test",
        "proxies": [*told["edge_microgateway_proxies"], health],
        "plugins": ["healthcheck", *told.get("edge_microgateway_plugins", ["oauth"])],
    }
    place = {"name": "g", "namespace": "g", "image": told["edge_microgateway_image"]}
    targets = told["edge_microgateway_targets"]
    assert gateway_rules.problems(gateway.read(declared)) == []
    assert objects.problems(objects.place({**place, "targets": targets})) == []
    sold = {one["name"] for one in told["edge_microgateway_products"]}
    assert {product for app in told["edge_microgateway_apps"] for product in app["products"]} <= sold
