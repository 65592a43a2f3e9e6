# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Address ranges nobody should have to invent: taken from one private space, never overlapping, never moving.

Private to this collection.

A range that exists already always wins: a subnet's range cannot be changed, so a cluster added above another one in
the declaration must not shift it. Only subnets that are still to be made are allocated, in the order declared.
"""

from __future__ import annotations

import ipaddress
import typing

# A cluster takes a quarter million addresses of its own: 65,536 pods, 4,096 Services and 4,096 nodes, room to widen.
CLUSTER_BLOCK = 14
# Apigee asks for a /22 and a /28 an instance; a /20 holds three instances.
PEERING_PREFIX = 20
INSTANCE_PREFIX = 22

Range = ipaddress.IPv4Network


def parse(text: str) -> Range | None:
    """The range, or None when it is not one (host bits set, not an address, prefix too long)."""
    try:
        return ipaddress.IPv4Network(text)
    except ValueError:
        return None


def overlapping(first: Range, others: dict[str, Range]) -> str | None:
    """The name of the first of *others* that shares an address with *first*."""
    return next((name for name, other in others.items() if first.overlaps(other)), None)


def peering_range(space: Range, taken: typing.Iterable[Range] = ()) -> Range | None:
    """The range reserved for Apigee: the first free one of the space, so that no number of clusters moves it.

    Args:
        space: the space of the declaration.
        taken: ranges that others use.

    Returns:
        The range, or None when the space is full.
    """
    others = list(taken)
    blocks = space.subnets(new_prefix=max(PEERING_PREFIX, space.prefixlen))
    return next((block for block in blocks if not any(block.overlaps(other) for other in others)), None)


def instance_range(peering: Range, index: int = 0) -> Range | None:
    """The /22 of an Apigee instance inside the peering range."""
    if peering.prefixlen > INSTANCE_PREFIX:
        return None
    blocks = list(peering.subnets(new_prefix=INSTANCE_PREFIX))
    return blocks[index] if index < len(blocks) else None


def cluster_ranges(space: Range, taken: list[Range]) -> dict[str, Range] | None:
    """The first free place for a cluster.

    Args:
        space: the space of the declaration.
        taken: every range in use by something else.

    Returns:
        Ranges for ``pods``, ``services`` and ``nodes``, or None when the space is full.
    """
    prefix = max(CLUSTER_BLOCK, space.prefixlen + 2)
    if prefix > 22:
        return None
    blocks = space.subnets(new_prefix=prefix)
    next(blocks)  # holds the peering range
    for block in blocks:
        parts = _split(block)
        if not any(part.overlaps(other) for part in parts.values() for other in taken):
            return parts
    return None


def small_range(space: Range, prefix: int, taken: typing.Iterable[Range]) -> Range | None:
    """The last free range of that length in the block that holds the peering range, or None when it is full.

    The peering range is taken from the front of that block and clusters from behind it, so nothing moves anything.
    """
    others = list(taken)
    block = next(space.subnets(new_prefix=max(CLUSTER_BLOCK, space.prefixlen + 2 if space.prefixlen <= 20 else 22)))
    size = 1 << (32 - prefix)
    for start in range(int(block.broadcast_address) + 1 - size, int(block.network_address) - 1, -size):
        found = Range((start, prefix))
        if not any(found.overlaps(other) for other in others):
            return found
    return None


def _split(block: Range) -> dict[str, Range]:
    """Pods take the first quarter, Services and nodes the first two sixteenths of the second quarter."""
    quarters = list(block.subnets(prefixlen_diff=2))
    rest = list(quarters[1].subnets(new_prefix=min(block.prefixlen + 6, 29)))
    return {"pods": quarters[0], "services": rest[0], "nodes": rest[1]}
