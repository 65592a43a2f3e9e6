# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all API Gateway services share: names, operations with their metadata, masks, lists."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from testbed.google.errors import GoogleError, field_violation
from testbed.google.operations import Run
from testbed.google.paging import matching, page
from testbed.google.rules import Required, Said
from testbed.google.service import Call, Service, now

if TYPE_CHECKING:
    from testbed.google.store import Transaction

TYPE = "type.googleapis.com/google.cloud.apigateway.v1."
DOCUMENT = "apigateway.v1 discovery document"
SEEN = "google-apis.md 4.10"
LIMITS = "API Gateway documentation, Quotas and limits"
#: Source: API Gateway documentation, "Creating an API": lowercase letters, digits and dashes, at most 63.
IDENTIFIER = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
MASK = Required("updateMask", query=True, source="google-apis.md 5: a missing mask is an error")
ONLY = Said("changes what the mask names, and no field that is immutable", source="google-apis.md 5")


def key(name: str) -> str:
    """Return the store key of a resource by its name, projects/ID/locations/..."""
    return f"apigateway/{name}"


class ApiGatewayService(Service):
    """Base of the collections. kind is the schema's name, title the word in messages, mutable what a mask may name."""

    document = "apigateway.v1"
    prefix = "apigateway"
    api = "apigateway.googleapis.com"
    kind = ""
    title = ""
    listed = ""
    mutable: tuple[str, ...] = ("displayName", "labels")

    def full(self, call: Call, name: str) -> str:
        """Return a resource name of the path with the project's id, whatever the caller wrote."""
        return re.sub(r"\Aprojects/[^/]+", f"projects/{call.project()['projectId']}", name)

    def require(self, tx: Transaction, name: str) -> dict[str, Any]:
        """Return a stored resource. Raises GoogleError 404."""
        found = tx.get(key(name))
        if found is None:
            raise GoogleError(404, f"Resource '{name}' was not found")
        return found

    def fresh(self, call: Call, parent: str, collection: str, identifier: str) -> str:
        """Return the name of a resource to be made. Raises GoogleError 409 when there is one."""
        name = f"{parent}/{collection}/{identifier}"
        if call.store.exists(key(name)):
            raise GoogleError(409, f"Resource '{name}' already exists")
        return name

    def count(self, call: Call, parent: str, collection: str, most: int) -> None:
        """Raise GoogleError 429 when a collection is full."""
        if len(call.store.children(key(f"{parent}/{collection}"))) >= most:
            raise GoogleError(429, f"Quota exceeded: {parent} may hold at most {most} {collection}.")

    def location(self, call: Call, name: str, known: tuple[str, ...]) -> str:
        """Return a parent's name. Raises GoogleError 404 for a location that the service does not have."""
        parent = self.full(call, call.path[name])
        if parent.split("/")[3] not in known:
            raise GoogleError(404, f"Location {parent.split('/')[3]} is not found or access is unauthorized.")
        return parent

    def start(
        self, call: Call, target: str, verb: str, duration: str, work: str, state: str, **arguments: Any
    ) -> dict[str, Any]:
        """Put a resource into a passing state and start the operation that ends it; one at a time for a resource."""
        operation = call.operations.start(
            call,
            "longrunning",
            scope="/".join(target.split("/")[:4]),
            duration=duration,
            work=work,
            arguments={"target": target, **arguments},
            lock=key(target),
            refuse=lambda holder: GoogleError(
                409, f"unable to queue the operation: {holder['name']} is in progress on {target}", status="ABORTED"
            ),
            metadata={
                "@type": f"{TYPE}OperationMetadata",
                "createTime": now(),
                "target": target,
                "verb": verb,
                "apiVersion": "v1",
            },
        )
        stored = call.store.get(key(target))
        if stored is not None:
            call.store.put(key(target), {**stored, "state": state})
        return operation

    def patched(self, call: Call) -> tuple[str, dict[str, Any]]:
        """Return (name, the fields of the mask as the body has them). Raises GoogleError 400 or 404."""
        name = self.full(call, call.path["name"])
        self.require(call.store, name)
        for place in call.mask:
            if place not in self.mutable:
                raise field_violation("updateMask", f"The field '{place}' of a {self.title} cannot be updated.")
        return name, {place: call.body.get(place) for place in call.mask}

    async def finished(self, run: Run, **changes: Any) -> dict[str, Any]:
        """Make a resource ACTIVE with these changes; returns the operation's response."""
        name = run.arguments["target"]
        async with run.transaction() as tx:
            stored = self.require(tx, name) | changes | {"state": "ACTIVE", "updateTime": now()}
            tx.put(key(name), stored)
            return {"@type": TYPE + self.kind, **self.shown(tx, stored)}

    async def gone(self, run: Run) -> dict[str, Any]:
        """Remove a resource at the end of its deletion."""
        async with run.transaction() as tx:
            tx.delete(key(run.arguments["target"]))
        return {"@type": "type.googleapis.com/google.protobuf.Empty"}

    def shown(self, tx: Transaction, stored: dict[str, Any]) -> dict[str, Any]:
        """Return a resource as Google shows it."""
        return stored

    def page(self, call: Call, parent: str, collection: str) -> dict[str, Any]:
        """Answer a list."""
        return self.listing(call, call.store.children(key(f"{parent}/{collection}")))

    def listing(self, call: Call, stored: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """Answer a list of these resources."""
        items = [self.shown(call.store, one) for one in stored]
        items = matching(items, call.query.get("filter"))
        items, following = page(items, call.query.get("pageSize"), call.query.get("pageToken"), 50)
        return {self.listed: items, "nextPageToken": following}


def code(text: str, length: int) -> str:
    """Return what Google makes up and keeps: the same letters and digits for the same text."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]
