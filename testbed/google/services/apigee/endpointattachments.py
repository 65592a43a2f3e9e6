# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Endpoint attachments: Apigee's end of Private Service Connect. Whether it carries anything the producer decides."""
from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from testbed.google.errors import GoogleError, precondition
from testbed.google.rules import Pattern, Required, Said
from testbed.google.service import Call, handles, work
from testbed.google.services.apigee.base import LOCKED, ApigeeService, drop, page, public, typed
from testbed.google.services.apigee.names import exists, ids, key, require, require_organization
from testbed.google.services.compute.serviceattachments import connection

if TYPE_CHECKING:
    from testbed.google.store import Transaction

DOCUMENT = "apigee.v1 discovery document, EndpointAttachment"
SERVICE_ATTACHMENT = r"projects/([^/]+)/regions/([^/]+)/serviceAttachments/([^/]+)"
# Google takes addresses of 7.0.0.0/8 for these; the testbed stays in private ranges.
HOSTS = ipaddress.IPv4Network("172.31.247.0/24")


class EndpointAttachments(ApigeeService):
    """organizations.endpointAttachments.*: no update of any kind."""

    @handles("apigee.organizations.endpointAttachments.create", rules=[
        Required("endpointAttachmentId", query=True, source="assumed: nothing else could name it"),
        Pattern("endpointAttachmentId", r"[a-z](?:[a-z0-9-]{0,30}[a-z0-9])", query=True,
                source="apigee.v1 discovery document: endpointAttachments.create, endpointAttachmentId"),
        Required("location", source=f"{DOCUMENT}.location: Required"),
        Required("serviceAttachment", source="nothing else could be connected"),
        Pattern("serviceAttachment", SERVICE_ATTACHMENT, source=f"{DOCUMENT}.serviceAttachment: Format"),
        Said("not on a hybrid organisation", source="text of endpointAttachments.create"),
        Said("one for each service attachment in an organisation", source="gke-dns-path.md 3.5; google-apis.md 4.7"),
        Said("the service attachment is in the location", source="assumed: Private Service Connect is regional"),
        LOCKED])
    def create(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        if self.active(call, organization)["runtimeType"] != "CLOUD":
            raise precondition("endpoint attachments are not supported for runtime type HYBRID")
        name, wanted = call.query["endpointAttachmentId"], call.body["serviceAttachment"]
        target = f"organizations/{organization}/endpointAttachments/{name}"
        siblings = call.store.children(key("organizations", organization, "endpointAttachments"))
        if any(each["name"] == target for each in siblings):
            raise exists("endpoint attachment", target)
        region = re.fullmatch(SERVICE_ATTACHMENT, wanted)[2]
        if region != call.body["location"]:
            raise GoogleError(400, f"service attachment {wanted} is not in location {call.body['location']}")
        for other in siblings:
            if other["serviceAttachment"] == wanted:
                raise precondition(f"service attachment {wanted} already has endpoint attachment {other['name']}")
        if not call.store.exists(f"compute/{wanted}"):
            raise GoogleError(400, f"service attachment {wanted} does not exist")
        taken = {each["host"] for each in siblings}
        host = next(str(each) for each in HOSTS.hosts() if str(each) not in taken)
        document = {"name": target, "location": call.body["location"], "serviceAttachment": wanted, "host": host,
                    "state": "CREATING"}
        operation = self.start(call, organization, "INSERT", target, duration="apigee.endpoint_attachment",
                               work="apigee.endpoint_attachment.create", real=True)
        call.store.put(key("organizations", organization, "endpointAttachments", name), document)
        return operation

    @work("apigee.endpoint_attachment.create")
    async def ready(self, run: Any) -> dict[str, Any]:
        organization, name = ids(run.arguments["target"], "organizations", "endpointAttachments")
        async with run.transaction() as tx:
            document = (tx.get(key("organizations", organization, "endpointAttachments", name)) or {})
            document |= {"state": "ACTIVE"}
            tx.put(key("organizations", organization, "endpointAttachments", name), document)
            shown = self._shown(tx, organization, document)
        await self.emulator.apply_network()
        return typed("EndpointAttachment", shown)

    @staticmethod
    def _shown(tx: Transaction, organization: str, document: dict[str, Any]) -> dict[str, Any]:
        """As Google shows it: the producer's word for the connection, and a host once it is there."""
        if document["state"] != "ACTIVE":
            return {**public(document, "host"), "connectionState": "UNAVAILABLE"}
        return {**document, "connectionState": connection(tx, document["serviceAttachment"], tenant(tx, organization))}

    @handles("apigee.organizations.endpointAttachments.get", rules=[
        Said("connectionState is what the service attachment says of Apigee's project",
             source=f"{DOCUMENT}.connectionState")])
    def get(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "endpointAttachments")
        return self._shown(call.store, organization, require(
            call.store, "endpoint attachment", "organizations", organization, "endpointAttachments", name))

    @handles("apigee.organizations.endpointAttachments.list")
    def list(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        require_organization(call.store, organization)
        found = call.store.children(key("organizations", organization, "endpointAttachments"))
        return page([self._shown(call.store, organization, each) for each in found], call, "endpointAttachments")

    @handles("apigee.organizations.endpointAttachments.delete", rules=[LOCKED])
    def delete(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "endpointAttachments")
        document = require(
            call.store, "endpoint attachment", "organizations", organization, "endpointAttachments", name)
        operation = self.start(call, organization, "DELETE", call.path["name"], duration="apigee.endpoint_attachment",
                               work="apigee.endpoint_attachment.delete", real=True)
        call.store.put(key("organizations", organization, "endpointAttachments", name),
                       {**document, "state": "DELETING"})
        return operation

    @work("apigee.endpoint_attachment.delete")
    async def deleted(self, run: Any) -> None:
        organization, name = ids(run.arguments["target"], "organizations", "endpointAttachments")
        async with run.transaction() as tx:
            drop(tx, "organizations", organization, "endpointAttachments", name)
        await self.emulator.apply_network()


def tenant(tx: Transaction, organization: str) -> str:
    """Apigee's own project, which a service attachment has to accept."""
    return (tx.get(key("organizations", organization)) or {})["apigeeProjectId"]
