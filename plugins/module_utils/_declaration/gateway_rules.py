# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the parts of a private service behind API Gateway fit together, offline and with what exists.

Private to this collection.
"""

from __future__ import annotations

import dataclasses
import re
import typing

from .._openapi import presets, render, rules, source, structure
from .._resources import api_key
from . import addresses, gateway_derive
from .live import project_problems, subnet_problems
from .problems import Problem, one_or_list
from .rules import near, placed, shared

#: Stands for the function's URL, which Google makes up.
_SOMEWHERE = "https://function.invalid"
_DOCS = "docs/api-gateway.md"
GATEWAY_API = "apigateway.googleapis.com"
#: Seconds that API Gateway waits where x-google-backend states no deadline.
_UNSTATED_DEADLINE = 15


def check(declaration: dict, facts: dict, document: str | None = None) -> list[Problem]:
    """All problems between the parts.

    Args:
        declaration: as ``shape.read`` returns it; parts that were wrong may be missing.
        facts: what ``gateway_derive.site`` made of it.
        document: text of the user's own OpenAPI document, where one is declared.
    """
    return [
        *shared(declaration, facts, [("egress.range", facts["egress"]["range"])]),
        *_egress(declaration, facts),
        *_services(declaration, facts),
        *_function(declaration, facts),
        *_regions(declaration, facts),
        *_deadlines(declaration, facts),
        *_gateway(declaration, facts, document),
        *_unfit_keys(facts),
    ]


def _egress(declaration: dict, facts: dict) -> typing.Iterator[Problem]:
    given, egress = declaration.get("egress") or {}, facts["egress"]
    other = {"connector": "subnet", "direct": "connector"}[egress["mode"]]
    # The connector that is left may bear a name of its own.
    if given.get(other) and not (other == "connector" and given.get("remove_left")):
        yield Problem(
            f"egress.{other}", f"has no meaning with mode {egress['mode']}.", given[other], fix="Leave it out."
        )
    parsed = addresses.parse(egress["range"] or "")
    if parsed is None:
        return
    if egress["mode"] == "connector" and parsed.prefixlen != gateway_derive.PREFIXES["connector"]:
        yield Problem("egress.range", "must be a /28 for a connector.", egress["range"], fix="Leave it out.")
    if egress["mode"] == "direct" and parsed.prefixlen > 26:
        yield Problem(
            "egress.range",
            "is too small for direct egress.",
            egress["range"],
            because="Every instance takes addresses of the subnet, and keeps them for a while after it ended.",
            fix="Take a /26 or larger, or leave it out.",
        )


def _services(declaration: dict, facts: dict) -> typing.Iterator[Problem]:
    clusters = [cluster["name"] for cluster in facts["clusters"]]
    derived = {service["name"]: service for service in facts["services"]}
    subnets = {cluster["name"]: addresses.parse(cluster["ranges"].get("nodes") or "") for cluster in facts["clusters"]}
    if declaration.get("services") == []:
        yield Problem("services", "at least one service is needed.", fix="services: [{name: shop-api, port: 3000}]")
    seen: set[str] = set()
    for service in declaration.get("services") or []:
        name = service.get("name")
        path = f"services[{name}]"
        if not name:
            continue
        if name in seen:
            yield Problem(path, "is declared twice.", fix="Rename one.", because="Its private name would be the same.")
        seen.add(name)
        yield from placed(path, service.get("cluster"), clusters)
        balancer, known = service.get("load_balancer") or {}, derived.get(name)
        for index, text in enumerate(balancer.get("source_ranges") or []):
            if addresses.parse(text) is None:
                yield Problem(
                    f"{path}.load_balancer.source_ranges[{index}]",
                    "is not an IPv4 range.",
                    text,
                    fix="For example 10.64.0.0/20.",
                )
        subnet = subnets.get(known["cluster"]) if known else None
        single = addresses.parse(f"{balancer['address']}/32") if balancer.get("address") else None
        if balancer.get("address") and (single is None or (subnet and not single.subnet_of(subnet))):
            yield Problem(
                f"{path}.load_balancer.address",
                f"does not lie in the cluster's subnet {subnet}.",
                balancer["address"],
                because="An internal load balancer has its address in a subnet of its region.",
                fix="Take one of that range, or leave it out so that Google chooses one.",
            )


def _function(declaration: dict, facts: dict) -> typing.Iterator[Problem]:
    names = [service["name"] for service in facts["services"]]
    stated = (declaration.get("function") or {}).get("service")
    if stated and stated not in names:
        yield Problem("function.service", f"no service {stated} is declared.", fix=near(stated, names))
    elif not stated and len(names) > 1:
        yield Problem(
            "function.service",
            "is needed because there are several services.",
            fix=f"Name one: {one_or_list(names)}.",
        )


def _regions(declaration: dict, facts: dict) -> typing.Iterator[Problem]:
    """Google's: a balancer answers its own region alone; a connector is where its function is; a few have gateways."""
    function, gateway = facts["function"], facts["gateway"]
    service = next((one for one in facts["services"] if one["name"] == function["service"]), None)
    if service and service["region"] != function["region"] and not service["global_access"]:
        yield Problem(
            "function.region",
            f"is not that of service {service['name']}, so the balancer does not answer it.",
            found=f"{function['region']}, and the cluster is in {service['region']}",
            because="An internal load balancer answers clients of its own region, unless it has global access.",
            fix=f"Write function: {{region: {service['region']}}}, or load_balancer: {{global_access: true}}.",
            docs=_DOCS,
        )
    stated = (declaration.get("gateway") or {}).get("region")
    if not stated and gateway["region"] and gateway["region"] not in gateway_derive.REGIONS:
        yield Problem(
            "gateway.region",
            "is required, because API Gateway is not offered in the declaration's region.",
            found=gateway["region"],
            fix=f"Name one of {one_or_list(list(gateway_derive.REGIONS))}; it may differ from the function's.",
        )


def _deadlines(declaration: dict, facts: dict) -> typing.Iterator[Problem]:
    function, gateway = facts["function"], facts["gateway"]
    waits = [("gateway.deadline", gateway["deadline"])]
    waits += [(f"gateway.routes[{i}].deadline", one.get("deadline")) for i, one in enumerate(gateway["routes"])]
    if not function["timeout"] or not function["upstream_timeout"]:
        return
    for path, seconds in waits:
        # An upstream that is wrong is told once.
        upstream = function["upstream_timeout"] if path == "gateway.deadline" else 0.001
        for sentence in render.deadline_problems(upstream, function["timeout"], seconds) if seconds else ():
            where = path if "gateway waits" in sentence else "function.upstream_timeout"
            message, _stop, fix = sentence.partition(". ")
            yield Problem(where, f"{message}.", fix=fix, docs=f"{_DOCS}#deadlines")


def _gateway(declaration: dict, facts: dict, document: str | None) -> typing.Iterator[Problem]:
    given, gateway = declaration.get("gateway") or {}, facts["gateway"]
    routes, own = given.get("routes") or [], given.get("document")
    if bool(routes) == bool(own):
        yield Problem(
            "gateway.routes",
            "either routes or a document of your own is needed." if not own else "and document exclude each other.",
            fix="routes: [{path: /products, methods: [get]}]",
        )
        return
    if own:
        if document is not None:
            yield from _document("gateway.document", document, gateway["deadline"], facts)
        return
    try:
        text = source.write(render.render(gateway_derive.declared_document(gateway, _SOMEWHERE)))
    except render.Undeclarable as error:
        for problem in error.problems:
            yield Problem("gateway", problem, docs=_DOCS)
        return
    yield from _document("gateway.routes", text)
    asked = {gateway["security"], *(route.get("security") or "" for route in routes)}
    verify = gateway["verify"]
    wants_key = any("api_key" in presets.PRESETS.get(preset, ()) for preset in asked)
    if verify["enabled"] and wants_key and not gateway["keys"]:
        yield Problem(
            "gateway.keys",
            "no key is declared, so nothing can prove the path at the end of a run.",
            fix="keys: {partner: {}}; or verify: {enabled: false}.",
        )


def _unfit_keys(facts: dict) -> typing.Iterator[Problem]:
    for key in facts["gateway"]["keys"]:
        for option, said, remedy in api_key.unfit(key):
            yield Problem(f"gateway.keys.{key['name']}.{option}", said.lstrip(": "), fix=f"State {remedy}.")


def _document(
    path: str, text: str, deadline: float | None = None, facts: dict | None = None
) -> typing.Iterator[Problem]:
    """Faults by their lines.

    ``deadline``: the document is the user's, and gets its backend where it names none; it waits for the function of ``facts``.
    """
    try:
        read = source.read(text)
    except source.Unreadable as error:
        yield Problem(path, f"cannot be read: {error}.", fix="Correct the document.")
        return
    if deadline:
        read = dataclasses.replace(read, value=render.complete(read.value, {"address": _SOMEWHERE}, deadline))
        for problem in structure.problems(read, "auto"):
            yield Problem(path, f"{problem}", fix="Correct the document.")
        yield from _own_deadlines(path, read.value, facts or {})
    for fault in rules.faults(read):
        yield Problem(path, f"line {fault.line}, {fault.place}: {fault.problem}.", fix=f"{fault.remedy}.")


def _own_deadlines(path: str, document: dict, facts: dict) -> typing.Iterator[Problem]:
    """Backends of a document of one's own, at the top and of operations, that wait less than the function may run.

    A backend of another address is no business of the function's.
    """
    timeout = facts["function"]["timeout"]
    places: list[tuple[str, typing.Any]] = [("x-google-backend", document)]
    for route, methods in (document.get("paths") or {}).items():
        if isinstance(methods, dict):
            places += [(f"paths.{route}.{method}.x-google-backend", one) for method, one in methods.items()]
    for place, holder in places:
        backend = holder.get("x-google-backend") if isinstance(holder, dict) else None
        if not isinstance(backend, dict) or not timeout or not _is_function(str(backend.get("address") or ""), facts):
            continue
        waits = backend.get("deadline", _UNSTATED_DEADLINE)
        if isinstance(waits, int | float) and waits <= timeout:
            yield Problem(
                path,
                f"{place}: the gateway waits {waits:g} s, and the function may run {timeout:g} s.",
                because="The gateway would answer 504 while the function is still at work, and hide what it says.",
                fix=f"Write deadline: {timeout + 5:g}.0 there, or give function.timeout less.",
                docs=f"{_DOCS}#deadlines",
            )


def _is_function(address: str, facts: dict) -> bool:
    """Whether a backend is the function: by no address of its own, by the function's URL, or by one of its Cloud Run service.

    Cloud Run's are ``https://NAME-HASH-xx.a.run.app`` and ``https://NAME-PROJECT_NUMBER.REGION.run.app``.
    """
    function = facts["function"]
    name, region = re.escape(function["name"]), re.escape(function["region"] or "")
    own = rf"{region}-{re.escape(facts['project'] or '')}\.cloudfunctions\.net/{name}"
    run = rf"{name}-(?:[a-z0-9]{{10}}-[a-z]{{2}}\.a|[0-9]+\.{region})\.run\.app"
    return not address or bool(re.match(rf"(?:{re.escape(_SOMEWHERE)}|https://(?:{own}|{run}))(?:[/?]|$)", address))


# -- with what exists ----------------------------------------------------------------------------------------------


def live_facts(documents: dict[str, typing.Any], facts: dict) -> dict:
    """What ``gateway_derive.site`` wants to know of what exists."""
    own = facts["egress"]["region"]
    connectors = {}
    for one in documents.get("connectors") or []:
        if str(one.get("network") or "").rsplit("/", 1)[-1] == facts["network"]:
            # projects/ID/locations/REGION/connectors/NAME; one of another region is never the function's own.
            region, name = str(one["name"]).split("/")[3::2]
            connectors[name if region == own else f"{name} in {region}"] = one.get("ipCidrRange") or ""
    return {
        "connectors": connectors,
        "egress_subnets": {one["name"]: one.get("ipCidrRange") or "" for one in documents.get(f"subnets {own}") or []},
        "calls_from": _calls_from(documents, facts["function"]["region"]),
        "settled": (documents.get("function") or {}).get("state", "ACTIVE") == "ACTIVE",
        "passes_on": _passes_on(documents),
    }


def _passes_on(documents: dict[str, typing.Any]) -> dict[str, list[str]]:
    """Paths and methods that the function passes on; nothing where there is none, or it is not our forwarding one."""
    told = ((documents.get("function") or {}).get("serviceConfig") or {}).get("environmentVariables") or {}
    found = {key: str(told.get(f"FORWARD_{key.upper()}") or "").split(",") for key in ("paths", "methods")}
    return found if all(all(texts) for texts in found.values()) else {}


def _calls_from(documents: dict[str, typing.Any], region: str) -> str:
    """The range from which the function is configured to call; nothing where it has no way in, or that is gone."""
    service = (documents.get("function") or {}).get("serviceConfig") or {}
    if service.get("vpcConnector"):
        listed = [one for one in documents.get("connectors") or [] if f"/locations/{region}/" in str(one.get("name"))]
        used = [service["vpcConnector"]]
    else:
        listed = documents.get(f"subnets {region}")
        used = [one.get("subnetwork") or one.get("network") for one in service.get("directVpcNetworkInterface") or []]
    names = {str(path).rsplit("/", 1)[-1] for path in used}
    ranges = [one.get("ipCidrRange") for one in listed or [] if str(one.get("name")).rsplit("/", 1)[-1] in names]
    return str(ranges[0] or "") if ranges else ""


def check_live(facts: dict, documents: dict[str, typing.Any], connectors: dict[str, str]) -> list[Problem]:
    """All problems with what exists."""
    if documents.get("project") is None:
        return project_problems(facts, None)
    return [
        *project_problems(facts, documents["project"]),
        *subnet_problems(facts, documents, {facts["egress"]["subnet"]: ("egress.range", facts["egress"]["range"])}),
        *_existing_way(facts),
        *_connectors(facts, connectors),
        *_keys(facts, documents.get("keys")),
        *_gateway_region(facts, documents),
    ]


def _existing_way(facts: dict) -> typing.Iterator[Problem]:
    egress = facts["egress"]
    if egress["existing"] and egress["existing"] != egress["range"]:
        yield Problem(
            "egress.range",
            f"the range of an existing {'connector' if egress['connector'] else 'subnet'} stays as it is.",
            found=f"{egress['existing']}, and {egress['range']} is declared",
            fix="Leave the range out: the one that exists is used.",
        )


def _keys(facts: dict, keys: list[dict] | None) -> typing.Iterator[Problem]:
    deleted = {str(one.get("name")).rsplit("/", 1)[-1]: one["deleteTime"] for one in keys or [] if one.get("deleteTime")}
    for key in facts["gateway"]["keys"]:
        if key["name"] in deleted and not key.get("restore"):
            yield Problem(
                f"gateway.keys.{key['name']}",
                f"a key of this name was deleted on {deleted[key['name']][:10]}.",
                because="Google keeps a deleted key for 30 days, and its name with it.",
                fix="Choose another name, or write restore: true to bring it back; its string is good again then.",
            )


def _gateway_region(facts: dict, documents: dict[str, typing.Any]) -> typing.Iterator[Problem]:
    """Regions are only asked for where the one that is stated is not known to have API Gateway."""
    region = facts["gateway"]["region"]
    if "gateway_regions" not in documents:
        return
    places = documents["gateway_regions"]
    names = sorted({str(place["name"]).rsplit("/", 1)[-1] for place in places or []} - {"global"})
    if region in names:
        return
    known = one_or_list(names or list(gateway_derive.REGIONS))
    yield Problem(
        "gateway.region",
        "is no region of API Gateway." if names else "is not known to be a region of API Gateway.",
        region,
        because="" if names else f"{GATEWAY_API} is not enabled, so Google cannot be asked.",
        fix=f"Name one of {known}; it may differ from the function's."
        + ("" if names else f" Or enable {GATEWAY_API} in the project, and Google is asked."),
    )


def _connectors(facts: dict, connectors: dict[str, str]) -> typing.Iterator[Problem]:
    others = {
        f"connector {name}": parsed
        for name, text in connectors.items()
        if name != facts["egress"]["connector"] and (parsed := addresses.parse(text))
    }
    parsed = addresses.parse(facts["egress"]["range"] or "")
    other = addresses.overlapping(parsed, others) if parsed else None
    if other:
        yield Problem(
            "egress.range",
            f"overlaps the range of {other} in network {facts['network']}.",
            found=f"{facts['egress']['range']} and {others[other]}",
            fix="Set another range, or leave it out so that one is chosen.",
        )
