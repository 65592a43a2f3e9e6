# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A declaration beside what exists: what can no longer be, and what harms others."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import (
    clusters,
    derive,
    live,
    rules,
    shape,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._declaration.declarations import (
    SHOP,
    site_of,
)

PROJECT = {"name": "projects/123456789012", "state": "ACTIVE"}


def found(**documents: object) -> list[str]:
    declaration = {**SHOP, "clusters": {"shop": {"dns": documents.pop("dns", "vpc_scope")}}}
    if documents.pop("autopilot", False):
        declaration["clusters"]["shop"]["mode"] = "autopilot"
    return [problem.as_text() for problem in live.check(site_of(declaration), {"project": PROJECT, **documents})]


def cluster(dns: dict, **more: object) -> dict:
    document = {
        "name": "shop",
        "location": "europe-west1",
        "network": "shop-vpc",
        "subnetwork": "shop-vpc-shop",
        "networkConfig": {"dnsConfig": dns},
        "ipAllocationPolicy": {"useIpAliases": True, "clusterIpv4CidrBlock": "10.68.0.0/16"},
    }
    return {"clusters": [{**document, **more}]}


CLUSTER_SCOPE = {"clusterDns": "CLOUD_DNS", "clusterDnsScope": "CLUSTER_SCOPE"}
PUBLIC = {"useIpAliases": True, "clusterIpv4CidrBlock": "34.118.0.0/17"}
VPC_SCOPE = {"clusterDns": "CLOUD_DNS", "clusterDnsScope": "VPC_SCOPE", "clusterDnsDomain": "shop.acme-shop.internal"}


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ({"project": None}, "does not exist, or these credentials may not see it"),
        ({"project": {**PROJECT, "state": "DELETE_REQUESTED"}}, "is not active"),
        ({"organization": {"name": "acme-shop", "disableVpcPeering": True}}, "is not VPC-peered"),
        ({"organization": {"name": "acme-shop", "runtimeType": "HYBRID"}}, "is a hybrid one"),
        ({"organization": {"name": "acme-shop", "authorizedNetwork": "other"}}, "Set network: other"),
        ({"organization": {"name": "acme-shop", "projectId": "other-team"}}, "belongs to another project"),
        ({"clusters": cluster(CLUSTER_SCOPE)}, "Write dns: additive"),
        ({"clusters": cluster(VPC_SCOPE), "dns": "additive"}, "Write dns: vpc_scope"),
        ({"clusters": cluster({**VPC_SCOPE, "clusterDnsDomain": "x.y"})}, "suffix: x.y"),
        ({"clusters": cluster({}, autopilot={"enabled": True})}, "kind of a cluster cannot be changed"),
        ({"clusters": cluster({}, autopilot={"enabled": True}), "autopilot": True, "dns": "additive"}, "chosen when"),
        ({"clusters": cluster(VPC_SCOPE, network="other")}, "exists in another network"),
        ({"clusters": cluster(VPC_SCOPE, ipAllocationPolicy={})}, "is not VPC-native"),
        ({"clusters": cluster(VPC_SCOPE, ipAllocationPolicy=PUBLIC)}, "addresses of a public range"),
        ({"clusters": cluster(VPC_SCOPE, subnetwork="default")}, "subnet default, and shop-vpc-shop follows"),
        ({"clusters": cluster(VPC_SCOPE, name="old")}, "the suffix is used by cluster old (europe-west1)"),
        ({"clusters": cluster(VPC_SCOPE, location="us-east1")}, "the suffix is used by cluster shop (us-east1)"),
        ({"subnets europe-west1": [{"name": "a", "ipCidrRange": "10.68.0.0/24"}]}, "ranges.pods: overlaps"),
        ({"subnets europe-west1": [{"name": "a", "ipCidrRange": "10.64.8.0/24"}]}, "peering_range: overlaps"),
        (
            {"peered_domains": [{"name": "apigee-gke-shop", "dnsSuffix": "old.acme.internal."}]},
            "suffix: old.acme.internal; or remove it",
        ),
        ({"addresses": [{"name": "a", "address": "10.64.0.0", "prefixLength": 16}]}, "range a that is reserved"),
        (
            {
                "response_policies": [
                    {"responsePolicyName": "mine", "networks": [{"networkUrl": "x/networks/shop-vpc"}]}
                ]
            },
            "response policy mine is bound",
        ),
        (
            {
                "routing prod": {
                    "routingRules": [{"basepath": "/orders", "receiver": "organizations/a/apis/old/revisions/1"}]
                }
            },
            "served by proxy old",
        ),
    ],
)
def test_what_exists_is_respected(documents: dict, says: str) -> None:
    texts = found(**documents)
    assert len(texts) == 1, texts
    assert says in " ".join(texts[0].split())


def test_what_exists_and_fits_is_no_problem() -> None:
    own = {"routingRules": [{"basepath": "/orders", "receiver": "organizations/a/apis/orders/revisions/1"}]}
    policy = {"responsePolicyName": "gke-shop-1234", "networks": [{"networkUrl": "x/networks/shop-vpc"}]}
    organization = {"name": "acme-shop", "authorizedNetwork": "projects/123456789012/global/networks/shop-vpc"}
    documents = {
        "organization": organization,
        "clusters": cluster(VPC_SCOPE),
        "response_policies": [policy],
        "peered_domains": [{"name": "apigee-gke-shop", "dnsSuffix": "shop.acme-shop.internal."}],
        "routing prod": own,
    }
    assert found(**documents) == []


@pytest.mark.parametrize(
    ("there", "wrong"),
    [(None, ["legacy", "stock"]), ([], ["legacy", "stock"]), (["legacy"], ["stock"]), (["legacy", "stock"], [])],
)
def test_a_bundle_calls_what_is_declared_or_there(there: list[str] | None, wrong: list[str]) -> None:
    bundle = rules.Bundle(["/v1"], ["legacy", "orders", "stock"], [])
    proxy = {"name": "mine", "bundle": "./mine", "service": "orders"}
    read, _wrong = shape.read({**SHOP, "proxies": [proxy]})
    site, _problems = derive.derive(read, inspect=lambda path: bundle)
    assert live.undeclared_servers(site) == [("prod", "legacy"), ("prod", "stock")]
    problems = live.check(site, {"project": PROJECT, "target_servers prod": there})
    assert [problem.path for problem in problems] == ["proxies[mine].bundle"] * len(wrong)
    assert [name for name in ("legacy", "stock") if any(name in problem.message for problem in problems)] == wrong


def test_a_kube_dns_cluster_can_still_be_given_a_scope() -> None:
    assert found(clusters=cluster({"clusterDns": "KUBE_DNS"})) == []


NETWORK_POLICY = {"networkPolicy": {"enabled": True}}
DATAPLANE_V2 = {"networkConfig": {"datapathProvider": "ADVANCED_DATAPATH"}}


@pytest.mark.parametrize(
    ("live_cluster", "enforces"),
    [({}, False), (NETWORK_POLICY, True), (DATAPLANE_V2, True), ({"autopilot": {"enabled": True}}, True)],
)
def test_policies_that_a_cluster_does_not_keep_are_warned_of(live_cluster: dict, enforces: bool) -> None:
    listed = {"clusters": [{"name": "shop", "location": "europe-west1", **live_cluster}]}
    said = clusters.unenforced(site_of(SHOP), listed)
    assert (said == []) == enforces
    assert enforces or "clusters.shop does not enforce NetworkPolicies" in said[0]
    open_site = site_of({**SHOP, "tls": {"network_policy": False}})
    assert clusters.unenforced(open_site, listed) == []
    assert clusters.unenforced(site_of(SHOP), {"clusters": [{**listed["clusters"][0], "name": "other"}]}) == []


def channels(**versions: str) -> dict:
    """GKE's server configuration of the region."""
    named = [{"channel": name.upper(), "defaultVersion": version} for name, version in versions.items()]
    return {"europe-west1": {"channels": named}}


@pytest.mark.parametrize(
    ("stated", "configurations", "modes"),
    [
        ({}, channels(regular="1.36.2-gke.1", stable="1.35.4-gke.1"), {"shop": "policy"}),
        ({"release_channel": "stable"}, channels(regular="1.36.2-gke.1", stable="1.35.4-gke.1"), {"shop": "webhook"}),
        ({"release_channel": "rapid"}, channels(rapid="2.0.1-gke.1"), {"shop": "policy"}),
        ({"release_channel": "extended"}, channels(regular="1.36.2-gke.1"), {}),
        ({}, {}, {}),
    ],
)
def test_a_preview_knows_who_will_add_sidecars_where_gke_tells(stated: dict, configurations: dict, modes: dict) -> None:
    site = site_of({**SHOP, "clusters": {"shop": stated}})
    assert clusters.expected_modes(site, None, configurations) == modes
    # One that is there is asked itself, and a mode that is stated needs no asking.
    there = {"clusters": [{"name": "shop", "location": "europe-west1"}]}
    assert clusters.expected_modes(site, there, configurations) == {}
    chosen = site_of({**SHOP, "clusters": {"shop": stated}, "tls": {"mode": "webhook"}})
    assert clusters.expected_modes(chosen, None, configurations) == {}
