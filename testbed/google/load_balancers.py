# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GKE makes in a project for a Service with an internal load balancer, and removes again.

A forwarding rule with the address, a backend service that stands for the cluster's nodes, a firewall rule for the
source ranges (ingress-gce, ``pkg/loadbalancers/l4.go``, with subsetting). Health checks, their firewall rule and
network endpoint groups are not emulated: kube-proxy on the node knows which pods are ready.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from testbed.google.errors import GoogleError
from testbed.google.service import now
from testbed.google.services.compute.common import BASE, fingerprint, invalid, not_found
from testbed.google.services.compute.forwardingrules import chosen_address
from testbed.google.services.container.common import node_tag
from testbed.google.store import Transaction
from testbed.world import BalancedAddress, BalancedService, WorldError

if TYPE_CHECKING:
    from testbed.google.emulator import Emulator

_LONGEST = 39
"""Letters for namespace and name in the names of what is made (ingress-gce, ``pkg/utils/namer/l4_namer.go``)."""
_FINGERPRINTED = {f"compute#{each}" for each in ("backendService", "forwardingRule", "urlMap", "targetHttpProxy",
                                               "targetHttpsProxy")}  # fmt: skip
_MOST_PORTS = 5
"""Single ports of a forwarding rule; for more, GKE asks for all ports and leaves the choice to the firewall."""


class LoadBalancers:
    """GKE's side of Google for the controllers of the world's clusters (testbed.world.Balancers)."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def balance(self, service: BalancedService) -> BalancedAddress:
        """Make the objects, or bring them to what the Service asks. Raises WorldError with Google's refusal."""
        try:
            async with self._emulator.store.transaction() as tx:
                made = _ensure(tx, service)
        except GoogleError as exc:
            raise WorldError(f"googleapi: Error {exc.status}: {exc.message}") from exc
        await self._emulator.apply_network()
        return made

    async def unbalance(self, service: BalancedService) -> None:
        """Remove the objects."""
        async with self._emulator.store.transaction() as tx:
            cluster = _cluster(tx, service)
            if cluster is not None:
                _remove(tx, cluster, _name(service))
        await self._emulator.apply_network()


def drop_load_balancers(tx: Transaction, cluster: dict[str, Any]) -> None:
    """Remove all objects of a cluster's Services, as GKE attempts when a cluster is deleted (gcloud's reference)."""
    place = f"compute/{region_of(cluster)}/backendServices"
    for backend in tx.children(place):
        if backend["_cluster"] == key_of(cluster):
            _remove(tx, cluster, backend["name"])


def _ensure(tx: Transaction, service: BalancedService) -> BalancedAddress:
    cluster = _cluster(tx, service)
    if cluster is None:
        raise GoogleError(404, f"Not found: cluster {service.cluster[2]}.")
    name, place = _name(service), region_of(cluster)
    subnetwork = _subnetwork(tx, cluster, service)
    described = {"networking.gke.io/service-name": f"{service.namespace}/{service.name}"}
    backend = put(
        tx,
        f"{place}/backendServices/{name}",
        {
            "kind": "compute#backendService",
            "description": json.dumps({**described, "networking.gke.io/api-version": "ga"}),
            "protocol": service.protocol,
            "loadBalancingScheme": "INTERNAL",
            "sessionAffinity": "NONE",
            "region": f"{BASE}{place}",
            "_cluster": key_of(cluster),
        },
    )
    rule_name = _name(service, service.protocol.lower())
    for key, other in list(tx.items(f"compute/{place}/forwardingRules/")):
        if other.get("backendService") == backend["selfLink"] and other["name"] != rule_name:
            # The Service was of another protocol.
            tx.delete(key)
    path = f"{place}/forwardingRules/{rule_name}"
    before = tx.get(f"compute/{path}") or {}
    asked = _asked(tx, place, service)
    if not asked and before.get("subnetwork") == subnetwork["selfLink"]:
        asked = before["IPAddress"]
    address = chosen_address(tx, subnetwork, asked, own=path)
    ports = [str(port) for port in service.ports]
    rule = put(
        tx,
        path,
        {
            "kind": "compute#forwardingRule",
            "description": json.dumps({**described, "networking.gke.io/api-version": "ga"}),
            "IPAddress": address,
            "IPProtocol": service.protocol,
            **({"ports": ports} if len(ports) <= _MOST_PORTS else {"allPorts": True}),
            "loadBalancingScheme": "INTERNAL",
            "allowGlobalAccess": service.global_access,
            "networkTier": "PREMIUM",
            "backendService": backend["selfLink"],
            "subnetwork": subnetwork["selfLink"],
            "network": subnetwork["network"],
            "region": f"{BASE}{place}",
        },
    )
    put(
        tx,
        f"projects/{cluster['_project']}/global/firewalls/{name}",
        {
            "kind": "compute#firewall",
            "description": json.dumps({**described, "networking.gke.io/service-ip": address}),
            "network": subnetwork["network"],
            "direction": "INGRESS",
            "priority": 1000,
            "allowed": [{"IPProtocol": service.protocol.lower(), "ports": ports}],
            "sourceRanges": list(service.source_ranges) or ["0.0.0.0/0"],
            "destinationRanges": [address],
            "targetTags": [node_tag(cluster)],
            "disabled": False,
            "logConfig": {"enable": False},
        },
    )
    return BalancedAddress(
        address,
        {
            "service.kubernetes.io/backend-service": name,
            f"service.kubernetes.io/{service.protocol.lower()}-forwarding-rule": rule["name"],
            "service.kubernetes.io/firewall-rule": name,
        },
    )


def _remove(tx: Transaction, cluster: dict[str, Any], name: str) -> None:
    place = region_of(cluster)
    link = f"{BASE}{place}/backendServices/{name}"
    for key, rule in list(tx.items(f"compute/{place}/forwardingRules/")):
        if rule.get("backendService") == link:
            tx.delete(key)
    tx.delete(f"compute/projects/{cluster['_project']}/global/firewalls/{name}")
    tx.delete(f"compute/{place}/backendServices/{name}")


def put(tx: Transaction, path: str, content: dict[str, Any]) -> dict[str, Any]:
    """Store an object with what Google adds; one that is as it should be is not written."""
    before = tx.get(f"compute/{path}")
    kept = {key: (before or {}).get(key) for key in ("id", "creationTimestamp")}
    if before is None:
        kept = {"id": str(tx.next_number("compute", 5_000_000_000_000_000_011)), "creationTimestamp": now()}
    document = {**kept, "name": path.rsplit("/", 1)[-1], **content, "selfLink": BASE + path}
    if content["kind"] in _FINGERPRINTED:
        document["fingerprint"] = fingerprint(document)
    return document if document == before else tx.put(f"compute/{path}", document)


def _cluster(tx: Transaction, service: BalancedService) -> dict[str, Any] | None:
    project, location, name = service.cluster
    return tx.get(f"container/projects/{project}/locations/{location}/clusters/{name}")


def key_of(cluster: dict[str, Any]) -> list[str]:
    """Return what names a cluster in the world."""
    return [cluster["_project"], cluster["location"], cluster["name"]]


def region_of(cluster: dict[str, Any]) -> str:
    """Return the region in which the objects of a cluster are made."""
    location = cluster["location"]
    region = location if location.count("-") == 1 else location.rpartition("-")[0]
    return f"projects/{cluster['_project']}/regions/{region}"


def _subnetwork(tx: Transaction, cluster: dict[str, Any], service: BalancedService) -> dict[str, Any]:
    """Return the subnetwork of the address: the cluster's, unless the Service names another of region and network."""
    path = cluster["networkConfig"]["subnetwork"]
    own = tx.get(f"compute/{path}")
    assert own is not None  # a subnetwork with a cluster cannot be deleted
    if not service.subnet:
        return own
    path = f"{region_of(cluster)}/subnetworks/{service.subnet}"
    found = tx.get(f"compute/{path}")
    if found is None:
        raise not_found(path)
    if found["network"] != own["network"]:
        raise invalid("subnetwork", service.subnet, f"It is not in the network {own['network']}.")
    return found


def _asked(tx: Transaction, place: str, service: BalancedService) -> str:
    """Return the address that is asked for, or nothing. Names that do not exist are passed over, as GKE does."""
    for name in service.address_names:
        reserved = tx.get(f"compute/{place}/addresses/{name}")
        if reserved is None:
            continue
        if reserved["addressType"] != "INTERNAL":
            raise GoogleError(
                400,
                f'address "{name}" does not have the expected address type "INTERNAL", '
                f'actual: "{reserved["addressType"]}"',
            )
        return str(reserved["address"])
    return service.address


def _name(service: BalancedService, protocol: str = "") -> str:
    """Return the name of what is made: ``k8s2-[PROTOCOL-]CLUSTER-NAMESPACE-SERVICE-HASH``, 63 letters at most."""
    cluster = hashlib.sha256(service.cluster_uid.encode()).hexdigest()[:8]
    suffix = hashlib.sha256(f"{cluster};{service.namespace};{service.name}".encode()).hexdigest()[:8]
    head = f"k8s2-{protocol}-{cluster}" if protocol else f"k8s2-{cluster}"
    room = _LONGEST - (len(protocol) + 1 if protocol else 0)
    namespace, name = service.namespace, service.name
    while len(namespace) + len(name) > room:
        namespace, name = (namespace[:-1], name) if len(namespace) >= len(name) else (namespace, name[:-1])
    return f"{head}-{namespace}-{name}-{suffix}"
