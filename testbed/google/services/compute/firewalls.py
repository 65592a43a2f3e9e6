# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""VPC firewall rules."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.rules import Immutable, OneOf, Range, Said
from testbed.google.service import Call, handles
from testbed.google.services.compute.common import NAME_RULES, Readable, invalid

_TEXT = "compute.v1, field text"
_PROTOCOLS = ("tcp", "udp", "icmp", "esp", "ah", "ipip", "sctp", "all")
_FIELDS = (
    "description", "priority", "sourceRanges", "destinationRanges", "sourceTags", "targetTags", "sourceServiceAccounts",
    "targetServiceAccounts", "allowed", "denied", "disabled", "logConfig",
)  # fmt: skip
_IMMUTABLE = Immutable(("name", "direction"), source="google-apis.md 4.2")


class Firewalls(Readable):
    """Rules of classic VPC firewalls; their ports open and close in the world."""

    collection = "firewalls"
    kind = "compute#firewall"
    method_prefix = "compute.firewalls"

    @handles(
        ".insert",
        rules=[
            *NAME_RULES,
            OneOf(("allowed", "denied"), source=_TEXT),
            Range("priority", 0, 65535, source=_TEXT),
            Said("ranges are CIDR, ports belong to tcp, udp and sctp", source=_TEXT),
        ],
    )
    def insert(self, call: Call) -> dict[str, Any]:
        if (operation := self.repeated(call)) is not None:
            return operation
        body = call.body
        # Without a network Google takes the one called default.
        _, network = self.reference(
            call, "network", body.get("network", "global/networks/default"), r"global/networks/[^/]+"
        )
        document = self.created(call, {"name": body["name"], "network": network["selfLink"], **_complete(body)})
        operation = self.operate(call, document, "insert")
        call.store.put(f"compute/{self.path(call, body['name'])}", document)
        return operation

    @handles(".patch", rules=[_IMMUTABLE, Range("priority", 0, 65535, source=_TEXT)])
    def patch(self, call: Call) -> dict[str, Any]:
        before = self.stored(call)
        merged = {**{k: before[k] for k in _FIELDS if k in before}, **call.body, "direction": before["direction"]}
        return self._write(call, before, merged, "compute.firewalls.patch")

    @handles(".update", rules=[_IMMUTABLE, Range("priority", 0, 65535, source=_TEXT)])
    def update(self, call: Call) -> dict[str, Any]:
        before = self.stored(call)
        return self._write(call, before, {**call.body, "direction": before["direction"]}, "compute.firewalls.update")

    @handles(".delete")
    def delete(self, call: Call) -> dict[str, Any]:
        return self.operate(call, self.stored(call), "delete", delete=True)

    def _write(self, call: Call, before: dict[str, Any], content: dict[str, Any], kind: str) -> dict[str, Any]:
        call.immutable(before, call.body)
        network = call.body.get("network")
        if network and not before["network"].endswith("/" + network.split("projects/")[-1].split("/", 1)[-1]):
            raise invalid("network", network, "The network of a firewall rule cannot be changed.")
        OneOf(("allowed", "denied"), source=_TEXT).check_body(content)
        kept = {k: before[k] for k in ("kind", "id", "creationTimestamp", "name", "network", "selfLink")}
        document = {**kept, **_complete(content)}
        operation = self.operate(call, document, kind, before=before)
        call.store.put(f"compute/{self.path(call)}", document)
        return operation


def _complete(body: dict[str, Any]) -> dict[str, Any]:
    """Return a rule's fields with Google's defaults. Raises GoogleError 400."""
    direction = body.get("direction") or "INGRESS"
    rule: dict[str, Any] = {"direction": direction, "priority": body.get("priority", 1000)}
    rule |= {name: body[name] for name in _FIELDS if body.get(name) not in (None, [], "")}
    rule["disabled"] = body.get("disabled", False)
    rule["logConfig"] = {"enable": body.get("logConfig", {}).get("enable", False), **body.get("logConfig", {})}
    for name in ("sourceRanges", "destinationRanges"):
        for text in rule.get(name, []):
            try:
                ipaddress.ip_network(text)
            except ValueError as exc:
                raise invalid(name, text, f"Must be a CIDR address range. ({exc})") from exc
    if direction == "INGRESS":
        if not any(rule.get(n) for n in ("sourceRanges", "sourceTags", "sourceServiceAccounts")):
            rule["sourceRanges"] = ["0.0.0.0/0"]
    else:
        if rule.get("sourceTags") or rule.get("sourceServiceAccounts"):
            raise GoogleError(400, "Firewall rules with direction EGRESS cannot have source tags or service accounts.")
        if not rule.get("destinationRanges"):
            rule["destinationRanges"] = ["0.0.0.0/0"]
    for name in ("allowed", "denied"):
        if name in rule:
            rule[name] = [_entry(name, entry) for entry in rule[name]]
    return rule


def _entry(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    protocol = str(entry.get("IPProtocol", "")).lower()
    if protocol not in _PROTOCOLS and not (protocol.isdigit() and int(protocol) < 256):
        raise invalid(f"{name}[0].IPProtocol", protocol, f"Must be a number or one of {', '.join(_PROTOCOLS)}.")
    ports = entry.get("ports", [])
    if ports and protocol not in ("tcp", "udp", "sctp", "6", "17", "132"):
        raise invalid(f"{name}[0].ports", ports[0], f"Ports may not be given with protocol {protocol}.")
    for port in ports:
        found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", port)
        if not found or not int(found[1]) <= int(found[2] or found[1]) <= 65535:
            raise invalid(f"{name}[0].ports[0]", port, "Must be an integer port or a range of ports.")
    return {"IPProtocol": protocol, **({"ports": ports} if ports else {})}
