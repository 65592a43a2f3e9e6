# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""NAT addresses of an instance: reserved, used once they are activated, and given back."""
from __future__ import annotations

import pytest

from tests.testbed.google.conftest import PROJECT, Google

ALL = "apigee.organizations.instances.natAddresses"
ORGANIZATION = f"apigee/v1/organizations/{PROJECT}"
ADDRESSES = f"{ORGANIZATION}/instances/eu/natAddresses"
LOCKED = "one long operation at a time in an organisation"


@pytest.fixture
async def instance(google: Google) -> Google:
    """An organisation with an instance."""
    await google.ready()
    body = {"runtimeType": "CLOUD", "analyticsRegion": "europe-west1", "disableVpcPeering": True}
    await google.do("POST", f"apigee/v1/organizations?parent=projects/{PROJECT}", body)
    await google.do("POST", f"{ORGANIZATION}/instances", {"name": "eu", "location": "europe-west1"})
    return google


@pytest.mark.shows(f"{ALL}.create", f"{ALL}.get", f"{ALL}.list", f"{ALL}.activate", f"{ALL}.delete")
@pytest.mark.shows(f"{ALL}.activate", "the address is RESERVED")
async def test_from_reserved_to_gone(instance: Google) -> None:
    await instance.do("POST", ADDRESSES, {"name": "nat-1"})
    found = await instance.call("GET", f"{ADDRESSES}/nat-1")
    assert (found["name"], found["state"]) == ("nat-1", "RESERVED") and found["ipAddress"].startswith("198.51.100.")
    await instance.do("POST", ADDRESSES, {"name": "nat-2"})
    listed = (await instance.call("GET", ADDRESSES))["natAddresses"]
    assert [one["name"] for one in listed] == ["nat-1", "nat-2"] and listed[0] == found
    assert listed[0]["ipAddress"] != listed[1]["ipAddress"]
    await instance.do("POST", f"{ADDRESSES}/nat-1:activate", {})
    assert await instance.call("GET", f"{ADDRESSES}/nat-1") == {**found, "state": "ACTIVE"}
    assert (await instance.refused("POST", f"{ADDRESSES}/nat-1:activate", {}))["status"] == "FAILED_PRECONDITION"
    await instance.do("DELETE", f"{ADDRESSES}/nat-1")
    for verb, where in (("GET", "nat-1"), ("DELETE", "nat-1"), ("POST", "nat-1:activate")):
        assert (await instance.refused(verb, f"{ADDRESSES}/{where}", {} if verb == "POST" else None))["code"] == 404


@pytest.mark.shows(f"{ALL}.create", "requires name", "name matches [a-z](?:[a-z0-9-]{0,18}[a-z0-9])?")
async def test_names_that_are_refused(instance: Google) -> None:
    for body in ({}, {"name": "a" * 21}, {"name": "Nat"}, {"name": "nat-"}):
        assert (await instance.refused("POST", ADDRESSES, body))["code"] == 400, body
    await instance.do("POST", ADDRESSES, {"name": "a" * 20})
    assert (await instance.refused("POST", ADDRESSES, {"name": "a" * 20}))["code"] == 409
    elsewhere = ADDRESSES.replace("/eu/", "/us/")
    assert (await instance.refused("POST", elsewhere, {"name": "nat-1"}))["code"] == 404


@pytest.mark.shows(f"{ALL}.create", f"{ALL}.activate", f"{ALL}.delete", LOCKED)
@pytest.mark.shows(f"{ALL}.create", "the instance is ACTIVE")
async def test_not_beside_another_operation_nor_on_an_instance_that_is_not_ready(instance: Google) -> None:
    await instance.do("POST", ADDRESSES, {"name": "nat-1"})
    stored = f"apigee/organizations/{PROJECT}/instances/eu"
    for state in ("UPDATING", "ACTIVE"):
        async with instance.emulator.store.transaction() as tx:
            tx.put(stored, {**tx.get(stored), "state": state})
        if state != "ACTIVE":
            refused = await instance.refused("POST", ADDRESSES, {"name": "nat-2"})
            assert "instance eu is not ACTIVE, its state is UPDATING" in refused["message"]
    await instance.call("PUT", "_testbed/durations", {"scale": 1})
    running = await instance.call("POST", ADDRESSES, {"name": "nat-2"})
    assert (await instance.call("GET", f"{ADDRESSES}/nat-2")) == {"name": "nat-2", "state": "CREATING"}
    for verb, where, body in (
            ("POST", "", {"name": "nat-3"}), ("POST", "/nat-1:activate", {}), ("DELETE", "/nat-1", None)):
        refused = await instance.refused(verb, f"{ADDRESSES}{where}", body)
        assert "the resource is locked by another operation" in refused["message"]
    assert not running.get("done")
