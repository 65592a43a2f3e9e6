# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""DNS zones: an organisation without VPC peering resolves names of a network through them."""
from __future__ import annotations

from typing import Any

from testbed.google.errors import GoogleError, precondition
from testbed.google.rules import Pattern, Required, Said
from testbed.google.service import Call, handles, now, on_failure, work
from testbed.google.services.apigee.base import LOCKED, ApigeeService, drop, page, typed
from testbed.google.services.apigee.names import exists, ids, key, require, require_organization

DOCUMENT = "apigee.v1 discovery document"
TARGET = "dns.networks.targetWithPeeringZone"


class DnsZones(ApigeeService):
    """organizations.dnsZones.*: no update of any kind."""

    volatile = ("createTime", "updateTime")

    @handles("apigee.organizations.dnsZones.create", rules=[
        Required("dnsZoneId", query=True, source=f"{DOCUMENT}: dnsZones.create, dnsZoneId: Required"),
        Pattern("dnsZoneId", r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", query=True,
                source=f"{DOCUMENT}: dnsZones.create, dnsZoneId"),
        Required("domain", source=f"{DOCUMENT}, DnsZone.domain: Required"),
        Required("description", source=f"{DOCUMENT}, DnsZone.description: Required"),
        Required("peeringConfig.targetProjectId", source=f"{DOCUMENT}, DnsZonePeeringConfig: Required"),
        Required("peeringConfig.targetNetworkId", source=f"{DOCUMENT}, DnsZonePeeringConfig: Required"),
        Said("refused on an organisation with VPC peering",
             source="apigee-peers.md 0.9: FAILED_PRECONDITION; terraform-provider-google #21391"),
        Said("the target network exists, a domain has one zone", source="assumed: a zone that could answer nothing"),
        Said(f"the operation ends in an error unless Apigee's service agent has {TARGET} on the target's project",
             source="gke-dns-path.md 2.1; the text is assumed"),
        LOCKED])
    def create(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        owner = self.active(call, organization)
        if owner["runtimeType"] != "CLOUD" or not owner.get("disableVpcPeering"):
            raise precondition("DNS zones are supported only for organizations with VPC peering disabled")
        name, domain = call.query["dnsZoneId"], call.body["domain"].rstrip(".") + "."
        target = f"organizations/{organization}/dnsZones/{name}"
        if call.store.exists(key("organizations", organization, "dnsZones", name)):
            raise exists("DNS zone", target)
        for other in call.store.children(key("organizations", organization, "dnsZones")):
            if other["domain"] == domain:
                raise GoogleError(400, f"domain {domain} already belongs to {other['name']}")
        peering = call.body["peeringConfig"]
        project = call.project(peering["targetProjectId"])["projectId"]
        network = peering["targetNetworkId"].rsplit("/", 1)[-1]
        if not call.store.exists(f"compute/projects/{project}/global/networks/{network}"):
            raise GoogleError(400, f"network projects/{project}/global/networks/{network} does not exist")
        document = {"name": target, "domain": domain, "description": call.body["description"], "state": "CREATING",
                    "peeringConfig": peering, "createTime": now(), "updateTime": now()}
        operation = self.start(call, organization, "INSERT", target, duration="apigee.dns_zone",
                               work="apigee.dns_zone.create", real=True)
        call.store.put(key("organizations", organization, "dnsZones", name), document)
        return operation

    @work("apigee.dns_zone.create")
    async def ready(self, run: Any) -> dict[str, Any]:
        organization, name = ids(run.arguments["target"], "organizations", "dnsZones")
        async with run.transaction() as tx:
            document = tx.get(key("organizations", organization, "dnsZones", name)) or {}
            target = self.emulator.project(tx, document["peeringConfig"]["targetProjectId"])["projectId"]
            owner = self.emulator.project(tx, require_organization(tx, organization)["projectId"])
            agent = f"service-{owner['number']}@gcp-sa-apigee.iam.gserviceaccount.com"
            if not self.emulator.identity.allowed(tx, agent, TARGET, target):
                raise GoogleError(403, f"Permission '{TARGET}' denied for {agent} on project {target}")
            document |= {"state": "ACTIVE"}
            tx.put(key("organizations", organization, "dnsZones", name), document)
        await self.emulator.apply_network()
        return typed("DnsZone", document)

    @on_failure("apigee.dns_zone.create")
    async def failed(self, run: Any, error: dict[str, Any]) -> None:
        organization, name = ids(run.arguments["target"], "organizations", "dnsZones")
        async with run.transaction() as tx:
            drop(tx, "organizations", organization, "dnsZones", name)

    @handles("apigee.organizations.dnsZones.get")
    def get(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "dnsZones")
        return require(call.store, "DNS zone", "organizations", organization, "dnsZones", name)

    @handles("apigee.organizations.dnsZones.list", rules=[
        Said("25 a page", source=f"{DOCUMENT}: dnsZones.list, pageSize")])
    def list(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        require_organization(call.store, organization)
        return page(call.store.children(key("organizations", organization, "dnsZones")), call, "dnsZones")

    @handles("apigee.organizations.dnsZones.delete", rules=[LOCKED])
    def delete(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "dnsZones")
        document = require(call.store, "DNS zone", "organizations", organization, "dnsZones", name)
        operation = self.start(call, organization, "DELETE", call.path["name"], duration="apigee.dns_zone",
                               work="apigee.dns_zone.delete", real=True)
        call.store.put(key("organizations", organization, "dnsZones", name), {**document, "state": "DELETING"})
        return operation

    @work("apigee.dns_zone.delete")
    async def deleted(self, run: Any) -> None:
        organization, name = ids(run.arguments["target"], "organizations", "dnsZones")
        async with run.transaction() as tx:
            drop(tx, "organizations", organization, "dnsZones", name)
        await self.emulator.apply_network()
