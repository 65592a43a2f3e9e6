# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""What GKE's DNS controller writes into the zone of a cluster: computed from its Services and EndpointSlices.

VPC scope publishes every Service, additive scope headless ones only (gke-dns-path.md 1.1). A headless name holds the
ready addresses; a pod has its own name only with a hostname below its headless Service; SRV records exist for named
ports only (1.5).
"""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from testbed.network.resolver import CLUSTER_TTL
from testbed.world import Record

Document = Mapping[str, Any]


def records(services: Iterable[Document], slices: Iterable[Document], domain: str, *,
            headless_only: bool) -> list[Record]:
    """Record sets in order of name and type, for a domain without its final dot."""
    endpoints: dict[tuple[str, str], list[Document]] = defaultdict(list)
    for each in slices:
        labels = each["metadata"].get("labels") or {}
        owner = labels.get("kubernetes.io/service-name")
        if owner and each.get("addressType") == "IPv4":
            endpoints[each["metadata"]["namespace"], owner].append(each)
    made: dict[tuple[str, str], set[str]] = defaultdict(set)
    for service in services:
        name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
        spec = service.get("spec") or {}
        if spec.get("type") == "ExternalName":
            continue
        base = f"{name}.{namespace}.svc.{domain.rstrip('.')}."
        address = spec.get("clusterIP")
        if address == "None":
            _headless(made, base, spec, endpoints[namespace, name])
        elif address and not headless_only:
            made[base, "A"].add(address)
            for port in spec.get("ports") or ():
                if port.get("name"):
                    made[_srv(port, base), "SRV"].add(f"0 100 {port['port']} {base}")
    return [Record(name, kind, CLUSTER_TTL, tuple(sorted(data))) for (name, kind), data in sorted(made.items())]


def _headless(made: dict[tuple[str, str], set[str]], base: str, spec: Document, slices: Iterable[Document]) -> None:
    anyone = bool(spec.get("publishNotReadyAddresses"))
    for each in slices:
        for endpoint in each.get("endpoints") or ():
            ready = (endpoint.get("conditions") or {}).get("ready")
            # Absent means ready (EndpointSlice API).
            if not anyone and ready is False:
                continue
            for address in endpoint.get("addresses") or ():
                made[base, "A"].add(address)
                host = endpoint.get("hostname") or address.replace(".", "-")
                if endpoint.get("hostname"):
                    made[f"{host}.{base}", "A"].add(address)
                for port in each.get("ports") or ():
                    if port.get("name"):
                        made[_srv(port, base), "SRV"].add(f"0 100 {port['port']} {host}.{base}")


def _srv(port: Document, base: str) -> str:
    return f"_{port['name']}._{(port.get('protocol') or 'TCP').lower()}.{base}"
