# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Endpoint attachments and the service attachments they lead to: who accepts whom, and what the network is told."""
from __future__ import annotations

import pytest

from tests.testbed.google.conftest import COMPUTE, PROJECT, Google

ALL = "apigee.organizations.endpointAttachments"
RULES, SERVICES = "compute.forwardingRules", "compute.serviceAttachments"
REGION = f"{COMPUTE}/regions/europe-west1"
SERVICE = f"projects/{PROJECT}/regions/europe-west1/serviceAttachments/orders"
ORGANIZATION = f"apigee/v1/organizations/{PROJECT}"
ENDPOINT = {"location": "europe-west1", "serviceAttachment": SERVICE}
RULE = {"name": "orders", "loadBalancingScheme": "INTERNAL", "IPAddress": "10.10.0.80", "ports": ["8443"],
        "subnetwork": f"projects/{PROJECT}/regions/europe-west1/subnetworks/nodes"}
PRODUCER = {"name": "orders", "connectionPreference": "ACCEPT_MANUAL",
            "targetService": f"projects/{PROJECT}/regions/europe-west1/forwardingRules/orders",
            "natSubnets": [f"projects/{PROJECT}/regions/europe-west1/subnetworks/nodes"]}


@pytest.fixture
async def producer(google: Google) -> Google:
    """A network with a load balancer, a service attachment that accepts by its list, and an organisation."""
    await google.ready()
    await google.do("POST", f"{REGION}/forwardingRules", RULE)
    await google.do("POST", f"{REGION}/serviceAttachments", PRODUCER)
    body = {"runtimeType": "CLOUD", "analyticsRegion": "europe-west1", "disableVpcPeering": True}
    await google.do("POST", f"apigee/v1/organizations?parent=projects/{PROJECT}", body)
    return google


async def endpoint(google: Google, name: str = "orders") -> None:
    await google.do("POST", f"{ORGANIZATION}/endpointAttachments?endpointAttachmentId={name}", ENDPOINT)


async def change(google: Google, **fields) -> None:
    found = await google.call("GET", f"{REGION}/serviceAttachments/orders")
    await google.do("PATCH", f"{REGION}/serviceAttachments/orders", {"fingerprint": found["fingerprint"], **fields})


def told(google: Google) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(each.host, each.target, each.ports) for network in google.world.networks for each in network.endpoints]


@pytest.mark.shows(f"{ALL}.create", f"{ALL}.get", f"{ALL}.list", f"{ALL}.delete", f"{SERVICES}.patch")
@pytest.mark.shows(f"{SERVICES}.insert", f"{SERVICES}.get", f"{SERVICES}.delete", f"{RULES}.insert", f"{RULES}.delete")
async def test_the_network_is_told_of_a_connection_while_the_producer_accepts_it(producer: Google) -> None:
    await endpoint(producer)
    found = await producer.call("GET", f"{ORGANIZATION}/endpointAttachments/orders")
    assert (found["state"], found["connectionState"]) == ("ACTIVE", "PENDING")
    assert told(producer) == []
    organization = await producer.call("GET", ORGANIZATION)
    accepted = [{"projectIdOrNum": organization["apigeeProjectId"], "connectionLimit": 1}]
    await change(producer, consumerAcceptLists=accepted)
    assert told(producer) == [(found["host"], "10.10.0.80", (8443,))]
    listed = await producer.call("GET", f"{ORGANIZATION}/endpointAttachments")
    assert [each["connectionState"] for each in listed["endpointAttachments"]] == ["ACCEPTED"]
    shown = await producer.call("GET", f"{REGION}/serviceAttachments/orders")
    assert [each["status"] for each in shown["connectedEndpoints"]] == ["ACCEPTED"]
    await change(producer, consumerRejectLists=[organization["apigeeProjectId"]])
    found = await producer.call("GET", f"{ORGANIZATION}/endpointAttachments/orders")
    assert found["connectionState"] == "REJECTED" and told(producer) == []
    assert "already being used" in (await producer.refused("DELETE", f"{REGION}/serviceAttachments/orders"))["message"]
    await producer.do("DELETE", f"{ORGANIZATION}/endpointAttachments/orders")
    assert "already being used" in (await producer.refused("DELETE", f"{REGION}/forwardingRules/orders"))["message"]
    await producer.do("DELETE", f"{REGION}/serviceAttachments/orders")
    await producer.do("DELETE", f"{REGION}/forwardingRules/orders")


@pytest.mark.shows(f"{ALL}.create", "one for each service attachment in an organisation")
@pytest.mark.shows(f"{ALL}.create", "the service attachment is in the location")
async def test_endpoints_that_are_refused(producer: Google) -> None:
    path = f"{ORGANIZATION}/endpointAttachments?endpointAttachmentId="
    for name, body, said in (
        ("x", ENDPOINT, "endpointAttachmentId"), ("orders", {"location": "europe-west1"}, "serviceAttachment"),
        ("orders", {**ENDPOINT, "location": "us-east1"}, "is not in location"),
        ("orders", {**ENDPOINT, "serviceAttachment": SERVICE + "x"}, "does not exist"),
    ):
        assert said in (await producer.refused("POST", path + name, body))["message"], name
    await endpoint(producer)
    assert (await producer.refused("POST", path + "orders", ENDPOINT))["code"] == 409
    assert "already has endpoint attachment" in (await producer.refused("POST", path + "two", ENDPOINT))["message"]


@pytest.mark.shows(f"{RULES}.get", f"{RULES}.list", f"{SERVICES}.list")
@pytest.mark.shows(f"{RULES}.insert", "the address is in the subnetwork")
@pytest.mark.shows(f"{SERVICES}.patch", "needs the current fingerprint (412 otherwise)")
async def test_producers_that_are_refused(producer: Google) -> None:
    for fields in ({"loadBalancingScheme": "EXTERNAL"}, {"IPAddress": "10.99.0.1"}, {"ports": ["1-5"]}):
        refused = await producer.refused("POST", f"{REGION}/forwardingRules", {**RULE, "name": "two", **fields})
        assert refused["code"] == 400, fields
    assert (await producer.refused("POST", f"{REGION}/forwardingRules", {**RULE, "name": "two"}))["code"] == 409
    (rule,) = (await producer.call("GET", f"{REGION}/forwardingRules"))["items"]
    assert await producer.call("GET", f"{REGION}/forwardingRules/orders") == rule
    for fields in ({"connectionPreference": "NEVER"}, {"targetService": ""}, {"natSubnets": []}):
        body = {**PRODUCER, "name": "two", **fields}
        assert (await producer.refused("POST", f"{REGION}/serviceAttachments", body))["code"] == 400, fields
    stale = {"fingerprint": "old", "description": "x"}
    assert (await producer.refused("PATCH", f"{REGION}/serviceAttachments/orders", stale))["code"] == 412
    assert len((await producer.call("GET", f"{REGION}/serviceAttachments"))["items"]) == 1


async def test_one_that_accepts_everybody(producer: Google) -> None:
    await change(producer, connectionPreference="ACCEPT_AUTOMATIC")
    await endpoint(producer)
    assert len(told(producer)) == 1
