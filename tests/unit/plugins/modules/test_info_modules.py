# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading modules: one object by name, all of them, and none; each in the words of the options."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import (
    apigee_dns_peering_info,
    apigee_environment_group_info,
    apigee_environment_info,
    apigee_target_server_info,
    compute_firewall_info,
    compute_subnetwork_info,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import (
    ENVIRONMENT,
    ORG,
    ORGANIZATION,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

COMPUTE = "compute/v1/projects/acme-shop"
NODES = {
    "name": "nodes",
    "network": "https://www.googleapis.com/compute/v1/projects/acme-shop/global/networks/shop-vpc",
    "ipCidrRange": "10.10.0.0/20",
    "secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.20.0.0/16"}],
}
RULE = {"name": "pods", "sourceRanges": ["10.64.0.0/22"], "allowed": [{"IPProtocol": "tcp", "ports": ["8080"]}]}
GROUP = {"name": "shop", "hostnames": ["api.acme.example"], "state": "ACTIVE"}
SERVER = {"name": "orders", "host": "orders.shop.svc.gke.acme.internal", "port": 8080, "isEnabled": True}
SUBNETWORKS, RULES = f"{COMPUTE}/regions/europe-west1/subnetworks", f"{COMPUTE}/global/firewalls"
GROUPS, SERVERS = f"{ORG}/envgroups", f"{ORG}/environments/prod/targetservers"
WIDE = ("ip_cidr_range", "10.10.0.0/20")
REGION, PROD = {"region": "europe-west1"}, {"environment": "prod"}
DOMAINS = (
    "v1/services/servicenetworking.googleapis.com/projects/123456789012/global/networks/shop-vpc/peeredDnsDomains"
)  # fmt: skip

#: Module, its options, service, list, what the list answers (names alone where Apigee has no more), object, a field.
KINDS: list[tuple[t.Any, dict, str, str, t.Any, dict, tuple[str, t.Any]]] = [
    (compute_subnetwork_info, REGION, "compute", SUBNETWORKS, {"items": [NODES]}, NODES, WIDE),
    (compute_firewall_info, {}, "compute", RULES, {"items": [RULE]}, RULE, ("source_ranges", ["10.64.0.0/22"])),
    (apigee_environment_info, {}, "apigee", f"{ORG}/environments", ["prod"], ENVIRONMENT, ("deployment_type", "PROXY")),
    (apigee_environment_group_info, {}, "apigee", GROUPS, {"environmentGroups": [GROUP]}, GROUP, ("state", "ACTIVE")),
    (apigee_target_server_info, PROD, "apigee", SERVERS, ["orders"], SERVER, ("enabled", True)),
]  # fmt: skip
NAMES = [kind[0].__name__.rsplit(".", 1)[-1] for kind in KINDS]


@pytest.mark.parametrize(("module", "options", "service", "path", "listed", "document", "shown"), KINDS, ids=NAMES)
def test_one_all_and_none(
    module: t.Any, options: dict, service: str, path: str, listed: t.Any, document: dict, shown: tuple[str, t.Any]
) -> None:
    script = Script()
    script.expect("GET", service, f"{path}/{document['name']}").replies(document)
    (one,) = script.run(module, name=document["name"], **options)["resources"]
    assert one["name"] == document["name"] and one[shown[0]] == shown[1]
    assert all(one[name] == value for name, value in options.items())

    script = Script()
    script.expect("GET", service, path).replies(listed)
    if isinstance(listed, list):
        script.expect("GET", service, f"{path}/{document['name']}").replies(document)
    assert script.run(module, **options)["resources"] == [one]

    script = Script()
    script.expect("GET", service, f"{path}/gone").refuses(404)
    result = script.run(module, name="gone", **options)
    assert result["resources"] == [] and not result["changed"]


def test_one_that_goes_while_names_are_read_is_left_out() -> None:
    script = Script()
    script.expect("GET", "apigee", SERVERS).replies(["going", "orders"])
    script.expect("GET", "apigee", f"{SERVERS}/going").refuses(404)
    script.expect("GET", "apigee", f"{SERVERS}/orders").replies(SERVER)
    assert [one["name"] for one in script.run(apigee_target_server_info, **PROD)["resources"]] == ["orders"]


@pytest.mark.parametrize(("name", "found"), [(None, ["a", "b"]), ("b", ["b"]), ("c", [])])
def test_peered_domains_of_the_organizations_network(name: str | None, found: list[str]) -> None:
    script = Script()
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    script.expect("GET", "cloudresourcemanager", "v3/projects/acme-shop").replies({"name": "projects/123456789012"})
    domains = [{"name": one, "dnsSuffix": f"{one}.internal."} for one in ("a", "b")]
    script.expect("GET", "servicenetworking", DOMAINS).replies({"peeredDnsDomains": domains})
    resources = script.run(apigee_dns_peering_info, **({"name": name} if name else {}))["resources"]
    assert [one["name"] for one in resources] == found
    assert all((one["dns_suffix"], one["network"]) == (f"{one['name']}.internal.", "shop-vpc") for one in resources)


@pytest.mark.parametrize(("name", "found"), [(None, ["a", "b"]), ("b", ["b"]), ("c", [])])
def test_zones_of_an_organization_without_vpc_peering(name: str | None, found: list[str]) -> None:
    script = Script()
    script.expect("GET", "apigee", ORG).replies({"name": "acme-shop", "disableVpcPeering": True})
    target = {"targetProjectId": "host", "targetNetworkId": "shop-vpc"}
    listed = [
        {"name": f"organizations/acme-shop/dnsZones/{one}", "domain": f"{one}.internal.", "peeringConfig": target}
        for one in ("a", "b")
    ]
    script.expect("GET", "apigee", f"{ORG}/dnsZones").replies({"dnsZones": listed[:1], "nextPageToken": "1"})
    query = {"pageToken": "1"}
    script.expect("GET", "apigee", f"{ORG}/dnsZones", query=query).replies({"dnsZones": listed[1:]})
    resources = script.run(apigee_dns_peering_info, **({"name": name} if name else {}))["resources"]
    assert [one["name"] for one in resources] == found
    assert {one["network_project"] for one in resources} <= {"host"}
    assert {one["mechanism"] for one in resources} <= {"dns_zone"}
