# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kinds of Kubernetes Engine share: names, lookups, the single-operation rule, the world's description."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.service import Call, Service
from testbed.google.services.compute.common import ZONES
from testbed.google.store import Transaction
from testbed.world import Cluster

HOST = "https://container.googleapis.com/v1/"
VERSION = "1.36.2-gke.1203000"
"""The version that new clusters get; its minor version is that of the testbed's node."""
VERSIONS = (VERSION, "1.36.1-gke.1041000", "1.35.4-gke.1312000")
_CLASSES_SINCE = (1, 33, 1, 1779000)
"""The first version with classes of load balancers (LoadBalancer Service parameters of GKE's documentation)."""


def token(value: Any) -> str:
    """Return a short token that changes with a value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def etag(document: dict[str, Any]) -> str:
    """Return the etag of a stored cluster or node pool."""
    content = {k: v for k, v in document.items() if not k.startswith("_") and k not in ("etag", "status")}
    return base64.b64encode(hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()).decode()[:43] + "="


def public(document: dict[str, Any]) -> dict[str, Any]:
    """Return a stored object without the emulator's own fields (those that start with an underscore)."""
    return {k: v for k, v in document.items() if not k.startswith("_")}


def picture(document: dict[str, Any]) -> Cluster:
    """Return the world's description of a stored cluster."""
    network = document["networkConfig"]
    dns = network.get("dnsConfig", {})
    scope = dns.get("clusterDnsScope", "DNS_SCOPE_UNSPECIFIED")
    return Cluster(
        project=document["_project"],
        location=document["location"],
        name=document["name"],
        number=document["_number"],
        network=network["network"],
        subnet=document["subnetwork"],
        node_range=document["_node_range"],
        pod_range=document["clusterIpv4Cidr"],
        service_range=document["servicesIpv4Cidr"],
        dns_provider=dns.get("clusterDns", "PLATFORM_DEFAULT"),
        dns_scope="VPC_SCOPE" if scope == "VPC_SCOPE" else "CLUSTER_SCOPE",
        dns_domain=dns.get("clusterDnsDomain", ""),
        additive_domain=dns.get("additiveVpcScopeDnsDomain", ""),
        tags=(node_tag(document), *sorted(_own_tags(document))),
        autopilot=bool(document.get("autopilot", {}).get("enabled")),
        network_policy=_network_policy(document),
        load_balancer_classes=_load_balancer_classes(document),
        http_load_balancing=not document.get("addonsConfig", {}).get("httpLoadBalancing", {}).get("disabled", False),
        gateway_api=network.get("gatewayApiConfig", {}).get("channel") == "CHANNEL_STANDARD"
        or bool(document.get("autopilot", {}).get("enabled")),
        node_pools=tuple(pool["name"] for pool in document.get("nodePools", [])),
    )


def _network_policy(document: dict[str, Any]) -> str:
    """Return what enforces NetworkPolicies. Without Dataplane V2 or the add-on they are stored and have no effect."""
    if document["networkConfig"].get("datapathProvider") == "ADVANCED_DATAPATH":
        return "dataplane_v2"
    return "calico" if document.get("networkPolicy", {}).get("enabled") else "none"


def _load_balancer_classes(document: dict[str, Any]) -> bool:
    """Return whether Services may ask by class: with subsetting, which needs no setting from 1.36 on."""
    version = tuple(int(part) for part in re.findall(r"\d+", document.get("currentMasterVersion", ""))[:4])
    enabled = bool(document["networkConfig"].get("enableL4ilbSubsetting"))
    return version >= (1, 36) or (enabled and version >= _CLASSES_SINCE)


def _own_tags(document: dict[str, Any]) -> set[str]:
    """Return the network tags of the node pools: the testbed's one node stands for the nodes of all of them."""
    return {tag for pool in document.get("nodePools", []) for tag in pool.get("config", {}).get("tags", [])}


def node_tag(document: dict[str, Any]) -> str:
    """Return the network tag that GKE puts on a cluster's nodes."""
    return f"gke-{document['name']}-{document['_hash']}-node"


def clusters(tx: Transaction, project: str | None = None) -> list[dict[str, Any]]:
    """Return the stored clusters of one project, or of all."""
    prefix = f"container/projects/{project}/" if project else "container/projects/"
    return [d for key, d in tx.items(prefix) if key.split("/")[-2] == "clusters"]


class ContainerService(Service):
    """Base of every kind of Kubernetes Engine."""

    document = "container.v1"
    prefix = "container"
    api = "container.googleapis.com"
    error_style = "both"

    def denied(self, call: Call, permission: str) -> GoogleError:
        error = super().denied(call, permission)
        error.message = f'Required "{permission}" permission(s) for "{self.resource_name(call)}".'
        return error

    # -- names ------------------------------------------------------------------------------------------------------

    def location(self, call: Call) -> str:
        """Return projects/ID/locations/L of a call. Raises GoogleError 400 for a location that does not exist."""
        text = next(iter(call.path.values()))
        found = re.match(r"projects/[^/]+/locations/([^/]+)", text)
        assert found is not None
        place = found[1]
        region, _, letter = place.rpartition("-")
        if place != "-" and place not in ZONES and letter not in tuple(ZONES.get(region, "")):
            raise GoogleError(400, f'Location "{place}" does not exist.')
        return f"projects/{call.project()['projectId']}/locations/{place}"

    def cluster_path(self, call: Call) -> str:
        """Return the cluster's full name with the project's id."""
        text = next(iter(call.path.values()))
        found = re.search(r"/clusters/([^/:]+)", text)
        assert found is not None
        return f"{self.location(call)}/clusters/{found[1]}"

    def cluster(self, call: Call) -> dict[str, Any]:
        """Return the stored cluster that a call addresses. Raises GoogleError 404."""
        path = self.cluster_path(call)
        document = call.store.get(f"container/{path}")
        if document is None:
            raise GoogleError(404, f"Not found: {path}.")
        return document

    # -- changing ---------------------------------------------------------------------------------------------------

    def operate(
        self,
        call: Call,
        path: str,
        kind: str,
        work: str,
        *,
        duration: str,
        real: bool = False,
        target: str | None = None,
        **arguments: Any,
    ) -> dict[str, Any]:
        """Start an operation on a cluster, of which GKE allows one at a time."""
        location = self.location(call)
        number = call.project()["number"]
        named = location.replace(location.split("/")[1], number, 1)
        shown = path.replace(path.split("/")[1], number, 1)
        place = location.rsplit("/", 1)[-1]
        operation = call.operations.start(
            call,
            "container",
            scope=location,
            duration=duration,
            work=work,
            real=real,
            arguments={"path": path, **arguments},
            lock=f"container/{path}",
            refuse=_busy,
            public={
                "operationType": kind,
                "targetLink": f"{HOST}{target or shown}",
                "selfLink": "",
                "zone": place,
                "location": place,
            },
        )
        # The link holds the operation's own name, which is known only now.
        key = call.operations.key("container", f"{location}/operations/{operation['name']}")
        document = call.store.get(key)
        assert document is not None
        document["public"]["selfLink"] = f"{HOST}{named}/operations/{operation['name']}"
        call.store.put(key, document)
        return call.operations.render(document)


def _busy(holder: dict[str, Any]) -> GoogleError:
    name = holder.get("id", "")
    return GoogleError(
        400,
        f"Cluster is running incompatible operation {name}.",
        status="FAILED_PRECONDITION",
        reason="failedPrecondition",
        details=[
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "CLUSTER_ALREADY_HAS_OPERATION",
                "domain": "container.googleapis.com",
                "metadata": {"operation": name},
            }
        ],
    )
