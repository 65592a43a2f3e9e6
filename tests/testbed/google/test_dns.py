# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloud DNS's rules, and the zone that GKE manages."""

from __future__ import annotations

from typing import Any

import pytest

from testbed.world import Record
from tests.testbed.google.conftest import CONTAINER, DNS, Google

ZONES = f"{DNS}/managedZones"
LINK = "https://www.googleapis.com/compute/v1/projects/acme-shop/global/networks/shop"
ZONE = {
    "name": "shop",
    "dnsName": "shop.internal.",
    "description": "the shop",
    "visibility": "private",
    "privateVisibilityConfig": {"networks": [{"networkUrl": LINK}]},
}
A = {"name": "a.shop.internal.", "type": "A", "ttl": 60, "rrdatas": ["10.0.0.1"]}


@pytest.mark.shows(
    "dns.managedZones.create",
    "requires name", "requires dnsName", "requires description", "networks exist; one zone for each name and network",
)  # fmt: skip
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": None}, 400),
        ({"dnsName": None}, 400),
        ({"dnsName": "shop.internal"}, 400),
        ({"description": None}, 400),
        ({"visibility": "secret"}, 400),
        ({"visibility": "public"}, 400),
        ({"privateVisibilityConfig": {"networks": [{"networkUrl": LINK + "s"}]}}, 400),
    ],
)
async def test_zones_that_are_refused(google: Google, fields: dict[str, Any], code: int) -> None:
    await google.ready()
    body = {k: v for k, v in {**ZONE, **fields}.items() if v is not None}
    error = await google.refused("POST", ZONES, body)
    assert error["code"] == code and "status" not in error
    await google.call("POST", ZONES, ZONE)
    assert (await google.refused("POST", ZONES, ZONE))["code"] == 409
    assert (await google.refused("POST", ZONES, {**ZONE, "name": "second"}))["code"] == 409


@pytest.mark.shows("dns.managedZones.patch", "dns.managedZones.update", "dns.managedZones.get", "dns.managedZones.list")
@pytest.mark.shows("dns.managedZones.delete", "refused while it holds records")
@pytest.mark.shows("dns.managedZoneOperations.get", "dns.projects.get")
async def test_zones_come_change_and_go(google: Google) -> None:
    await google.ready()
    zone = await google.call("POST", ZONES, ZONE)
    assert zone["kind"] == "dns#managedZone" and zone["id"].isdigit()
    operation = await google.call("PATCH", f"{ZONES}/shop", {"description": "new"})
    assert operation["status"] == "done"
    again = await google.call("GET", f"{ZONES}/shop/operations/{operation['id']}")
    assert again["zoneContext"]["newValue"]["description"] == "new"
    assert (await google.refused("PATCH", f"{ZONES}/shop", {"dnsName": "x.internal."}))["code"] == 400
    assert (await google.call("GET", f"{ZONES}/{zone['id']}"))["description"] == "new"
    await google.call("PUT", f"{ZONES}/shop", {**ZONE, "labels": {"a": "b"}})
    await google.call("POST", f"{ZONES}/shop/rrsets", A)
    assert google.world.networks[0].zones[0].records == (("a.shop.internal.", "A", 60, ("10.0.0.1",)),)
    error = await google.refused("DELETE", f"{ZONES}/shop")
    assert error["errors"][0]["reason"] == "containerNotEmpty"
    await google.call("DELETE", f"{ZONES}/shop/rrsets/a.shop.internal./A")
    assert await google.raw("DELETE", f"{ZONES}/shop") == (204, None)
    assert google.world.networks[0].zones == ()
    quota = (await google.call("GET", DNS))["quota"]
    assert quota["resourceRecordsPerRrset"] == 100


@pytest.mark.shows("dns.resourceRecordSets.create", "requires name", "requires type", "dns.resourceRecordSets.patch")
@pytest.mark.shows("dns.resourceRecordSets.list", "dns.resourceRecordSets.get", "dns.resourceRecordSets.delete")
async def test_record_sets(google: Google) -> None:
    await google.ready()
    await google.call("POST", ZONES, ZONE)
    sets = f"{ZONES}/shop/rrsets"
    for wrong in ({"name": None}, {"type": None}, {"name": "a.shop.internal"}, {"name": "a.other."}, {"rrdatas": None}):
        body = {k: v for k, v in {**A, **wrong}.items() if v is not None}
        assert (await google.refused("POST", sets, body))["code"] == 400
    await google.call("POST", sets, A)
    assert (await google.refused("POST", sets, A))["code"] == 409
    await google.call("PATCH", f"{sets}/a.shop.internal./A", {"ttl": 10})
    assert (await google.call("GET", f"{sets}/a.shop.internal./A"))["ttl"] == 10
    listed = (await google.call("GET", sets))["rrsets"]
    assert [r["type"] for r in listed] == ["NS", "SOA", "A"]
    assert (await google.refused("GET", f"{sets}?type=A"))["code"] == 400
    assert (await google.refused("GET", f"{sets}?name=a.shop.internal"))["code"] == 400
    assert len((await google.call("GET", f"{sets}?name=a.shop.internal.&type=A"))["rrsets"]) == 1
    assert (await google.refused("DELETE", f"{sets}/b.shop.internal./A"))["code"] == 404


@pytest.mark.shows("dns.resourceRecordSets.create", "dns.resourceRecordSets.patch", "dns.changes.create")
@pytest.mark.shows("dns.changes.create", "data fits the type, and an alias is alone at its name")
async def test_data_that_is_refused(google: Google) -> None:
    await google.ready()
    await google.call("POST", ZONES, ZONE)
    sets = f"{ZONES}/shop/rrsets"
    alias = {**A, "type": "CNAME", "rrdatas": ["b.shop.internal."]}
    await google.call("POST", sets, {**alias, "name": "alias.shop.internal."})
    await google.call("POST", sets, A)
    for record in (
        {"name": "c.shop.internal.", "rrdatas": ["10.0.0.256"]},
        {"type": "AAAA"},
        alias,
        {**alias, "name": "shop.internal."},
        {**alias, "name": "c.shop.internal.", "rrdatas": ["b.shop.internal"]},
        {**alias, "name": "c.shop.internal.", "rrdatas": ["b.shop.internal.", "c.shop.internal."]},
        {"name": "alias.shop.internal."},
    ):
        body = {**A, **record}
        assert (await google.refused("POST", sets, body))["code"] == 400
        assert (await google.refused("POST", f"{ZONES}/shop/changes", {"additions": [body]}))["code"] == 400
    assert (await google.refused("PATCH", f"{sets}/a.shop.internal./A", {"rrdatas": ["x"]}))["code"] == 400
    for name, kind, data in (("t.shop.internal.", "TXT", '"hello"'), ("shop.internal.", "A", "10.0.0.2")):
        await google.call("POST", sets, {**A, "name": name, "type": kind, "rrdatas": [data]})


@pytest.mark.shows("dns.changes.create", "deletions name exactly what exists; additions are new", "dns.changes.list")
@pytest.mark.shows("dns.changes.get")
async def test_changes_are_pending_first_and_done_later(google: Google) -> None:
    await google.ready()
    await google.call("POST", ZONES, ZONE)
    changes = f"{ZONES}/shop/changes"
    change = await google.call("POST", changes, {"additions": [A]})
    assert change["status"] == "pending"
    await google.emulator.operations.idle()
    assert (await google.call("GET", f"{changes}/{change['id']}"))["status"] == "done"
    assert (await google.refused("POST", changes, {"additions": [A]}))["code"] == 409
    stale = {"deletions": [{**A, "rrdatas": ["10.0.0.2"]}]}
    assert (await google.refused("POST", changes, stale))["errors"][0]["reason"] == "conditionNotMet"
    both = {"deletions": [A], "additions": [{**A, "rrdatas": ["10.0.0.3"]}]}
    await google.call("POST", changes, both)
    assert (await google.call("GET", f"{ZONES}/shop/rrsets/a.shop.internal./A"))["rrdatas"] == ["10.0.0.3"]
    assert len((await google.call("GET", changes))["changes"]) == 2


@pytest.mark.shows("dns.resourceRecordSets.list", "the zone of GKE shows what its controller publishes")
@pytest.mark.shows("dns.resourceRecordSets.patch", "in a zone of GKE: put back after the controller's period")
async def test_a_manual_edit_of_gkes_zone_is_put_back(google: Google) -> None:
    await google.ready()
    await google.do("POST", f"{CONTAINER}/clusters", google.cluster())
    name = "orders.shop.svc.gke.acme.internal."
    google.world.records = [Record(name, "A", 10, ("10.20.0.5", "10.20.0.6"))]
    [zone] = (await google.call("GET", f"{ZONES}?dnsName=gke.acme.internal."))["managedZones"]
    sets = f"{ZONES}/{zone['name']}/rrsets"
    assert (await google.call("GET", f"{sets}/{name}/A"))["rrdatas"] == ["10.20.0.5", "10.20.0.6"]
    await google.call("PUT", "_testbed/durations", {"scale": 0.005})
    await google.call("PATCH", f"{sets}/{name}/A", {"rrdatas": ["192.0.2.1"]})
    assert (await google.call("GET", f"{sets}/{name}/A"))["rrdatas"] == ["192.0.2.1"]
    await google.emulator.operations.idle()
    assert (await google.call("GET", f"{sets}/{name}/A"))["rrdatas"] == ["10.20.0.5", "10.20.0.6"]
    await google.call("DELETE", f"{sets}/{name}/A")
    assert (await google.refused("GET", f"{sets}/{name}/A"))["code"] == 404
    await google.emulator.operations.idle()
    assert (await google.call("GET", f"{sets}/{name}/A"))["ttl"] == 10
    assert (await google.refused("DELETE", f"{ZONES}/{zone['name']}"))["code"] == 400
    assert google.world.networks[0].zones == (), "the world serves what GKE publishes by itself"
