# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Global addresses: ranges for private services access (VPC_PEERING) and single external addresses.

What regional addresses (regionaladdresses.py) do alike stands in their common base.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.rules import Pattern, Range, Said
from testbed.google.service import Call, handles
from testbed.google.services.compute.common import (
    BASE,
    NAME_RULES,
    Readable,
    fingerprint,
    in_use,
    invalid,
    used_ranges,
)
from testbed.google.store import Transaction

_SEEN = "google-apis.md 4.2"
# Google chooses free ranges in 10.0.0.0/8 from the top region of it; the exact choice is not documented.
_POOL = ipaddress.IPv4Network("10.0.0.0/8")


def external_address(tx: Transaction, version: str = "IPV4") -> str:
    """Return an address that nobody has; those of the testbed are kept for documentation (RFC 5737, RFC 3849)."""
    number = tx.next_number("external-address", 10)
    return f"2001:db8:{number:x}::" if version == "IPV6" else f"203.0.113.{number % 250}"


class Addresses(Readable):
    """What addresses of both scopes do alike; no patch, labels only."""

    collection = "addresses"
    kind = "compute#address"

    @handles(
        ".setLabels",
        rules=[Said("needs the current labelFingerprint (412 otherwise)", source="compute.v1, field text")],
    )
    def set_labels(self, call: Call) -> dict[str, Any]:
        before = self.stored(call)
        if call.body.get("labelFingerprint") != before["labelFingerprint"]:
            raise GoogleError(
                412, "Labels fingerprint either invalid or resource labels have changed", reason="conditionNotMet"
            )
        document = {**before, "labels": call.body.get("labels", {})}
        document["labelFingerprint"] = fingerprint(document["labels"])
        operation = self.operate(call, document, "setLabels", before=before)
        call.store.put(f"compute/{self.path(call)}", document)
        return operation

    def users(self, call: Call, document: dict[str, Any]) -> list[str]:
        """Return the paths of what uses an address: a connection its range, forwarding rules its one address."""
        if "subnetwork" in document or document["addressType"] == "EXTERNAL":
            place = document["selfLink"].removeprefix(BASE).rsplit("/", 2)[0]
            rules = call.store.children(f"compute/{place}/forwardingRules")
            return [each["selfLink"].removeprefix(BASE) for each in rules if each["IPAddress"] == document["address"]]
        if "network" not in document:
            return []
        number, network = call.project()["number"], document["network"].rsplit("/", 1)[-1]
        key = f"servicenetworking/projects/{number}/global/networks/{network}/connection"
        connection = call.store.get(key) or {"reservedPeeringRanges": []}
        used = document["name"] in connection["reservedPeeringRanges"]
        return [document["network"].removeprefix(BASE)] if used else []

    def shown(self, call: Call, document: dict[str, Any]) -> dict[str, Any]:
        users = [BASE + path for path in self.users(call, document)]
        return {**document, **({"status": "IN_USE", "users": users} if users else {})}

    def reserve(self, call: Call, content: dict[str, Any]) -> dict[str, Any]:
        """Store a new address and return the operation that makes it."""
        body = call.body
        described = {"description": body["description"]} if body.get("description") else {}
        content = {"name": body["name"], **described, **content, "status": "RESERVED", "labels": body.get("labels")}
        document = {k: v for k, v in self.created(call, content).items() if v or k != "labels"}
        document["labelFingerprint"] = fingerprint(document.get("labels", {}))
        operation = self.operate(call, document, "insert")
        call.store.put(f"compute/{self.path(call, body['name'])}", document)
        return operation

    def release(self, call: Call) -> dict[str, Any]:
        """Return the operation that deletes an address. Raises GoogleError 400 while it is used."""
        document = self.stored(call)
        for user in self.users(call, document):
            raise in_use(self.path(call), user)
        return self.operate(call, document, "delete", delete=True)

    @staticmethod
    def external(call: Call) -> dict[str, Any]:
        """Return a new external address. Raises GoogleError for fields of internal ones."""
        for name in ("network", "subnetwork", "prefixLength", "purpose"):
            if call.body.get(name):
                raise invalid(name, call.body[name], "May be given for internal addresses only.")
        version = call.body.get("ipVersion", "IPV4")
        return {
            "address": external_address(call.store, version),
            "addressType": "EXTERNAL",
            "networkTier": "PREMIUM",
            "ipVersion": version,
        }


class GlobalAddresses(Addresses):
    """Reserved ranges and addresses."""

    method_prefix = "compute.globalAddresses"

    @handles(
        "compute.globalAddresses.insert",
        rules=[
            *NAME_RULES,
            Range("prefixLength", 8, 30, source="compute.v1, field text"),
            Pattern("address", r"[0-9.]+", source="compute.v1, field text"),
            Said("VPC_PEERING needs INTERNAL, network and prefixLength; a free range is chosen", source=_SEEN),
        ],
    )
    def insert(self, call: Call) -> dict[str, Any]:
        if (operation := self.repeated(call)) is not None:
            return operation
        internal = call.body.get("addressType") == "INTERNAL"
        return self.reserve(call, self._internal(call) if internal else self.external(call))

    @handles("compute.addresses.aggregatedList", permission="compute.addresses.list")
    def aggregated(self, call: Call) -> dict[str, Any]:
        project = call.project()["projectId"]
        items: dict[str, Any] = {}
        for key, document in call.store.items(f"compute/projects/{project}/"):
            place, _, collection = key.rpartition("/")[0].rpartition("/")
            if collection == self.collection:
                scope = place.removeprefix(f"compute/projects/{project}/")
                items.setdefault(scope, {"addresses": []})["addresses"].append(self.shown(call, document))
        return {
            "kind": "compute#addressAggregatedList",
            "id": f"projects/{project}/aggregated/addresses",
            "items": items,
        }

    @handles(
        "compute.globalAddresses.delete",
        rules=[Said("refused while a connection or a forwarding rule uses it", source=_SEEN)],
    )
    def delete(self, call: Call) -> dict[str, Any]:
        return self.release(call)

    def _internal(self, call: Call) -> dict[str, Any]:
        body = call.body
        if body.get("purpose") != "VPC_PEERING":
            raise invalid("purpose", body.get("purpose", ""), "Global internal addresses need the purpose VPC_PEERING.")
        if not body.get("prefixLength"):
            raise invalid("prefixLength", "", "A prefix length is required for VPC_PEERING.")
        _, network = self.reference(call, "network", body.get("network", ""), r"global/networks/[^/]+")
        taken = used_ranges(call.store, call.project()["projectId"], network["selfLink"])
        length = body["prefixLength"]
        if body.get("address"):
            try:
                wanted = ipaddress.IPv4Network(f"{body['address']}/{length}")
            except ValueError as exc:
                raise invalid("address", body["address"], f"Must be the first address of a /{length}. ({exc})") from exc
            if not wanted.is_private:
                raise invalid("address", body["address"], "Must be a private address.")
            for owner, other in taken.items():
                if wanted.overlaps(other):
                    raise invalid(
                        "address", body["address"], f"Requested range {wanted} conflicts with {owner} ({other})."
                    )
        else:
            wanted = _free(list(taken.values()), length)
        return {
            "address": str(wanted.network_address),
            "prefixLength": length,
            "addressType": "INTERNAL",
            "purpose": "VPC_PEERING",
            "network": network["selfLink"],
            "networkTier": "PREMIUM",
        }


def _free(taken: list[ipaddress.IPv4Network], length: int) -> ipaddress.IPv4Network:
    """Return the highest free range of a length below 10.0.0.0/8. Raises GoogleError 400 when there is none."""
    size = 2 ** (32 - length)
    first = int(_POOL.broadcast_address) + 1 - size
    while first >= int(_POOL.network_address):
        candidate = ipaddress.IPv4Network((first, length))
        clash = next((t for t in taken if candidate.overlaps(t)), None)
        if clash is None:
            return candidate
        # The next lower multiple of the size, below the range in the way.
        first = int(clash.network_address) // size * size - size
    raise GoogleError(400, f"No free range with prefix length {length} is left in this network.")
