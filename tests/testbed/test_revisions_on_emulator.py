# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hundreds of imports against the emulator: Apigee's limit of revisions is never met while old ones are pruned.

The resource is driven in one process, as the modules do it; the runtime is the recording double, which runs anything.
"""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import generate
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine import apply, plan
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.context import Context
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import RefusedError
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.session import Client
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_proxy import ApigeeProxy

from tests.testbed.emulated_cloud import Cloud

SITE: list[dict[str, t.Any]] = [
    {"kind": "project_services", "services": ["compute", "servicenetworking", "apigee"]},
    {"kind": "compute_network", "name": "shop-vpc"},
    {
        "kind": "compute_global_address",
        "name": "apigee",
        "network": "shop-vpc",
        "purpose": "VPC_PEERING",
        "address": "10.64.0.0",
        "prefix_length": 20,
    },
    {"kind": "service_networking_connection", "network": "shop-vpc", "reserved_peering_ranges": ["apigee"]},
    {
        "kind": "apigee_organization",
        "name": "acme-shop",
        "analytics_region": "europe-west1",
        "authorized_network": "shop-vpc",
        "billing_type": "EVALUATION",
    },
    {"kind": "apigee_instance", "name": "euw1", "location": "europe-west1"},
    {"kind": "apigee_environment", "name": "prod"},
    {"kind": "apigee_instance_attachment", "instance": "euw1", "environment": "prod"},
]
LIMIT = 250


# Anew for each test: they may run in any order, and on different workers.
@pytest.fixture
def cloud(cloud: Cloud) -> Cloud:
    cloud.control("reset", "POST")
    cloud.run(resources=SITE)
    return cloud


class Runs:
    """One process in which the proxy orders is brought about again and again."""

    def __init__(self, cloud: Cloud) -> None:
        connection = cloud.connection
        self.client = Client({name: connection[name] for name in ("endpoints", "service_account_file")})
        self.project = connection["project"]

    def once(self, says: str, **options: t.Any) -> plan.Item:
        """One run; every run has other content."""
        wanted = {"name": "orders", "base_path": "/orders", "target_url": "http://orders.shop.example:8080"}
        fixed = {"project": self.project, "description": says, "probe": False, "lint": "none"}
        context = Context(self.client)
        item = plan.Item(0, ApigeeProxy({**wanted, **fixed, **options}, context))
        apply.run([item], context)
        return item


def test_three_hundred_imports_in_a_row(cloud: Cloud) -> None:
    runs = Runs(cloud)
    most = 0
    for number in range(300):
        item = runs.once(f"content {number}", environments=["prod"], keep_revisions=5)
        shown = item.resource.output(t.cast(dict[str, t.Any], item.found))
        most = max(most, len(shown["revisions"]))
        assert shown["revision"] == number + 1 and shown["deployments"][0]["state"] == "READY"
    assert most == 5 and shown["revisions"] == [296, 297, 298, 299, 300]
    again = runs.once("content 299", environments=["prod"], keep_revisions=5)
    assert again.action == "unchanged" and again.resource.wire.counts.writes == 0


def test_what_fills_up_without_pruning_says_what_to_do_and_is_emptied_before_an_import(cloud: Cloud) -> None:
    runs = Runs(cloud)
    there = runs.once("what serves", environments=["prod"])
    resource = t.cast(ApigeeProxy, there.resource)
    for number in range(2, LIMIT + 1):
        assert resource.calls.upload(generate.generate("orders", "/orders", ["orders"])) == str(number)
    with pytest.raises(RefusedError, match=r"has 250 revisions, the most that Apigee keeps.*State keep_revisions"):
        runs.once("one too many")
    item = runs.once("one too many", keep_revisions=3)
    shown = item.resource.output(t.cast(dict[str, t.Any], item.found))
    # The newest three, and the one that serves, however old.
    assert shown["revisions"] == [1, LIMIT - 1, LIMIT, LIMIT + 1]
    assert {one["revision"] for one in shown["deployments"]} == {1}
