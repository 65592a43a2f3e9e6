# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regional addresses: single internal addresses of a subnetwork, for load balancers and machines, and external ones."""

from __future__ import annotations

import ipaddress
from typing import Any

from testbed.google.rules import Pattern, Said
from testbed.google.service import Call, handles
from testbed.google.services.compute.addresses import Addresses
from testbed.google.services.compute.common import BASE, NAME_RULES, free_host, invalid, used_hosts

_TEXT = "compute.v1, field text"
_PURPOSES = ("GCE_ENDPOINT", "SHARED_LOADBALANCER_VIP")


class RegionalAddresses(Addresses):
    """Addresses of a region. One that a forwarding rule uses is IN_USE and stays."""

    method_prefix = "compute.addresses"

    @handles(
        "compute.addresses.insert",
        rules=[
            *NAME_RULES,
            Pattern("address", r"[0-9.]+", source=_TEXT),
            Said("an internal one is a free address of its subnetwork in the same region", source=_TEXT),
            Said("network and prefixLength belong to other purposes", source=_TEXT),
        ],
    )
    def insert(self, call: Call) -> dict[str, Any]:
        if (operation := self.repeated(call)) is not None:
            return operation
        internal = call.body.get("addressType") == "INTERNAL"
        content = self._internal(call) if internal else self.external(call)
        return self.reserve(call, {**content, "region": f"{BASE}{self.scope(call)}"})

    @handles("compute.addresses.delete", rules=[Said("refused while a forwarding rule uses it", source=_TEXT)])
    def delete(self, call: Call) -> dict[str, Any]:
        return self.release(call)

    def _internal(self, call: Call) -> dict[str, Any]:
        body = call.body
        purpose = body.get("purpose", "GCE_ENDPOINT")
        if purpose not in _PURPOSES:
            raise invalid("purpose", purpose, f"The testbed has {' and '.join(_PURPOSES)} for regional addresses.")
        for name in ("network", "prefixLength"):
            if body.get(name):
                raise invalid(name, body[name], f"It cannot be given with the purpose {purpose}.")
        # Google falls back on the subnetwork of the network named default, which the testbed does not have.
        path, subnetwork = self.reference(
            call, "subnetwork", body.get("subnetwork", ""), r"regions/[^/]+/subnetworks/[^/]+"
        )
        if path.split("/")[3] != call.path["region"]:
            raise invalid("subnetwork", body["subnetwork"], f"It is not in the region {call.path['region']}.")
        return {
            "address": self._chosen(call, subnetwork),
            "addressType": "INTERNAL",
            "purpose": purpose,
            "subnetwork": subnetwork["selfLink"],
            "networkTier": "PREMIUM",
        }

    @staticmethod
    def _chosen(call: Call, subnetwork: dict[str, Any]) -> str:
        address = call.body.get("address") or free_host(call.store, subnetwork)
        try:
            inside = ipaddress.IPv4Address(address) in ipaddress.IPv4Network(subnetwork["ipCidrRange"])
        except ValueError as exc:
            raise invalid("address", address, str(exc)) from exc
        if not inside:
            raise invalid("address", address, f"It is not in the range {subnetwork['ipCidrRange']} of the subnetwork.")
        owners = used_hosts(call.store, subnetwork).get(address, [])
        # A forwarding rule's ephemeral address can be made static (VPC documentation, "Promote an in-use address").
        for owner in owners:
            if "/forwardingRules/" not in owner:
                raise invalid("address", address, f"It is already in use by {owner}.")
        return str(address)
