# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GKE makes in a project for Services with an internal load balancer."""

from __future__ import annotations

import dataclasses

import pytest

from testbed.google.load_balancers import LoadBalancers
from testbed.world import BalancedService, LoadBalancer, WorldError
from tests.testbed.google.conftest import COMPUTE, CONTAINER, PROJECT, Google

REGION = f"{COMPUTE}/regions/europe-west1"
KEY = (PROJECT, "europe-west1", "shop")
ORDERS = BalancedService(KEY, "uid", "shop", "orders", "TCP", (80,), source_ranges=("10.8.0.0/28",))


@pytest.fixture
async def balancers(google: Google) -> LoadBalancers:
    await google.ready()
    await google.do("POST", f"{CONTAINER}/clusters", google.cluster())
    return LoadBalancers(google.emulator)


@pytest.mark.shows("compute.regionBackendServices.get", "compute.regionBackendServices.list")
async def test_a_service_gets_a_rule_a_backend_and_an_opened_firewall(google: Google, balancers: LoadBalancers) -> None:
    made = await balancers.balance(ORDERS)
    name = made.annotations["service.kubernetes.io/backend-service"]
    assert name.startswith("k8s2-") and "-shop-orders-" in name
    rule = (await google.call("GET", f"{REGION}/forwardingRules"))["items"][0]
    assert (rule["IPAddress"], rule["allowGlobalAccess"]) == (made.address, False)
    assert rule["name"] == made.annotations["service.kubernetes.io/tcp-forwarding-rule"]
    backend = await google.call("GET", f"{REGION}/backendServices/{name}")
    assert (await google.call("GET", f"{REGION}/backendServices"))["items"] == [backend]
    assert rule["backendService"] == backend["selfLink"] and "_cluster" not in backend
    firewall = await google.call("GET", f"{COMPUTE}/global/firewalls/{name}")
    assert (firewall["sourceRanges"], firewall["destinationRanges"]) == (["10.8.0.0/28"], [made.address])
    (network,) = google.world.networks
    assert network.load_balancers == (LoadBalancer(rule["name"], made.address, "europe-west1", KEY),)

    # The same once more writes nothing; what changes keeps its address.
    assert await balancers.balance(ORDERS) == made
    again = (await google.call("GET", f"{REGION}/forwardingRules"))["items"]
    assert again == [rule]
    udp = await balancers.balance(dataclasses.replace(ORDERS, protocol="UDP", global_access=True))
    (rule,) = (await google.call("GET", f"{REGION}/forwardingRules"))["items"]
    assert rule["allowGlobalAccess"] is True and rule["name"].startswith("k8s2-udp-")
    assert "service.kubernetes.io/udp-forwarding-rule" in udp.annotations

    await balancers.unbalance(ORDERS)
    assert "items" not in await google.call("GET", f"{REGION}/forwardingRules")
    assert (await google.raw("GET", f"{COMPUTE}/global/firewalls/{name}"))[0] == 404
    assert google.world.networks[0].load_balancers == ()


async def test_reserved_addresses_by_name_and_what_cannot_be_had(google: Google, balancers: LoadBalancers) -> None:
    subnetwork = "regions/europe-west1/subnetworks/nodes"
    for name, fields in {
        "mine": {"addressType": "INTERNAL", "subnetwork": subnetwork, "address": "10.10.0.80"},
        "outer": {"addressType": "EXTERNAL"},
    }.items():
        await google.do("POST", f"{REGION}/addresses", {"name": name, **fields})
    by_name = dataclasses.replace(ORDERS, address_names=("none", "mine"))
    assert (await balancers.balance(by_name)).address == "10.10.0.80"
    # GKE passes over a name that does not exist, and keeps the address that it has.
    assert (await balancers.balance(dataclasses.replace(ORDERS, address_names=("none",)))).address == "10.10.0.80"
    for fields, words in (
        ({"name": "second", "address": "10.10.0.80"}, "10.10.0.80 is already in use by another forwarding rule"),
        ({"address_names": ("outer",)}, 'does not have the expected address type "INTERNAL"'),
        ({"address": "10.99.0.1"}, "It is not in 10.10.0.0/20"),
        ({"subnet": "none"}, "subnetworks/none' was not found"),
    ):
        with pytest.raises(WorldError, match=words):
            await balancers.balance(dataclasses.replace(ORDERS, **fields))


async def test_many_ports_are_all_ports_and_long_names_are_cut(google: Google, balancers: LoadBalancers) -> None:
    wide = dataclasses.replace(ORDERS, ports=tuple(range(8000, 8006)), namespace="n" * 40, name="s" * 50)
    names = (await balancers.balance(wide)).annotations.values()
    assert all(len(name) <= 63 for name in names) and len(set(names)) == 2
    (rule,) = (await google.call("GET", f"{REGION}/forwardingRules"))["items"]
    assert rule["allPorts"] is True and "ports" not in rule


async def test_load_balancers_go_with_their_cluster(google: Google, balancers: LoadBalancers) -> None:
    await balancers.balance(ORDERS)
    await google.do("DELETE", f"{CONTAINER}/clusters/shop")
    assert "items" not in await google.call("GET", f"{REGION}/forwardingRules")
    with pytest.raises(WorldError, match="Not found: cluster shop"):
        await balancers.balance(ORDERS)
