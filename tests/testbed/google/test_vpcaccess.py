# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors: where they may be, what of them changes, and what goes when."""

from __future__ import annotations

from typing import Any

import pytest

from tests.testbed.google.conftest import COMPUTE, PROJECT, Google

ALL = "vpcaccess.projects.locations.connectors"
CONNECTORS = f"vpcaccess/v1/projects/{PROJECT}/locations/europe-west1/connectors"
BODY = {"network": "shop", "ipCidrRange": "10.8.0.0/28", "minInstances": 2, "maxInstances": 3}


@pytest.fixture
async def place(google: Google) -> Google:
    """A network with a subnetwork, and the service enabled."""
    await google.ready()
    await google.enable("vpcaccess.googleapis.com")
    return google


async def made(google: Google, name: str = "shop", **fields: Any) -> dict[str, Any]:
    await google.do("POST", f"{CONNECTORS}?connectorId={name}", {**BODY, **fields})
    return await google.call("GET", f"{CONNECTORS}/{name}")


@pytest.mark.shows(f"{ALL}.create", f"{ALL}.get", f"{ALL}.list", f"{ALL}.patch", f"{ALL}.delete")
@pytest.mark.shows(f"{ALL}.patch", "name, network, ipCidrRange, subnet cannot change")
@pytest.mark.shows("vpcaccess.projects.locations.operations.get")
async def test_one_is_made_changed_and_removed(place: Google) -> None:
    found = await made(place)
    assert (found["state"], found["machineType"], found["ipCidrRange"]) == ("READY", "e2-micro", "10.8.0.0/28")
    assert (await place.call("GET", CONNECTORS))["connectors"] == [found]
    assert (await place.refused("POST", f"{CONNECTORS}?connectorId=shop", BODY))["code"] == 409
    await place.do("PATCH", f"{CONNECTORS}/shop?updateMask=maxInstances", {"maxInstances": 5, "minInstances": 4})
    found = await place.call("GET", f"{CONNECTORS}/shop")
    assert (found["minInstances"], found["maxInstances"], found["state"]) == (2, 5, "READY")
    for fields in ({"network": "other"}, {"ipCidrRange": "10.9.0.0/28"}, {"minInstances": 5}, {"maxInstances": 11}):
        mask = ",".join(fields)
        refused = await place.refused("PATCH", f"{CONNECTORS}/shop?updateMask={mask}", fields)
        assert refused["code"] == 400, fields
    await place.do("DELETE", f"{CONNECTORS}/shop")
    assert (await place.refused("GET", f"{CONNECTORS}/shop"))["code"] == 404


@pytest.mark.shows(f"{ALL}.create", "either network and ipCidrRange or subnet")
@pytest.mark.shows(f"{ALL}.create", "a range of its own is a /28 and free in the network; a subnetwork is a /28")
@pytest.mark.shows(f"{ALL}.create", "minInstances is less than maxInstances")
async def test_places_that_are_refused(place: Google) -> None:
    await made(place)
    for name, fields in (
        ("x", {}),
        ("a" * 26, {}),
        ("two", {"network": "none"}),
        ("two", {"ipCidrRange": "10.8.0.0/28"}),
        ("two", {"ipCidrRange": "10.10.1.0/28"}),
        ("two", {"ipCidrRange": "10.20.0.0/28"}),
        ("two", {"ipCidrRange": "10.9.0.0/24"}),
        ("two", {"ipCidrRange": ""}),
        ("two", {"subnet": {"name": "nodes"}}),
        ("two", {"subnet": {"name": "nodes"}, "ipCidrRange": ""}),
        ("two", {"subnet": {"name": "none"}, "ipCidrRange": ""}),
        ("two", {"ipCidrRange": "10.9.0.0/28", "minInstances": 3}),
        ("two", {"ipCidrRange": "10.9.0.0/28", "maxInstances": 2}),
    ):
        refused = await place.refused("POST", f"{CONNECTORS}?connectorId={name}", {**BODY, **fields})
        assert refused["code"] == 400, (name, fields)
    elsewhere = CONNECTORS.replace("europe-west1", "moon-north1")
    assert (await place.refused("POST", f"{elsewhere}?connectorId=two", BODY))["code"] == 403


@pytest.mark.shows("vpcaccess.projects.locations.list")
async def test_connectors_are_listed_by_location(place: Google) -> None:
    await made(place)
    listed = await place.call("GET", f"vpcaccess/v1/projects/{PROJECT}/locations")
    places = {one["locationId"]: f"vpcaccess/v1/{one['name']}/connectors" for one in listed["locations"]}
    found = {region: await place.call("GET", path) for region, path in places.items()}
    assert [region for region, some in found.items() if some.get("connectors")] == ["europe-west1"]
    assert "us-central1" in found


async def test_a_subnetwork_of_its_own(place: Google) -> None:
    network = f"projects/{PROJECT}/global/networks/shop"
    body = {"name": "egress", "network": network, "ipCidrRange": "10.8.1.0/28"}
    await place.do("POST", f"{COMPUTE}/regions/europe-west1/subnetworks", body)
    await place.do("POST", f"{CONNECTORS}?connectorId=shop", {"subnet": {"name": "egress"}})
    found = await place.call("GET", f"{CONNECTORS}/shop")
    assert (found["network"], found["subnet"]) == ("shop", {"name": "egress"}) and "ipCidrRange" not in found


async def test_the_service_must_be_enabled(google: Google) -> None:
    await google.ready()
    assert "vpcaccess.googleapis.com" in (await google.refused("GET", CONNECTORS))["message"]
