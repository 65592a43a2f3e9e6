# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes Engine's rules, above all what DNS modes a cluster can have."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.testbed.google.conftest import COMPUTE, CONTAINER, DNS, NUMBER, PROJECT, Google

C = "container.projects.locations.clusters"
CLUSTERS = f"{CONTAINER}/clusters"
SHOP = f"{CLUSTERS}/shop"
VPC = {"clusterDns": "CLOUD_DNS", "clusterDnsScope": "VPC_SCOPE", "clusterDnsDomain": "gke.acme.internal"}
ADDITIVE = {
    "clusterDns": "CLOUD_DNS", "clusterDnsScope": "CLUSTER_SCOPE", "additiveVpcScopeDnsDomain": "pods.acme.internal",
}  # fmt: skip
AUTOPILOT = {"autopilot": {"enabled": True}, "nodePools": None}


def dns(**config: str) -> dict[str, Any]:
    return {"networkConfig": {"dnsConfig": config}}


async def made(google: Google, **fields: Any) -> dict[str, Any]:
    await google.ready()
    await google.do("POST", CLUSTERS, google.cluster(**fields))
    return await google.call("GET", SHOP)


async def updated(google: Google, **desired: Any) -> dict[str, Any]:
    await google.do("PUT", SHOP, {"update": desired})
    return await google.call("GET", SHOP)


@pytest.mark.shows(f"{C}.create", "requires cluster.name", "autopilot xor nodePools, nodePools xor initialNodeCount")
@pytest.mark.shows(f"{C}.create", "network and subnetwork exist, secondary ranges exist or are made")
@pytest.mark.parametrize(
    "fields",
    [
        {"name": None},
        {"name": "a" * 41},
        {"nodePools": None},
        {"initialNodeCount": 1},
        {"autopilot": {"enabled": True}},
        {"nodePools": [{"name": "main"}]},
        {"nodePools": [{"name": "a", "initialNodeCount": 1}, {"name": "a", "initialNodeCount": 1}]},
        {"network": "none"},
        {"subnetwork": "none"},
        {"subnetwork": None},
        {"ipAllocationPolicy": {"clusterSecondaryRangeName": "none"}},
        {"ipAllocationPolicy": {"clusterSecondaryRangeName": "pods", "clusterIpv4CidrBlock": "/16"}},
        {"ipAllocationPolicy": {"clusterIpv4CidrBlock": "10.10.0.0/16"}},
        {"workloadIdentityConfig": {"workloadPool": "other.svc.id.goog"}},
        {"privateClusterConfig": {"enablePrivateEndpoint": True}},
    ],
)
async def test_clusters_that_are_refused(google: Google, fields: dict[str, Any]) -> None:
    await google.ready()
    assert (await google.refused("POST", CLUSTERS, google.cluster(**fields)))["code"] == 400
    assert google.world.clusters == {}


@pytest.mark.shows(f"{C}.create", "refuses projectId", "refuses zone", "refuses clusterId")
async def test_deprecated_fields_are_refused(google: Google) -> None:
    await google.ready()
    for extra in ({"projectId": PROJECT}, {"zone": "europe-west1"}):
        error = await google.refused("POST", CLUSTERS, {**google.cluster(), **extra})
        assert "deprecated" in error["message"]


@pytest.mark.shows(f"{C}.create", "dnsConfig: VPC scope not on Autopilot, domain unique in the VPC and not .local")
@pytest.mark.parametrize(
    "fields",
    [
        dns(**{**VPC, "clusterDnsDomain": "shop.local"}),
        dns(**{**VPC, "clusterDnsDomain": "Not a domain"}),
        dns(**{**VPC, "clusterDns": "KUBE_DNS"}),
        dns(**{**VPC, "clusterDnsScope": "CLUSTER_SCOPE"}),
        dns(**{**ADDITIVE, "clusterDnsScope": "VPC_SCOPE"}),
        dns(**{**ADDITIVE, "clusterDns": "PLATFORM_DEFAULT"}),
        {**AUTOPILOT, **dns(**VPC)},
        {**AUTOPILOT, **dns(clusterDns="KUBE_DNS")},
    ],
)
async def test_dns_modes_that_are_refused(google: Google, fields: dict[str, Any]) -> None:
    await google.ready()
    assert (await google.refused("POST", CLUSTERS, google.cluster(**fields)))["code"] == 400


@pytest.mark.shows(f"{C}.create", f"{C}.get")
async def test_a_cluster_is_answered_with_googles_defaults(google: Google) -> None:
    cluster = await made(google)
    assert cluster["status"] == "RUNNING"
    assert cluster["endpoint"] == "127.0.0.10"
    assert base64.b64decode(cluster["masterAuth"]["clusterCaCertificate"]).startswith(b"-----BEGIN CERTIFICATE")
    assert cluster["autopilot"] == {} and cluster["addonsConfig"]["httpLoadBalancing"] == {}
    assert (cluster["network"], cluster["subnetwork"]) == ("shop", "nodes")
    assert cluster["selfLink"].endswith(f"/projects/{NUMBER}/locations/europe-west1/clusters/shop")
    assert (cluster["clusterIpv4Cidr"], cluster["servicesIpv4Cidr"]) == ("10.20.0.0/16", "10.30.0.0/20")
    [pool] = cluster["nodePools"]
    assert (pool["config"]["machineType"], pool["config"]["imageType"]) == ("e2-standard-2", "COS_CONTAINERD")
    assert pool["maxPodsConstraint"] == {"maxPodsPerNode": "110"}
    assert cluster["currentNodeCount"] == 3, "three zones of the region"


@pytest.mark.shows(f"{C}.create", "network and subnetwork exist, secondary ranges exist or are made")
async def test_ranges_are_made_and_taken_away(google: Google) -> None:
    cluster = await made(google, ipAllocationPolicy={"servicesSecondaryRangeName": "services"})
    subnet = await google.call("GET", f"{COMPUTE}/regions/europe-west1/subnetworks/nodes")
    names = [r["rangeName"] for r in subnet["secondaryIpRanges"]]
    assert cluster["ipAllocationPolicy"]["clusterSecondaryRangeName"] == names[-1]
    assert names[-1].startswith("gke-shop-pods-")
    await google.do("DELETE", SHOP)
    subnet = await google.call("GET", f"{COMPUTE}/regions/europe-west1/subnetworks/nodes")
    assert [r["rangeName"] for r in subnet["secondaryIpRanges"]] == ["pods", "services"]


@pytest.mark.shows(f"{C}.create", "the domain is unique within the VPC")
async def test_a_domain_belongs_to_one_cluster_of_a_network(google: Google) -> None:
    await made(google)
    other = google.cluster(name="second", ipAllocationPolicy={"useIpAliases": True})
    assert "unique" in (await google.refused("POST", CLUSTERS, other))["message"]
    await google.do("POST", CLUSTERS, google.cluster(name="second", ipAllocationPolicy={}, networkConfig=None))
    numbers = {c.name: c.number for c in google.world.clusters.values()}
    assert numbers == {"shop": 0, "second": 1}


@pytest.mark.shows(f"{C}.create", "a foreign response policy stops VPC scope")
@pytest.mark.shows("dns.responsePolicies.create", "dns.responsePolicies.list", "dns.responsePolicies.delete")
async def test_a_foreign_response_policy_stops_vpc_scope(google: Google) -> None:
    await google.ready()
    link = "https://www.googleapis.com/compute/v1/projects/acme-shop/global/networks/shop"
    policy = {"responsePolicyName": "restricted", "networks": [{"networkUrl": link}]}
    await google.call("POST", f"{DNS}/responsePolicies", policy)
    assert len((await google.call("GET", f"{DNS}/responsePolicies"))["responsePolicies"]) == 1
    assert "restricted" in (await google.refused("POST", CLUSTERS, google.cluster()))["message"]
    await google.raw("DELETE", f"{DNS}/responsePolicies/restricted")
    await google.do("POST", CLUSTERS, google.cluster())


@pytest.mark.shows(f"{C}.update", "DNS scope cannot be toggled; Autopilot keeps its DNS config")
async def test_dns_scope_cannot_be_toggled(google: Google) -> None:
    await made(google)
    for change in (
        {"clusterDns": "CLOUD_DNS", "clusterDnsScope": "CLUSTER_SCOPE", "clusterDnsDomain": ""},
        {"clusterDns": "CLOUD_DNS", "clusterDnsScope": "VPC_SCOPE", "clusterDnsDomain": "new.acme.internal"},
        {"clusterDns": "KUBE_DNS", "clusterDnsScope": "DNS_SCOPE_UNSPECIFIED"},
    ):
        error = await google.refused("PUT", SHOP, {"update": {"desiredDnsConfig": change}})
        assert (error["code"], error["message"]) == (400, "Cluster DNS Scope cannot be toggled")


@pytest.mark.shows(f"{C}.update", "DNS scope cannot be toggled; Autopilot keeps its DNS config")
async def test_a_kube_dns_cluster_can_move_to_cloud_dns(google: Google) -> None:
    await made(google, networkConfig=None)
    cluster = await updated(google, desiredDnsConfig=VPC)
    assert cluster["networkConfig"]["dnsConfig"] == VPC
    assert google.world.clusters[(PROJECT, "europe-west1", "shop")].dns_scope == "VPC_SCOPE"
    zones = (await google.call("GET", f"{DNS}/managedZones?dnsName=gke.acme.internal."))["managedZones"]
    assert len(zones) == 1


@pytest.mark.shows(f"{C}.update", "additive domain comes and goes on Standard")
async def test_the_additive_domain_comes_and_goes_on_standard(google: Google) -> None:
    await made(google, **dns(clusterDns="CLOUD_DNS", clusterDnsScope="CLUSTER_SCOPE"))
    cluster = await updated(google, desiredDnsConfig={"additiveVpcScopeDnsDomain": "pods.acme.internal"})
    assert cluster["networkConfig"]["dnsConfig"] == ADDITIVE
    assert google.world.clusters[(PROJECT, "europe-west1", "shop")].additive_domain == "pods.acme.internal"
    assert len((await google.call("GET", f"{DNS}/managedZones"))["managedZones"]) == 1
    cluster = await updated(google, desiredDnsConfig={"additiveVpcScopeDnsDomain": ""})
    assert "additiveVpcScopeDnsDomain" not in cluster["networkConfig"]["dnsConfig"]
    assert (await google.call("GET", f"{DNS}/managedZones"))["managedZones"] == []


@pytest.mark.shows(f"{C}.update", "DNS scope cannot be toggled; Autopilot keeps its DNS config")
async def test_autopilot_has_its_additive_domain_from_birth(google: Google) -> None:
    cluster = await made(google, **AUTOPILOT, **dns(additiveVpcScopeDnsDomain="pods.acme.internal"))
    assert cluster["networkConfig"]["dnsConfig"] == ADDITIVE
    assert cluster["autopilot"] == {"enabled": True} and "nodePools" not in cluster
    for value in ("", "other.acme.internal"):
        body = {"update": {"desiredDnsConfig": {"additiveVpcScopeDnsDomain": value}}}
        assert (await google.refused("PUT", SHOP, body))["code"] == 400
    pool = {"nodePool": {"name": "x", "initialNodeCount": 1}}
    assert (await google.refused("POST", f"{SHOP}/nodePools", pool))["code"] == 400


@pytest.mark.shows(f"{C}.update", "one desired field for each update; nothing to change is refused")
@pytest.mark.shows(f"{C}.update", "requires update", "refuses projectId", "etag must be the current one (409 ABORTED)")
async def test_updates_that_are_refused(google: Google) -> None:
    cluster = await made(google)
    addons = {"httpLoadBalancing": {"disabled": True}}
    channel = {"channel": "RAPID"}
    for body in (
        {},
        {"update": {}},
        {"update": {"desiredAddonsConfig": addons, "desiredReleaseChannel": channel}},
        {"update": {"desiredReleaseChannel": {"channel": "REGULAR"}}},
        {"update": {"desiredMasterVersion": "1.2.3"}},
        {"update": {"desiredReleaseChannel": channel}, "projectId": PROJECT},
    ):
        assert (await google.refused("PUT", SHOP, body))["code"] == 400, body
    stale = {"update": {"desiredReleaseChannel": channel, "etag": "old"}}
    error = await google.refused("PUT", SHOP, stale)
    assert (error["code"], error["status"]) == (409, "ABORTED")
    assert (await google.refused("PUT", SHOP, {"update": {"desiredFleet": {"project": "x"}}}))["code"] == 501
    after = await updated(google, desiredReleaseChannel=channel, etag=cluster["etag"])
    assert after["releaseChannel"] == channel and after["etag"] != cluster["etag"]


@pytest.mark.shows(f"{C}.setResourceLabels", "needs the current labelFingerprint (412 otherwise)")
async def test_labels_need_their_fingerprint(google: Google) -> None:
    cluster = await made(google)
    body = {"resourceLabels": {"team": "shop"}, "labelFingerprint": "00000000"}
    assert (await google.refused("POST", f"{SHOP}:setResourceLabels", body))["code"] == 412
    operation = await google.do(
        "POST", f"{SHOP}:setResourceLabels", {**body, "labelFingerprint": cluster["labelFingerprint"]}
    )
    assert operation["operationType"] == "UPDATE_CLUSTER"
    assert (await google.call("GET", SHOP))["resourceLabels"] == {"team": "shop"}


@pytest.mark.shows(f"{C}.create", f"{C}.delete", "one operation on a cluster at a time")
@pytest.mark.shows("container.projects.locations.operations.list", "container.projects.locations.operations.get")
async def test_one_operation_at_a_time(google: Google) -> None:
    await google.ready()
    google.world.delay["start_cluster"] = 0.3
    operation = await google.call("POST", CLUSTERS, google.cluster())
    assert operation["name"].startswith("operation-") and "/" not in operation["name"]
    assert (await google.call("GET", SHOP))["status"] == "PROVISIONING"
    error = await google.refused("PUT", SHOP, {"update": {"desiredReleaseChannel": {"channel": "RAPID"}}})
    assert (error["code"], error["status"]) == (400, "FAILED_PRECONDITION")
    assert error["message"] == f"Cluster is running incompatible operation {operation['name']}."
    assert (await google.refused("DELETE", SHOP))["code"] == 400
    assert (await google.refused("POST", CLUSTERS, google.cluster()))["code"] == 409
    listed = (await google.call("GET", f"{CONTAINER}/operations"))["operations"]
    assert [(o["name"], o["status"]) for o in listed] == [(operation["name"], "RUNNING")]
    assert (await google.done(operation))["status"] == "DONE"
    await google.do("DELETE", SHOP)
    assert (await google.refused("GET", SHOP))["code"] == 404


@pytest.mark.shows(f"{C}.create", "a failed create ends in ERROR and is deleted by GKE")
async def test_a_cluster_that_cannot_start_goes_away(google: Google) -> None:
    await google.ready()
    before = await google.call("GET", "_testbed/state")
    google.world.fail["start_cluster"] = "kubelet did not become ready"
    google.world.delay["stop_cluster"] = 0.3
    operation = await google.done(await google.call("POST", CLUSTERS, google.cluster()))
    assert operation["error"]["code"] == 13
    assert "kubelet did not become ready" in operation["error"]["message"]
    assert (await google.call("GET", SHOP))["status"] == "ERROR"
    await google.emulator.operations.idle()
    assert (await google.refused("GET", SHOP))["code"] == 404
    assert (await google.call("GET", "_testbed/state"))["digest"] == before["digest"]


P = f"{C}.nodePools"


@pytest.mark.shows(f"{P}.create", "requires nodePool.name", "not on Autopilot; a count or autoscaling is needed")
@pytest.mark.shows(f"{P}.update", "one group of fields for each update; nothing to change is refused")
@pytest.mark.shows(f"{P}.get", f"{P}.list", f"{P}.delete", f"{P}.setSize", f"{P}.setAutoscaling", f"{P}.setManagement")
async def test_node_pools(google: Google) -> None:
    await made(google)
    pools = f"{SHOP}/nodePools"
    for wrong in ({"name": "x"}, {"initialNodeCount": 1}, {"name": "X", "initialNodeCount": 1}):
        assert (await google.refused("POST", pools, {"nodePool": wrong}))["code"] == 400
    operation = await google.do("POST", pools, {"nodePool": {"name": "more", "initialNodeCount": 1}})
    assert operation["operationType"] == "CREATE_NODE_POOL"
    assert (await google.refused("POST", pools, {"nodePool": {"name": "more", "initialNodeCount": 1}}))["code"] == 409
    assert [p["name"] for p in (await google.call("GET", pools))["nodePools"]] == ["main", "more"]
    labels = {"labels": {"labels": {"a": "b"}}}
    operation = await google.do("PUT", f"{pools}/more", labels)
    assert operation["operationType"] == "UPGRADE_NODES"
    assert (await google.refused("PUT", f"{pools}/more", labels))["code"] == 400
    assert await google.refused("PUT", f"{pools}/more", {"machineType": "e2-small", **labels, "locations": []})
    await google.do("PUT", f"{pools}/more", {"machineType": "e2-standard-4", "diskSizeGb": "50"})
    await google.do("POST", f"{pools}/more:setSize", {"nodeCount": 2})
    scaling = {"enabled": True, "minNodeCount": 1, "maxNodeCount": 3}
    await google.do("POST", f"{pools}/more:setAutoscaling", {"autoscaling": scaling})
    await google.do("POST", f"{pools}/more:setManagement", {"management": {"autoRepair": True}})
    pool = await google.call("GET", f"{pools}/more")
    assert (pool["config"]["machineType"], pool["config"]["diskSizeGb"]) == ("e2-standard-4", 50)
    assert (pool["initialNodeCount"], pool["autoscaling"], pool["management"]) == (2, scaling, {"autoRepair": True})
    await google.do("PUT", f"{pools}/more", {"tags": {"tags": ["api"]}})
    (running,) = google.world.clusters.values()
    assert "api" in running.tags, "rules that aim at a pool's own tag reach the testbed's one node"
    await google.do("DELETE", f"{pools}/more")
    assert (await google.refused("GET", f"{pools}/more"))["code"] == 404


async def test_errors_have_the_format_that_was_asked_for(google: Google) -> None:
    await google.enable()
    paths = (f"{SHOP}", "apigee/v1/organizations/none", "compute/compute/v1/projects/acme-shop/global/networks/none")
    for path in paths:
        first = await google.refused("GET", f"{path}?$.xgafv=1")
        assert set(first) == {"code", "message", "errors"}, path
    for path in paths[:2]:
        second = await google.refused("GET", f"{path}?$.xgafv=2")
        assert "status" in second and "errors" not in second, path


@pytest.mark.shows(f"{C}.list", "container.projects.locations.getServerConfig")
@pytest.mark.shows(
    "container.projects.aggregated.usableSubnetworks.list", "container.projects.locations.operations.cancel"
)
async def test_lists_and_configuration(google: Google) -> None:
    await made(google)
    everywhere = f"container/v1/projects/{PROJECT}/locations/-/clusters"
    assert [c["name"] for c in (await google.call("GET", everywhere))["clusters"]] == ["shop"]
    assert await google.call("GET", everywhere.replace("/-/", "/us-central1/")) == {}
    assert (await google.refused("GET", everywhere.replace("/-/", "/europe-west99/")))["code"] == 400
    versions = await google.call("GET", f"{CONTAINER}/serverConfig")
    assert versions["defaultClusterVersion"].startswith("1.36.")
    usable = await google.call("GET", f"container/v1/projects/{PROJECT}/aggregated/usableSubnetworks")
    assert usable["subnetworks"][0]["subnetwork"] == f"projects/{PROJECT}/regions/europe-west1/subnetworks/nodes"
    error = await google.refused("POST", f"{CONTAINER}/operations/operation-1:cancel", {})
    assert error["status"] == "FAILED_PRECONDITION"


@pytest.mark.shows(f"{C}.create", "GKE's own firewall rules admit the pod and node ranges only")
async def test_gkes_firewall_rules_admit_only_the_cluster(google: Google) -> None:
    await made(google)
    rules = (await google.call("GET", f"{COMPUTE}/global/firewalls"))["items"]
    assert {tuple(r["sourceRanges"]) for r in rules} == {("10.20.0.0/16",), ("10.10.0.0/20",)}
    assert all(r["name"].startswith("gke-shop-") for r in rules)
    [cluster] = google.world.clusters.values()
    assert all(r["targetTags"] == list(cluster.tags) for r in rules)


_CALICO = {"networkPolicy": {"enabled": True}, "addonsConfig": {"networkPolicyConfig": {"disabled": False}}}


@pytest.mark.shows(f"{C}.create", "NetworkPolicies have an effect with Dataplane V2 or the add-on only")
@pytest.mark.parametrize(("fields", "enforced"), [
    ({}, "none"),
    (_CALICO, "calico"),
    ({"networkConfig": {"datapathProvider": "ADVANCED_DATAPATH"}}, "dataplane_v2"),
    ({**AUTOPILOT, "networkConfig": None}, "dataplane_v2"),
])  # fmt: skip
async def test_what_enforces_network_policies(google: Google, fields: dict[str, Any], enforced: str) -> None:
    await made(google, **fields)
    [cluster] = google.world.clusters.values()
    assert cluster.network_policy == enforced


@pytest.mark.shows(f"{C}.create", "networkPolicy needs its add-on and excludes Dataplane V2")
@pytest.mark.parametrize(("fields", "reason"), [
    ({"networkPolicy": {"enabled": True}}, "addon"),
    ({**_CALICO, "networkConfig": {"datapathProvider": "ADVANCED_DATAPATH"}}, "ADVANCED_DATAPATH"),
    ({**_CALICO, **AUTOPILOT, "networkConfig": None}, "ADVANCED_DATAPATH"),
])  # fmt: skip
async def test_network_policy_settings_that_are_refused(google: Google, fields: dict[str, Any], reason: str) -> None:
    await google.ready()
    assert reason in (await google.refused("POST", CLUSTERS, google.cluster(**fields)))["message"]
    assert google.world.clusters == {}
