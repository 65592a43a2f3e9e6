# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which DNS modes a cluster can have and which changes GKE refuses (gke-dns-path.md section 1)."""

from __future__ import annotations

import re
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.service import Call
from testbed.google.services.container.common import clusters

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_UNSET = {None, "", "DNS_SCOPE_UNSPECIFIED", "PROVIDER_UNSPECIFIED"}


def scope_of(dns: dict[str, Any]) -> str:
    """Return the scope of a dnsConfig; unspecified means cluster."""
    return "VPC_SCOPE" if dns.get("clusterDnsScope") == "VPC_SCOPE" else "CLUSTER_SCOPE"


def check_new(call: Call, dns: dict[str, Any], *, autopilot: bool, network: str, own: str) -> None:
    """Check the dnsConfig of a cluster as it shall be. Raises GoogleError 400.

    network: projects/ID/global/networks/N. own: full name of the cluster, which is left out of the uniqueness check.
    """
    provider = dns.get("clusterDns")
    domain, additive = dns.get("clusterDnsDomain", ""), dns.get("additiveVpcScopeDnsDomain", "")
    if autopilot and provider in ("KUBE_DNS", "PLATFORM_DEFAULT"):
        raise GoogleError(400, "Autopilot clusters use Cloud DNS; the cluster DNS provider cannot be chosen.")
    if autopilot and scope_of(dns) == "VPC_SCOPE":
        raise GoogleError(400, "Autopilot clusters do not support Cloud DNS with VPC scope.")
    cloud = autopilot or provider == "CLOUD_DNS"
    if dns.get("clusterDnsScope") not in _UNSET and not cloud:
        raise GoogleError(400, "Cluster DNS scope can only be set when the cluster DNS provider is CLOUD_DNS.")
    if domain and not (cloud and scope_of(dns) == "VPC_SCOPE"):
        raise GoogleError(
            400, "Cluster DNS domain can only be set with the provider CLOUD_DNS and the scope VPC_SCOPE."
        )
    if additive and not (cloud and scope_of(dns) == "CLUSTER_SCOPE"):
        raise GoogleError(
            400,
            "Additive VPC scope DNS domain can only be set with the provider CLOUD_DNS and the scope CLUSTER_SCOPE.",
        )
    for name, value in (("clusterDnsDomain", domain), ("additiveVpcScopeDnsDomain", additive)):
        if value and (not _DOMAIN.fullmatch(value) or value.split(".")[-1] == "local" or len(value) > 253):
            raise GoogleError(
                400,
                f"Invalid value for field '{name}': '{value}'. It must be a DNS subdomain (RFC 1123) "
                "and may not end with .local.",
            )
    if domain or additive:
        _unique(call, domain or additive, network, own)
        _no_foreign_response_policy(call, network)


def check_change(before: dict[str, Any], after: dict[str, Any], *, autopilot: bool) -> None:
    """Check a change of the dnsConfig of a living cluster. Raises GoogleError 400."""
    if autopilot:
        raise GoogleError(400, "Cluster DNS config of an Autopilot cluster cannot be changed after creation.")
    if before.get("clusterDns") == "CLOUD_DNS":
        if after.get("clusterDns") == "CLOUD_DNS" and scope_of(before) != scope_of(after):
            raise GoogleError(400, "Cluster DNS Scope cannot be toggled")
        if scope_of(before) == "VPC_SCOPE" and (
            after.get("clusterDns") != "CLOUD_DNS" or before.get("clusterDnsDomain") != after.get("clusterDnsDomain")
        ):
            raise GoogleError(400, "Cluster DNS Scope cannot be toggled")


def _unique(call: Call, domain: str, network: str, own: str) -> None:
    for other in clusters(call.store):
        dns = other["networkConfig"].get("dnsConfig", {})
        if other["_path"] == own or other["networkConfig"]["network"] != network:
            continue
        if domain in (dns.get("clusterDnsDomain"), dns.get("additiveVpcScopeDnsDomain")):
            raise GoogleError(
                400,
                f"DNS domain {domain} is already used by cluster {other['name']}; it must be unique within the VPC "
                "network.",
            )


def _no_foreign_response_policy(call: Call, network: str) -> None:
    """A response policy that GKE did not make blocks VPC and additive scope (G1, G11)."""
    project = network.split("/")[1]
    link = f"https://www.googleapis.com/compute/v1/{network}"
    for policy in call.store.children(f"dns/projects/{project}/responsePolicies"):
        bound = [n.get("networkUrl") for n in policy.get("networks", [])]
        if link in bound and not policy["responsePolicyName"].startswith("gke-"):
            raise GoogleError(
                400,
                f"Response policy {policy['responsePolicyName']} is already bound to network {network}; "
                "Cloud DNS for GKE with VPC scope needs a response policy of its own.",
                status="FAILED_PRECONDITION",
            )
