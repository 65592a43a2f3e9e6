# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node is asked to be, and how it is reached once it is Ready. Plain data, which survives in JSON."""
from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

API_PORT = 6443
VPC_RESOLVER = "169.254.169.254"
LOCAL_RESOLVER = "169.254.20.10"
NETWORK_POLICIES = ("none", "calico", "dataplane_v2")


class NodeError(Exception):
    """The node cannot be made, started or stopped; the text says what to do about it."""


@dataclass(frozen=True)
class NodeSpec:
    """One cluster of one node.

    name: the node's name, as ``kubectl get nodes`` shows it.
    node_ip: address on an interface which the network has already put into the namespace.
    pod_range, service_range: CIDR ranges; the node hands out the whole pod range.
    cluster_domain: suffix of the names of Services (``cluster.local``, or the custom domain of VPC scope).
    cluster_dns: ``vpc`` makes pods ask the VPC's resolver; ``local`` starts a CoreDNS on the node at 169.254.20.10
        that knows ``cluster_domain`` and asks the VPC's resolver for the rest.
    token_review_url: where the API server asks about tokens that it did not issue itself, from inside the
        namespace; None for no such tokens.
    admin_principals: user names of reviewed tokens who are cluster administrators, as GKE maps IAM roles.
    api_addresses: further addresses or names in the API server's certificate; the first is what the admin
        kubeconfig names, with ``api_port``.
    labels: the node's labels (region, zone, node pool), as GKE sets them.
    network_policy: who enforces NetworkPolicies, with whose particulars: ``dataplane_v2``, ``calico``, or ``none``,
        with which they have no effect.
    cgroup: absolute name of the control group for the pods. It is removed at the stop.
    images: container images (OCI archives) imported before the first pod, besides the testbed's own.
    """

    name: str
    node_ip: str
    pod_range: str
    service_range: str
    cgroup: str
    cluster_domain: str = "cluster.local"
    cluster_dns: str = "local"
    token_review_url: str | None = None
    admin_principals: tuple[str, ...] = ()
    api_addresses: tuple[str, ...] = ()
    api_port: int = 443
    labels: Mapping[str, str] = field(default_factory=dict)
    vpc_resolver: str = VPC_RESOLVER
    network_policy: str = "none"
    images: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.cluster_dns not in ("vpc", "local"):
            raise NodeError(f"cluster_dns is 'vpc' or 'local', not {self.cluster_dns!r}")
        if self.network_policy not in NETWORK_POLICIES:
            raise NodeError(f"network_policy is one of {', '.join(NETWORK_POLICIES)}, not {self.network_policy!r}")
        if not self.cgroup.startswith("/") or self.cgroup.count("/") > 2 or self.cgroup == "/":
            raise NodeError(f"cgroup {self.cgroup!r} must be absolute, below the root, and at most two levels deep")
        for label, text in (("pod_range", self.pod_range), ("service_range", self.service_range)):
            try:
                ipaddress.ip_network(text)
            except ValueError as error:
                raise NodeError(f"{label} of node {self.name}: {error}") from error

    @property
    def kubernetes_service_ip(self) -> str:
        """Address of ``kubernetes.default``: by definition the first one of the Service range."""
        return str(ipaddress.ip_network(self.service_range)[1])

    @property
    def resolver(self) -> str:
        """The name server that pods are given."""
        return self.vpc_resolver if self.cluster_dns == "vpc" else LOCAL_RESOLVER

    @property
    def admin_server(self) -> str:
        """URL of the API server in the administrator's kubeconfig: reachable from the host."""
        if self.api_addresses:
            return f"https://{self.api_addresses[0]}:{self.api_port}"
        return self.node_server

    @property
    def node_server(self) -> str:
        """URL of the API server for everything inside the VPC."""
        return f"https://{self.node_ip}:{API_PORT}"

    def to_json(self) -> str:
        """Canonical text: equal for equal specs, so that a restart can tell whether anything changed."""
        return json.dumps({**asdict(self), "labels": dict(self.labels)}, sort_keys=True, indent=1)

    @classmethod
    def from_json(cls, text: str) -> NodeSpec:
        data: dict[str, Any] = json.loads(text)
        for key in ("admin_principals", "api_addresses", "images"):
            data[key] = tuple(data[key])
        return cls(**data)


@dataclass(frozen=True)
class ClientFiles:
    """A client of the API server that authenticates by certificate: paths of PEM files and the server's URL."""

    server: str
    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True)
class NodeAccess:
    """A Ready node.

    binaries: folder with ``kubectl``, ``coredns`` and the other executables.
    admin_kubeconfig: for the host, through ``api_addresses[0]``; node_kubeconfig: the same rights by ``node_ip``.
    dns_client: may list and watch what CoreDNS's kubernetes plugin reads.
    seconds: from the call of start to Ready; 0 for a node that was already running.
    """

    name: str
    node_ip: str
    api_port: int
    ca_certificate_pem: str
    binaries: Path
    admin_kubeconfig: Path
    node_kubeconfig: Path
    dns_client: ClientFiles
    logs: Path
    pid: int
    seconds: float
