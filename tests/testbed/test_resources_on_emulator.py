# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine against the emulator: first run, second run, check mode, interruption at every write, removal."""

from __future__ import annotations

import typing as t

from tests.testbed.emulated_cloud import Cloud

RESOURCES: list[dict[str, t.Any]] = [
    {"kind": "project_services", "services": ["compute", "container", "dns", "servicenetworking"]},
    {
        "kind": "gke_cluster",
        "name": "shop",
        "location": "europe-west1-b",
        "network": "shop-vpc",
        "subnetwork": "shop",
        "pods_range_name": "pods",
        "services_range_name": "services",
        "dns": {"provider": "CLOUD_DNS", "scope": "VPC_SCOPE", "domain": "shop.acme.internal."},
        "node_pools": [{"name": "one"}, {"name": "two", "nodes": 1}],
    },
    {"kind": "compute_network", "name": "shop-vpc"},
    {
        "kind": "compute_subnetwork",
        "name": "shop",
        "network": "shop-vpc",
        "region": "europe-west1",
        "ip_cidr_range": "10.10.0.0/20",
        "secondary_ip_ranges": [
            {"range_name": "pods", "ip_cidr_range": "10.20.0.0/16"},
            {"range_name": "services", "ip_cidr_range": "10.30.0.0/20"},
        ],
    },
    {
        "kind": "compute_global_address",
        "name": "psa",
        "network": "shop-vpc",
        "purpose": "VPC_PEERING",
        "prefix_length": 21,
        "address": "10.40.0.0",
        "labels": {"team": "shop"},
    },
    {"kind": "service_networking_connection", "network": "shop-vpc", "reserved_peering_ranges": ["psa"]},
    {
        "kind": "compute_firewall",
        "name": "apigee",
        "network": "shop-vpc",
        "source_ranges": ["10.40.0.0/22"],
        "allowed": [{"protocol": "tcp", "ports": ["8443"]}],
    },
]


def actions(result: dict[str, t.Any]) -> list[tuple[str, str, str]]:
    return [(one["kind"], one["name"], one["action"]) for one in result["resources"]]


def test_whole_life(cloud: Cloud) -> None:
    _made, again = cloud.whole_life(RESOURCES)
    assert again["requests"]["reads"] <= 8
    assert not cloud.run(RESOURCES, state="absent")["changed"]


def test_interrupted_at_every_write_the_next_run_ends_in_the_same_state(cloud: Cloud) -> None:
    cloud.converges_after_every_write(RESOURCES)
