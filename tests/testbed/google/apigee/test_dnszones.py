# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""DNS zones: which organisations have them, what Apigee's service agent needs, what the network's picture tells."""
from __future__ import annotations

import pytest

ZONES = "apigee.organizations.dnsZones"
AGENT = "serviceAccount:service-123456789012@gcp-sa-apigee.iam.gserviceaccount.com"
ZONE = {"domain": "gke.acme.internal", "description": "names",
        "peeringConfig": {"targetProjectId": "acme-shop", "targetNetworkId": "shop-vpc"}}


@pytest.fixture
async def unpeered(apigee):
    """An organisation without VPC peering, whose service agent may ask for names."""
    await apigee.organization(authorizedNetwork=None, disableVpcPeering=True)
    await grant(apigee, AGENT)
    return apigee


async def grant(apigee, *members: str) -> None:
    async with apigee.emulator.store.transaction() as tx:
        policy = tx.get("policies/projects/acme-shop")
        bindings = [each for each in policy["bindings"] if each["role"] != "roles/dns.peer"]
        tx.put("policies/projects/acme-shop",
               {**policy, "bindings": [*bindings, {"role": "roles/dns.peer", "members": list(members)}]})


def suffixes(apigee) -> dict[str, list[str]]:
    return {network.name.rsplit("/", 1)[-1]: [zone.suffix for zone in network.apigee_zones]
            for network in apigee.world.networks}


@pytest.mark.shows(f"{ZONES}.create", f"{ZONES}.get", f"{ZONES}.list", f"{ZONES}.delete")
async def test_a_zone_becomes_active_and_reaches_the_network(unpeered):
    await unpeered.wait(await unpeered.post("dnsZones", ZONE, dnsZoneId="shop"))
    found = await unpeered.get("dnsZones/shop")
    assert found["name"] == "organizations/acme-shop/dnsZones/shop"
    assert (found["state"], found["domain"]) == ("ACTIVE", "gke.acme.internal.")
    assert suffixes(unpeered) == {"shop-vpc": ["gke.acme.internal."], "unconnected": []}
    assert [zone["name"] for zone in (await unpeered.get("dnsZones"))["dnsZones"]] == [found["name"]]
    await unpeered.wait(await unpeered.delete("dnsZones/shop"))
    assert suffixes(unpeered)["shop-vpc"] == []
    with unpeered.refused(404):
        await unpeered.get("dnsZones/shop")


@pytest.mark.shows(f"{ZONES}.create")
async def test_an_organisation_with_peering_has_none(apigee):
    await apigee.organization()
    with apigee.refused(400, "VPC peering disabled") as caught:
        await apigee.post("dnsZones", ZONE, dnsZoneId="shop")
    assert caught.value.error["status"] == "FAILED_PRECONDITION"


@pytest.mark.shows(f"{ZONES}.create")
async def test_the_service_agent_needs_the_role(unpeered):
    await grant(unpeered, "serviceAccount:somebody@acme-shop.iam.gserviceaccount.com")
    with pytest.raises(AssertionError, match=r"dns\.networks\.targetWithPeeringZone"):
        await unpeered.wait(await unpeered.post("dnsZones", ZONE, dnsZoneId="shop"))
    with unpeered.refused(404):
        await unpeered.get("dnsZones/shop")


@pytest.mark.shows(f"{ZONES}.create")
@pytest.mark.parametrize(("body", "query", "said"), [
    ({}, {}, "dnsZoneId"), ({}, {"dnsZoneId": "Shop"}, "dnsZoneId"), ({"domain": ""}, {"dnsZoneId": "a"}, "domain"),
    ({"description": ""}, {"dnsZoneId": "a"}, "description"),
    ({"peeringConfig": {"targetProjectId": "acme-shop"}}, {"dnsZoneId": "a"}, "targetNetworkId"),
    ({"peeringConfig": {"targetProjectId": "acme-shop", "targetNetworkId": "none"}}, {"dnsZoneId": "a"}, "not exist"),
])
async def test_zones_that_are_refused(unpeered, body, query, said):
    with unpeered.refused(400, said):
        await unpeered.post("dnsZones", ZONE | body, **query)


@pytest.mark.shows(f"{ZONES}.create")
async def test_a_domain_has_one_zone(unpeered):
    await unpeered.wait(await unpeered.post("dnsZones", ZONE, dnsZoneId="shop"))
    with unpeered.refused(409):
        await unpeered.post("dnsZones", ZONE, dnsZoneId="shop")
    with unpeered.refused(400, "already belongs"):
        await unpeered.post("dnsZones", ZONE, dnsZoneId="other")
