# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Resource names, store keys and the refusals that every Apigee resource shares."""
from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from testbed.google.errors import GoogleError

if TYPE_CHECKING:
    from testbed.google.store import Transaction

SERVICE = "apigee.googleapis.com"


def now_ms() -> int:
    """Milliseconds since epoch: Apigee's timestamps are these numbers as strings."""
    return int(time.time() * 1000)


def ids(name: str, *collections: str) -> list[str]:
    """The ids in a resource name: ``ids("organizations/a/environments/b", "organizations", "environments")``.

    The last id is whatever remains, so that it may hold slashes (keys of key value map entries do).
    """
    rest, found = name, []
    for number, collection in enumerate(collections, start=1):
        prefix = f"{collection}/"
        if not rest.startswith(prefix):
            raise ValueError(f"{name} has no {collection}")
        rest = rest[len(prefix):]
        if number == len(collections):
            found.append(rest)
        else:
            head, _slash, rest = rest.partition("/")
            found.append(head)
    return found


def key(*parts: str) -> str:
    """The store key of a resource: collections and ids in turn; ids are escaped, collections are plain words."""
    return "apigee/" + "/".join(quote(part, safe="@ ") for part in parts)


def organization_of(name: str) -> str:
    return name.split("/", 2)[1]


def request_info() -> dict[str, str]:
    """The detail by which Google's support finds a refused request."""
    return {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": str(secrets.randbits(63))}


def missing(kind: str, name: str) -> GoogleError:
    return GoogleError(404, f"{kind} {name} not found")


def exists(kind: str, name: str) -> GoogleError:
    return GoogleError(409, f"{kind} {name} already exists")


def denied(organization: str) -> GoogleError:
    """What a caller gets for an organisation that is not there: Apigee does not tell it from one that is not theirs.

    Source: apigee/apigee-edge-drupal #636 ("Incorrect organization now returns Forbidden").
    """
    return GoogleError(403, f'Permission denied on resource "organizations/{organization}" (or it may not exist)')


def require_organization(store: Transaction, organization: str) -> dict[str, Any]:
    found = store.get(key("organizations", organization))
    if found is None or found.get("deleted_at"):
        raise denied(organization)
    return found


def require(store: Transaction, kind: str, *parts: str) -> dict[str, Any]:
    """The document of a resource; 403 when its organisation is not there, 404 naming it when it is not."""
    require_organization(store, parts[1])
    found = store.get(key(*parts))
    if found is None:
        raise missing(kind, "/".join(parts))
    return found
