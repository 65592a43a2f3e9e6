# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute Engine's regional addresses, and who may have them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.testbed.google.conftest import COMPUTE, Google

REGION = f"{COMPUTE}/regions/europe-west1"
ADDRESSES, RULES = f"{REGION}/addresses", f"{REGION}/forwardingRules"
SUBNETWORK = "regions/europe-west1/subnetworks/nodes"
ADDRESS = {"name": "orders", "addressType": "INTERNAL", "subnetwork": SUBNETWORK}
RULE = {"name": "orders", "loadBalancingScheme": "INTERNAL", "ports": ["80"], "subnetwork": SUBNETWORK}


@pytest.mark.shows(
    "compute.addresses.insert",
    "an internal one is a free address of its subnetwork in the same region",
    "network and prefixLength belong to other purposes",
)
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": "Orders"}, 400),
        ({"address": "10.99.0.1"}, 400),
        ({"address": "10.10.0.256"}, 400),
        ({"address": "10.10.0.1"}, 400),
        ({"address": "10.10.15.254"}, 400),
        ({"subnetwork": None}, 400),
        ({"subnetwork": "regions/europe-west1/subnetworks/none"}, 404),
        ({"subnetwork": "regions/us-east1/subnetworks/far"}, 400),
        ({"network": "global/networks/shop"}, 400),
        ({"prefixLength": 28}, 400),
        ({"purpose": "VPC_PEERING"}, 400),
        ({"addressType": "EXTERNAL"}, 400),
    ],
)
async def test_addresses_that_are_refused(google: Google, fields: dict[str, Any], code: int) -> None:
    await google.ready()
    far = {"name": "far", "network": "global/networks/shop", "ipCidrRange": "10.50.0.0/24"}
    await google.do("POST", f"{COMPUTE}/regions/us-east1/subnetworks", far)
    body = {k: v for k, v in {**ADDRESS, **fields}.items() if v is not None}
    assert (await google.refused("POST", ADDRESSES, body))["code"] == code


@pytest.mark.shows("compute.addresses.insert", "compute.addresses.get", "compute.addresses.list")
@pytest.mark.shows("compute.addresses.setLabels", "needs the current labelFingerprint (412 otherwise)")
@pytest.mark.shows("compute.addresses.aggregatedList")
async def test_addresses_are_reserved_one_by_one(google: Google) -> None:
    await google.ready()
    await google.do("POST", ADDRESSES, ADDRESS)
    first = await google.call("GET", f"{ADDRESSES}/orders")
    assert (first["address"], first["purpose"], first["status"]) == ("10.10.15.253", "GCE_ENDPOINT", "RESERVED")
    assert first["subnetwork"].endswith(SUBNETWORK) and first["region"].endswith("/regions/europe-west1")
    await google.do("POST", ADDRESSES, {**ADDRESS, "name": "second"})
    await google.do("POST", ADDRESSES, {**ADDRESS, "name": "third", "address": "10.10.0.80"})
    assert (await google.refused("POST", ADDRESSES, {**ADDRESS, "name": "x", "address": "10.10.0.80"}))["code"] == 400
    await google.do("POST", ADDRESSES, {"name": "outside"})
    listed = (await google.call("GET", ADDRESSES))["items"]
    assert [each["address"] for each in listed if each["addressType"] == "INTERNAL"] == [
        "10.10.15.253", "10.10.15.252", "10.10.0.80",
    ]  # fmt: skip
    everywhere = (await google.call("GET", f"{COMPUTE}/aggregated/addresses"))["items"]
    assert len(everywhere["regions/europe-west1"]["addresses"]) == 4 and "global" not in everywhere
    labels = {"labels": {"team": "shop"}, "labelFingerprint": "x" * 11 + "="}
    assert (await google.refused("POST", f"{ADDRESSES}/orders/setLabels", labels))["code"] == 412
    await google.do("POST", f"{ADDRESSES}/orders/setLabels", {**labels, "labelFingerprint": first["labelFingerprint"]})
    assert (await google.call("GET", f"{ADDRESSES}/orders"))["labels"] == {"team": "shop"}


@pytest.mark.shows("compute.addresses.delete", "refused while a forwarding rule uses it")
@pytest.mark.shows("compute.forwardingRules.insert", "a reserved address is given by its name or number")
@pytest.mark.shows("compute.subnetworks.delete", "refused while an address or forwarding rule is in it")
async def test_an_address_in_use_stays_and_is_given_once(google: Google) -> None:
    await google.ready()
    await google.do("POST", ADDRESSES, {**ADDRESS, "address": "10.10.0.80"})
    assert (await google.refused("POST", RULES, {**RULE, "IPAddress": "regions/europe-west1/addresses/no"}))[
        "code"
    ] == 404
    assert (await google.refused("POST", RULES, {**RULE, "IPAddress": "10.10.0.1"}))["code"] == 400
    assert (await google.refused("POST", RULES, {**RULE, "IPAddress": "orders"}))["code"] == 400
    await google.do("POST", RULES, {**RULE, "IPAddress": "regions/europe-west1/addresses/orders"})
    assert (await google.call("GET", f"{RULES}/orders"))["IPAddress"] == "10.10.0.80"
    used = await google.call("GET", f"{ADDRESSES}/orders")
    assert used["status"] == "IN_USE" and [user.rsplit("/", 2)[1:] for user in used["users"]] == [
        ["forwardingRules", "orders"]
    ]
    assert (await google.refused("POST", RULES, {**RULE, "name": "two", "IPAddress": "10.10.0.80"}))["code"] == 409
    refused = await google.refused("DELETE", f"{ADDRESSES}/orders")
    assert refused["errors"][0]["reason"] == "resourceInUseByAnotherResource"
    await google.do("POST", RULES, {**RULE, "name": "two"})
    assert (await google.call("GET", f"{RULES}/two"))["IPAddress"] == "10.10.15.253"
    await google.do("POST", ADDRESSES, {**ADDRESS, "name": "two", "address": "10.10.15.253"})
    for name in ("orders", "two"):
        await google.do("DELETE", f"{RULES}/{name}")
        refused = await google.refused("DELETE", f"{COMPUTE}/{SUBNETWORK}")
        assert "already being used" in refused["message"]
        await google.do("DELETE", f"{ADDRESSES}/{name}")
    await google.do("DELETE", f"{COMPUTE}/{SUBNETWORK}")
