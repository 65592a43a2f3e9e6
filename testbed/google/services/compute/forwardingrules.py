# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwarding rules of internal passthrough load balancers.

Those that GKE makes for Services lead to its nodes (testbed.google.load_balancers). For one that a user makes nothing
balances: its address answers where something in the network has that address, as far as a service attachment needs it.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.rules import Required, Said
from testbed.google.service import Call, handles
from testbed.google.services.compute.common import (
    BASE,
    NAME_RULES,
    Readable,
    free_host,
    in_use,
    invalid,
    used_hosts,
)
from testbed.google.store import Transaction

_TEXT = "compute.v1, field text"


class ForwardingRules(Readable):
    """Regional rules with the scheme INTERNAL."""

    collection = "forwardingRules"
    kind = "compute#forwardingRule"
    method_prefix = "compute.forwardingRules"

    @handles(
        ".insert",
        rules=[
            *NAME_RULES,
            Said("only INTERNAL with up to five ports is emulated", source="the testbed's own limit"),
            Required("subnetwork", source=f"{_TEXT}: required in custom mode networks"),
            Required("ports", source="the testbed's own limit: all ports would need a router, not a forwarder"),
            Said("the address is in the subnetwork", source=_TEXT),
            Said("a reserved address is given by its name or number", source=f"{_TEXT} of IPAddress"),
        ],
    )
    def insert(self, call: Call) -> dict[str, Any]:
        if (operation := self.repeated(call)) is not None:
            return operation
        body = call.body
        if body.get("loadBalancingScheme") != "INTERNAL":
            raise invalid("loadBalancingScheme", body.get("loadBalancingScheme", ""), "The testbed has INTERNAL alone.")
        ports = [str(port) for port in body["ports"]]
        if len(ports) > 5 or not all(port.isdigit() and 0 < int(port) < 65536 for port in ports):
            raise invalid("ports", ",".join(ports), "Up to five single ports can be given.")
        _, subnetwork = self.reference(call, "subnetwork", body["subnetwork"], r"regions/[^/]+/subnetworks/[^/]+")
        asked = body.get("IPAddress", "")
        if "/" in asked:
            _, reserved = self.reference(call, "IPAddress", asked, r"regions/[^/]+/addresses/[^/]+")
            asked = reserved["address"]
        address = chosen_address(call.store, subnetwork, asked)
        content = {
            "name": body["name"],
            "description": body.get("description", ""),
            "IPAddress": address,
            "IPProtocol": body.get("IPProtocol", "TCP"),
            "ports": ports,
            "loadBalancingScheme": "INTERNAL",
            "subnetwork": subnetwork["selfLink"],
            "network": subnetwork["network"],
            "region": f"{BASE}{self.scope(call)}",
        }
        if body.get("backendService"):
            content["backendService"] = body["backendService"]
        document = self.created(call, content)
        operation = self.operate(call, document, "insert")
        call.store.put(f"compute/{self.path(call, body['name'])}", document)
        return operation

    @handles(".delete", rules=[Said("refused while a service attachment uses it", source=_TEXT)])
    def delete(self, call: Call) -> dict[str, Any]:
        document = self.stored(call)
        for user in call.store.children(f"compute/{self.scope(call)}/serviceAttachments"):
            if user["targetService"] == document["selfLink"]:
                raise in_use(self.path(call), f"{self.scope(call)}/serviceAttachments/{user['name']}")
        return self.operate(call, document, "delete", delete=True)


def chosen_address(tx: Transaction, subnetwork: dict[str, Any], asked: str, own: str = "") -> str:
    """Return the address that a rule gets: the one asked for by number, or a free one of the subnetwork.

    own: the path of the rule itself, which may have the address already. Raises GoogleError.
    """
    asked = asked or free_host(tx, subnetwork)
    try:
        inside = ipaddress.ip_address(asked) in ipaddress.ip_network(subnetwork["ipCidrRange"])
    except ValueError as exc:
        raise invalid("IPAddress", asked, str(exc)) from exc
    if not inside:
        raise invalid("IPAddress", asked, f"It is not in {subnetwork['ipCidrRange']}.")
    owners = used_hosts(tx, subnetwork).get(asked, [])
    if any("/forwardingRules/" in owner and owner != own for owner in owners):
        raise GoogleError(409, f"IP address {asked} is already in use by another forwarding rule")
    if "Google" in owners:
        raise invalid("IPAddress", asked, "Google keeps this address of the range for itself.")
    return asked
