# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The private zone that GKE keeps for a cluster with VPC scope or an additive domain."""

from __future__ import annotations

from typing import Any

from testbed.google.service import now
from testbed.google.services.compute.common import BASE
from testbed.google.store import Transaction


def domain(document: dict[str, Any]) -> str:
    """Return the domain that a stored cluster publishes in its network, or an empty string."""
    dns = document["networkConfig"].get("dnsConfig", {})
    if dns.get("clusterDnsScope") == "VPC_SCOPE":
        return dns.get("clusterDnsDomain") or "cluster.local"
    return dns.get("additiveVpcScopeDnsDomain", "")


def _key(document: dict[str, Any]) -> str:
    return f"dns/projects/{document['_project']}/managedZones/gke-{document['name']}-{document['_hash']}-dns"


def ensure_zone(tx: Transaction, document: dict[str, Any]) -> None:
    """Make the cluster's zone when its DNS mode has one."""
    name = domain(document)
    if not name or tx.exists(_key(document)):
        return
    tx.put(
        _key(document),
        {
            "kind": "dns#managedZone",
            "name": _key(document).rsplit("/", 1)[-1],
            "dnsName": f"{name}.",
            "description": f'Private zone for GKE cluster "{document["name"]}" with cluster suffix "{name}." in '
            f'project "{document["_project"]}"',
            "id": str(tx.next_number("dns", 6_000_000_000_000_000_003)),
            "creationTime": now(),
            "visibility": "private",
            "nameServers": ["ns-gcp-private.googledomains.com."],
            "privateVisibilityConfig": {
                "kind": "dns#managedZonePrivateVisibilityConfig",
                "networks": [
                    {
                        "kind": "dns#managedZonePrivateVisibilityConfigNetwork",
                        "networkUrl": BASE + document["networkConfig"]["network"],
                    }
                ],
            },
            "cloudLoggingConfig": {"kind": "dns#managedZoneCloudLoggingConfig"},
            "_cluster": document["_path"],
        },
    )


def drop_zone(tx: Transaction, document: dict[str, Any]) -> None:
    """Remove the cluster's zone."""
    tx.delete(_key(document))
    tx.delete_under(_key(document) + "/")
