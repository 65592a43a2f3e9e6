# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute Engine's rules."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from tests.testbed.google.conftest import COMPUTE, CONTAINER, NUMBER, PROJECT, Google

SUBNETS = f"{COMPUTE}/regions/europe-west1/subnetworks"
FIREWALLS = f"{COMPUTE}/global/firewalls"
ADDRESSES = f"{COMPUTE}/global/addresses"
NETWORKS = f"{COMPUTE}/global/networks"
LINK = "https://www.googleapis.com/compute/v1/projects/acme-shop"
RULE = {"name": "r", "network": "global/networks/shop", "allowed": [{"IPProtocol": "tcp", "ports": ["80"]}]}


@pytest.mark.shows("compute.networks.insert", "requires name", "autoCreateSubnetworks must be sent")
@pytest.mark.parametrize(
    "body",
    [
        {"autoCreateSubnetworks": False},
        {"name": "Shop", "autoCreateSubnetworks": False},
        {"name": "shop"},
        {"name": "shop", "autoCreateSubnetworks": False, "mtu": 100},
    ],
)
async def test_networks_that_are_refused(google: Google, body: dict[str, Any]) -> None:
    await google.enable()
    assert (await google.refused("POST", NETWORKS, body))["code"] == 400


@pytest.mark.shows("compute.networks.insert", "compute.networks.get", "compute.networks.list")
async def test_a_network_is_answered_with_full_links_and_explicit_false(google: Google) -> None:
    await google.enable()
    operation = await google.call("POST", NETWORKS, {"name": "shop", "autoCreateSubnetworks": False})
    assert operation["kind"] == "compute#operation" and operation["status"] == "RUNNING"
    assert operation["targetLink"] == f"{LINK}/global/networks/shop"
    await google.done(operation)
    network = await google.call("GET", f"{NETWORKS}/shop")
    assert network["autoCreateSubnetworks"] is False
    assert network["routingConfig"]["routingMode"] == "REGIONAL"
    assert network["id"].isdigit() and "subnetworks" not in network
    again = await google.refused("POST", NETWORKS, {"name": "shop", "autoCreateSubnetworks": False})
    assert (again["code"], again["errors"][0]["reason"]) == (409, "alreadyExists")
    listed = await google.call("GET", f"{NETWORKS}?filter=name%3Dshop")
    assert [n["name"] for n in listed["items"]] == ["shop"]
    assert "items" not in await google.call("GET", f"{NETWORKS}?filter=name%3Dother")


@pytest.mark.shows("compute.networks.patch", "cannot change name, description, autoCreateSubnetworks, mtu")
async def test_a_network_changes_its_routing_only(google: Google) -> None:
    await google.enable()
    await google.network()
    await google.do("PATCH", f"{NETWORKS}/shop", {"routingConfig": {"routingMode": "GLOBAL"}})
    assert (await google.call("GET", f"{NETWORKS}/shop"))["routingConfig"]["routingMode"] == "GLOBAL"
    assert (await google.refused("PATCH", f"{NETWORKS}/shop", {"mtu": 1500}))["code"] == 400


@pytest.mark.shows("compute.networks.delete", "refused while in use")
async def test_a_used_network_stays(google: Google) -> None:
    await google.ready()
    error = await google.refused("DELETE", f"{NETWORKS}/shop")
    assert error["errors"][0]["reason"] == "resourceInUseByAnotherResource"
    await google.do("DELETE", f"{SUBNETS}/nodes")
    await google.do("DELETE", f"{NETWORKS}/shop")
    assert (await google.refused("GET", f"{NETWORKS}/shop"))["code"] == 404


@pytest.mark.shows("compute.subnetworks.insert", "ranges do not overlap inside the network")
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"network": None}, 400),
        ({"network": "global/networks/none"}, 404),
        ({"network": "shop"}, 400),
        ({"ipCidrRange": None}, 400),
        ({"ipCidrRange": "10.40.0.1/20"}, 400),
        ({"ipCidrRange": "10.10.8.0/24"}, 400),
        ({"ipCidrRange": "10.20.8.0/24"}, 400),
        ({"secondaryIpRanges": [{"rangeName": "p", "ipCidrRange": "10.40.1.0/24"}]}, 400),
        ({"secondaryIpRanges": [{"ipCidrRange": "10.50.0.0/24"}]}, 400),
        ({"name": "nodes"}, 409),
    ],
)
async def test_subnetworks_that_are_refused(google: Google, fields: dict[str, Any], code: int) -> None:
    await google.ready()
    body = {"name": "second", "network": "global/networks/shop", "ipCidrRange": "10.40.0.0/20", **fields}
    body = {k: v for k, v in body.items() if v is not None}
    assert (await google.refused("POST", SUBNETS, body))["code"] == code


@pytest.mark.shows("compute.subnetworks.patch", "needs the current fingerprint (412 otherwise)")
async def test_secondary_ranges_need_the_fingerprint(google: Google) -> None:
    await google.ready()
    subnet = await google.call("GET", f"{SUBNETS}/nodes")
    ranges = [*subnet["secondaryIpRanges"], {"rangeName": "more", "ipCidrRange": "10.60.0.0/20"}]
    assert (await google.refused("PATCH", f"{SUBNETS}/nodes", {"secondaryIpRanges": ranges}))["code"] == 400
    body = {"secondaryIpRanges": ranges, "fingerprint": "AAAAAAAAAAA="}
    error = await google.refused("PATCH", f"{SUBNETS}/nodes", body)
    assert (error["code"], error["errors"][0]["reason"]) == (412, "conditionNotMet")
    await google.do("PATCH", f"{SUBNETS}/nodes", {**body, "fingerprint": subnet["fingerprint"]})
    changed = await google.call("GET", f"{SUBNETS}/nodes")
    assert [r["rangeName"] for r in changed["secondaryIpRanges"]] == ["pods", "services", "more"]
    assert changed["fingerprint"] != subnet["fingerprint"]
    assert google.world.networks[0].subnets[0].secondary["more"] == "10.60.0.0/20"


@pytest.mark.shows("compute.subnetworks.patch", "secondaryIpRanges replaces the whole list; ranges of clusters stay")
@pytest.mark.shows("compute.subnetworks.delete", "refused while a cluster uses it")
async def test_ranges_of_a_cluster_stay(google: Google) -> None:
    await google.ready()
    await google.do("POST", f"{CONTAINER}/clusters", google.cluster())
    subnet = await google.call("GET", f"{SUBNETS}/nodes")
    body = {"fingerprint": subnet["fingerprint"], "secondaryIpRanges": subnet["secondaryIpRanges"][:1]}
    error = await google.refused("PATCH", f"{SUBNETS}/nodes", body)
    assert error["errors"][0]["reason"] == "resourceInUseByAnotherResource"
    assert (await google.refused("DELETE", f"{SUBNETS}/nodes"))["code"] == 400


@pytest.mark.shows("compute.subnetworks.expandIpCidrRange", "only a wider range")
@pytest.mark.shows("compute.subnetworks.setPrivateIpGoogleAccess")
async def test_a_subnetwork_widens(google: Google) -> None:
    await google.ready()
    for wrong in ("10.10.0.0/21", "10.10.0.0/20", "10.0.0.0/8"):
        assert (await google.refused("POST", f"{SUBNETS}/nodes/expandIpCidrRange", {"ipCidrRange": wrong}))[
            "code"
        ] == 400
    await google.do("POST", f"{SUBNETS}/nodes/expandIpCidrRange", {"ipCidrRange": "10.10.0.0/18"})
    await google.do("POST", f"{SUBNETS}/nodes/setPrivateIpGoogleAccess", {"privateIpGoogleAccess": True})
    subnet = await google.call("GET", f"{SUBNETS}/nodes")
    assert (subnet["ipCidrRange"], subnet["privateIpGoogleAccess"]) == ("10.10.0.0/18", True)


@pytest.mark.shows(
    "compute.firewalls.insert",
    "requires name",
    "exactly one of allowed, denied",
    "priority between 0 and 65535",
    "ranges are CIDR, ports belong to tcp, udp and sctp",
)
@pytest.mark.parametrize(
    "fields",
    [
        {"name": None},
        {"allowed": None},
        {"denied": [{"IPProtocol": "tcp"}]},
        {"priority": 70000},
        {"sourceRanges": ["10.0.0.1/8"]},
        {"allowed": [{"IPProtocol": "icmp", "ports": ["80"]}]},
        {"allowed": [{"IPProtocol": "tcp", "ports": ["80-70000"]}]},
        {"allowed": [{"IPProtocol": "http"}]},
        {"direction": "EGRESS", "sourceTags": ["a"]},
        {"network": "projects/acme-shop/global/network/shop"},
    ],
)
async def test_firewall_rules_that_are_refused(google: Google, fields: dict[str, Any]) -> None:
    await google.ready()
    body = {k: v for k, v in {**RULE, **fields}.items() if v is not None}
    assert (await google.refused("POST", FIREWALLS, body))["code"] == 400


async def test_networks_of_two_projects_with_one_name_are_two(google: Google) -> None:
    await google.ready()
    await google.do("POST", "serviceusage/v1/projects/other-team/services:batchEnable",
                    {"serviceIds": ["compute.googleapis.com"]})
    other = "compute/compute/v1/projects/other-team/global"
    await google.do("POST", f"{other}/networks", {"name": "shop", "autoCreateSubnetworks": False})
    await google.do("POST", f"{other}/firewalls", {**RULE, "network": "projects/other-team/global/networks/shop"})
    known = {network.name: network for network in google.world.networks}
    assert len(known["projects/other-team/global/networks/shop"].firewall_rules) == 1
    assert known["projects/acme-shop/global/networks/shop"].firewall_rules == ()


@pytest.mark.shows("compute.firewalls.insert", "compute.firewalls.get")
async def test_a_rule_gets_googles_defaults_and_reaches_the_world(google: Google) -> None:
    await google.ready()
    await google.do("POST", FIREWALLS, RULE)
    rule = await google.call("GET", f"{FIREWALLS}/r")
    assert rule["network"] == f"{LINK}/global/networks/shop"
    expected = {"direction": "INGRESS", "priority": 1000, "sourceRanges": ["0.0.0.0/0"], "disabled": False}
    assert {k: rule[k] for k in expected} == expected
    [known] = google.world.networks[0].firewall_rules
    assert known.allow == (("tcp", ("80",)),)


@pytest.mark.shows("compute.firewalls.patch", "cannot change name, direction")
@pytest.mark.shows("compute.firewalls.update", "cannot change name, direction")
async def test_patch_merges_and_put_replaces(google: Google) -> None:
    await google.ready()
    await google.do("POST", FIREWALLS, {**RULE, "description": "mine", "sourceRanges": ["10.0.0.0/8"]})
    for wrong in ({"direction": "EGRESS"}, {"network": "global/networks/other"}, {"name": "s"}):
        assert (await google.refused("PATCH", f"{FIREWALLS}/r", wrong))["code"] == 400
    await google.do("PATCH", f"{FIREWALLS}/r", {"priority": 900})
    rule = await google.call("GET", f"{FIREWALLS}/r")
    assert (rule["priority"], rule["description"], rule["sourceRanges"]) == (900, "mine", ["10.0.0.0/8"])
    await google.do("PUT", f"{FIREWALLS}/r", {**RULE, "allowed": [{"IPProtocol": "udp"}]})
    rule = await google.call("GET", f"{FIREWALLS}/r")
    assert "description" not in rule
    assert (rule["allowed"], rule["priority"]) == ([{"IPProtocol": "udp"}], 1000)
    await google.do("DELETE", f"{FIREWALLS}/r")
    assert google.world.networks[0].firewall_rules == ()


@pytest.mark.shows(
    "compute.globalAddresses.insert", "VPC_PEERING needs INTERNAL, network and prefixLength; a free range is chosen"
)
async def test_ranges_for_peering_are_chosen_free(google: Google) -> None:
    await google.ready()
    body = {"name": "a", "purpose": "VPC_PEERING", "addressType": "INTERNAL", "network": "global/networks/shop"}
    for missing in ({"prefixLength": None}, {"network": None}, {"purpose": None}, {"address": "10.10.0.0"}):
        wrong = {k: v for k, v in {**body, "prefixLength": 20, **missing}.items() if v is not None}
        assert (await google.refused("POST", ADDRESSES, wrong))["code"] == 400
    chosen = []
    for name, length in (("a", 20), ("b", 22), ("c", 16), ("d", 28)):
        await google.do("POST", ADDRESSES, {**body, "name": name, "prefixLength": length})
        address = await google.call("GET", f"{ADDRESSES}/{name}")
        chosen.append(ipaddress.ip_network(f"{address['address']}/{address['prefixLength']}"))
    taken = [*chosen, *map(ipaddress.ip_network, ("10.10.0.0/20", "10.20.0.0/16", "10.30.0.0/20"))]
    assert not any(a.overlaps(b) for a in taken for b in taken if a is not b)


@pytest.mark.shows("compute.globalAddresses.setLabels", "needs the current labelFingerprint (412 otherwise)")
@pytest.mark.shows("compute.globalAddresses.delete", "refused while a connection or a forwarding rule uses it")
async def test_labels_need_their_fingerprint_and_used_ranges_stay(google: Google) -> None:
    await google.ready()
    await google.peer()
    address = await google.call("GET", f"{ADDRESSES}/apigee")
    assert address["status"] == "IN_USE"
    labels = {"labels": {"team": "shop"}, "labelFingerprint": "x" * 11 + "="}
    assert (await google.refused("POST", f"{ADDRESSES}/apigee/setLabels", labels))["code"] == 412
    await google.do(
        "POST", f"{ADDRESSES}/apigee/setLabels", {**labels, "labelFingerprint": address["labelFingerprint"]}
    )
    assert (await google.call("GET", f"{ADDRESSES}/apigee"))["labels"] == {"team": "shop"}
    error = await google.refused("DELETE", f"{ADDRESSES}/apigee")
    assert error["errors"][0]["reason"] == "resourceInUseByAnotherResource"


@pytest.mark.shows("compute.networks.removePeering")
async def test_peering_shows_on_the_network_and_can_be_taken_away(google: Google) -> None:
    await google.ready()
    await google.peer()
    [peering] = (await google.call("GET", f"{NETWORKS}/shop"))["peerings"]
    assert (peering["name"], peering["state"]) == ("servicenetworking-googleapis-com", "ACTIVE")
    assert google.world.networks[0].peered_to_apigee
    assert (await google.refused("POST", f"{NETWORKS}/shop/removePeering", {"name": "other"}))["code"] == 400
    await google.do("POST", f"{NETWORKS}/shop/removePeering", {"name": peering["name"]})
    assert "peerings" not in await google.call("GET", f"{NETWORKS}/shop")
    assert not google.world.networks[0].peered_to_apigee


@pytest.mark.shows("compute.regions.get", "compute.regions.list", "compute.zones.get", "compute.zones.list")
@pytest.mark.shows("compute.routes.list", "compute.projects.get", "compute.subnetworks.aggregatedList")
async def test_places_and_overviews(google: Google) -> None:
    await google.ready()
    assert (await google.call("GET", f"{COMPUTE}/regions/europe-west1"))["name"] == "europe-west1"
    assert (await google.refused("GET", f"{COMPUTE}/regions/europe-west99"))["code"] == 404
    assert (await google.call("GET", f"{COMPUTE}/zones/europe-west1-b"))["region"].endswith("/europe-west1")
    assert (await google.refused("GET", f"{COMPUTE}/zones/europe-west1-z"))["code"] == 404
    assert len((await google.call("GET", f"{COMPUTE}/zones"))["items"]) > 6
    page = await google.call("GET", f"{COMPUTE}/regions?maxResults=2")
    rest = await google.call("GET", f"{COMPUTE}/regions?pageToken={page['nextPageToken']}")
    assert len(page["items"]) == 2 and len({r["name"] for r in page["items"] + rest["items"]}) == 7
    routes = await google.call("GET", f"{COMPUTE}/global/routes")
    assert "10.20.0.0/16" in {r["destRange"] for r in routes["items"]}
    items = (await google.call("GET", f"{COMPUTE}/aggregated/subnetworks"))["items"]
    assert list(items) == ["regions/europe-west1"]
    assert (await google.call("GET", COMPUTE))["name"] == PROJECT
    assert NUMBER not in (await google.call("GET", COMPUTE))["selfLink"]


@pytest.mark.shows("compute.networks.list")
async def test_filters_that_are_not_understood_are_refused(google: Google) -> None:
    await google.enable()
    error = await google.refused("GET", f"{NETWORKS}?filter=name%20like%20shop")
    assert error["message"].startswith("Invalid list filter expression")


@pytest.mark.shows("compute.firewalls.delete", "compute.firewalls.list", "compute.subnetworks.get")
@pytest.mark.shows("compute.subnetworks.list", "compute.globalAddresses.get", "compute.globalAddresses.list")
@pytest.mark.shows("compute.addresses.aggregatedList", "compute.regionOperations.get", "compute.regionOperations.wait")
@pytest.mark.shows("compute.regionOperations.list", "compute.zoneOperations.get", "compute.zoneOperations.wait")
@pytest.mark.shows("compute.zoneOperations.list")
async def test_reads_after_the_writes(google: Google) -> None:
    await google.ready()
    await google.peer()
    await google.do("POST", FIREWALLS, RULE)
    assert [r["name"] for r in (await google.call("GET", FIREWALLS))["items"]] == ["r"]
    await google.do("DELETE", f"{FIREWALLS}/r")
    assert (await google.refused("DELETE", f"{FIREWALLS}/r"))["code"] == 404
    assert (await google.call("GET", f"{SUBNETS}/nodes"))["gatewayAddress"] == "10.10.0.1"
    assert [s["name"] for s in (await google.call("GET", SUBNETS))["items"]] == ["nodes"]
    assert (await google.call("GET", f"{ADDRESSES}/apigee"))["purpose"] == "VPC_PEERING"
    assert [a["name"] for a in (await google.call("GET", ADDRESSES))["items"]] == ["apigee"]
    everywhere = (await google.call("GET", f"{COMPUTE}/aggregated/addresses"))["items"]
    assert [a["name"] for a in everywhere["global"]["addresses"]] == ["apigee"]
    operations = f"{COMPUTE}/regions/europe-west1/operations"
    [operation] = (await google.call("GET", operations))["items"]
    assert operation["region"].endswith("/regions/europe-west1")
    for verb, tail in (("GET", ""), ("POST", "/wait")):
        assert (await google.call(verb, f"{operations}/{operation['name']}{tail}"))["status"] == "DONE"
        assert (await google.refused(verb, f"{COMPUTE}/zones/europe-west1-b/operations/none{tail}"))["code"] == 404
    assert "items" not in await google.call("GET", f"{COMPUTE}/zones/europe-west1-b/operations")
