# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""VPC networks and their peerings."""

from __future__ import annotations

from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.rules import Immutable, Range, Said
from testbed.google.service import Call, handles
from testbed.google.services.compute.common import BASE, NAME_RULES, Readable, in_use, invalid

_SEEN = "google-apis.md 4.2"
_ROUTING = {"routingMode": "REGIONAL", "bgpBestPathSelectionMode": "LEGACY"}
PEERING = "servicenetworking-googleapis-com"


class Networks(Readable):
    """Custom mode networks; auto mode and legacy networks are refused."""

    collection = "networks"
    kind = "compute#network"
    method_prefix = "compute.networks"

    @handles(
        ".insert",
        rules=[
            *NAME_RULES,
            Range("mtu", 1300, 8896, source="compute.v1, field text of mtu"),
            Said("autoCreateSubnetworks must be sent", source=_SEEN),
        ],
    )
    def insert(self, call: Call) -> dict[str, Any]:
        if (operation := self.repeated(call)) is not None:
            return operation
        body = call.body
        if "autoCreateSubnetworks" not in body:
            # Absent means a legacy network, which Google no longer makes.
            raise invalid("IPv4Range", body.get("IPv4Range", ""), "Legacy networks can no longer be created.")
        if body["autoCreateSubnetworks"]:
            raise GoogleError(501, "Networks in auto mode are not emulated by this testbed.")
        document = self.created(call, {
            "name": body["name"],
            "description": body.get("description"),
            "autoCreateSubnetworks": False,
            "mtu": body.get("mtu", 1460),
            "routingConfig": _ROUTING | body.get("routingConfig", {}),
            "networkFirewallPolicyEnforcementOrder": body.get(
                "networkFirewallPolicyEnforcementOrder", "AFTER_CLASSIC_FIREWALL"
            ),
        })  # fmt: skip
        document["selfLinkWithId"] = f"{BASE}{self.scope(call)}/networks/{document['id']}"
        operation = self.operate(call, document, "insert", duration="compute.network")
        call.store.put(f"compute/{self.path(call, body['name'])}", document)
        return operation

    @handles(
        ".patch",
        rules=[Immutable(("name", "description", "autoCreateSubnetworks", "mtu"), source=_SEEN)],
    )
    def patch(self, call: Call) -> dict[str, Any]:
        before = self.stored(call)
        call.immutable(before, call.body, "Invalid value for field 'resource': only routingConfig can be changed.")
        document = dict(before)
        document["routingConfig"] = before["routingConfig"] | call.body.get("routingConfig", {})
        for name in ("networkFirewallPolicyEnforcementOrder",):
            if name in call.body:
                document[name] = call.body[name]
        operation = self.operate(call, document, "compute.networks.patch", before=before)
        call.store.put(f"compute/{self.path(call)}", document)
        return operation

    @handles(".delete", rules=[Said("refused while in use", source="compute documentation")])
    def delete(self, call: Call) -> dict[str, Any]:
        document = self.stored(call)
        path = self.path(call)
        project = call.project()["projectId"]
        for key, other in call.store.items(f"compute/projects/{project}/"):
            if other.get("network") == document["selfLink"]:
                raise in_use(path, key.removeprefix("compute/"))
        if self.peerings(call, document):
            raise in_use(path, f"projects/{project}/global/networkPeerings/{PEERING}")
        return self.operate(call, document, "delete", duration="compute.delete", delete=True)

    @handles(".removePeering")
    def remove_peering(self, call: Call) -> dict[str, Any]:
        """Take the peering away on our side alone: the fall-back when the producer still holds it."""
        document = self.stored(call)
        names = [p["name"] for p in self.peerings(call, document)]
        if call.body.get("name") not in names:
            raise GoogleError(
                400, f"Invalid value for field 'name': '{call.body.get('name')}'. There is no peering with this name."
            )
        operation = self.operate(call, document, "compute.networks.removePeering", before=document)
        number = call.project()["number"]
        call.store.delete(f"servicenetworking/projects/{number}/global/networks/{document['name']}/connection")
        return operation

    def shown(self, call: Call, document: dict[str, Any]) -> dict[str, Any]:
        project = call.project()["projectId"]
        links = [
            other["selfLink"]
            for key, other in call.store.items(f"compute/projects/{project}/regions/")
            if key.split("/")[-2] == "subnetworks" and other["network"] == document["selfLink"]
        ]
        shown = dict(document)
        if links:
            shown["subnetworks"] = links
        if peerings := self.peerings(call, document):
            shown["peerings"] = peerings
        return shown

    @staticmethod
    def peerings(call: Call, document: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the network's peerings: the service networking connection, when there is one."""
        number = call.project()["number"]
        key = f"servicenetworking/projects/{number}/global/networks/{document['name']}/connection"
        connection = call.store.get(key)
        if connection is None:
            return []
        return [
            {
                "name": PEERING,
                "network": f"{BASE}projects/{connection['tenantProject']}/global/networks/servicenetworking",
                "state": "ACTIVE",
                "stateDetails": "[2026-01-05T09:00:00.000-08:00]: Connected.",
                "autoCreateRoutes": True,
                "exchangeSubnetRoutes": True,
                "exportCustomRoutes": False,
                "importCustomRoutes": False,
                "exportSubnetRoutesWithPublicIp": False,
                "importSubnetRoutesWithPublicIp": False,
                "stackType": "IPV4_ONLY",
            }
        ]
