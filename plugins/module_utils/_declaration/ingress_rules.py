# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the parts of the declaration of an Ingress fit together, and with what exists.

Private to this collection.
"""

from __future__ import annotations

import dataclasses
import typing

from . import ingress, live, rules
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
    return [*found, *_cluster(declaration, facts), *_apigee(declaration, facts), *_proxies(declaration, facts)]


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
    for cluster in live.existing(facts, documents):
        if cluster["name"] == role["cluster"]:
            # The run itself has the cluster learn of Gateways.
            balancing = ((cluster.get("addonsConfig") or {}).get("httpLoadBalancing") or {}).get("disabled") is not True
            seen = {"name": cluster["name"], "addons": {"http_load_balancing": balancing}}
            found += ingress.cluster_problems({**role, "form": "ingress"}, seen)
    return found
