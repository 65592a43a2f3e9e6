# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the parts of the declaration of an Ingress fit together, and with what exists.

Private to this collection.
"""

from __future__ import annotations

import dataclasses
import typing

from . import addresses, ingress, live, rules
from .problems import Problem

_DOCS = "docs/ingress.md"


def check(declaration: dict, facts: dict) -> list[Problem]:
    """All problems between the parts.

    Args:
        declaration: as ``shape.read`` returns it; parts that were wrong may be missing.
        facts: what ``ingress_derive.site`` made of it.
    """
    found = rules.shared(declaration, facts)
    if facts["apigee"]:
        found += rules.environments(declaration)
    # What has no name was told of by its shape.
    if (declaration.get("ingress") or {}).get("name") and declaration.get("services") is not None:
        found += [_renamed(one) for one in ingress.check(facts["ingress"])]
    return [
        *found,
        *_cluster(declaration, facts),
        *_apigee(declaration, facts),
        *_inside(declaration, facts),
        *_proxies(declaration, facts),
    ]


def _renamed(problem: Problem) -> Problem:
    """The problem where the user wrote what it is about."""
    path = problem.path
    if path.startswith("sources"):
        path = path.replace("sources", "apigee_source_ranges", 1)
    elif path.startswith("services["):
        path = path.replace(".target_port", ".port")
    elif not path.startswith("services"):
        path = f"ingress.{path}"
    return dataclasses.replace(problem, path=path)


def _cluster(declaration: dict, facts: dict) -> typing.Iterator[Problem]:
    names = [cluster["name"] for cluster in facts["clusters"]]
    yield from rules.placed("ingress", (declaration.get("ingress") or {}).get("cluster"), names)


def _apigee(declaration: dict, facts: dict) -> typing.Iterator[Problem]:
    stated = (declaration.get("ingress") or {}).get("nat_addresses")
    if stated and not facts["apigee"]:
        yield Problem(
            "ingress.nat_addresses",
            "are addresses of an Apigee X instance, and no environment of one is declared.",
            str(stated),
            fix="Declare environments; or give apigee_source_ranges, as for Edge, and leave nat_addresses out.",
            docs=f"{_DOCS}#whom-the-policy-admits",
        )
    if declaration.get("proxies") and not facts["apigee"]:
        yield Problem(
            "proxies",
            "need an environment of Apigee X, and none is declared.",
            because="Edge is not managed here: its proxies are made there, with the reserved address as their target.",
            fix="Declare environments, or leave proxies out.",
        )


def _inside(declaration: dict, facts: dict) -> typing.Iterator[Problem]:
    stated = declaration.get("ingress") or {}
    if stated.get("exposure") != "internal":
        if stated.get("proxy_subnet"):
            yield Problem(
                "ingress.proxy_subnet", "is for internal load balancers.", fix="Leave it out; or exposure: internal."
            )
        return
    here, there = facts["ingress"]["region"], facts["instance"].get("location")
    if facts["apigee"] and there and there != here:
        yield Problem(
            "ingress.exposure",
            f"an internal load balancer in {here} answers callers in its region alone, and Apigee would call from {there}.",
            "internal",
            because="GKE gives it no global access.",
            fix=f"An instance in {here} (instance.location), a cluster in {there}, or exposure: external.",
            docs=f"{_DOCS}#internal",
        )
    wanted = addresses.parse(stated.get("proxy_subnet") or "")
    for cluster in facts["clusters"]:
        for part, text in cluster["ranges"].items():
            other = addresses.parse(text or "")
            if wanted and other and wanted.overlaps(other):
                yield Problem(
                    "ingress.proxy_subnet",
                    f"overlaps {part} of cluster {cluster['name']}.",
                    f"{wanted} and {other}",
                    fix="Choose a range outside of address_space.",
                )


def _proxies(declaration: dict, facts: dict) -> typing.Iterable[Problem]:
    if not facts["apigee"]:
        return []
    name = facts["ingress"]["name"]
    proxies = [{**proxy, "service": name} for proxy in declaration.get("proxies") or []]
    return rules.proxies({**declaration, "services": [{"name": name}], "proxies": proxies}, facts, None)


def check_live(facts: dict, documents: dict[str, typing.Any]) -> list[Problem]:
    """All problems with what exists."""
    found = live.check(facts, documents) if facts["apigee"] else live.check_network(facts, documents)
    role = facts["ingress"]
    found += [one for one in _proxy_subnet(facts, documents) if one not in found]
    for cluster in live.existing(facts, documents):
        if cluster["name"] == role["cluster"]:
            # The run itself has the cluster learn of Gateways.
            balancing = ((cluster.get("addonsConfig") or {}).get("httpLoadBalancing") or {}).get("disabled") is not True
            seen = {"name": cluster["name"], "addons": {"http_load_balancing": balancing}}
            found += ingress.cluster_problems({**role, "form": "ingress"}, seen)
    return found


def _proxy_subnet(facts: dict, documents: dict[str, typing.Any]) -> typing.Iterable[Problem]:
    """Whether there is, or will be, the subnet without which Google makes no internal load balancer."""
    role, made = facts["ingress"], facts["proxy_subnets"]
    if role["exposure"] != "internal" or documents.get("project") is None:
        return
    name, text = live.facts(documents)["proxies"].get(role["region"], ("", ""))
    if made and name and name != made[0]["name"]:
        yield Problem(
            "ingress.proxy_subnet",
            f"region {role['region']} of the network has its subnet for proxies already.",
            found=f"{name}, {text}",
            because="There is one for all load balancers of a region.",
            fix="Leave proxy_subnet out.",
        )
    elif made:
        yield from live.subnet_problems(
            facts, documents, {made[0]["name"]: ("ingress.proxy_subnet", made[0]["range"])}
        )
    elif not name:
        yield Problem(
            "ingress.exposure",
            f"network {facts['network']} has no subnet for proxies in {role['region']}.",
            "internal",
            because="Google makes no internal load balancer without it.",
            fix="Have the run make it: proxy_subnet: 10.12.0.0/23, or another range that is free.",
            docs=f"{_DOCS}#internal",
        )
