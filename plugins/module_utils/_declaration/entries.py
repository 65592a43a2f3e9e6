# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role variables to entries of the plural ``resources`` module: the one place that knows which objects a role makes.

Private to this collection. Every function takes a role's variables without their prefix.
"""

from __future__ import annotations

import typing

from . import trust
from .derive import PODS_RANGE_NAME, SERVICES_RANGE_NAME


def network(role: dict) -> list[dict]:
    """APIs, network, subnets, the range reserved for Apigee and the peering that uses it."""
    project, name = role["project"], role["name"]
    result = []
    if role.get("apis"):
        result.append({"kind": "project_services", "project": project, "services": list(role["apis"])})
    result.append({"kind": "compute_network", "project": project, "name": name})
    for subnet in role.get("subnets") or []:
        if subnet.get("purpose"):
            result.append(_for_proxies(project, name, subnet))
            continue
        result.append(
            {
                "kind": "compute_subnetwork",
                "project": project,
                "name": subnet["name"],
                "region": subnet["region"],
                "network": name,
                "ip_cidr_range": subnet["range"],
                "secondary_ip_ranges": [
                    {"range_name": entry["name"], "ip_cidr_range": entry["range"]}
                    for entry in subnet.get("secondary_ranges") or []
                ],
                "private_ip_google_access": True,
            }
        )
    peering = role.get("peering") or {}
    if peering.get("range"):
        address, prefix = str(peering["range"]).split("/")
        result += [
            {
                "kind": "compute_global_address",
                "project": project,
                "name": peering["name"],
                "network": name,
                "purpose": "VPC_PEERING",
                "address_type": "INTERNAL",
                "address": address,
                "prefix_length": int(prefix),
            },
            {
                "kind": "service_networking_connection",
                "project": project,
                "network": _numbered(role, name),
                "reserved_peering_ranges": [peering["name"]],
            },
        ]
    return result


def _for_proxies(project: str, network_name: str, subnet: dict) -> dict:
    return {
        "kind": "compute_subnetwork",
        "project": project,
        "name": subnet["name"],
        "region": subnet["region"],
        "network": network_name,
        "ip_cidr_range": subnet["range"],
        "purpose": subnet["purpose"],
        "role": "ACTIVE",
    }


def _numbered(role: dict, network_name: str) -> str:
    """A network as Service Networking wants it, by its project's number; where that is not known, it is looked up."""
    number = role.get("project_number")
    return f"projects/{number}/global/networks/{network_name}" if number else network_name


def subnets(clusters: list[dict]) -> list[dict]:
    """The subnets that clusters live in, as the network role takes them."""
    return [
        {
            "name": cluster["subnetwork"],
            "region": cluster["region"],
            "range": cluster["ranges"].get("nodes", ""),
            "secondary_ranges": [
                {"name": PODS_RANGE_NAME, "range": cluster["ranges"].get("pods", "")},
                {"name": SERVICES_RANGE_NAME, "range": cluster["ranges"].get("services", "")},
            ],
        }
        for cluster in clusters
    ]


def clusters(role: dict) -> list[dict]:
    """The clusters."""
    return [_cluster(role, cluster) for cluster in role.get("clusters") or []]


def _cluster(role: dict, cluster: dict) -> dict:
    entry = {
        "kind": "gke_cluster",
        "project": role["project"],
        "name": cluster["name"],
        "location": cluster["location"],
        "network": role["network"],
        "subnetwork": cluster["subnetwork"],
        "autopilot": cluster.get("mode") == "autopilot",
        "pods_range_name": PODS_RANGE_NAME,
        "services_range_name": SERVICES_RANGE_NAME,
        "dns": _dns(cluster),
    }
    if cluster.get("release_channel"):
        entry["release_channel"] = cluster["release_channel"].upper()
    if cluster.get("gateway_api"):
        entry["gateway_api_channel"] = "CHANNEL_STANDARD"
    if cluster.get("node_pools"):
        entry["node_pools"] = cluster["node_pools"]
    for option in ("private_nodes", "private_endpoint", "authorized_networks"):
        if cluster.get(option) is not None:
            entry[option] = cluster[option]
    return entry


def _dns(cluster: dict) -> dict:
    if cluster["dns"] == "vpc_scope":
        return {"provider": "CLOUD_DNS", "scope": "VPC_SCOPE", "domain": cluster["suffix"]}
    return {"provider": "CLOUD_DNS", "scope": "CLUSTER_SCOPE", "additive_domain": cluster["suffix"]}


def organization(role: dict) -> list[dict]:
    """The Apigee organisation: adopted if it exists, else made and peered with the network."""
    wanted = role["organization"]
    entry = {
        "kind": "apigee_organization",
        "project": role["project"],
        "name": wanted["name"],
    }
    # One that is there without peering is as good where nothing has to be reached through it.
    entry |= {"disable_vpc_peering": True} if wanted.get("unpeered") else {"authorized_network": role["network"]}
    # An organisation keeps these for life, so one that exists is not told them unless the user states them.
    for option, fact in (("billing_type", "billing"), ("analytics_region", "analytics_region")):
        if wanted.get(fact):
            entry[option] = wanted[fact]
    return [entry]


def backend(role: dict) -> list[dict]:
    """All that makes Apigee call pods by name, in the order in which a reader would tell it.

    The organisation is among it, although it was made before: what lives in one that is still to be made is then known
    to be absent, and the read is shared with others that need it.
    """
    project, name = role["project"], role["organization"]["name"]
    where = {"project": project, "organization": name}
    instance = role["instance"]
    ranges = {"ip_ranges": [instance["range"]]} if instance.get("range") else {}
    result: list[dict[str, typing.Any]] = organization(role) + [
        {"kind": "apigee_instance", **where, "name": instance["name"], "location": instance["location"], **ranges}
    ]
    for environment in role.get("environments") or []:
        result.append({"kind": "apigee_environment", **where, "name": environment["name"]})
        result.append(
            {
                "kind": "apigee_instance_attachment",
                **where,
                "instance": instance["name"],
                "environment": environment["name"],
            }
        )
    for group in role.get("groups") or []:
        result.append(
            {"kind": "apigee_environment_group", **where, "name": group["name"], "hostnames": list(group["hostnames"])}
        )
        result += [
            {
                "kind": "apigee_environment_group_attachment",
                **where,
                "environment_group": group["name"],
                "environment": environment,
            }
            for environment in group["environments"]
        ]
    result += [
        {
            "kind": "apigee_dns_peering",
            **where,
            "network": _numbered(role, role["network"]),
            "name": suffix["name"],
            "dns_suffix": suffix["suffix"],
        }
        for suffix in role.get("dns_suffixes") or []
    ]
    # Whatever was called until now is withdrawn when nobody calls it any more.
    result += [{**rule, "retain": True} for rule in firewall(role)]
    result += trust.entries(where, role)
    result += [
        {"kind": "apigee_target_server", **where, **trust.target_server(role, server)}
        for server in role.get("target_servers") or []
    ]
    return result + [_proxy(where, proxy) for proxy in role.get("proxies") or []]


def firewall(role: dict) -> list[dict]:
    """The rule that lets Apigee in, as it is in the end."""
    wanted = role.get("firewall") or {}
    if not wanted.get("ports"):
        return []
    rule = {
        "kind": "compute_firewall",
        "project": role["project"],
        "name": wanted["name"],
        "network": role["network"],
        "direction": "INGRESS",
        "source_ranges": list(wanted["source_ranges"]),
        "allowed": [{"protocol": "tcp", "ports": [str(port) for port in wanted["ports"]]}],
    }
    return [rule]


def _proxy(where: dict, proxy: dict) -> dict:
    # What answers through the gateway is proved at the end of the run, from wherever the gateway can be reached.
    place = {"environments": list(proxy["environments"]), "probe": False}
    entry = {"kind": "apigee_proxy", **where, "name": proxy["name"], **place}
    if proxy.get("bundle"):
        return {**entry, "bundle": proxy["bundle"]}
    further = {option: proxy[option] for option in ("spike_arrest", "quota", "target_host") if proxy.get(option)}
    return {**entry, "base_path": proxy["base_path"], "target_servers": [proxy["service"]], **further}


def connections(results: list[dict], known: dict[str, dict]) -> dict[str, dict]:
    """How to reach each cluster.

    Args:
        results: entries of the plural module, or of ``resources_info``.
        known: connections found before.

    Returns:
        Cluster name to ``endpoint`` (host) and ``ca_certificate`` (base64 PEM); only clusters that answer now.
    """
    found = dict(known)
    for entry in results:
        resource = entry.get("resource") or {}
        if entry.get("kind") == "gke_cluster" and resource.get("endpoint"):
            found[entry["name"]] = {
                "endpoint": resource["endpoint"],
                "ca_certificate": resource.get("ca_certificate") or "",
            }
    return found


def connections_of(known: dict[str, dict], names: list[str]) -> dict[str, dict]:
    """Connections of these clusters alone; an empty one for a cluster that is still to be made."""
    return {name: known.get(name) or {} for name in names}


def teardown(site: dict, confirmed_organization: str = "") -> list[dict]:
    """Everything at Google that belongs to a site, but not its APIs, which others may use.

    Args:
        site: the facts that ``derive`` gives.
        confirmed_organization: name of an organisation that may be removed although it is a paid one.
    """
    role = {**site, "name": site["network"], "apis": [], "subnets": subnets(site["clusters"])}
    role["subnets"] += site.get("proxy_subnets") or []
    where = {"project": role["project"], "organization": role["organization"]["name"]}
    # Whatever is trusted goes by its name; what it holds does not matter any more.
    bare = {**role, "trust": {**(role.get("trust") or {}), "authorities": []}, "client_certificate": {}}
    result = [*network(role), *clusters(role), *backend(bare), *trust.removal(where, role)]
    if confirmed_organization:
        for entry in result:
            if entry["kind"] == "apigee_organization":
                entry["confirm_deletion"] = confirmed_organization
    return result
