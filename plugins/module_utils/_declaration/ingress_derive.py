# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Works out what follows from the declaration of an Ingress that admits Apigee alone.

Clusters, ranges, organisation, instance and environments follow as in ``derive``. Private to this collection.
"""

from __future__ import annotations

import re
import typing

from . import derive, ingress
from . import live as existing
from .problems import Problem

_RATE = re.compile(r"(\d+)/(?:(\d+) )?([a-z]+?)s?")
_APIGEE_APIS = ("apigee.googleapis.com", "servicenetworking.googleapis.com")
#: Longest name of a NAT address at Apigee.
_NAT_NAME = 20


def site(declaration: dict, live: dict | None = None) -> tuple[dict, list[Problem]]:
    """The facts, complete enough to build it.

    Args:
        declaration: as ``shape.read`` returns it. Parts that were wrong may be missing and are passed over.
        live: as for ``derive.derive``.

    Returns:
        Facts as ``derive.derive`` gives them, with ``apigee`` (whether an organisation of Apigee X is managed),
        ``proxy_subnets`` (what is made for the proxies of an internal load balancer) and ``ingress`` (what role
        ``cloud_armor_ingress`` takes, without its prefix); and problems met on the way.
    """
    given = declaration.get("ingress") or {}
    name = given.get("name") or ""
    apigee = bool(declaration.get("environments"))
    proxies = [{**proxy, "service": name} for proxy in declaration.get("proxies") or []]
    # Services are none of the kind that is called pod by pod, and the certificate is the load balancer's.
    facts, problems = derive.derive(
        {**declaration, "services": [], "tls": {"enabled": False}, "proxies": proxies}, live
    )
    facts["apigee"] = apigee
    # Names of pods are nothing that Apigee asks for.
    facts["dns_suffixes"] = []
    facts["firewall"] = {}
    if not apigee:
        facts["apis"] = [one for one in facts["apis"] if one not in _APIGEE_APIS]
        facts["peering"] = {"name": facts["peering"]["name"], "range": ""}
        problems = [one for one in problems if one.path != "peering_range"]
    elif given.get("exposure") != "internal" and existing.unpeered((live or {}).get("organization")):
        # Its addresses on the internet are all that is needed of it.
        facts["organization"]["unpeered"] = True
        facts["peering"] = {"name": facts["peering"]["name"], "range": ""}
        facts["instance"]["range"] = ""
        problems = [one for one in problems if one.path != "peering_range"]
    stated = {one["name"]: one for one in declaration.get("proxies") or [] if one.get("name")}
    for proxy in facts["proxies"]:
        proxy["spike_arrest"] = stated[proxy["name"]].get("spike_arrest") or ""
        proxy["quota"] = quota(stated[proxy["name"]].get("quota") or {})
    role = _role(declaration, facts, given)
    inside = given.get("exposure") == "internal"
    facts["proxy_subnets"] = [
        {
            "name": derive.subnetwork_name(facts["network"], "proxies"),
            "region": role["region"],
            "range": given["proxy_subnet"],
            "purpose": "REGIONAL_MANAGED_PROXY",
        }
        for _once in range(bool(inside and given.get("proxy_subnet")))
    ]
    if inside and not role.get("proxy_ranges"):
        there = ((live or {}).get("proxies") or {}).get(role["region"])
        role["proxy_ranges"] = [there[1]] if there else [one["range"] for one in facts["proxy_subnets"]]
    facts["ingress"] = ingress.declared(role)
    for cluster in facts["clusters"]:
        if cluster["name"] == facts["ingress"]["cluster"] and facts["ingress"]["form"] == "gateway":
            cluster["gateway_api"] = True
    return facts, problems


def quota(stated: dict) -> dict[str, typing.Any]:
    """``100/minute`` as module ``apigee_proxy`` takes it; empty for none."""
    found = _RATE.fullmatch(stated.get("rate") or "")
    if not found:
        return {}
    limits: dict[str, typing.Any] = {"limit": int(found[1]), "interval": int(found[2] or 1), "time_unit": found[3]}
    return {**limits, "identifier": stated["identifier"]} if stated.get("identifier") else limits


def _role(declaration: dict, facts: dict, given: dict) -> dict:
    clusters = {cluster["name"]: cluster for cluster in facts["clusters"]}
    cluster = derive.cluster_of(given, clusters) or ""
    here = clusters.get(cluster) or {}
    certificate = {
        key: value for key, value in (given.get("certificate") or {}).items() if value and key != "authority"
    }
    copied = (
        "form",
        "exposure",
        "hosts",
        "default_service",
        "http",
        "ssl_policy",
        "protect",
        "preview",
        "network_policy",
        "proxy_ranges",
    )
    return {
        "project": facts["project"],
        "region": here.get("region") or facts["region"],
        "location": here.get("location") or facts["region"],
        "subnetwork": here.get("subnetwork") or "",
        "cluster": cluster,
        "organization": facts["organization"]["name"] if facts["apigee"] else "",
        "name": given.get("name") or "",
        "namespace": given.get("namespace") or "default",
        "paths": [path for path in given.get("paths") or [] if path.get("service")],
        "services": [_service(one) for one in declaration.get("services") or [] if one.get("name")],
        "certificate": certificate,
        "sources": list(declaration.get("apigee_source_ranges") or []),
        "nat_addresses": _nat_addresses(declaration, facts, given),
        **{key: given[key] for key in copied if given.get(key) is not None},
    }


def _service(stated: dict) -> dict:
    return {
        "name": stated["name"],
        "port": stated.get("service_port") or 80,
        "target_port": stated.get("port"),
        "selector": dict(stated.get("selector") or {}),
        "sample": stated.get("sample") or {},
        "timeout": stated.get("timeout"),
        "drain": stated.get("drain"),
        "logging": stated.get("logging"),
        "health_check": stated.get("health_check") or {},
    }


def _nat_addresses(declaration: dict, facts: dict, given: dict) -> list[dict]:
    """The addresses of Apigee X: one unless stated otherwise, or unless the callers are given."""
    count = given.get("nat_addresses")
    if count is None:
        own = facts["apigee"] and given.get("exposure") != "internal" and given.get("protect") is not False
        count = 1 if own and not declaration.get("apigee_source_ranges") else 0
    stem = (given.get("name") or "")[: _NAT_NAME - len(str(count)) - 1].rstrip("-")
    return [{"instance": facts["instance"]["name"], "name": f"{stem}-{number}"} for number in range(1, count + 1)]


def backend(facts: dict, address: str) -> dict[str, list[dict]]:
    """Target servers and proxies that call the Ingress, as role ``apigee_backend`` takes them.

    By its address, which is reserved and so stays; the host name, which the user's own DNS need not know yet, is asked
    for there.

    Args:
        facts: as ``site`` gives them.
        address: of the load balancer; ``0.0.0.0`` stands for one that is still to be reserved.
    """
    role = facts["ingress"]
    hosts = [host for host in role["hosts"] if not host.startswith("*")]
    encrypted = bool(role["certificate"])
    tls: dict[str, typing.Any] | bool = False
    if encrypted:
        tls = {"common_name": {"value": hosts[0], "wildcard_match": False}} if hosts else {}
        if not facts.get("authority"):
            # A public authority has issued the certificate.
            tls["trust_store"] = ""
    environments = dict.fromkeys(name for proxy in facts["proxies"] for name in proxy["environments"])
    servers = [
        {
            "name": role["name"],
            "environment": environment,
            "host": address or "0.0.0.0",
            "port": 443 if encrypted else 80,
            "tls": tls,
        }
        for environment in environments
    ]
    proxies = [{**proxy, **({"target_host": hosts[0]} if hosts else {})} for proxy in facts["proxies"]]
    return {"target_servers": servers, "proxies": proxies}
