# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Apigee on the emulated network services instead of prepared documents: order, teardown, comparable states."""
from __future__ import annotations

import io
import zipfile

import pytest

CONNECTIONS = "servicenetworking/v1/services/servicenetworking.googleapis.com/connections"
CONNECTION = f"{CONNECTIONS}/servicenetworking-googleapis-com"


@pytest.fixture
async def peered(apigee, google_services):
    """An Apigee client whose network is the one that Compute and Service Networking made."""
    await google_services()
    return apigee


@pytest.fixture
def google_services(apigee):
    """Replace the prepared network by one made through the emulated APIs."""
    async def call(verb, path, body=None):
        headers = {"Authorization": f"Bearer {apigee.token}"}
        async with apigee.client.request(verb, f"/{path}", json=body, headers=headers) as answer:
            data = await answer.json()
            assert answer.status < 300, data
        await apigee.emulator.operations.idle()
        return data

    async def prepare():
        async with apigee.emulator.store.transaction() as tx:
            for prefix in ("compute/", "servicenetworking/"):
                tx.delete_under(prefix)
        await call("POST", "serviceusage/v1/projects/123456789012/services:batchEnable", {"serviceIds": [
            f"{name}.googleapis.com" for name in ("compute", "servicenetworking", "apigee")]})
        compute = "compute/compute/v1/projects/acme-shop/global"
        await call("POST", f"{compute}/networks", {"name": "shop-vpc", "autoCreateSubnetworks": False})
        network = "projects/acme-shop/global/networks/shop-vpc"
        await call("POST", f"{compute}/addresses", {
            "name": "apigee-range", "purpose": "VPC_PEERING", "addressType": "INTERNAL", "address": "10.40.0.0",
            "prefixLength": 20, "network": network})
        await call("POST", CONNECTIONS, {
            "network": "projects/123456789012/global/networks/shop-vpc", "reservedPeeringRanges": ["apigee-range"]})

    prepare.call = call
    return prepare


async def test_instance_takes_its_range_from_the_real_reservation(peered):
    await peered.organization()
    assert (await peered.instance())["ipRange"] == "10.40.0.0/22,10.40.4.0/28"


async def test_connection_is_held_while_an_instance_lives(peered, google_services):
    await peered.organization()
    await peered.instance()
    body = {"consumerNetwork": "projects/123456789012/global/networks/shop-vpc"}
    for expected in (9, None):
        operation = await google_services.call("POST", CONNECTION, body)
        done = await google_services.call("GET", f"servicenetworking/v1/{operation['name']}")
        assert done.get("error", {}).get("code") == expected
        if expected:
            await peered.wait(await peered.delete("instances/euw1"))


def zipped_at(data, year):
    """The same bundle, zipped at another time."""
    out, source = io.BytesIO(), zipfile.ZipFile(io.BytesIO(data))
    with zipfile.ZipFile(out, "w") as archive:
        for entry in source.infolist():
            archive.writestr(zipfile.ZipInfo(entry.filename, (year, 1, 1, 0, 0, 0)), source.read(entry))
    return out.getvalue()


async def build(apigee, year=2000):
    await apigee.ready()
    await apigee.server()
    await apigee.upload(zipped_at(apigee.bundle("/orders", ("orders",)), year))
    await apigee.deploy()
    await apigee.post("keyvaluemaps", {"name": "gatewayops-ownership", "encrypted": True})


async def state(apigee):
    async with apigee.client.get("/_testbed/state") as answer:
        return await answer.json()


async def test_equal_runs_end_in_equal_states_and_a_teardown_leaves_nothing(apigee):
    empty = await state(apigee)
    digests = []
    for year in (2001, 2002):
        await build(apigee, year)
        digests.append((await state(apigee))["digest"])
        await apigee.wait(await apigee.delete())
        assert (await state(apigee))["objects"].keys() == empty["objects"].keys()
    assert digests[0] == digests[1]


async def test_what_happened_on_the_way_is_not_part_of_the_state(apigee):
    await build(apigee)
    direct = (await state(apigee))["digest"]
    await apigee.wait(await apigee.delete())
    await apigee.ready()
    await apigee.upload(apigee.bundle("/orders", ("orders",)))
    assert (await apigee.deploy())["state"] == "ERROR"
    await apigee.server()
    await apigee.post("keyvaluemaps", {"name": "gatewayops-ownership", "encrypted": True})
    assert (await apigee.state())["state"] == "READY"
    assert (await state(apigee))["digest"] == direct
