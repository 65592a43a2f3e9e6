# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""What lives directly in an environment (target servers, keystores, references): how a request finds it."""
from __future__ import annotations

from typing import Any

from testbed.google.service import Call, Reply
from testbed.google.services.apigee.names import ids, key, require


def parent(call: Call) -> tuple[str, str]:
    """Organisation and environment in the request's ``parent``. Raises GoogleError when one is not there."""
    organization, environment = ids(call.path["parent"], "organizations", "environments")
    require(call.store, "environment", "organizations", organization, "environments", environment)
    return organization, environment


def names(call: Call, collection: str) -> Reply:
    """The answer of a list method: bare names, which the discovery document does not describe."""
    organization, environment = parent(call)
    found = call.store.children(key("organizations", organization, "environments", environment, collection))
    return Reply([item["name"] for item in found], unchecked=True)


def named(call: Call, kind: str, collection: str) -> tuple[list[str], dict[str, Any]]:
    """Organisation, environment and id in the request's ``name``, and the document. Raises GoogleError without it."""
    path = ids(call.path["name"], "organizations", "environments", collection)
    require(call.store, "environment", "organizations", path[0], "environments", path[1])
    return path, require(call.store, kind, "organizations", path[0], "environments", path[1], collection, path[2])
