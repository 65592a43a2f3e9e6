# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Organisations, their lock and their operations."""
from __future__ import annotations

import asyncio
import base64

import pytest

CREATE, DELETE = "apigee.organizations.create", "apigee.organizations.delete"
BODY = {"runtimeType": "CLOUD", "analyticsRegion": "europe-west1", "authorizedNetwork": "shop-vpc"}


async def create(apigee, **fields):
    body = {name: value for name, value in (BODY | fields).items() if value is not None}
    return await apigee.call("POST", "organizations", body, parent="projects/acme-shop")


@pytest.mark.shows("apigee.organizations.get", "apigee.organizations.list", "apigee.organizations.getProjectMapping")
async def test_reading_an_organization(apigee):
    with apigee.refused(403, "or it may not exist"):
        await apigee.get()
    assert await apigee.call("GET", "organizations") == {}
    await apigee.organization()
    await apigee.instance()
    await apigee.environment()
    found = await apigee.get()
    assert found["name"] == found["projectId"] == "acme-shop"
    assert found["authorizedNetwork"] == "shop-vpc" and found["environments"] == ["prod"]
    assert found["createdAt"].isdigit() and found["billingType"] == "EVALUATION"
    # The authority that signs what its instances show, as the world has it.
    (authority,) = found["caCertificates"]
    assert base64.b64decode(authority).startswith(b"-----BEGIN CERTIFICATE-----")
    assert "disableVpcPeering" not in found and "network_project" not in found
    mapping = {"organization": "acme-shop", "projectId": "acme-shop", "projectIds": ["acme-shop"], "location": "global"}
    assert await apigee.call("GET", "organizations") == {"organizations": [mapping]}
    assert await apigee.call("GET", "organizations/acme-shop:getProjectMapping") == mapping


@pytest.mark.shows(CREATE)
@pytest.mark.parametrize("change, status, message", [
    ({"runtimeType": None}, 400, "runtimeType"),
    ({"analyticsRegion": None}, 400, "analytics_region is required"),
    ({"name": "another"}, 400, "must match the project id"),
    ({"authorizedNetwork": "missing"}, 400, "networks/missing does not exist"),
    ({"authorizedNetwork": "unconnected"}, 400, "not connected to servicenetworking"),
    ({"authorizedNetwork": "global/networks/x"}, 400, "is invalid"),
    ({"authorizedNetwork": None}, 400, "required unless disable_vpc_peering"),
    ({"disableVpcPeering": True}, 400, "must not be set when"),
    ({"runtimeType": "HYBRID"}, 400, "valid only for runtime type CLOUD"),
    ({"autorizedNetwork": "x"}, 400, "autorizedNetwork"),
])
async def test_create_refuses(apigee, change, status, message):
    with apigee.refused(status, message):
        await create(apigee, **change)
    assert await apigee.call("GET", "organizations") == {}


@pytest.mark.shows(CREATE)
async def test_create_needs_the_parent_and_the_enabled_api(apigee):
    with apigee.refused(400, "parent"):
        await apigee.call("POST", "organizations", BODY)
    async with apigee.emulator.store.transaction() as tx:
        tx.delete("serviceusage/projects/123456789012/services/apigee.googleapis.com")
    with apigee.refused(403, "has not been used in project"):
        await create(apigee)


@pytest.mark.shows(CREATE)
async def test_create_twice_is_refused_and_a_shared_network_may_be_named_in_full(apigee):
    await apigee.wait(await create(apigee, authorizedNetwork="projects/acme-shop/global/networks/shop-vpc"))
    with apigee.refused(409, "already exists"):
        await create(apigee)


@pytest.mark.shows(CREATE, "apigee.organizations.instances.create")
async def test_organization_without_vpc_peering(apigee):
    made = await apigee.organization(authorizedNetwork=None, disableVpcPeering=True)
    assert made["disableVpcPeering"] is True
    instance = await apigee.instance()
    assert instance["ipRange"].startswith("172.31.248.0/22") and instance["serviceAttachment"].startswith("projects/")
    assert apigee.world.instances[("acme-shop", "euw1")].network == ""


@pytest.mark.shows("apigee.organizations.update")
async def test_update_changes_properties_and_ignores_the_rest(apigee):
    await apigee.organization()
    changed = await apigee.put("", {"description": "shop", "properties": {"property": [{"name": "a", "value": "b"}]},
                                    "runtimeType": "HYBRID", "billingType": "PAYG"})
    assert changed["description"] == "shop" and changed["properties"]["property"] == [{"name": "a", "value": "b"}]
    assert changed["runtimeType"] == "CLOUD" and changed["billingType"] == "EVALUATION"


@pytest.mark.shows("apigee.organizations.update")
async def test_network_changes_only_without_instances(apigee):
    await apigee.organization()
    with apigee.refused(400, "not connected"):
        await apigee.put("", {"authorizedNetwork": "unconnected"})
    await apigee.instance()
    with apigee.refused(400, "while the organization has runtime instances"):
        await apigee.put("", {"authorizedNetwork": "unconnected"})
    assert (await apigee.put("", {"authorizedNetwork": "shop-vpc"}))["authorizedNetwork"] == "shop-vpc"


@pytest.mark.shows(DELETE)
async def test_evaluation_organization_goes_at_once_with_all_that_is_in_it(apigee):
    await apigee.ready()
    await apigee.wait(await apigee.delete())
    with apigee.refused(403, "may not exist"):
        await apigee.get()
    assert apigee.world.instances == {}
    assert not apigee.emulator.store.snapshot().keys("apigee/organizations/acme-shop")
    await apigee.organization()


@pytest.mark.shows(DELETE)
@pytest.mark.parametrize("retention, blocked", [(None, True), ("MINIMUM", True), ("NO_RETENTION", False)])
async def test_paid_organization_is_retained(apigee, retention, blocked):
    await apigee.organization(billingType="PAYG")
    await apigee.wait(await apigee.delete(**({"retention": retention} if retention else {})))
    with apigee.refused(403):
        await apigee.get()
    if blocked:
        with apigee.refused(400, "retention period"):
            await create(apigee)
    else:
        await apigee.organization()


@pytest.mark.shows("apigee.organizations.operations.get", "apigee.organizations.operations.list")
async def test_operations(apigee):
    operation = await create(apigee)
    assert operation["metadata"]["operationType"] == "INSERT"
    assert operation["metadata"]["targetResourceName"] == "organizations/acme-shop"
    await apigee.wait(operation)
    done = await apigee.call("GET", operation["name"])
    assert done["done"] is True and done["metadata"]["state"] == "FINISHED"
    listed = await apigee.get("operations")
    assert [item["name"] for item in listed["operations"]] == [operation["name"]]
    with apigee.refused(404, "not found"):
        await apigee.get("operations/nothing")


@pytest.mark.shows("apigee.organizations.instances.create", "apigee.organizations.environments.create")
async def test_second_long_operation_is_refused_while_one_runs(apigee):
    await apigee.organization()
    apigee.world.delay["start_instance"] = 0.3
    operation = await apigee.post("instances", {"name": "euw1", "location": "europe-west1"})
    assert (await apigee.get("instances/euw1"))["state"] == "CREATING"
    with apigee.refused(400, "the resource is locked by another operation: .+") as refusal:
        await apigee.post("environments", {"name": "prod"})
    assert refusal.value.error["status"] == "FAILED_PRECONDITION"
    assert operation["name"].rsplit("/", 1)[1] in str(refusal.value)
    with apigee.refused(400, "locked"):
        await apigee.post("envgroups", {"name": "shop", "hostnames": ["a.example"]})
    await asyncio.sleep(0.35)
    await apigee.wait(operation)
    assert (await apigee.get("instances/euw1"))["state"] == "ACTIVE"
    await apigee.environment()


@pytest.mark.shows("apigee.organizations.environments.list")
async def test_reader_may_not_write(apigee):
    await apigee.organization()
    token = await apigee.emulator.identity.token_for("viewer@acme-shop.iam.gserviceaccount.com")
    assert await apigee.call("GET", apigee.at("environments"), token=token) == []
    with apigee.refused(403, "apigee.environments.create"):
        await apigee.call("POST", apigee.at("environments"), {"name": "prod"}, token=token)


async def test_what_is_not_emulated_says_so(apigee):
    await apigee.organization()
    await apigee.environment(attach=False)
    for path in ("environments/prod/traceConfig", "reports"):
        with apigee.refused(501, "is not emulated by this testbed"):
            await apigee.get(path)
