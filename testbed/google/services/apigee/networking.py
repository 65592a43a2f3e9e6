# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""What Apigee sees of a customer's network: does it exist, is it connected, which ranges are reserved."""
from __future__ import annotations

import re
from typing import TYPE_CHECKING

from testbed.google.errors import GoogleError, precondition

if TYPE_CHECKING:
    from testbed.google.service import Call

CONNECTION = "servicenetworking.googleapis.com"


def authorized(call: Call, project: str, network: str) -> tuple[str, str]:
    """Project id and short name of an ``authorizedNetwork``, refused unless it exists and is connected.

    Sources: discovery document, Organization.authorizedNetwork (short name, or projects/HOST/global/networks/NAME for
    a shared VPC); google-apis.md section 8 (the service connection comes before the organisation).
    """
    found = re.fullmatch(r"(?:projects/([^/]+)/global/networks/)?([a-z](?:[-a-z0-9]*[a-z0-9])?)", network)
    if not found:
        raise GoogleError(400, f'authorized_network "{network}" is invalid: give a network name or '
                               "projects/{host-project-id}/global/networks/{network-name}")
    host = call.project(found[1] or project)
    name = found[2]
    if not call.store.exists(f"compute/projects/{host['projectId']}/global/networks/{name}"):
        raise GoogleError(400, f"authorized network projects/{host['projectId']}/global/networks/{name} does not exist")
    if not call.store.exists(_connection(host["number"], name)):
        raise precondition(f"network projects/{host['projectId']}/global/networks/{name} is not connected to "
                           f"{CONNECTION}: create the private services connection first")
    return host["projectId"], name


def _connection(number: str, network: str) -> str:
    return f"servicenetworking/projects/{number}/global/networks/{network}/connection"


def reserved_ranges(call: Call, project: str, network: str) -> list[str]:
    """The CIDR ranges that the connection of a network reserves for Google's services."""
    connection = call.store.get(_connection(call.project(project)["number"], network)) or {}
    ranges = []
    for name in connection.get("reservedPeeringRanges", []):
        address = call.store.get(f"compute/projects/{project}/global/addresses/{name}")
        if address:
            ranges.append(f"{address['address']}/{address['prefixLength']}")
    return ranges
