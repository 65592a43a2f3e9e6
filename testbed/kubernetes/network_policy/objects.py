# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules are made from: the pods that have an address, and Kubernetes' label selectors."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Pod:
    """A pod of the cluster with an address of its own. ``ports``: (protocol, name of the port) -> number.

    Each is equal to itself only, so that it can be a key.
    """

    namespace: str
    name: str
    address: str
    labels: Mapping[str, str]
    ports: Mapping[tuple[str, str], int]


def pods_with_addresses(items: Iterable[Mapping[str, Any]]) -> list[Pod]:
    """Each address once, in order of namespace and name.

    Pods in the node's own network have none of their own and no policy applies to them; of ended pods the address
    is free. Where a new pod already has the address of one that is just going, it is the new one's.
    """
    holders: dict[str, Mapping[str, Any]] = {}
    for item in sorted(items, key=lambda each: ("deletionTimestamp" not in each["metadata"],
                                                each["metadata"].get("creationTimestamp") or "")):
        status, address = item.get("status", {}), item.get("status", {}).get("podIP")
        if address and not item["spec"].get("hostNetwork") and status.get("phase") not in ("Succeeded", "Failed"):
            holders[address] = item
    found = [Pod(item["metadata"]["namespace"], item["metadata"]["name"], address,
                 item["metadata"].get("labels") or {}, _named_ports(item["spec"]))
             for address, item in holders.items()]
    return sorted(found, key=lambda each: (each.namespace, each.name))


def _named_ports(spec: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    """Native sidecars, which serve like containers, are among the init containers."""
    sidecars = [each for each in spec.get("initContainers") or [] if each.get("restartPolicy") == "Always"]
    return {(port.get("protocol", "TCP"), port["name"]): port["containerPort"]
            for container in [*spec.get("containers", []), *sidecars]
            for port in container.get("ports") or [] if "name" in port}


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector selects an object with these labels; an empty or absent one selects everything."""
    if not selector:
        return True
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_meets(each, labels) for each in selector.get("matchExpressions") or [])


def _meets(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator, values = requirement["key"], requirement["operator"], requirement.get("values") or []
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return labels.get(key) not in values
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    raise ValueError(f"unknown operator {operator} for label {key}")
