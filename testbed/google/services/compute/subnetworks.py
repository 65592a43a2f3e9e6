# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subnetworks with secondary ranges: fingerprints, no overlaps, widening only."""

from __future__ import annotations

import ipaddress
from typing import Any

from testbed.google import serverless_addresses
from testbed.google.errors import GoogleError
from testbed.google.rules import Immutable, MaxItems, Network, Required, Said
from testbed.google.service import Call, handles
from testbed.google.services.compute.common import (
    NAME_RULES,
    Readable,
    fingerprint,
    in_use,
    invalid,
    is_for_proxies,
    parse,
    used_hosts,
    used_ranges,
)

_SEEN = "google-apis.md 4.2"
_NETWORK = r"global/networks/[^/]+"


class Subnetworks(Readable):
    """Subnetworks of custom mode networks."""

    collection = "subnetworks"
    kind = "compute#subnetwork"
    method_prefix = "compute.subnetworks"

    @handles(
        ".insert",
        rules=[
            *NAME_RULES,
            Required("network", source="compute.v1, field text"),
            Required("ipCidrRange", source="compute.v1, field text"),
            Network("ipCidrRange", source="compute.v1, field text"),
            MaxItems("secondaryIpRanges", 170, source="VPC quotas"),
            Said("ranges do not overlap inside the network", source="compute.v1, field text of ipCidrRange"),
            Said("one ACTIVE subnetwork for proxies in each region of a network", source="proxy-only subnets"),
        ],
    )
    def insert(self, call: Call) -> dict[str, Any]:
        if (operation := self.repeated(call)) is not None:
            return operation
        body = call.body
        _, network = self.reference(call, "network", body["network"], _NETWORK)
        project, region = call.project()["projectId"], call.path["region"]
        document = self.created(call, {
            "name": body["name"],
            "description": body.get("description"),
            "network": network["selfLink"],
            "ipCidrRange": body["ipCidrRange"],
            "gatewayAddress": str(parse("ipCidrRange", body["ipCidrRange"])[1]),
            "region": f"https://www.googleapis.com/compute/v1/projects/{project}/regions/{region}",
            "privateIpGoogleAccess": body.get("privateIpGoogleAccess", False),
            "privateIpv6GoogleAccess": body.get("privateIpv6GoogleAccess", "DISABLE_GOOGLE_ACCESS"),
            "purpose": body.get("purpose", "PRIVATE"),
            "role": body.get("role"),
            "stackType": body.get("stackType", "IPV4_ONLY"),
            "logConfig": body.get("logConfig"),
        })  # fmt: skip
        if body.get("secondaryIpRanges"):
            document["secondaryIpRanges"] = _ranges(body["secondaryIpRanges"])
        document = {k: v for k, v in document.items() if v is not None}
        self._no_overlap(call, project, document)
        self._one_for_proxies(call, document)
        document["fingerprint"] = fingerprint(document)
        operation = self.operate(call, document, "insert", duration="compute.subnetwork")
        call.store.put(f"compute/{self.path(call, body['name'])}", document)
        return operation

    @handles(".aggregatedList")
    def aggregated(self, call: Call) -> dict[str, Any]:
        project = call.project()["projectId"]
        items: dict[str, Any] = {}
        for key, document in call.store.items(f"compute/projects/{project}/regions/"):
            parts = key.split("/")
            if parts[5] == "subnetworks":
                items.setdefault(f"regions/{parts[4]}", {"subnetworks": []})["subnetworks"].append(document)
        answer = {"kind": "compute#subnetworkAggregatedList", "id": f"projects/{project}/aggregated/subnetworks"}
        return {**answer, "items": items}

    @handles(
        ".patch",
        rules=[
            Said("needs the current fingerprint (412 otherwise)", source=_SEEN),
            Said("secondaryIpRanges replaces the whole list; ranges of clusters stay", source=_SEEN),
            Immutable(("name", "network", "region", "description"), source=_SEEN),
        ],
    )
    def patch(self, call: Call) -> dict[str, Any]:
        before = self.stored(call)
        self.ready(call, self.path(call))
        if not call.body.get("fingerprint"):
            raise invalid("fingerprint", "", "A fingerprint is required to change a subnetwork.")
        if call.body["fingerprint"] != before["fingerprint"]:
            raise GoogleError(412, "Invalid fingerprint.", reason="conditionNotMet")
        call.immutable(before, {k: v for k, v in call.body.items() if k != "network"})
        if call.body.get("ipCidrRange", before["ipCidrRange"]) != before["ipCidrRange"]:
            raise invalid("ipCidrRange", call.body["ipCidrRange"], "Use expandIpCidrRange to widen a subnetwork.")
        document = dict(before)
        for name in ("privateIpGoogleAccess", "logConfig", "enableFlowLogs", "stackType", "role", "purpose"):
            if name in call.body:
                document[name] = call.body[name]
        if "secondaryIpRanges" in call.body:
            document["secondaryIpRanges"] = _ranges(call.body["secondaryIpRanges"])
            self._keep_used_ranges(call, before, document)
        return self._changed(call, before, document, "compute.subnetworks.patch")

    @handles(
        ".expandIpCidrRange",
        rules=[
            Required("ipCidrRange", source="compute.v1"),
            Said("only a wider range", source="compute.v1, field text"),
        ],
    )
    def expand(self, call: Call) -> dict[str, Any]:
        before = self.stored(call)
        new, old = parse("ipCidrRange", call.body["ipCidrRange"]), ipaddress.IPv4Network(before["ipCidrRange"])
        if new == old or not old.subnet_of(new):
            raise invalid("ipCidrRange", str(new), f"The new range must contain {old} and be larger.")
        document = {**before, "ipCidrRange": str(new), "gatewayAddress": str(new[1])}
        return self._changed(call, before, document, "compute.subnetworks.expandIpCidrRange")

    @handles(".setPrivateIpGoogleAccess")
    def private_access(self, call: Call) -> dict[str, Any]:
        before = self.stored(call)
        document = {**before, "privateIpGoogleAccess": call.body.get("privateIpGoogleAccess", False)}
        return self._changed(call, before, document, "compute.subnetworks.setPrivateIpGoogleAccess")

    @handles(
        ".delete",
        rules=[
            Said("refused while a cluster uses it", source="compute documentation"),
            Said("refused while an address or forwarding rule is in it", source="compute documentation"),
            Said("refused while functions use it directly, and for hours after", source="Cloud Run, Direct VPC"),
        ],
    )
    def delete(self, call: Call) -> dict[str, Any]:
        document = self.stored(call)
        for cluster in self._clusters(call, document):
            raise in_use(self.path(call), cluster["selfLink"].removeprefix("https://container.googleapis.com/v1/"))
        for users in used_hosts(call.store, document).values():
            if users != ["Google"]:
                raise in_use(self.path(call), users[0])
        scale = call.operations.scale(call.store)
        if address := serverless_addresses.holder(call.store, self.path(call), scale):
            raise in_use(self.path(call), address)
        return self.operate(call, document, "delete", duration="compute.delete", delete=True)

    def _changed(self, call: Call, before: dict[str, Any], document: dict[str, Any], kind: str) -> dict[str, Any]:
        self._no_overlap(call, call.project()["projectId"], document)
        document["fingerprint"] = fingerprint(document)
        operation = self.operate(call, document, kind, before=before)
        call.store.put(f"compute/{self.path(call)}", document)
        return operation

    @staticmethod
    def _no_overlap(call: Call, project: str, document: dict[str, Any]) -> None:
        own = {"primary": parse("ipCidrRange", document["ipCidrRange"])}
        for extra in document.get("secondaryIpRanges", []):
            own[extra["rangeName"]] = parse("secondaryIpRanges.ipCidrRange", extra["ipCidrRange"])
        names = list(own)
        for index, name in enumerate(names):
            if own[name].prefixlen > 29 or own[name].prefixlen < 4:
                raise invalid("ipCidrRange", str(own[name]), "The prefix length must be between 4 and 29.")
            for other in names[index + 1 :]:
                if own[name].overlaps(own[other]):
                    raise invalid(
                        "secondaryIpRanges", str(own[other]), f"It overlaps {own[name]} of the same subnetwork."
                    )
        for owner, taken in used_ranges(call.store, project, document["network"]).items():
            if owner.split(" ")[1] == document["name"] and owner.startswith("subnetwork "):
                continue
            for mine in own.values():
                if mine.overlaps(taken):
                    raise invalid(
                        "ipCidrRange", str(mine), f"Invalid IPCidrRange: {mine} conflicts with {owner} ({taken})."
                    )

    def _one_for_proxies(self, call: Call, document: dict[str, Any]) -> None:
        for other in call.store.children(f"compute/{self.scope(call)}/subnetworks"):
            same = other["network"] == document["network"] and is_for_proxies(other) and is_for_proxies(document)
            if same and other["name"] != document["name"]:
                raise invalid("purpose", document["purpose"], f"There is an active one already: {other['name']}.")

    def _clusters(self, call: Call, document: dict[str, Any]) -> list[dict[str, Any]]:
        project = call.project()["projectId"]
        path = document["selfLink"].split("/compute/v1/")[1]
        return [
            c
            for key, c in call.store.items(f"container/projects/{project}/")
            if key.split("/")[-2] == "clusters" and c["networkConfig"]["subnetwork"] == path
        ]

    def _keep_used_ranges(self, call: Call, before: dict[str, Any], after: dict[str, Any]) -> None:
        kept = {r["rangeName"]: r["ipCidrRange"] for r in after["secondaryIpRanges"]}
        for cluster in self._clusters(call, before):
            policy = cluster["ipAllocationPolicy"]
            for name in (policy["clusterSecondaryRangeName"], policy["servicesSecondaryRangeName"]):
                old = next(
                    (r["ipCidrRange"] for r in before.get("secondaryIpRanges", []) if r["rangeName"] == name), None
                )
                if old and kept.get(name) != old:
                    raise GoogleError(
                        400,
                        f"Cannot remove or change secondary range {name}: it is in use by cluster {cluster['name']}.",
                        reason="resourceInUseByAnotherResource",
                    )


def _ranges(given: list[dict[str, Any]]) -> list[dict[str, str]]:
    names = [r.get("rangeName") for r in given]
    if len(set(names)) != len(names) or not all(names):
        raise invalid("secondaryIpRanges.rangeName", str(names), "Each range needs a name of its own.")
    return [
        {"rangeName": r["rangeName"], "ipCidrRange": str(parse("ipCidrRange", r.get("ipCidrRange", "")))} for r in given
    ]
