# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares a declaration with what exists: what can no longer be, and what would harm others.

Private to this collection. Works on documents as Google gives them; makes no calls.
"""

from __future__ import annotations

import typing

from . import addresses
from .derive import PODS_RANGE_NAME, SERVICES_RANGE_NAME
from .problems import Problem

# GKE names the policies that it makes for itself so; any other one on the network makes cluster creation fail.
_GKE_POLICY_PREFIX = "gke-"
_LABELS = {"vpc_scope": "VPC scope", "additive": "additive publishing", "none": "no publishing outside the cluster"}


def facts(documents: dict[str, typing.Any]) -> dict:
    """What ``derive`` wants to know of the documents: ranges in use, and Apigee's instances."""
    subnets: dict[str, dict[str, str]] = {}
    for name, found in documents.items():
        if name.startswith("subnets "):
            for subnet in found or []:
                subnets[subnet["name"]] = _subnet_ranges(subnet)
    instances = [
        {
            "name": instance.get("name", "").split("/")[-1],
            "location": instance.get("location", ""),
            "ip_range": instance.get("ipRange", ""),
            "host": instance.get("host", ""),
        }
        for instance in documents.get("instances") or []
    ]
    reserved = {
        address["name"]: f"{address['address']}/{address['prefixLength']}"
        for address in documents.get("addresses") or []
        if address.get("prefixLength")
    }
    return {
        "subnets": subnets,
        "instances": instances,
        "organization": documents.get("organization"),
        "reserved": reserved,
        "proxies": {
            subnet["region"].split("/")[-1]: (subnet["name"], subnet["ipCidrRange"])
            for name, found in documents.items()
            if name.startswith("subnets ")
            for subnet in found or []
            if (subnet.get("purpose"), subnet.get("role")) == ("REGIONAL_MANAGED_PROXY", "ACTIVE")
        },
    }


def _subnet_ranges(subnet: dict) -> dict[str, str]:
    secondary = {entry["rangeName"]: entry["ipCidrRange"] for entry in subnet.get("secondaryIpRanges") or []}
    ranges = {"nodes": subnet.get("ipCidrRange", "")}
    ranges["pods"] = secondary.pop(PODS_RANGE_NAME, "")
    ranges["services"] = secondary.pop(SERVICES_RANGE_NAME, "")
    return {**ranges, **{f"secondary range {name}": text for name, text in secondary.items()}}


def check(site: dict, documents: dict[str, typing.Any]) -> list[Problem]:
    """All problems between the declaration's facts and the documents read."""
    if documents.get("project") is None:
        return [_no_project(site)]
    return [
        *_project_state(site, documents["project"]),
        *_organization(site, documents.get("organization"), documents["project"]),
        *_clusters(site, documents.get("clusters") or {}),
        *subnet_problems(site, documents),
        *_response_policies(site, documents.get("response_policies") or []),
        *_peered_domains(site, documents.get("peered_domains") or []),
        *_target_servers(site, documents),
        *_routing(site, documents),
    ]


def check_network(site: dict, documents: dict[str, typing.Any]) -> list[Problem]:
    """Problems of project, clusters and subnets alone, for a site without an Apigee of its own."""
    if documents.get("project") is None:
        return [_no_project(site)]
    return [
        *_project_state(site, documents["project"]),
        *_clusters(site, documents.get("clusters") or {}),
        *subnet_problems(site, documents),
    ]


def existing(site: dict, documents: dict[str, typing.Any]) -> list[dict]:
    """The declared clusters that are there already, as Google gives them."""
    declared = {(cluster["location"], cluster["name"]) for cluster in site["clusters"]}
    listed = (documents.get("clusters") or {}).get("clusters") or []
    return [cluster for cluster in listed if (cluster.get("location"), cluster.get("name")) in declared]


def connections(site: dict, documents: dict[str, typing.Any]) -> dict[str, dict]:
    """Ways to the declared clusters that are there already."""
    return {
        cluster["name"]: {
            "endpoint": cluster["endpoint"],
            "ca_certificate": (cluster.get("masterAuth") or {}).get("clusterCaCertificate", ""),
        }
        for cluster in existing(site, documents)
        if cluster.get("endpoint")
    }


def project_problems(site: dict, project: dict | None) -> list[Problem]:
    """Whether the project is there and usable; ``project`` is None when it was not found."""
    return [_no_project(site)] if project is None else list(_project_state(site, project))


def _no_project(site: dict) -> Problem:
    return Problem(
        "project",
        f"{site['project']} does not exist, or these credentials may not see it.",
        fix="Check the project id (not its name or number), and that the account has roles/browser or more on it.",
    )


def _project_state(site: dict, project: dict) -> typing.Iterator[Problem]:
    state = project.get("state") or "ACTIVE"
    if state != "ACTIVE":
        yield Problem(
            "project", f"{site['project']} is not active.", found=state, fix="Restore it, or name another one."
        )


def _organization(site: dict, organization: dict | None, project: dict) -> typing.Iterator[Problem]:
    if organization is None:
        return
    name, network = site["organization"]["name"], site["network"]
    owner = organization.get("projectId") or site["project"]
    if owner != site["project"]:
        yield Problem(
            "organization",
            f"{name} belongs to another project.",
            found=f"project {owner}",
            fix=f"Set project: {owner}, or name the organisation of project {site['project']}.",
        )
        return
    if organization.get("runtimeType") == "HYBRID":
        yield Problem(
            "organization",
            f"{name} is a hybrid one: its runtime runs in a cluster of yours.",
            found="runtimeType HYBRID",
            because="Instances, DNS peering and endpoint attachments belong to runtimes that Google runs.",
            fix="Use an organisation of runtimeType CLOUD, peered with your network.",
        )
        return
    if site["organization"].get("unpeered"):
        return
    if unpeered(organization):
        yield Problem(
            "organization",
            f"{name} is not VPC-peered, so it has no route to pods.",
            found="an organisation without VPC peering",
            because="Calling pods by name needs the peering; names alone (DNS zones) bring no reachability.",
            fix="Use an organisation peered with your network, or an endpoint attachment (Private Service Connect,"
            " module apigee_endpoint_attachment) in front of an internal load balancer.",
            docs="docs/dns.md#organisations-without-peering",
        )
        return
    peered = organization["authorizedNetwork"]
    allowed = {f"projects/{owner}/global/networks/{network}" for owner in (site["project"], _number(project))}
    if peered != network and peered.split("/v1/")[-1] not in allowed:
        yield Problem(
            "network",
            f"the organisation {name} is peered with another network, so clusters in {network} cannot be reached.",
            found=peered,
            fix=f"Set network: {peered.split('/')[-1]}",
        )


def unpeered(organization: dict | None) -> bool:
    """Whether an organisation is there, and has no way into a network of ours."""
    return organization is not None and bool(
        organization.get("disableVpcPeering") or not organization.get("authorizedNetwork")
    )


def _number(project: dict) -> str:
    return str(project.get("name") or "").removeprefix("projects/")


def project_number(documents: dict[str, typing.Any]) -> str:
    """The project's number, empty when it was not read."""
    return _number(documents.get("project") or {})


def dns_mode(cluster: dict) -> str:
    """``vpc_scope``, ``additive`` or ``none``: how a live cluster publishes names."""
    dns = (cluster.get("networkConfig") or {}).get("dnsConfig") or {}
    if dns.get("clusterDns") == "CLOUD_DNS" and dns.get("clusterDnsScope") == "VPC_SCOPE":
        return "vpc_scope"
    return "additive" if dns.get("additiveVpcScopeDnsDomain") else "none"


def _clusters(site: dict, listed: dict) -> typing.Iterator[Problem]:
    live = {(cluster.get("location"), cluster.get("name")): cluster for cluster in listed.get("clusters") or []}
    declared = {(cluster["location"], cluster["name"]): cluster for cluster in site["clusters"]}
    for place, cluster in declared.items():
        if place in live:
            yield from _cluster(f"clusters.{cluster['name']}", cluster, live[place], site)
    for place, found in live.items():
        if place in declared or _last(found.get("network")) != site["network"]:
            continue
        location, name = place
        dns = (found.get("networkConfig") or {}).get("dnsConfig") or {}
        for suffix in (dns.get("clusterDnsDomain"), dns.get("additiveVpcScopeDnsDomain")):
            for cluster in declared.values():
                if suffix and suffix.rstrip(".") == cluster["suffix"]:
                    yield Problem(
                        f"clusters.{cluster['name']}.suffix",
                        f"the suffix is used by cluster {name} ({location}) in the same network.",
                        found=suffix,
                        fix="Give this cluster another suffix.",
                    )


def _cluster(path: str, cluster: dict, found: dict, site: dict) -> typing.Iterator[Problem]:
    autopilot = bool((found.get("autopilot") or {}).get("enabled"))
    if autopilot != (cluster["mode"] == "autopilot"):
        mode = "autopilot" if autopilot else "standard"
        yield Problem(
            f"{path}.mode", "the kind of a cluster cannot be changed.", f"the cluster is {mode}", fix=f"mode: {mode}"
        )
        return
    network = _last(found.get("network"))
    if network and network != site["network"]:
        yield Problem(
            f"{path}",
            "the cluster exists in another network.",
            network,
            fix=f"Set network: {network}, or use another name.",
        )
    else:
        yield from _addresses(path, cluster, found)
    yield from _dns(f"{path}.dns", cluster, found, autopilot)


def _addresses(path: str, cluster: dict, found: dict) -> typing.Iterator[Problem]:
    """Where the pods of an existing cluster have their addresses: fixed for its life, and Apigee must have a route."""
    policy = found.get("ipAllocationPolicy") or {}
    pods = addresses.parse(str(policy.get("clusterIpv4CidrBlock") or found.get("clusterIpv4Cidr") or ""))
    subnetwork = _last(found.get("subnetwork"))
    if not policy.get("useIpAliases"):
        yield Problem(
            path,
            "the cluster is not VPC-native, so Apigee has no route to its pods.",
            found="a routes-based cluster",
            because="The peering with Apigee carries ranges of subnets; routes to single nodes are not among them.",
            fix="Make a new cluster (this collection makes VPC-native ones only): use another name.",
        )
    elif pods and not pods.is_private:
        yield Problem(
            path,
            "the cluster's pods have addresses of a public range, so Apigee has no route to them.",
            found=str(pods),
            because="Public ranges do not cross the peering with Apigee.",
            fix="Make a new cluster with a private range for pods: use another name.",
        )
    elif subnetwork and subnetwork != cluster["subnetwork"]:
        yield Problem(
            path,
            "a cluster of this name exists in another subnet; it was made by somebody else.",
            found=f"subnet {subnetwork}, and {cluster['subnetwork']} follows from the declaration",
            because="A cluster keeps its subnet for life.",
            fix="Use another name for the cluster.",
        )


def _dns(path: str, cluster: dict, found: dict, autopilot: bool) -> typing.Iterator[Problem]:
    """Scope, once chosen, is fixed; a standard cluster on cluster scope can still be given an additive domain."""
    wanted, mode = cluster["dns"], dns_mode(found)
    dns = (found.get("networkConfig") or {}).get("dnsConfig") or {}
    on_cloud_dns = dns.get("clusterDns") == "CLOUD_DNS"
    if autopilot and mode != "additive":
        yield Problem(
            path,
            f"{wanted} is not possible on this Autopilot cluster.",
            because="Autopilot can publish headless Services with dns: additive, chosen when the cluster is made."
            f" {cluster['name']} exists already without it.",
            fix="Make a new cluster. Nothing has been changed.",
            docs="docs/dns.md#autopilot",
        )
        return
    toggled = (wanted == "vpc_scope" and on_cloud_dns and mode != "vpc_scope") or (
        wanted == "additive" and mode == "vpc_scope"
    )
    if toggled:
        actual = "vpc_scope" if mode == "vpc_scope" else "additive"
        yield Problem(
            path,
            "the DNS scope of an existing cluster cannot be changed.",
            found=f"{cluster['name']} has {_LABELS[mode]}, and {wanted} is declared",
            because="Google refuses it (Cluster DNS Scope cannot be toggled); another scope needs a new cluster.",
            fix=f"Write dns: {actual}, or make a new cluster. Nothing has been changed.",
            docs="docs/dns.md#scope",
        )
        return
    suffix = dns.get("clusterDnsDomain") if wanted == "vpc_scope" else dns.get("additiveVpcScopeDnsDomain")
    if mode == wanted and suffix and suffix.rstrip(".") != cluster["suffix"]:
        yield Problem(
            path.replace(".dns", ".suffix"),
            "the suffix of an existing cluster stays as it is.",
            found=f"{suffix}, and {cluster['suffix']} is declared",
            fix=f"suffix: {suffix.rstrip('.')}",
        )


def _last(url: str | None) -> str:
    return str(url or "").rstrip("/").rsplit("/", maxsplit=1)[-1]


def subnet_problems(
    site: dict, documents: dict, further: dict[str, tuple[str, str]] | None = None
) -> typing.Iterator[Problem]:
    """Ranges declared or derived against ranges of other subnets of the network; a subnet's range stays as it is.

    Args:
        site: the facts.
        documents: as Google gave them.
        further: subnets that are no cluster's, by name, each with where its range stands and the range.
    """
    further = further or {}
    found = facts(documents)
    subnets = found["subnets"]
    ours = {cluster["subnetwork"]: cluster for cluster in site["clusters"]}
    others = {
        f"{part} of subnet {name}": parsed
        for name, ranges in subnets.items()
        if name not in ours and name not in further
        for part, text in ranges.items()
        if (parsed := addresses.parse(text))
    }
    others.update(
        (f"range {name} that is reserved", parsed)
        for name, text in found["reserved"].items()
        if name != site["peering"]["name"] and (parsed := addresses.parse(text))
    )
    wanted = {"peering_range": site["peering"]["range"]}
    wanted.update((path, text) for name, (path, text) in further.items() if name not in subnets)
    for cluster in site["clusters"]:
        live = subnets.get(cluster["subnetwork"])
        for part in ("nodes", "pods", "services"):
            path = f"clusters.{cluster['name']}.ranges.{part}"
            if live is None:
                wanted[path] = cluster["ranges"].get(part, "")
            elif live.get(part) and live[part] != cluster["ranges"].get(part):
                yield Problem(
                    path,
                    "the range of an existing subnet stays as it is.",
                    found=f"{live[part]}, and {cluster['ranges'].get(part)} is declared",
                    fix="Leave the range out: the one that exists is used.",
                )
    for path, text in wanted.items():
        parsed = addresses.parse(text or "")
        other = addresses.overlapping(parsed, others) if parsed else None
        if other:
            yield Problem(
                path,
                f"overlaps the {other} in network {site['network']}.",
                found=f"{text} and {others[other]}",
                fix="Set another address_space, or this range.",
            )


def _response_policies(site: dict, policies: list[dict]) -> typing.Iterator[Problem]:
    for policy in policies:
        bound = [_last(network.get("networkUrl")) for network in policy.get("networks") or []]
        name = policy.get("responsePolicyName", "")
        if site["network"] in bound and not name.startswith(_GKE_POLICY_PREFIX):
            yield Problem(
                "network",
                f"response policy {name} is bound to {site['network']}, so GKE cannot publish names there.",
                because="A network has one response policy, and GKE needs its own for these DNS modes.",
                fix=f"Unbind {name} from the network (its rules can move into a private zone), or use another network.",
                docs="docs/dns.md#response-policies",
            )


def _peered_domains(site: dict, domains: list[dict]) -> typing.Iterator[Problem]:
    """A peered domain keeps its suffix for life, so one of our name has to have ours."""
    found = {domain.get("name"): str(domain.get("dnsSuffix") or "") for domain in domains}
    clusters = {f"{cluster['suffix']}.": cluster["name"] for cluster in site["clusters"]}
    for wanted in site["dns_suffixes"]:
        name, suffix = wanted["name"], found.get(wanted["name"])
        if suffix and suffix.rstrip(".") != wanted["suffix"].rstrip("."):
            yield Problem(
                f"clusters.{clusters[wanted['suffix']]}.suffix",
                f"network {site['network']} has a peered DNS domain {name} with another suffix.",
                found=f"{suffix}, and {wanted['suffix']} is declared",
                because="A peered DNS domain cannot be changed, only removed and made again.",
                fix=f"suffix: {suffix.rstrip('.')}; or remove it where nothing needs it any more: gcloud services"
                f" peered-dns-domains delete {name} --network={site['network']}",
            )


def _target_servers(site: dict, documents: dict) -> typing.Iterator[Problem]:
    """A target server that a bundle calls, which is neither declared nor there."""
    missing: dict[tuple[str, str], list[str]] = {}
    for environment, server in undeclared_servers(site):
        if server in (documents.get(f"target_servers {environment}") or []):
            continue
        for proxy in site["proxies"]:
            if environment in proxy["environments"] and server in proxy["calls"]:
                missing.setdefault((proxy["name"], server), []).append(environment)
    for (proxy, server), environments in missing.items():
        yield Problem(
            f"proxies[{proxy}].bundle",
            f"it calls target server {server}, which is not declared and not there.",
            found=f"no target server {server} in environment {', '.join(environments)}",
            because="Apigee would take the bundle, and then could not deploy it.",
            fix=f"Declare a service of this name and name it on the proxy (service: {server}), or make the target server"
            " first (module apigee_target_server).",
        )


def undeclared_servers(site: dict) -> list[tuple[str, str]]:
    """(environment, target server) of all that bundles call and the declaration does not make."""
    made = {(server["environment"], server["name"]) for server in site["target_servers"]}
    called = [
        (environment, server)
        for proxy in site["proxies"]
        for environment in proxy["environments"]
        for server in proxy["calls"]
    ]
    return [entry for entry in dict.fromkeys(called) if entry not in made]


def _routing(site: dict, documents: dict) -> typing.Iterator[Problem]:
    """A base path that another proxy of the same environment group serves already."""
    groups = {environment["name"]: environment["group"] for environment in site["environments"]}
    for proxy in site["proxies"]:
        for group in sorted({groups[environment] for environment in proxy["environments"]}):
            rules = (documents.get(f"routing {group}") or {}).get("routingRules") or []
            taken = {rule.get("basepath", ""): rule.get("receiver", "") for rule in rules}
            for base_path in proxy["base_paths"]:
                receiver = taken.get(base_path, "")
                other = receiver.split("/apis/")[-1].split("/")[0] if receiver else ""
                if other and other != proxy["name"]:
                    yield Problem(
                        f"proxies[{proxy['name']}].base_path",
                        f"{base_path} is served by proxy {other} in environment group {group}.",
                        because="Deploying would take its traffic, or be refused.",
                        fix=f"Choose another base path, or undeploy {other} first.",
                    )
