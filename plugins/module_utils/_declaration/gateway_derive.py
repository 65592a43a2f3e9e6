# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Works out what follows from the declaration of a private service behind API Gateway.

Clusters, their subnets and ranges follow as in ``derive``, so that both declarations may share a network. Private to this
collection.
"""

from __future__ import annotations

import itertools
import re
import typing

from . import addresses, derive
from .problems import Problem

APIS = (
    "compute.googleapis.com",
    "container.googleapis.com",
    "dns.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "iam.googleapis.com",
    "cloudfunctions.googleapis.com",
    "run.googleapis.com",
    "cloudbuild.googleapis.com",
    "artifactregistry.googleapis.com",
    "apigateway.googleapis.com",
    "servicemanagement.googleapis.com",
    "servicecontrol.googleapis.com",
    "apikeys.googleapis.com",
)
CONNECTOR_API = "vpcaccess.googleapis.com"
#: Google: "Deploying an API to a gateway", locations. Others may come, so Google is asked about one that is not among them.
REGIONS = (
    "asia-northeast1",
    "australia-southeast1",
    "europe-west1",
    "europe-west2",
    "us-central1",
    "us-east1",
    "us-east4",
    "us-west2",
    "us-west3",
    "us-west4",
)
#: A part of a path that is the same for every call, and means itself in a list with commas.
_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~!$&'()*+=:@-]+")
_CONNECTOR, _SUBNET = "vpc_access_connector", "compute_subnetwork"
#: A connector takes a /28; each instance of a function with direct egress may take several addresses of its subnet.
PREFIXES = {"connector": 28, "direct": 26}


def site(declaration: dict, live: dict | None = None) -> tuple[dict, list[Problem]]:
    """The facts, complete enough to build it.

    Args:
        declaration: as ``shape.read`` returns it. Parts that were wrong may be missing and are passed over.
        live: what exists: ``subnets`` (name to ranges), ``reserved`` (name to range), ``connectors`` (name to range), and
            ``egress_subnets`` (name to range, of the function's region), ``calls_from``, the range from which the function
            is configured to call, ``settled``, whether that is what serves, and ``passes_on``, its paths and methods so far.
    """
    live = live or {}
    # What both kinds of site have in common is derived in one place; an Apigee instance and services are not among it.
    common = {
        key: declaration.get(key) for key in ("project", "region", "network", "domain", "address_space", "clusters")
    }
    base, problems = derive.derive(common, {key: live.get(key) for key in ("subnets", "reserved")})
    facts = {key: base[key] for key in ("project", "region", "network", "domain", "clusters", "peering")}
    egress = _egress(declaration, facts, live, problems)
    facts["egress"] = egress
    facts["apis"] = [*APIS, *([CONNECTOR_API] if egress["mode"] == "connector" else [])]
    facts["services"] = _services(declaration, facts)
    facts["function"] = _function(declaration, facts, live.get("passes_on") or {})
    facts["gateway"] = _gateway(declaration, facts)
    return facts, problems


def _all_ranges(facts: dict, live: dict) -> list[addresses.Range]:
    texts = [
        facts["peering"]["range"],
        *(live.get("reserved") or {}).values(),
        *(live.get("connectors") or {}).values(),
    ]
    for ranges in [*(live.get("subnets") or {}).values(), *(cluster["ranges"] for cluster in facts["clusters"])]:
        texts += ranges.values()
    return [parsed for text in texts if text and (parsed := addresses.parse(text))]


def _egress(declaration: dict, facts: dict, live: dict, problems: list[Problem]) -> dict:
    """The function's way into the network, with its range: one that exists keeps what it has."""
    given = declaration.get("egress") or {}
    mode = given.get("mode") or "direct"
    network = facts["network"]
    connector = given.get("connector") or network[:25].rstrip("-")
    subnet = given.get("subnet") or f"{network[:56]}-egress"
    calls_from, connectors = live.get("calls_from") or "", live.get("connectors") or {}
    other = (live.get("egress_subnets") or {}).get(subnet) if mode == "connector" else connectors.get(connector)
    subnets, settled = live.get("subnets") or {}, live.get("settled", True)
    existing = {"connector": connectors.get(connector), "direct": (subnets.get(subnet) or {}).get("nodes")}[mode]
    text = given.get("range") or existing or ""
    space = addresses.parse(declaration.get("address_space") or "")
    if not text and space:
        found = addresses.small_range(space, PREFIXES[mode], _all_ranges(facts, live))
        if found is None:
            problems.append(
                Problem(
                    "egress.range",
                    "the address space has no room for it.",
                    found=str(space),
                    fix="Set a larger address_space, or a range that is free.",
                )
            )
        text = str(found or "")
    function = declaration.get("function") or {}
    return {
        "mode": mode,
        "range": text,
        "existing": existing or "",
        # Until a run has brought the function over, it calls from where it did. One whose last deployment has not succeeded shows
        # the new way, and serves by the one before.
        "leaves": calls_from if calls_from != text else ("" if settled else other or ""),
        # What the other mode has made, or somebody else.
        "left": {
            "kind": _SUBNET if mode == "connector" else _CONNECTOR,
            "name": subnet if mode == "connector" else connector,
            "range": other,
            "gone_over": bool(calls_from) and calls_from == text and settled,
            "used": bool(calls_from) and calls_from == other,
        }
        if other
        else {},
        "remove_left": given.get("remove_left"),
        "kind": _CONNECTOR if mode == "connector" else _SUBNET,
        "name": connector if mode == "connector" else subnet,
        "connector": connector if mode == "connector" else "",
        "subnet": subnet if mode == "direct" else "",
        "region": function.get("region") or facts["region"],
    }


def _services(declaration: dict, facts: dict) -> list[dict]:
    clusters = {cluster["name"]: cluster for cluster in facts["clusters"]}
    result = []
    for service in declaration.get("services") or []:
        name = service.get("name")
        cluster = derive.cluster_of(service, clusters)
        if not name or cluster not in clusters or not service.get("port"):
            continue
        balancer = service.get("load_balancer") or {}
        sources = balancer.get("source_ranges")
        callers = [text for text in (facts["egress"]["range"], facts["egress"]["leaves"]) if text]
        result.append(
            {
                "name": name,
                "namespace": service.get("namespace") or "default",
                "cluster": cluster,
                "region": clusters[cluster]["region"],
                "subnetwork": clusters[cluster]["subnetwork"],
                "port": balancer.get("port") or 80,
                "target_port": service["port"],
                "selector": dict(service.get("selector") or {"app": name}),
                "sample": service.get("sample") or {},
                "address": balancer.get("address") or "",
                "global_access": bool(balancer.get("global_access")),
                "source_ranges": callers if sources is None else sources,
                "host": f"{name}.{facts['domain']}",
            }
        )
    return result


def _function(declaration: dict, facts: dict, so_far: dict[str, list[str]]) -> dict:
    given = declaration.get("function") or {}
    names = [service["name"] for service in facts["services"]]
    service = given.get("service") or (names[0] if len(names) == 1 else "")
    name = given.get("name") or f"{service}-forward"[:63].rstrip("-")
    account = given.get("service_account") or name[:30].rstrip("-")
    passed_on = _passed_on((declaration.get("gateway") or {}).get("routes") or [])
    return {
        "name": name,
        "service": service,
        "region": facts["egress"]["region"],
        "service_account": f"{account}@{facts['project']}.iam.gserviceaccount.com",
        **passed_on,
        "until_moved": _until_moved(passed_on, so_far),
        # As role api_gateway_function takes it.
        "egress": {
            "mode": facts["egress"]["mode"],
            "network": facts["network"],
            "range": facts["egress"]["range"],
            **{way: facts["egress"][way] for way in ("connector", "subnet") if facts["egress"][way]},
        },
        **{
            key: given.get(key)
            for key in (
                "timeout",
                "upstream_timeout",
                "concurrency",
                "min_instances",
                "max_instances",
                "memory",
            )
        },
    }


def _passed_on(routes: list[dict]) -> dict[str, list[str]]:
    """What the function passes on: the routes' methods, and their paths as far as they are the same for every call.

    Where the routes are in a document of the user's own, the gateway alone judges.
    """
    found: set[str] = set()
    for route in routes:
        fixed = itertools.takewhile(_SEGMENT.fullmatch, str(route.get("path") or "").split("/")[1:])
        found.add("/" + "/".join(fixed))
    methods = {str(method).upper() for route in routes for method in route.get("methods") or []}
    return {"paths": _outermost(found) or ["/"], "methods": sorted(methods)}


def _outermost(paths: set[str]) -> list[str]:
    """Without those that lie below another."""
    return [one for one in sorted(paths) if not any(one.startswith(other.rstrip("/") + "/") for other in paths - {one})]


def _until_moved(passed_on: dict[str, list[str]], so_far: dict[str, list[str]]) -> dict[str, list[str]]:
    """What the function passes on while its gateway may serve the routes before or those declared; {} where that is the same.

    No methods means all of them.
    """
    if not so_far:
        return {}
    both = {
        "paths": _outermost({*passed_on["paths"], *so_far["paths"]}),
        "methods": sorted({*passed_on["methods"], *so_far["methods"]}) if passed_on["methods"] else [],
    }
    if both == passed_on:
        return {}
    # In the words that the function has been told already, where they mean the same.
    return {key: so_far[key] if set(so_far[key]) == set(value) else value for key, value in both.items()}


def _gateway(declaration: dict, facts: dict) -> dict:
    given = declaration.get("gateway") or {}
    name = given.get("name") or ""
    account = given.get("service_account") or f"{name[:22]}-gateway"
    verify = given.get("verify") or {}
    routes = given.get("routes") or []
    return {
        "name": name,
        "region": given.get("region") or facts["region"],
        "api": given.get("api") or name,
        "security": given.get("security") or "api_key",
        "settings": {
            preset: {key: value for key, value in (given.get(preset) or {}).items() if value}
            for preset in ("jwt", "google_id_token", "firebase")
            if any((given.get(preset) or {}).values())
        },
        "deadline": given.get("deadline"),
        "routes": [{key: value for key, value in route.items() if value is not None} for route in routes],
        "document": given.get("document") or "",
        "keys": [
            {"name": key, **{option: value for option, value in (settings or {}).items() if value or value == []}}
            for key, settings in (given.get("keys") or {}).items()
        ],
        # Whoever states none may have them made elsewhere.
        "keys_managed": given.get("keys") is not None,
        "keep_configs": given.get("keep_configs"),
        "service_account": f"{account}@{facts['project']}.iam.gserviceaccount.com",
        "verify": {
            "enabled": verify.get("enabled", True) is not False,
            "path": verify.get("path") or _first_path(routes),
            "status": verify.get("status") or [],
            "timeout": verify.get("timeout"),
            "security": _asked(routes, verify.get("path") or _first_path(routes)) or given.get("security") or "api_key",
        },
    }


def _asked(routes: list[dict], path: str) -> str:
    """Whom the route of a path lets in when it is asked for with GET; empty where it does not say."""
    found = (one for one in routes if one.get("path") == path and "get" in (one.get("methods") or []))
    return (next(found, {}) or {}).get("security") or ""


def _first_path(routes: list[dict]) -> str:
    """The first route that a plain GET can ask for."""
    found = (
        route["path"]
        for route in routes
        if route.get("path") and "{" not in route["path"] and "get" in (route.get("methods") or [])
    )
    return next(found, "")


def declared_document(gateway: dict, address: str) -> dict:
    """What ``_openapi.render`` takes, with the address of the backend."""
    return {
        "title": gateway["api"],
        "backend": {"address": address},
        "security": gateway["security"],
        "deadline": gateway["deadline"],
        "routes": gateway["routes"],
        **gateway["settings"],
    }


def _way(facts: dict, kind: str, name: str, address_range: str) -> dict[str, typing.Any]:
    """A way into the network: a connector, or a subnet for direct egress."""
    way = {
        "kind": kind,
        "project": facts["project"],
        "region": facts["egress"]["region"],
        "name": name,
        "network": facts["network"],
        "ip_cidr_range": address_range,
    }
    return way | ({"private_ip_google_access": True} if kind == _SUBNET else {})


def left_behind(facts: dict) -> list[dict[str, typing.Any]]:
    """The way into the network that is not declared any more, to be removed."""
    left = facts["egress"]["left"]
    return [{**_way(facts, left["kind"], left["name"], left["range"]), "state": "absent"}] if left else []


def entries(facts: dict, with_way: bool = True) -> list[dict[str, typing.Any]]:
    """What is made beside network and clusters, and as early: the way in, and both accounts."""
    egress, project = facts["egress"], facts["project"]
    accounts = [
        {
            "kind": "iam_service_account",
            "project": project,
            "name": email.split("@", maxsplit=1)[0],
            # One that is there already may be somebody else's.
            "initial_display_name": title,
        }
        for email, title in (
            (facts["gateway"]["service_account"], "API Gateway calls the function as this"),
            (facts["function"]["service_account"], "The function runs as this; it needs no rights"),
        )
    ]
    return [*([_way(facts, egress["kind"], egress["name"], egress["range"])] if with_way else []), *accounts]
