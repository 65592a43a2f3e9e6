# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of the first flow in order, and its teardown: everything fits together and nothing is left."""

from __future__ import annotations

from tests.testbed.google.conftest import COMPUTE, CONNECTIONS, CONTAINER, DNS, NUMBER, PEERED, PROJECT, Google


async def test_from_nothing_to_a_cluster_and_back(google: Google) -> None:
    before = await google.call("GET", "_testbed/state")
    await google.ready()
    await google.peer()
    await google.do("POST", f"{PEERED}/shop/peeredDnsDomains", {"name": "shop", "dnsSuffix": "gke.acme.internal."})
    rule = {
        "name": "apigee-to-pods",
        "network": "global/networks/shop",
        "sourceRanges": ["10.255.240.0/22"],
        "allowed": [{"IPProtocol": "tcp", "ports": ["8080"]}],
    }
    await google.do("POST", f"{COMPUTE}/global/firewalls", rule)
    await google.do("POST", f"{CONTAINER}/clusters", google.cluster())
    cluster = await google.call("GET", f"{CONTAINER}/clusters/shop")
    assert cluster["status"] == "RUNNING"
    assert cluster["network"] == "shop"
    assert cluster["networkConfig"]["network"] == f"projects/{PROJECT}/global/networks/shop"
    assert cluster["autopilot"] == {}
    zones = (await google.call("GET", f"{DNS}/managedZones?dnsName=gke.acme.internal."))["managedZones"]
    assert len(zones) == 1

    network = google.world.networks[0]
    assert network.peered_to_apigee
    assert [d.suffix for d in network.peered_domains] == ["gke.acme.internal."]
    assert "apigee-to-pods" in {r.name for r in network.firewall_rules}
    [world_cluster] = google.world.clusters.values()
    assert (world_cluster.dns_scope, world_cluster.dns_domain) == ("VPC_SCOPE", "gke.acme.internal")

    await google.do("DELETE", f"{CONTAINER}/clusters/shop")
    await google.do("DELETE", f"{COMPUTE}/global/firewalls/apigee-to-pods")
    await google.do("DELETE", f"{PEERED}/shop/peeredDnsDomains/shop")
    body = {"consumerNetwork": f"projects/{NUMBER}/global/networks/shop"}
    await google.do("POST", f"{CONNECTIONS}/servicenetworking-googleapis-com", body)
    await google.do("DELETE", f"{COMPUTE}/global/addresses/apigee")
    await google.do("DELETE", f"{COMPUTE}/regions/europe-west1/subnetworks/nodes")
    await google.do("DELETE", f"{COMPUTE}/global/networks/shop")
    after = await google.call("GET", "_testbed/state")
    left = set(after["objects"]) - set(before["objects"])
    assert {key.split("/")[0] for key in left} == {"serviceusage"}
    assert google.world.clusters == {}
    assert google.world.networks == []
