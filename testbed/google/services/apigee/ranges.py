# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Address ranges of Apigee runtime instances: one /22 and one /28 each, out of what the service connection reserves.

Source: discovery document, Instance.ipRange: "Comma-separated list of CIDR blocks of length 22 and/or 28 ... You can
provide just /22 or /28 or both (or neither). Ranges you provide should be freely available as part of a larger named
range you have allocated to the Service Networking peering."
"""
from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Network = ipaddress.IPv4Network
RUNTIME_BITS, SUPPORT_BITS = 22, 28


class RangeError(Exception):
    """Why no range can be given; the text is fit for an API error."""


class Allocation(NamedTuple):
    """``runtime`` (/22) is where traffic to targets comes from; ``support`` (/28) is Google's own."""

    runtime: Network
    support: Network

    @property
    def host(self) -> str:
        """The address that takes requests: the second usable one of the /22, by convention of this testbed."""
        return str(self.runtime.network_address + 2)

    def __str__(self) -> str:
        return f"{self.runtime},{self.support}"


def parse(text: str) -> list[Network]:
    """The blocks of an ``ipRange``. Raises RangeError naming the block that is wrong."""
    blocks = []
    for part in (piece.strip() for piece in text.split(",")):
        try:
            block = Network(part)
        except ValueError as error:
            raise RangeError(f'ip_range "{part}" is not a valid IPv4 CIDR block: {error}') from error
        if block.prefixlen not in (RUNTIME_BITS, SUPPORT_BITS):
            raise RangeError(f'ip_range "{part}" must be of length /22 or /28')
        if any(block.prefixlen == other.prefixlen for other in blocks):
            raise RangeError(f"ip_range must name at most one /22 and one /28 block, got {text}")
        blocks.append(block)
    return blocks


def allocate(requested: str, reserved: Sequence[str], used: Iterable[str]) -> Allocation:
    """Choose the blocks of an instance.

    ``requested``: the instance's ``ipRange`` ("" for none). ``reserved``: the ranges of the service connection.
    ``used``: the ``ipRange`` of every other instance on the same network. Raises RangeError.
    """
    pools = [Network(text) for text in reserved]
    if not pools:
        raise RangeError("the authorized network has no range reserved for service networking")
    taken = [block for text in used for block in parse(text)]
    asked = {block.prefixlen: block for block in (parse(requested) if requested else ())}
    for block in asked.values():
        if not any(block.subnet_of(pool) for pool in pools):
            raise RangeError(f"ip_range {block} is not part of the ranges reserved for service networking: "
                             f"{', '.join(reserved)}")
        clash = next((other for other in taken if block.overlaps(other)), None)
        if clash:
            raise RangeError(f"ip_range {block} overlaps {clash}, which another instance uses")
    chosen: dict[int, Network] = dict(asked)
    for bits in (RUNTIME_BITS, SUPPORT_BITS):
        if bits not in chosen:
            chosen[bits] = _free(bits, pools, [*taken, *chosen.values()])
    return Allocation(chosen[RUNTIME_BITS], chosen[SUPPORT_BITS])


def _free(bits: int, pools: Iterable[Network], taken: Sequence[Network]) -> Network:
    for pool in pools:
        if pool.prefixlen <= bits:
            for block in pool.subnets(new_prefix=bits):
                if not any(block.overlaps(other) for other in taken):
                    return block
    raise RangeError(f"no free /{bits} is left in the ranges reserved for service networking; Apigee needs one /22 and "
                     "one /28 for each instance")
