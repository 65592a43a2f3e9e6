# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ingress_preflight against the emulator: what exists has its say, and nothing is written."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import entries, ingress

from tests.testbed.emulated_cloud import Cloud

RANGES = [
    {"range_name": "pods", "ip_cidr_range": "10.68.0.0/16"},
    {"range_name": "services", "ip_cidr_range": "10.70.0.0/20"},
]
CLUSTER: dict[str, t.Any] = {
    "kind": "gke_cluster",
    "name": "gke",
    "location": "europe-west1",
    "network": "shop-vpc",
    "subnetwork": "shop-vpc-gke",
    "pods_range_name": "pods",
    "services_range_name": "services",
    "dns": {"provider": "CLOUD_DNS", "scope": "VPC_SCOPE", "domain": "gke.acme.internal"},
}


@pytest.fixture(scope="module")
def cloud(cloud: Cloud) -> Cloud:
    """A project with a cluster, and no Apigee."""
    subnetwork = {"kind": "compute_subnetwork", "name": "shop-vpc-gke", "region": "europe-west1", "network": "shop-vpc"}
    cloud.run(
        [
            {"kind": "project_services", "services": ["compute", "container", "dns", "cloudresourcemanager"]},
            {"kind": "compute_network", "name": "shop-vpc"},
            {**subnetwork, "ip_cidr_range": "10.64.16.0/20", "secondary_ip_ranges": RANGES},
            CLUSTER,
        ]
    )
    return cloud


@pytest.fixture
def balancing(cloud: Cloud) -> None:
    """Its add-on is on, whatever tests came before."""
    cloud.run([{**CLUSTER, "addons": {"http_load_balancing": True}}])
    cloud.control("requests", "DELETE")


def declaration(cloud: Cloud, **parts: t.Any) -> dict[str, t.Any]:
    return {
        "project": cloud.connection["project"],
        "region": "europe-west1",
        "network": "shop-vpc",
        "domain": "acme.internal",
        "clusters": {"gke": {"dns": "vpc_scope"}},
        "services": [{"name": "products", "port": 8080}],
        "ingress": {"name": "shop", "certificate": {"secret": "shop-tls"}},
        "apigee_source_ranges": ["198.51.100.0/28"],
        **parts,
    }


def test_a_cluster_whose_add_on_is_off_is_refused_before_any_write(cloud: Cloud) -> None:
    cloud.run([{**CLUSTER, "addons": {"http_load_balancing": False}}])
    cloud.control("requests", "DELETE")
    refused = cloud.module("ingress_preflight", declaration=declaration(cloud), fails=True)
    assert "its add-on HTTP load balancing is off" in refused["msg"] and "Nothing has been changed." in refused["msg"]
    assert "--update-addons HttpLoadBalancing=ENABLED" in refused["msg"]
    assert cloud.writes() == 0
    # It can be taken away all the same.
    found = cloud.module("ingress_preflight", declaration=declaration(cloud), judge=False)
    assert found["connections"]["gke"]["endpoint"]


@pytest.mark.usefixtures("balancing")
def test_edge_needs_no_organisation_and_keeps_the_ranges_that_exist(cloud: Cloud) -> None:
    found = cloud.module("ingress_preflight", declaration=declaration(cloud))
    site = found["site"]
    assert not site["apigee"] and site["ingress"]["sources"] == ["198.51.100.0/28"]
    assert site["clusters"][0]["ranges"]["pods"] == "10.68.0.0/16" and site["project_number"] == "123456789012"
    assert cloud.writes() == 0


@pytest.mark.usefixtures("balancing")
def test_an_apigee_that_is_still_to_be_made_is_no_problem(cloud: Cloud) -> None:
    stated = declaration(cloud, environments={"prod": {"hostnames": ["api.acme.example"]}}, apigee_source_ranges=[])
    found = cloud.module("ingress_preflight", declaration=stated)
    assert found["site"]["ingress"]["nat_addresses"] == [{"instance": "europe-west1", "name": "shop-1"}]
    assert found["site"]["organization"]["ready"] is False


@pytest.mark.usefixtures("balancing")
def test_an_organisation_without_peering_is_adopted_and_reserves_its_addresses(cloud: Cloud) -> None:
    """What the playbook makes at Google of such a declaration, without pods: nothing of a peering is among it."""
    project = cloud.connection["project"]
    cloud.run(
        [
            {"kind": "project_services", "services": ["apigee", "servicenetworking"]},
            {
                "kind": "apigee_organization",
                "name": project,
                "analytics_region": "europe-west1",
                "billing_type": "EVALUATION",
                "disable_vpc_peering": True,
            },
        ]
    )
    stated = declaration(cloud, environments={"prod": {"hostnames": ["api.acme.example"]}}, apigee_source_ranges=[])
    site = cloud.module("ingress_preflight", declaration=stated)["site"]
    assert site["peering"]["range"] == "" and site["organization"]["unpeered"]
    network = {"project": project, "name": site["network"], "peering": site["peering"]}
    wanted = [
        *entries.network({**network, "subnets": entries.subnets(site["clusters"])}),
        *entries.backend({**site, "target_servers": [], "proxies": []}),
        *ingress.reservations(site["ingress"]),
    ]
    made = cloud.run(wanted)
    assert made["changed"]
    path = f"/instances/{site['instance']['name']}/natAddresses"
    (address,) = cloud.by_hand("GET", path)["natAddresses"]
    assert address["state"] == "ACTIVE"
    (policy,) = (one for one in made["resources"] if one["kind"] == "compute_security_policy")
    assert f"{address['ipAddress']}/32" in str(policy["resource"]["rules"])
    cloud.control("requests", "DELETE")
    assert not cloud.run(wanted)["changed"] and cloud.writes() == 0
    # Through the peering that there is not nobody comes.
    inside = {"name": "shop", "certificate": {"secret": "shop-tls"}, "exposure": "internal"}
    refused = cloud.module("ingress_preflight", declaration={**stated, "ingress": inside}, fails=True)
    assert "is not VPC-peered" in refused["msg"] and "no subnet for proxies in europe-west1" in refused["msg"]
