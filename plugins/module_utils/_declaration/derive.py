# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Works out what follows from a declaration: every name, suffix, range, host and rule that nobody types.

Private to this collection.
"""

from __future__ import annotations

import typing

from .._sidecar.engines.registry import ENGINES
from . import addresses, manifests
from .problems import Problem

APIS = (
    "compute.googleapis.com",
    "container.googleapis.com",
    "dns.googleapis.com",
    "servicenetworking.googleapis.com",
    "apigee.googleapis.com",
    "cloudresourcemanager.googleapis.com",
)
_OWN_ISSUER = {"type": "ca", "name": "apigee-gke-ca", "kind": "ClusterIssuer", "group": "cert-manager.io"}
PODS_RANGE_NAME = "pods"
SERVICES_RANGE_NAME = "services"


def derive(
    declaration: dict, live: dict | None = None, inspect: typing.Callable | None = None
) -> tuple[dict, list[Problem]]:
    """The facts of a site, complete enough to build it.

    Args:
        declaration: as ``shape.read`` returns it. Parts that were wrong may be missing and are passed over.
        live: what exists: ``subnets`` (name to ranges), ``organization``, ``instances`` (name, location, ip_range,
            host), ``reserved`` (name to range) for services of Google and others in the network.
        inspect: gives what is known of a bundle by its path (``rules.Bundle``); None when bundles are not looked at.

    Returns:
        The facts (plain lists and dictionaries), and problems met on the way (no room for ranges).
    """
    live = live or {}
    problems: list[Problem] = []
    site = {key: declaration.get(key) or "" for key in ("project", "region", "network")}
    site["domain"] = (declaration.get("domain") or f"{site['project']}.internal").rstrip(".")
    organization = declaration.get("organization") or {}
    # Billing and region are for a new organisation; one that exists is adopted with what it has.
    found = live.get("organization") or {}
    adopted = bool(found)
    site["organization"] = {
        "name": organization.get("name") or site["project"],
        "billing": organization.get("billing") or ("" if adopted else "EVALUATION"),
        "analytics_region": organization.get("analytics_region") or ("" if adopted else site["region"]),
        # Nothing to start and to follow: what is to be changed in it is done with the objects in it.
        "ready": adopted and found.get("state", "ACTIVE") == "ACTIVE",
    }
    site["apis"] = list(APIS)
    space = addresses.parse(declaration.get("address_space") or "")
    subnets, reserved = live.get("subnets") or {}, live.get("reserved") or {}
    site["peering"] = _peering(declaration, site, space, [*_all_ranges(subnets), *reserved.values()], reserved)
    if space and not site["peering"]["range"]:
        problems.append(
            Problem(
                "peering_range",
                "the address space has no room for it.",
                found=str(space),
                fix="Set a larger address_space, or a range that is free: peering_range: 10.32.0.0/20.",
            )
        )
    site["clusters"] = _clusters(declaration, site, space, subnets, list(reserved.values()), problems)
    site["instance"] = _instance(declaration, site, live.get("instances") or [])
    site["environments"], site["groups"] = _environments(declaration)
    site["tls"] = _tls(declaration)
    site["services"] = _services(declaration, site)
    # cert-manager and the injector go where there is work for them.
    site["tls"]["clusters"] = list(
        dict.fromkeys(service["cluster"] for service in site["services"] if service["tls"] is not None)
    )
    site["trust"] = _trust(site)
    site["client_certificate"] = _client_certificate(declaration, site)
    site["proxies"] = _proxies(declaration, site, inspect)
    site["target_servers"] = _target_servers(site)
    site["dns_suffixes"] = [
        {"name": f"apigee-gke-{cluster['name']}", "suffix": f"{cluster['suffix']}."} for cluster in site["clusters"]
    ]
    site["firewall"] = {
        "name": f"{site['network']}-apigee-to-pods",
        "source_ranges": site["instance"]["firewall_sources"],
        "ports": sorted({str(manifests.dialled_port(service)) for service in site["services"]}, key=int),
    }
    return site, problems


def subnetwork_name(network: str, cluster: str) -> str:
    """The name of a cluster's subnet: at most 63 characters, unique in the project as networks and clusters are."""
    return f"{network}-{cluster}"[:63].rstrip("-")


def _peering(declaration: dict, site: dict, space: addresses.Range | None, taken: list[str], reserved: dict) -> dict:
    """Our own range for Apigee, beside those that others have reserved: it stays where it is once it is made."""
    name = f"{site['network']}-apigee"
    text = declaration.get("peering_range") or reserved.get(name)
    if not text and space:
        text = addresses.peering_range(space, filter(None, map(addresses.parse, taken)))
    return {"name": name, "range": str(text or "")}


def _clusters(
    declaration: dict, site: dict, space, subnets: dict, reserved: list[str], problems: list[Problem]
) -> list[dict]:
    declared = declaration.get("clusters") or {}
    taken = [addresses.parse(text) for text in [site["peering"]["range"], *reserved, *_all_ranges(subnets)] if text]
    for cluster in declared.values():
        taken += [addresses.parse(text) for text in (cluster.get("ranges") or {}).values() if text]
    taken = [entry for entry in taken if entry]
    result = []
    for name, cluster in declared.items():
        location = cluster.get("location") or site["region"]
        given = cluster.get("ranges") or {}
        subnetwork = subnetwork_name(site["network"], name)
        ranges = {part: text for part, text in (subnets.get(subnetwork) or {}).items() if text}
        ranges.update({part: text for part, text in given.items() if text})
        if len(ranges) < 3 and space:
            free = addresses.cluster_ranges(space, taken)
            if free is None:
                problems.append(
                    Problem(
                        f"clusters.{name}",
                        "the address space has no room for it.",
                        found=str(space),
                        fix="Set a larger address_space, or give its ranges: {nodes: ..., pods: ..., services: ...}.",
                    )
                )
            else:
                ranges = {part: ranges.get(part) or str(free[part]) for part in free}
                taken += list(free.values())
        result.append(
            {
                "name": name,
                "location": location,
                "region": "-".join(location.split("-")[:2]),
                "mode": cluster.get("mode") or "standard",
                "dns": cluster.get("dns") or "additive",
                "suffix": (cluster.get("suffix") or f"{name}.{site['domain']}").rstrip("."),
                "subnetwork": subnetwork,
                "ranges": ranges,
                "release_channel": cluster.get("release_channel") or "",
                "private_nodes": cluster.get("private_nodes"),
                "private_endpoint": cluster.get("private_endpoint"),
                "authorized_networks": _authorized_networks(cluster.get("authorized_networks")),
                "node_pools": [
                    {"name": pool, **{key: value for key, value in settings.items() if value is not None}}
                    for pool, settings in (cluster.get("node_pools") or {}).items()
                ],
            }
        )
    return result


def _authorized_networks(stated: dict[str, str] | None) -> list[dict] | None:
    """Ranges as module ``gke_cluster`` takes them; None where they are not managed."""
    return None if stated is None else [{"name": name, "range": text} for name, text in stated.items()]


def _all_ranges(subnets: dict) -> list[str]:
    return [text for ranges in subnets.values() for text in ranges.values() if text]


def _instance(declaration: dict, site: dict, instances: list[dict]) -> dict:
    """The runtime instance: one that serves the region already is adopted, with the range that it has."""
    given = declaration.get("instance") or {}
    name = given.get("name")
    found = [
        entry for entry in instances if entry["name"] == name or (not name and entry.get("location") == site["region"])
    ]
    peering = addresses.parse(site["peering"]["range"] or "")
    planned = given.get("range") or str((addresses.instance_range(peering) if peering else None) or "")
    adopted = found[0] if found else None
    ranges = [
        text for entry in instances for text in str(entry.get("ip_range") or "").split(",") if text.endswith("/22")
    ]
    if not adopted:
        ranges.append(planned)
    return {
        "name": adopted["name"] if adopted else name or site["region"],
        "location": adopted.get("location") if adopted else site["region"],
        # Only a new instance is told its range: an existing one keeps what it has, which Google may write in two parts.
        "range": "" if adopted else planned,
        "host": (adopted or {}).get("host") or "",
        "firewall_sources": sorted({text for text in ranges if text}),
    }


def _environments(declaration: dict) -> tuple[list[dict], list[dict]]:
    environments, groups = [], {}
    for name, settings in (declaration.get("environments") or {}).items():
        group = settings.get("group") or name
        environments.append({"name": name, "group": group})
        entry = groups.setdefault(group, {"name": group, "hostnames": [], "environments": []})
        entry["environments"].append(name)
        entry["hostnames"] += [host for host in settings.get("hostnames") or [] if host not in entry["hostnames"]]
    return environments, list(groups.values())


def cluster_of(stated: dict, clusters: typing.Collection[str]) -> str | None:
    """The cluster of what a declaration says; it need not be said where there is only one."""
    return stated.get("cluster") or (next(iter(clusters)) if len(clusters) == 1 else None)


def _services(declaration: dict, site: dict) -> list[dict]:
    clusters = {cluster["name"]: cluster for cluster in site["clusters"]}
    result = []
    for service in declaration.get("services") or []:
        name = service.get("name")
        cluster = cluster_of(service, clusters)
        if not name or cluster not in clusters or not service.get("port"):
            continue
        namespace = service.get("namespace") or "default"
        result.append(
            {
                "name": name,
                "namespace": namespace,
                "cluster": cluster,
                "port": service["port"],
                "host": f"{name}.{namespace}.svc.{clusters[cluster]['suffix']}",
                "workload": service.get("workload") or name,
                "workload_kind": service.get("workload_kind") or "Deployment",
                "selector": dict(service.get("selector") or {}),
                "sample": service.get("sample") or {},
                "tls": _service_tls(service, site["tls"]),
            }
        )
        if result[-1]["tls"] is not None:
            # Empty withdraws the policy that an earlier run made.
            closed = {"sources": site["instance"]["firewall_sources"]} if site["tls"]["network_policy"] else {}
            result[-1]["network_policy"] = closed
    return result


def _tls(declaration: dict) -> dict:
    """TLS to the pods, as the whole site has it.

    Returns:
        ``enabled`` and ``port`` for services that do not say; ``issuer`` and ``source`` as role ``cert_manager``
        takes them; ``mode`` and ``defaults`` of the injector; ``network_policy``.
    """
    given = declaration.get("tls") or {}
    port = given.get("port") or manifests.DEFAULT_TLS_PORT
    issuer = given.get("issuer") or {}
    engine = given.get("engine") or "nginx"
    client = _client(declaration)
    demanded = client and client.get("required") is not False
    return {
        "enabled": given.get("enabled") is not False,
        "port": port,
        "engine": engine,
        # Whom the sidecars admit; nobody is asked where this is empty.
        "admitted": _client_name(declaration, client) if demanded else "",
        "issuer": {"type": "existing", **issuer} if issuer.get("name") else dict(_OWN_ISSUER),
        "source": {"existing": "none"}.get(given.get("cert_manager"), given.get("cert_manager") or "chart"),
        "mode": given.get("mode") or "auto",
        "defaults": {"values": {"engine": engine, "port": str(port)}},
        "network_policy": given.get("network_policy") is not False,
    }


def _service_tls(service: dict, site_tls: dict) -> dict | None:
    """How one service ends TLS; None for plain HTTP."""
    given = service.get("tls") or {}
    wanted = site_tls["enabled"] if given.get("enabled") is None else given["enabled"]
    if not wanted:
        return None
    result = {
        "port": given.get("port") or site_tls["port"],
        # The injector's own default, which pods need not be annotated with.
        "default_port": site_tls["port"],
        # The site's engine is the injector's own default.
        "engine": given.get("engine") or "",
    }
    if site_tls["admitted"]:
        sees_names = ENGINES[given.get("engine") or site_tls["engine"]].serves("http", "names")
        result["client"] = {
            "config_map": manifests.CLIENT_AUTHORITIES,
            "names": [site_tls["admitted"]] if sees_names else [],
        }
    return result


def _trust(site: dict) -> dict:
    """Whom Apigee trusts: the issuers of the services' certificates, as the Secrets in the clusters name them.

    Of an authority that is made here its own Secret is read too: it names a new one before any service shows it.
    """
    published = [service for service in site["services"] if service["tls"] is not None]
    secrets = [
        {"cluster": service["cluster"], "namespace": service["namespace"], "name": f"{service['name']}-tls"}
        for service in published
    ]
    if site["tls"]["issuer"]["type"] == "ca":
        own = {"namespace": "cert-manager", "name": site["tls"]["issuer"]["name"]}
        secrets = [{"cluster": name, **own} for name in site["tls"]["clusters"]] + secrets
    return {"secrets": secrets} if secrets else {}


def _client(declaration: dict) -> dict:
    """What is declared of the certificate that Apigee shows to pods; empty when it shows none."""
    given = (declaration.get("tls") or {}).get("client_certificate") or {}
    stated = {key: value for key, value in given.items() if value is not None}
    return stated if stated and stated.get("enabled") is not False else {}


def _client_name(declaration: dict, client: dict) -> str:
    """The name in the certificate that Apigee shows to pods."""
    domain = declaration.get("domain") or f"{declaration.get('project') or ''}.internal"
    return (client.get("name") or f"apigee.{domain}").rstrip(".")


def _client_certificate(declaration: dict, site: dict) -> dict:
    """What Apigee shows to pods; empty when nothing.

    Returns:
        ``dns_name``; ``namespaces`` with TLS of each cluster; ``authorities`` (PEM) where the user has the certificate,
        else where it is issued: ``cluster``, ``namespace``, the name of its ``secret``, and ``secrets``, all that name who
        issues.
    """
    client = _client(declaration)
    published = [service for service in site["services"] if service["tls"] is not None]
    if not client or not published:
        return {}
    namespaces: dict[str, list[str]] = {}
    for service in published:
        here = namespaces.setdefault(service["cluster"], [])
        here += [service["namespace"]] if service["namespace"] not in here else []
    result: dict[str, typing.Any] = {"dns_name": _client_name(declaration, client), "namespaces": namespaces}
    if client.get("authority"):
        return {**result, "authorities": [client["authority"]]}
    issuer, first = site["tls"]["issuer"], published[0]
    # Its key is nothing for the namespaces of applications, but only there is an issuer of a namespace.
    namespace = manifests.CLIENT_NAMESPACE if issuer["kind"].endswith("ClusterIssuer") else first["namespace"]
    own = [{"namespace": "cert-manager", "name": issuer["name"]}] if issuer["type"] == "ca" else []
    return {
        **result,
        "cluster": first["cluster"],
        "namespace": namespace,
        "secret": manifests.CLIENT_SECRET,
        # The authority's own Secret names a new one before anything of it is issued.
        "secrets": [*own, {"namespace": namespace, "name": manifests.CLIENT_SECRET}],
    }


def _proxies(declaration: dict, site: dict, inspect: typing.Callable | None) -> list[dict]:
    known = [environment["name"] for environment in site["environments"]]
    groups = {environment: group for group in site["groups"] for environment in group["environments"]}
    result = []
    for proxy in declaration.get("proxies") or []:
        if not proxy.get("name"):
            continue
        environments = proxy.get("environments") or (known if len(known) == 1 else [])
        paths = [proxy["base_path"]] if proxy.get("base_path") else []
        bundle = inspect(proxy["bundle"]) if proxy.get("bundle") and inspect else None
        if bundle:
            paths = bundle.base_paths or paths
        verify = proxy.get("verify") or {}
        result.append(
            {
                "name": proxy["name"],
                "environments": [name for name in environments if name in groups],
                "base_path": proxy.get("base_path") or "",
                "base_paths": paths,
                "service": proxy.get("service") or "",
                "bundle": proxy.get("bundle") or "",
                "calls": list(bundle.target_servers) if bundle else [],
                "hostnames": {
                    name: [host for host in groups[name]["hostnames"] if not host.startswith("*")]
                    for name in environments
                    if name in groups
                },
                "verify": {
                    "enabled": verify.get("enabled", True) is not False,
                    "path": verify.get("path") or "",
                    "status": verify.get("status") or [],
                },
            }
        )
    return result


def _target_servers(site: dict) -> list[dict]:
    """One target server for each service in each environment in which a proxy calls it."""
    services = {service["name"]: service for service in site["services"]}
    wanted: dict[tuple[str, str], dict] = {}
    for proxy in site["proxies"]:
        service = services.get(proxy["service"])
        for environment in proxy["environments"] if service else []:
            wanted[(environment, service["name"])] = {
                "name": service["name"],
                "environment": environment,
                "host": service["host"],
                "port": manifests.dialled_port(service),
                "tls": service["tls"] is not None,
            }
    return list(wanted.values())
