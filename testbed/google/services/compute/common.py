# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kinds of Compute Engine share: links, references, operations, errors without a status, lists."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import re
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.paging import matching, page
from testbed.google.rules import Pattern, Required
from testbed.google.service import Call, Service, handles, now
from testbed.google.store import Transaction

BASE = "https://www.googleapis.com/compute/v1/"
_SINGULAR = {"securityPolicies": "security_policy"}
NAME = r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?"
NAME_RULES = (
    Required("name", source="compute.v1, field text of name"),
    Pattern(
        "name",
        NAME,
        source="compute.v1, field text of name (RFC 1035)",
    ),
)
ZONES = {
    "europe-west1": "bcd",
    "europe-west3": "abc",
    "europe-west4": "abc",
    "us-central1": "abcf",
    "us-east1": "bcd",
    "us-west1": "abc",
    "asia-northeast1": "abc",
}
"""Regions and their zones; Google has more, these are enough to tell a right name from a wrong one."""


def fingerprint(document: dict[str, Any]) -> str:
    """Return a token that changes with the content (base64, as Google's)."""
    content = {k: v for k, v in document.items() if k not in ("fingerprint", "labelFingerprint")}
    return base64.b64encode(hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()[:8]).decode()


def invalid(field: str, value: Any, why: str) -> GoogleError:
    """Return Compute's refusal of a field's value."""
    return GoogleError(400, f"Invalid value for field 'resource.{field}': '{value}'. {why}")


def not_found(path: str) -> GoogleError:
    """Return Compute's 404 for a resource path."""
    return GoogleError(404, f"The resource '{path}' was not found")


def not_ready(path: str) -> GoogleError:
    """Return the refusal to use a resource on which an operation runs; clients retry it."""
    return GoogleError(400, f"The resource '{path}' is not ready", reason="resourceNotReady")


def in_use(path: str, user: str) -> GoogleError:
    """Return the refusal to delete a resource that another one uses."""
    collection = path.rsplit("/", 2)[-2]
    # GoogleCloudPlatform/terraform-google-cloud-armor #59 has "security_policy"; the others end in a plain plural.
    kind = _SINGULAR.get(collection, collection.removesuffix("es" if "/addresses/" in path else "s"))
    text = f"The {kind} resource '{path}' is already being used by '{user}'"
    return GoogleError(400, text, reason="resourceInUseByAnotherResource")


def parse(field: str, text: str) -> ipaddress.IPv4Network:
    """Return an IPv4 range. Raises GoogleError 400."""
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as exc:
        raise invalid(field, text, f"Must be a CIDR address range without host bits. ({exc})") from exc


def used_ranges(tx: Transaction, project: str, link: str) -> dict[str, ipaddress.IPv4Network]:
    """Return every range taken in a network: subnets, their secondary ranges, reserved global ranges."""
    taken = {}
    for key, document in tx.items(f"compute/projects/{project}/"):
        if document.get("network") != link:
            continue
        kind = key.split("/")[-2]
        if kind == "subnetworks":
            taken[f"subnetwork {document['name']}"] = ipaddress.IPv4Network(document["ipCidrRange"])
            for extra in document.get("secondaryIpRanges", []):
                taken[f"subnetwork {document['name']} range {extra['rangeName']}"] = ipaddress.IPv4Network(
                    extra["ipCidrRange"]
                )
        elif kind == "addresses" and "prefixLength" in document:
            taken[f"global address {document['name']}"] = ipaddress.IPv4Network(
                f"{document['address']}/{document['prefixLength']}"
            )
    return taken


def is_for_proxies(subnetwork: dict[str, Any]) -> bool:
    """Whether a subnetwork is the one of regional load balancers' proxies, and in use."""
    return subnetwork.get("purpose") == "REGIONAL_MANAGED_PROXY" and subnetwork.get("role") == "ACTIVE"


def used_hosts(tx: Transaction, subnetwork: dict[str, Any]) -> dict[str, list[str]]:
    """Return who has each single address of a subnetwork: reserved addresses, forwarding rules and Google itself."""
    found = ipaddress.IPv4Network(subnetwork["ipCidrRange"])
    # The network, the gateway, the last but one and the broadcast address (VPC documentation, "Unusable addresses").
    taken = {str(found[index]): ["Google"] for index in (0, 1, -2, -1)}
    place = subnetwork["selfLink"].removeprefix(BASE).rsplit("/", 2)[0]
    for collection, field in (("addresses", "address"), ("forwardingRules", "IPAddress")):
        for document in tx.children(f"compute/{place}/{collection}"):
            if document.get("subnetwork") == subnetwork["selfLink"]:
                taken.setdefault(document[field], []).append(f"{place}/{collection}/{document['name']}")
    return taken


def free_host(tx: Transaction, subnetwork: dict[str, Any]) -> str:
    """Return the highest free address of a subnetwork: nodes get theirs from the other end. Raises GoogleError 400."""
    taken = used_hosts(tx, subnetwork)
    found = ipaddress.IPv4Network(subnetwork["ipCidrRange"])
    for number in range(int(found.broadcast_address), int(found.network_address), -1):
        if (address := str(ipaddress.IPv4Address(number))) not in taken:
            return address
    raise GoogleError(400, f"No free address is left in {subnetwork['ipCidrRange']}.", reason="ipSpaceExhausted")


class ComputeService(Service):
    """Base of every kind of Compute Engine."""

    document = "compute.v1"
    prefix = "compute"
    api = "compute.googleapis.com"
    error_style = "legacy"
    # Compute keeps explicit false (autoCreateSubnetworks, privateIpGoogleAccess, disabled), unlike the newer APIs.
    drop_defaults = False
    collection = ""
    kind = ""

    def denied(self, call: Call, permission: str) -> GoogleError:
        resource = self.path(call, call.body.get("name")) if self.collection else f"projects/{call.path['project']}"
        return GoogleError(403, f"Required '{permission}' permission for '{resource}'")

    # -- names ------------------------------------------------------------------------------------------------------

    def scope(self, call: Call) -> str:
        """Return projects/P/global or projects/P/regions/R of a call."""
        project = call.project()["projectId"]
        if "region" in call.path:
            self.region(call, call.path["region"])
            return f"projects/{project}/regions/{call.path['region']}"
        if "zone" in call.path:
            return f"projects/{project}/zones/{call.path['zone']}"
        return f"projects/{project}/global"

    def path(self, call: Call, name: str | None = None) -> str:
        """Return the resource path that a call addresses (name for inserts)."""
        if name is None:
            name = next((v for k, v in call.path.items() if k not in ("project", "region", "zone")), "")
        return f"{self.scope(call)}/{self.collection}/{name}"

    @staticmethod
    def region(call: Call, name: str) -> None:
        """Raise GoogleError 404 for a region that does not exist."""
        if name not in ZONES:
            raise not_found(f"projects/{call.project()['projectId']}/regions/{name}")

    def reference(self, call: Call, field: str, value: str, pattern: str) -> tuple[str, dict[str, Any]]:
        """Return (path, document) of a resource named by a full or partial URL in a body field.

        pattern: what follows the project, such as global/networks/([^/]+). Raises GoogleError.
        """
        found = re.fullmatch(rf"(?:https?://[^/]+/(?:.*compute/v1/)?)?(?:projects/([^/]+)/)?({pattern})", value or "")
        if not found:
            raise invalid(field, value, "The URL is malformed.")
        project = call.project(found[1])["projectId"] if found[1] else call.project()["projectId"]
        path = f"projects/{project}/{found[2]}"
        document = call.store.get(f"compute/{path}")
        if document is None:
            raise not_found(path)
        self.ready(call, path)
        return path, document

    @staticmethod
    def ready(call: Call, path: str) -> None:
        """Raise GoogleError 400 resourceNotReady while an operation runs on a resource."""
        if call.operations.holder(call.store, f"compute/{path}"):
            raise not_ready(path)

    # -- reading ----------------------------------------------------------------------------------------------------

    def stored(self, call: Call) -> dict[str, Any]:
        """Return the stored object that a call addresses. Raises GoogleError 404."""
        path = self.path(call)
        document = call.store.get(f"compute/{path}")
        if document is None:
            raise not_found(path)
        return document

    def shown(self, call: Call, document: dict[str, Any]) -> dict[str, Any]:
        """Return a stored object as its readers see it: without what the testbed keeps beside it."""
        return {name: value for name, value in document.items() if not name.startswith("_")}

    def listed(self, call: Call, items: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """Answer a list method: filter, pages, items."""
        collection = f"{self.scope(call)}/{self.collection}"
        if items is None:
            items = [self.shown(call, d) for d in call.store.children(f"compute/{collection}")]
        items = matching(items, call.query.get("filter"))
        order = call.query.get("orderBy")
        if order:
            field, _, way = order.partition(" ")
            items.sort(key=lambda d: str(d.get(field, "")), reverse=way == "desc")
        items, following = page(items, call.query.get("maxResults"), call.query.get("pageToken"))
        answer = {
            "kind": f"{self.kind}List",
            "id": collection,
            "selfLink": BASE + collection,
            "nextPageToken": following,
        }
        return {**answer, "items": items} if items else answer

    # -- writing ----------------------------------------------------------------------------------------------------

    def created(self, call: Call, document: dict[str, Any]) -> dict[str, Any]:
        """Return document with the fields that Google adds to a new object. Raises GoogleError 409."""
        path = self.path(call, document["name"])
        if call.store.exists(f"compute/{path}"):
            self.ready(call, path)
            raise GoogleError(409, f"The resource '{path}' already exists")
        return {
            "kind": self.kind,
            "id": str(call.store.next_number("compute", 5_000_000_000_000_000_011)),
            "creationTimestamp": now(),
            **document,
            "selfLink": BASE + path,
        }

    def operate(
        self,
        call: Call,
        document: dict[str, Any],
        kind: str,
        *,
        duration: str = "compute",
        delete: bool = False,
        before: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Start the operation of a change to document and return it; the world follows when it ends.

        before: the object as it was, put back when the operation fails; None when it is new.
        """
        path = document["selfLink"].removeprefix(BASE)
        client = {"clientOperationId": call.query["requestId"]} if call.query.get("requestId") else {}
        return call.operations.start(
            call,
            "compute",
            scope=self.scope(call),
            duration=duration,
            work="compute.delete" if delete else "compute.change",
            arguments={"path": path, "before": before},
            lock=f"compute/{path}",
            refuse=lambda _: not_ready(path),
            public={"operationType": kind, "targetLink": document["selfLink"], "targetId": document["id"], **client},
        )

    def repeated(self, call: Call) -> dict[str, Any] | None:
        """Return the operation of an earlier call with the same requestId, or None."""
        identifier = call.query.get("requestId")
        if not identifier:
            return None
        for _, document in call.store.items(f"operations/compute/{self.scope(call)}/"):
            if document["public"].get("clientOperationId") == identifier:
                return call.operations.render(document)
        return None


class Readable(ComputeService):
    """A kind whose objects are got and listed, each as :meth:`shown` has it. It names its method_prefix."""

    @handles(".get")
    def get(self, call: Call) -> dict[str, Any]:
        return self.shown(call, self.stored(call))

    @handles(".list")
    def list(self, call: Call) -> dict[str, Any]:
        return self.listed(call)
