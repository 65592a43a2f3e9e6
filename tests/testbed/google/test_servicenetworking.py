# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service Networking's rules: project numbers, ranges, trailing dots, code 9."""

from __future__ import annotations

from typing import Any

import pytest

from tests.testbed.google.conftest import COMPUTE, CONNECTIONS, NUMBER, PEERED, PROJECT, Google

NETWORK = f"projects/{NUMBER}/global/networks/shop"
CREATE = "servicenetworking.services.connections.create"
PATCH = "servicenetworking.services.connections.patch"
DELETE = "servicenetworking.services.connections.deleteConnection"
DOMAINS = "servicenetworking.services.projects.global.networks.peeredDnsDomains"


async def _range(google: Google, name: str, **fields: Any) -> None:
    body = {
        "name": name, "purpose": "VPC_PEERING", "addressType": "INTERNAL", "prefixLength": 24,
        "network": "global/networks/shop", **fields,
    }  # fmt: skip
    await google.do("POST", f"{COMPUTE}/global/addresses", body)


@pytest.mark.shows(CREATE, "requires network", "requires reservedPeeringRanges", "project in network is a number")
async def test_connections_that_are_refused(google: Google) -> None:
    await google.ready()
    await _range(google, "apigee")
    for body in (
        {"reservedPeeringRanges": ["apigee"]},
        {"network": NETWORK},
        {"network": f"projects/{PROJECT}/global/networks/shop", "reservedPeeringRanges": ["apigee"]},
    ):
        assert (await google.refused("POST", CONNECTIONS, body))["code"] in (400, 403), body
    body = {"network": f"projects/{NUMBER}/global/networks/none", "reservedPeeringRanges": ["apigee"]}
    assert (await google.refused("POST", CONNECTIONS, body))["code"] == 404
    unknown = {"network": NETWORK, "reservedPeeringRanges": ["none"]}
    operation = await google.done(await google.call("POST", CONNECTIONS, unknown))
    assert operation["error"]["code"] == 3


@pytest.mark.shows(CREATE, "other ranges on an existing connection end the operation with code 9")
@pytest.mark.shows(PATCH, "replaces the ranges; force is needed when one is removed")
@pytest.mark.shows("servicenetworking.services.connections.list", "servicenetworking.operations.get")
async def test_ranges_are_changed_by_patch_only(google: Google) -> None:
    await google.ready()
    await google.peer()
    await _range(google, "second")
    both = {"network": NETWORK, "reservedPeeringRanges": ["second"]}
    operation = await google.done(await google.call("POST", CONNECTIONS, both))
    assert operation["done"] and operation["error"]["code"] == 9
    assert "Cannot modify allocated ranges in CreateConnection" in operation["error"]["message"]
    same = {"network": NETWORK, "reservedPeeringRanges": ["apigee"]}
    await google.do("POST", CONNECTIONS, same)
    assert (await google.refused("PATCH", f"{CONNECTIONS}/-?updateMask=reservedPeeringRanges", both))["code"] == 400
    await google.do("PATCH", f"{CONNECTIONS}/-?updateMask=reservedPeeringRanges&force=true", both)
    listed = await google.call("GET", f"{CONNECTIONS}?network={NETWORK}")
    assert listed["connections"] == [
        {
            "network": NETWORK,
            "reservedPeeringRanges": ["second"],
            "peering": "servicenetworking-googleapis-com",
            "service": "services/servicenetworking.googleapis.com",
        }
    ]
    wrong = f"{CONNECTIONS}?network=projects/{PROJECT}/global/networks/shop"
    assert (await google.refused("GET", wrong))["code"] == 400


@pytest.mark.shows(DELETE, "ends with code 9 while Apigee holds instances", "requires consumerNetwork")
@pytest.mark.parametrize("project", [PROJECT, "other-team"])
async def test_the_connection_is_held_by_apigee(google: Google, project: str) -> None:
    """Whichever project the organisation is of: with shared VPC it is not the network's."""
    await google.ready()
    await google.peer()
    await google.do("POST", f"serviceusage/v1/projects/{project}/services/apigee.googleapis.com:enable", {})
    organization = {
        "runtimeType": "CLOUD", "analyticsRegion": "europe-west1", "billingType": "EVALUATION",
        "authorizedNetwork": f"projects/{PROJECT}/global/networks/shop",
    }  # fmt: skip
    await google.do("POST", f"apigee/v1/organizations?parent=projects/{project}", organization)
    instances = f"apigee/v1/organizations/{project}/instances"
    await google.do("POST", instances, {"name": "main", "location": "europe-west1"})
    path = f"{CONNECTIONS}/servicenetworking-googleapis-com"
    assert (await google.refused("POST", path, {}))["code"] in (400, 403)
    operation = await google.done(await google.call("POST", path, {"consumerNetwork": NETWORK}))
    assert operation["error"]["code"] == 9
    assert "still using this connection" in operation["error"]["message"]
    await google.do("DELETE", f"{instances}/main")
    await google.do("POST", path, {"consumerNetwork": NETWORK})
    assert await google.call("GET", f"{CONNECTIONS}?network={NETWORK}") == {}


@pytest.mark.shows(
    f"{DOMAINS}.create",
    "project in parent is a number",
    "requires name",
    "requires dnsSuffix",
    "dnsSuffix ends with a dot",
)
async def test_peered_domains_that_are_refused(google: Google) -> None:
    await google.ready()
    await google.peer()
    path = f"{PEERED}/shop/peeredDnsDomains"
    good = {"name": "shop", "dnsSuffix": "gke.acme.internal."}
    for wrong in ({"dnsSuffix": "gke.acme.internal"}, {"dnsSuffix": None}, {"name": None}, {"name": "No"}):
        body = {k: v for k, v in {**good, **wrong}.items() if v is not None}
        assert (await google.refused("POST", path, body))["code"] == 400
    by_id = path.replace(NUMBER, PROJECT)
    assert (await google.refused("POST", by_id, good))["code"] == 400
    assert (await google.refused("GET", by_id))["code"] == 400
    assert (await google.refused("POST", path.replace("/shop/", "/none/"), good))["code"] == 404


@pytest.mark.shows(f"{DOMAINS}.create", f"{DOMAINS}.list", f"{DOMAINS}.delete")
async def test_peered_domains_come_and_go(google: Google) -> None:
    await google.ready()
    path = f"{PEERED}/shop/peeredDnsDomains"
    early = await google.refused("POST", path, {"name": "shop", "dnsSuffix": "gke.acme.internal."})
    assert early["status"] == "FAILED_PRECONDITION"
    await google.peer()
    await google.do("POST", path, {"name": "shop", "dnsSuffix": "gke.acme.internal."})
    assert (await google.refused("POST", path, {"name": "shop", "dnsSuffix": "x.internal."}))["code"] == 409
    await google.do("POST", path, {"name": "more", "dnsSuffix": "x.internal."})
    listed = (await google.call("GET", path))["peeredDnsDomains"]
    assert listed == [
        {"name": "more", "dnsSuffix": "x.internal."}, {"name": "shop", "dnsSuffix": "gke.acme.internal."},
    ]  # fmt: skip
    assert [d.suffix for d in google.world.networks[0].peered_domains] == ["x.internal.", "gke.acme.internal."]
    await google.do("DELETE", f"{path}/shop")
    assert (await google.refused("DELETE", f"{path}/shop"))["code"] == 404
    assert (await google.refused("GET", f"{path}/more"))["code"] == 400, "there is no get"


@pytest.mark.shows(CREATE, "one peering operation at a time")
async def test_one_peering_operation_at_a_time(google: Google) -> None:
    await google.ready()
    await _range(google, "apigee")
    await google.call("PUT", "_testbed/durations", {"scale": 1})
    body = {"network": NETWORK, "reservedPeeringRanges": ["apigee"]}
    operation = await google.call("POST", CONNECTIONS, body)
    assert "done" not in await google.call("GET", f"servicenetworking/v1/{operation['name']}")
    error = await google.refused("POST", CONNECTIONS, body)
    assert "peering operation in progress" in error["message"]


@pytest.mark.shows("compute.networks.delete", "peered DNS domains go with their network")
async def test_domains_do_not_outlive_their_network(google: Google) -> None:
    await google.enable()
    await google.network()
    await google.peer()
    before = google.world.networks
    assert before[0].peered_to_apigee
    await google.do("POST", f"{PEERED}/shop/peeredDnsDomains", {"name": "shop", "dnsSuffix": "gke.acme.internal."})
    peering = {"name": "servicenetworking-googleapis-com"}
    await google.do("POST", f"{COMPUTE}/global/networks/shop/removePeering", peering)
    assert google.world.networks[0].peered_domains == (), "without the connection nothing is forwarded"
    await google.do("DELETE", f"{COMPUTE}/global/addresses/apigee")
    await google.do("DELETE", f"{COMPUTE}/global/networks/shop")
    await google.network()
    assert await google.call("GET", f"{PEERED}/shop/peeredDnsDomains") == {}
