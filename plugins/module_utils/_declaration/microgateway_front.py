# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A GKE Ingress before a gateway of Apigee Edge: ``ingress`` in the inventory's ``microgateway_gke``.

Callers are clients with keys, not Apigee, so nobody is kept out by address unless ranges are given. The Ingress has a Service
of its own that leads to the gateway's pods: so no object has two owners. Private to this collection.
"""

from __future__ import annotations

import dataclasses
import typing

from .._sidecar.microgateway import HEALTH_PATH
from . import ingress, ingress_schema
from .problems import Problem
from .schema import NETWORK_NAME, Field

_DOCS = "docs/edge-microgateway.md#in-front-of-it"
_INGRESS = ingress_schema.DECLARATION.options["ingress"].options
_SERVICE = ingress_schema.DECLARATION.options["services"].elements.options
_CERTIFICATE = _INGRESS["certificate"].options

SCHEMA = Field(
    "dict",
    "A GKE Ingress before the gateway; none when not given.",
    options={
        "enabled": Field("bool", "V(false) removes it, and the gateway stays.", default=True),
        "name": dataclasses.replace(
            _INGRESS["name"],
            required=False,
            description="Name of the Ingress, and of what belongs to it at Google; that of the gateway when not given.",
        ),
        "exposure": Field(
            "str",
            "V(external), from the internet, or V(internal), from the network and what is peered with it.",
            default="external",
            choices=_INGRESS["exposure"].choices,
        ),
        "hosts": _INGRESS["hosts"],
        "certificate": dataclasses.replace(
            _INGRESS["certificate"],
            # Whom Apigee trusts is nothing that callers ask.
            options={name: field for name, field in _CERTIFICATE.items() if name != "authority"},
        ),
        "http": _INGRESS["http"],
        "ssl_policy": _INGRESS["ssl_policy"],
        "allowed_source_ranges": Field(
            "list",
            "Ranges from which callers are let in. When empty, from anywhere: the gateway looks at keys.",
            elements=Field("str", "A range, or one address.", pattern=ingress_schema.RANGE),
        ),
        "preview": Field("bool", "Let everybody in, and log whom the ranges would keep out.", default=False),
        "address": Field(
            "str", "Name of the reserved address; that of the Ingress when not given.", pattern=NETWORK_NAME
        ),
        "timeout": _SERVICE["timeout"],
        "logging": dataclasses.replace(_SERVICE["logging"], description="Log requests."),
        "proxy_ranges": dataclasses.replace(
            _INGRESS["proxy_ranges"], description="Ranges of the region's subnet for proxies, for V(internal)."
        ),
    },
)


def facts(given: dict, site: dict, gateway: dict) -> dict[str, typing.Any]:
    """What role ``cloud_armor_ingress`` takes, without its prefix.

    Args:
        given: as ``shape.read`` returns it. Parts that were wrong are missing and are passed over.
        site: as ``derive.derive`` gives it, with one cluster.
        gateway: ``name``, ``namespace`` and ``port`` of the gateway.
    """
    cluster, name = site["clusters"][0], given.get("name") or gateway["name"]
    internal = given.get("exposure") == "internal"
    # An internal balancer takes no policy; that ranges are given is told in problems.
    ranges = [] if internal else list(given.get("allowed_source_ranges") or [])
    port = str(gateway.get("port"))
    service = {
        "name": f"{gateway['name']}-front",
        "target_port": int(port) if port.isdecimal() else 0,
        "selector": {"app": gateway["name"]},
        # The default, the path /, gets 401 or 404 from a gateway: no pod would ever be healthy.
        "health_check": {"type": "HTTP", "path": HEALTH_PATH},
        "timeout": given.get("timeout"),
        "logging": given.get("logging"),
    }
    return ingress.declared({
        "project": site["project"],
        "region": cluster["region"],
        "location": cluster["location"],
        "subnetwork": cluster["subnetwork"],
        "cluster": cluster["name"],
        "name": name,
        "namespace": gateway["namespace"],
        "exposure": given.get("exposure"),
        "hosts": given.get("hosts"),
        "certificate": {kind: value for kind, value in (given.get("certificate") or {}).items() if value},
        "http": given.get("http"),
        "ssl_policy": given.get("ssl_policy"),
        "protect": bool(ranges),
        "sources": ranges,
        "preview": given.get("preview"),
        "address_name": given.get("address"),
        "services": [service],
        # The gateway admits Google's ranges by itself, and subnets for proxies are in none of them.
        "network_policy": internal,
        "proxy_ranges": given.get("proxy_ranges"),
    })


def check(given: dict, role: dict, gateway: dict) -> list[Problem]:
    """All that is wrong with it.

    Args:
        given: as for ``facts``.
        role: what ``facts`` made of it.
        gateway: as for ``facts``, and its ``mode``.
    """
    return [*_fit(given, gateway), *map(_renamed, ingress.check(role))]


def _fit(given: dict, gateway: dict) -> typing.Iterator[Problem]:
    internal, ranges = given.get("exposure") == "internal", given.get("allowed_source_ranges") or []
    if gateway.get("mode") != "service":
        yield Problem(
            "ingress",
            "is for a gateway that is a Service.",
            found=f"edge_microgateway_mode: {gateway.get('mode')}",
            fix="Leave it out. Before Services whose pods have a gateway beside them, playbook ingress makes one.",
            docs="docs/ingress.md",
        )
    if internal and ranges:
        yield Problem(
            "ingress.allowed_source_ranges",
            "an internal load balancer keeps nobody out by address.",
            found=", ".join(ranges),
            because="No global policy takes effect there.",
            fix="Leave it out; or exposure: external.",
            docs=_DOCS,
        )
    if internal and not given.get("proxy_ranges"):
        yield Problem(
            "ingress.proxy_ranges",
            "is needed for an internal load balancer.",
            because="It calls from the region's subnet for proxies, which the gateway's NetworkPolicy admits only where it is known.",
            fix="Name the range of that subnet, such as 10.129.0.0/23.",
            docs=_DOCS,
        )
    if given.get("preview") and not ranges:
        yield Problem(
            "ingress.preview",
            "there is nobody whom it would keep out.",
            because="allowed_source_ranges is empty.",
            fix="Give allowed_source_ranges, or leave it out.",
        )


def _renamed(problem: Problem) -> Problem:
    """The problem where the user wrote what it is about."""
    if problem.path.startswith("sources"):
        return dataclasses.replace(
            problem,
            path=problem.path.replace("sources", "ingress.allowed_source_ranges", 1),
            fix="Name ranges such as 203.0.113.8/32 or 2001:db8:7::/64; leave it out to let in callers from anywhere.",
        )
    if problem.path.endswith(".target_port"):
        return dataclasses.replace(problem, path="edge_microgateway_settings.port")
    return dataclasses.replace(problem, path=f"ingress.{problem.path}")
