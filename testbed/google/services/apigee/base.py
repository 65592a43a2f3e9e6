# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""What all Apigee services share: the project behind an organisation, its lock, its operations, pages, name lists."""
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from testbed.google.errors import GoogleError, precondition
from testbed.google.rules import Said
from testbed.google.service import Call, Service
from testbed.google.services.apigee.names import SERVICE, key, organization_of, require_organization

if TYPE_CHECKING:
    from testbed.google.store import Transaction

TYPE = "type.googleapis.com/google.cloud.apigee.v1."
LOCKED = Said("one long operation at a time in an organisation",
              source="hashicorp/terraform-provider-google #12369, GoogleCloudPlatform/magic-modules #18649")


def locked(holder: dict[str, Any]) -> GoogleError:
    """The refusal of a second long operation in one organisation."""
    return precondition(f"the resource is locked by another operation: {holder['id']}")


def name_list(identifier: str, parent: str, collection: str) -> dict[str, Any]:
    """A method that the discovery document lacks: GET of a collection answers a JSON array of names.

    Source: apigee/apigeecli calls these; ``parent`` is the pattern of the parent's name.
    """
    return {"id": identifier, "httpMethod": "GET", "path": f"v1/{{+parent}}/{collection}",
            "parameters": {"parent": {"type": "string", "location": "path", "required": True,
                                      "pattern": f"^{parent}$"}}}


def page(items: Sequence[Any], call: Call, field: str, default: int = 25) -> dict[str, Any]:
    """One page of a list with ``pageSize`` and ``pageToken``; the token is the index of the next item."""
    size = int(call.query.get("pageSize") or default)
    token = call.query.get("pageToken") or "0"
    if not token.isdigit() or int(token) > len(items):
        raise GoogleError(400, "Invalid page token")
    start = int(token)
    answer: dict[str, Any] = {field: list(items[start:start + size])}
    if start + size < len(items):
        answer["nextPageToken"] = str(start + size)
    return answer


def counted(items: Sequence[dict[str, Any]], call: Call, field: str, limit: int = 1000) -> list[dict[str, Any]]:
    """Products, developers and apps page by ``startKey`` (inclusive) and ``count``; ``field`` holds the key."""
    start, count = call.query.get("startKey"), int(call.query.get("count") or limit)
    chosen = [item for item in items if not start or item[field] >= start]
    return chosen[:min(count, limit)]


def check_name(value: str, pattern: str, what: str) -> None:
    if not re.fullmatch(pattern, value or ""):
        raise GoogleError(400, f'{what} "{value}" is invalid: it must match {pattern}')


class ApigeeService(Service):
    """Base of the services of the Apigee management API."""

    document = "apigee.v1"
    prefix = "apigee"
    api = SERVICE

    def project_name(self, call: Call) -> str | None:
        """The project of the organisation in the path; the one in ``parent`` when an organisation is created."""
        for value in call.path.values():
            if value.startswith("organizations/"):
                organization = call.store.get(key("organizations", organization_of(value).split(":")[0]))
                return organization["projectId"] if organization else None
        parent = call.query.get("parent") or ""
        return parent.removeprefix("projects/") or None

    def start(self, call: Call, organization: str, kind: str, target: str, *, duration: str, work: str | None = None,
              arguments: dict[str, Any] | None = None, response: dict[str, Any] | None = None, done: bool = False,
              real: bool = False) -> dict[str, Any]:
        """Start a long operation under the organisation's lock. ``kind`` is INSERT, UPDATE or DELETE."""
        return call.operations.start(
            call, "longrunning", scope=f"organizations/{organization}", duration=duration, work=work,
            arguments={"target": target, **(arguments or {})}, lock=f"apigee/{organization}", refuse=locked,
            real=real, done=done, response=response,
            metadata={"@type": f"{TYPE}OperationMetadata", "operationType": kind, "targetResourceName": target})

    def active(self, call: Call, organization: str) -> dict[str, Any]:
        """The organisation, refused unless it is ACTIVE."""
        found = require_organization(call.store, organization)
        if found["state"] != "ACTIVE":
            raise precondition(f"organization {organization} is not ACTIVE, its state is {found['state']}")
        return found


def typed(kind: str, document: dict[str, Any]) -> dict[str, Any]:
    """A resource as the response of an operation."""
    return {"@type": f"{TYPE}{kind}", **document}


def public(document: dict[str, Any], *hidden: str) -> dict[str, Any]:
    """A stored document without the fields that only the emulator knows."""
    return {name: value for name, value in document.items() if name not in hidden}


def drop(store: Transaction, *parts: str) -> None:
    """Remove a resource and everything below it."""
    store.delete(key(*parts))
    store.delete_under(key(*parts) + "/")
