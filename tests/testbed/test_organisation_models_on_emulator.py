# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both organisation models against the emulator: what fits is made, what does not is refused before any write."""

from __future__ import annotations

import typing as t

import pytest

from tests.testbed.emulated_cloud import Cloud

AGENT = "serviceAccount:service-123456789012@gcp-sa-apigee.iam.gserviceaccount.com"
SERVICES = {"kind": "project_services", "services": ["apigee", "compute", "servicenetworking"]}
NETWORK = {"kind": "compute_network", "name": "shop-vpc"}
SUBNETWORK = {
    "kind": "compute_subnetwork",
    "name": "shop",
    "network": "shop-vpc",
    "region": "europe-west1",
    "ip_cidr_range": "10.10.0.0/20",
}
UNPEERED = {
    "kind": "apigee_organization",
    "name": "acme-shop",
    "billing_type": "EVALUATION",
    "analytics_region": "europe-west1",
    "disable_vpc_peering": True,
}
PEERING = {"kind": "apigee_dns_peering", "name": "shop", "dns_suffix": "gke.acme.internal", "network": "shop-vpc"}
HYBRID = {**UNPEERED, "disable_vpc_peering": None, "runtime_type": "HYBRID"}
INSTANCE = {"kind": "apigee_instance", "name": "eu", "location": "europe-west1"}


@pytest.fixture
def cloud(cloud: Cloud) -> Cloud:
    """A project in which nothing is."""
    cloud.control("reset", "POST")
    return cloud


def grant(cloud: Cloud) -> None:
    """Give Apigee's service agent the role that DNS zones need, as the message says."""
    project = "v3/projects/acme-shop"
    policy = cloud.client.send("cloudresourcemanager", "POST", f"{project}:getIamPolicy", body={}).json()
    policy["bindings"].append({"role": "roles/dns.peer", "members": [AGENT]})
    cloud.client.send("cloudresourcemanager", "POST", f"{project}:setIamPolicy", body={"policy": policy})


def actions(result: dict[str, t.Any]) -> list[tuple[str, str, str]]:
    return [(one["kind"], one["name"], one["action"]) for one in result["resources"]]


def test_names_without_vpc_peering(cloud: Cloud) -> None:
    resources = [SERVICES, NETWORK, UNPEERED, PEERING]
    predicted = cloud.run(check=True, resources=resources)
    assert predicted["resources"][3]["resource"]["mechanism"] == "dns_zone"
    said = cloud.run(fails=True, resources=resources)["msg"]
    assert "--role=roles/dns.peer" in said and "DNS peering shop" in said
    grant(cloud)
    second = cloud.run(resources=resources)
    assert actions(second)[3] == ("apigee_dns_peering", "shop", "created")
    assert second["resources"][3]["resource"]["network_project"] == "acme-shop"
    third = cloud.run(resources=resources)
    assert not third["changed"] and third["requests"]["writes"] == 0
    moved = {**PEERING, "dns_suffix": "new.acme.internal"}
    assert "dns_suffix cannot be changed in place" in cloud.run(fails=True, resources=[moved])["msg"]
    assert cloud.run(resources=[{**moved, "allow_recreate": True}])["resources"][0]["action"] == "recreated"
    removed = cloud.run(resources=[PEERING], state="absent")
    assert actions(removed) == [("apigee_dns_peering", "shop", "deleted")]


def test_a_way_in_without_vpc_peering(cloud: Cloud) -> None:
    cloud.run([SERVICES, NETWORK, SUBNETWORK, UNPEERED])
    service = cloud.producer("shop", "europe-west1", "orders", connectionPreference="ACCEPT_MANUAL")
    wanted = {"kind": "apigee_endpoint_attachment", "name": "orders", "service_attachment": service}
    said = cloud.run([wanted], timeout=10, fails=True)["msg"]
    assert f"{service} has not accepted project acme-shop-tp: add it to its consumerAcceptLists" in said
    where = f"compute/v1/{service}"
    found = cloud.client.send("compute", "GET", where).json()
    accepted = [{"projectIdOrNum": "acme-shop-tp", "connectionLimit": 1}]
    change = {"fingerprint": found["fingerprint"], "consumerAcceptLists": accepted}
    cloud.client.send("compute", "PATCH", where, body=change)
    result = cloud.run([wanted])
    shown = result["resources"][0]["resource"]
    assert not result["changed"] and shown["connection_state"] == "ACCEPTED" and shown["host"].count(".") == 3
    assert actions(cloud.run([wanted], state="absent")) == [("apigee_endpoint_attachment", "orders", "deleted")]


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ([UNPEERED, {**PEERING, "network": None}], "State network. Names alone bring no way to pods"),
        ([HYBRID, PEERING], "manages no name resolution for it"),
        ([HYBRID, INSTANCE], "manages no instance for it"),
    ],
)
def test_what_a_declared_organisation_cannot_have_is_refused_before_it_is_made(
    cloud: Cloud, resources: list[dict[str, t.Any]], said: str
) -> None:
    cloud.run(resources=[SERVICES])
    result = cloud.run(fails=True, resources=[NETWORK, *resources])
    assert said in result["msg"] and "resources" not in result
    assert cloud.run(check=True, resources=[NETWORK])["resources"][0]["action"] == "created"
