# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Service says of its load balancer, as GKE reads it (ingress-gce, ``pkg/annotations``)."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testbed.world import BalancedService

#: Services with this one are left to nobody else (LoadBalancer Service parameters of GKE's documentation).
CLASS = "networking.gke.io/l4-regional-internal"
#: The present annotation and the one before it.
TYPES = ("networking.gke.io/load-balancer-type", "cloud.google.com/load-balancer-type")
GLOBAL_ACCESS = "networking.gke.io/internal-load-balancer-allow-global-access"
SUBNETS = ("networking.gke.io/load-balancer-subnet", "networking.gke.io/internal-load-balancer-subnet")
ADDRESSES = "networking.gke.io/load-balancer-ip-addresses"
#: At most one for each family of addresses.
MOST_ADDRESSES = 2
FINALIZER = "gke.networking.io/l4-ilb-v2"
#: Annotations that tell what was made.
STATUS_PREFIX = "service.kubernetes.io/"

Service = Mapping[str, Any]


def wants_one(service: Service, *, classes: bool) -> bool:
    """Whether a Service asks for an internal load balancer: by its class, or without any class by the annotation.

    :param classes: whether the cluster looks at classes; where it does not, a Service with one is nobody's and waits.
    """
    spec = service["spec"]
    if spec.get("type") != "LoadBalancer":
        return False
    if spec.get("loadBalancerClass") is not None:
        return classes and spec["loadBalancerClass"] == CLASS
    annotations = _annotations(service)
    return any(annotations.get(each, "").lower() == "internal" for each in TYPES)


def has_one(service: Service) -> bool:
    """Whether objects were made for it, or at least begun."""
    return FINALIZER in (service["metadata"].get("finalizers") or [])


def asked(service: Service, cluster: tuple[str, str, str], cluster_uid: str) -> BalancedService:
    """What is asked of Google for a Service that wants a load balancer."""
    metadata, spec, annotations = service["metadata"], service["spec"], _annotations(service)
    names = annotations.get(ADDRESSES, "").split(",")[:MOST_ADDRESSES]
    return BalancedService(
        cluster=cluster, cluster_uid=cluster_uid, namespace=metadata["namespace"], name=metadata["name"],
        # Ports of two protocols are possible on GKE only where a preview is switched on: the first one counts.
        protocol=spec["ports"][0].get("protocol", "TCP"),
        ports=tuple(sorted(port["port"] for port in spec["ports"])),
        source_ranges=tuple(spec.get("loadBalancerSourceRanges") or ()),
        global_access=annotations.get(GLOBAL_ACCESS) == "true",
        subnet=next((annotations[each] for each in SUBNETS if annotations.get(each)), ""),
        address_names=tuple(each.strip() for each in names if each.strip()),
        address=spec.get("loadBalancerIP") or "",
    )


def address_of(service: Service) -> str:
    """The address in a Service's status, or nothing."""
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
    return ingress[0].get("ip", "")


def annotations_after(service: Service, made: Mapping[str, str]) -> dict[str, str | None]:
    """The merge patch of a Service's annotations that leaves exactly these of ours; empty when nothing differs."""
    present = {key: value for key, value in _annotations(service).items() if key.startswith(STATUS_PREFIX)}
    if present == made:
        return {}
    return {**dict.fromkeys(present), **made}


def _annotations(service: Service) -> Mapping[str, str]:
    return service["metadata"].get("annotations") or {}
