# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Text of sets as nftables takes them: it refuses elements of one set that overlap."""
from __future__ import annotations

import ipaddress
from collections.abc import Iterable


def address_set(items: Iterable[str]) -> str:
    """IPv4 addresses and ranges as one anonymous set. Raises ValueError for what is neither."""
    return "{ " + ", ".join(disjoint(items)) + " }"


def disjoint(items: Iterable[str]) -> list[str]:
    """IPv4 ranges without overlaps; IPv6, which the testbed's VPC does not carry, is left out. Raises ValueError."""
    ranges = (ipaddress.ip_network(item, strict=False) for item in items)
    return [str(each) for each in ipaddress.collapse_addresses(each for each in ranges if each.version == 4)]


def merged_ports(ports: Iterable[str]) -> list[str]:
    """Ports and ranges (``8000-8080``) without overlaps, in order. Raises ValueError."""
    merged: list[list[int]] = []
    for low, high in sorted((int(port.split("-")[0]), int(port.split("-")[-1])) for port in ports):
        if merged and low <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], high)
        else:
            merged.append([low, high])
    return [str(low) if low == high else f"{low}-{high}" for low, high in merged]
