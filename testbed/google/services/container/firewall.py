# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall rules that GKE makes for a cluster. They admit the cluster's own traffic, never Apigee's."""

from __future__ import annotations

from typing import Any

from testbed.google.service import now
from testbed.google.services.compute.common import BASE
from testbed.google.services.container.common import node_tag
from testbed.google.store import Transaction


def _rules(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return name to content; source: gke-dns-path.md 3.2 (a live cluster's listing)."""
    stem = f"gke-{document['name']}-{document['_hash']}"
    every = [{"IPProtocol": p} for p in ("tcp", "udp", "icmp", "esp", "ah", "sctp")]
    nodes = [
        {"IPProtocol": "icmp"},
        {"IPProtocol": "tcp", "ports": ["1-65535"]},
        {"IPProtocol": "udp", "ports": ["1-65535"]},
    ]
    return {
        f"{stem}-all": {"allowed": every, "sourceRanges": [document["clusterIpv4Cidr"]]},
        f"{stem}-vms": {"allowed": nodes, "sourceRanges": [document["_node_range"]]},
    }


def open_firewall(tx: Transaction, document: dict[str, Any]) -> None:
    """Make the cluster's rules."""
    project = document["_project"]
    for name, content in _rules(document).items():
        path = f"projects/{project}/global/firewalls/{name}"
        tx.put(
            f"compute/{path}",
            {
                "kind": "compute#firewall",
                "id": str(tx.next_number("compute", 5_000_000_000_000_000_011)),
                "creationTimestamp": now(),
                "name": name,
                "network": BASE + document["networkConfig"]["network"],
                "direction": "INGRESS",
                "priority": 1000,
                "targetTags": [node_tag(document)],
                "disabled": False,
                "logConfig": {"enable": False},
                **content,
                "selfLink": BASE + path,
            },
        )


def close_firewall(tx: Transaction, document: dict[str, Any]) -> None:
    """Remove the cluster's rules."""
    for name in _rules(document):
        tx.delete(f"compute/projects/{document['_project']}/global/firewalls/{name}")
