# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pod and Service ranges of VPC-native clusters: named, asked for by size, or chosen."""

from __future__ import annotations

import ipaddress
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.service import Call
from testbed.google.services.compute.common import fingerprint, used_ranges

_POOL = ipaddress.IPv4Network("10.0.0.0/8")


def assign(
    call: Call, policy: dict[str, Any], subnet_key: str, cluster: str, digest: str, *, autopilot: bool
) -> dict[str, Any]:
    """Return the completed ipAllocationPolicy; ranges that are not named are added to the subnetwork.

    Raises GoogleError 400 for unknown names, wrong sizes and overlaps.
    """
    subnet = call.store.get(subnet_key)
    assert subnet is not None
    existing = {r["rangeName"]: r["ipCidrRange"] for r in subnet.get("secondaryIpRanges", [])}
    chosen, made = {}, {}
    project = subnet_key.split("/")[2]
    taken = list(used_ranges(call.store, project, subnet["network"]).values())
    for kind, prefix, default in (("cluster", "pods", 17 if autopilot else 14), ("services", "services", 20)):
        named, block = policy.get(f"{kind}SecondaryRangeName"), policy.get(f"{kind}Ipv4CidrBlock")
        if named and block:
            raise GoogleError(400, f"Only one of {kind}SecondaryRangeName and {kind}Ipv4CidrBlock may be set.")
        if named:
            if named not in existing:
                raise GoogleError(
                    400,
                    f'Pod secondary range "{named}" does not exist in subnet "{subnet["name"]}".'
                    if kind == "cluster"
                    else f'Services secondary range "{named}" does not exist in subnet "{subnet["name"]}".',
                )
            chosen[kind] = (named, existing[named])
            continue
        network = _range(block, default, taken, kind)
        taken.append(network)
        name = f"gke-{cluster}-{prefix}-{digest}"
        made[name] = str(network)
        chosen[kind] = (name, str(network))
    if chosen["cluster"][0] == chosen["services"][0]:
        raise GoogleError(400, "Pods and Services need different secondary ranges.")
    if made:
        ranges = subnet.get("secondaryIpRanges", [])
        subnet["secondaryIpRanges"] = ranges + [{"rangeName": n, "ipCidrRange": r} for n, r in made.items()]
        subnet["fingerprint"] = fingerprint(subnet)
        call.store.put(subnet_key, subnet)
    pods, services = chosen["cluster"], chosen["services"]
    return {
        **{k: v for k, v in policy.items() if k not in ("createSubnetwork",)},
        "useIpAliases": True,
        "clusterSecondaryRangeName": pods[0],
        "clusterIpv4Cidr": pods[1],
        "clusterIpv4CidrBlock": pods[1],
        "servicesSecondaryRangeName": services[0],
        "servicesIpv4Cidr": services[1],
        "servicesIpv4CidrBlock": services[1],
        "stackType": policy.get("stackType", "IPV4"),
        "podCidrOverprovisionConfig": policy.get("podCidrOverprovisionConfig", {}),
        "defaultPodIpv4RangeUtilization": 0.0,
        "_made": sorted(made),
    }


def release(tx: Any, subnet_key: str, names: list[str]) -> None:
    """Take the ranges that GKE made for a cluster out of its subnetwork again."""
    subnet = tx.get(subnet_key)
    if subnet is None or not names:
        return
    subnet["secondaryIpRanges"] = [r for r in subnet.get("secondaryIpRanges", []) if r["rangeName"] not in names]
    if not subnet["secondaryIpRanges"]:
        del subnet["secondaryIpRanges"]
    subnet["fingerprint"] = fingerprint(subnet)
    tx.put(subnet_key, subnet)


def _range(block: str | None, default: int, taken: list[Any], kind: str) -> ipaddress.IPv4Network:
    if block and not block.startswith("/"):
        try:
            network = ipaddress.IPv4Network(block)
        except ValueError as exc:
            raise GoogleError(400, f"Invalid {kind}Ipv4CidrBlock {block}: {exc}") from exc
        clash = next((t for t in taken if t.overlaps(network)), None)
        if clash:
            raise GoogleError(400, f"Requested CIDR {network} for {kind} is not available: it overlaps {clash}.")
        return network
    length = int(block[1:]) if block and block[1:].isdigit() else default
    if not 9 <= length <= 28:
        raise GoogleError(400, f"Invalid {kind}Ipv4CidrBlock {block}: the prefix length must be between 9 and 28.")
    for candidate in _POOL.subnets(new_prefix=length):
        # The first half of the pool stays for subnetworks, the end of it for private services access.
        if candidate.network_address >= ipaddress.IPv4Address("10.64.0.0") and not any(
            candidate.overlaps(t) for t in taken
        ):
            return candidate
    raise GoogleError(400, f"No free range with prefix length {length} is left for {kind}.")
