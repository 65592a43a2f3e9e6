# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a project has beside a declaration of a private service: the same names used by others, and what was renamed.

Private to this collection. Several declarations may share a project, and names do not say which of them they belong to.
"""

from __future__ import annotations

import typing

from .._engine.ownership import LABEL, LABEL_VALUE
from . import balancers
from .problems import Problem

Read = typing.Callable[[], typing.Any]
#: Who may not read these is told less, and keeps more at a removal; it is no reason to stop.
OPTIONAL = ("functions", "gateways", "configs")
_DOCS = "docs/api-gateway.md#several-declarations"


def reads(wire: typing.Any, site: dict, removal: bool) -> dict[str, Read]:
    """What the functions below want to know.

    Args:
        wire: a ``_google.session.Wire``.
        site: the facts derived offline.
        removal: whether it is to be removed, when configs may keep an account.
    """
    project = site["project"]
    gateways = f"v1/projects/{project}/locations/-/gateways"
    functions = f"v2/projects/{project}/locations/-/functions"
    records = f"dns/v1/projects/{project}/managedZones/{balancers.zone_name(site['domain'])}/rrsets"
    found: dict[str, Read] = {
        "functions": lambda: wire.pages("cloudfunctions", functions, "functions"),
        "gateways": lambda: wire.pages("apigateway", gateways, "gateways"),
        "records": lambda: wire.pages("dns", records, "rrsets"),
        "balancer_addresses": lambda: wire.aggregated(f"compute/v1/projects/{project}/aggregated/addresses", "addresses"),
    }
    if removal:
        found["configs"] = lambda: _configs(wire, project)
    return found


def _configs(wire: typing.Any, project: str) -> list[dict]:
    """Configs of all APIs."""
    parent = f"v1/projects/{project}/locations/global/apis"
    apis = [_last(one.get("name")) for one in wire.pages("apigateway", parent, "apis")]
    return [one for api in apis for one in wire.pages("apigateway", f"{parent}/{api}/configs", "apiConfigs")]


def _last(path: typing.Any) -> str:
    return str(path or "").rsplit("/", 1)[-1]


def _place(path: typing.Any) -> tuple[str, str]:
    """Location and name of ``projects/ID/locations/LOCATION/COLLECTION/NAME``."""
    parts = str(path or "").split("/")
    return (parts[3], parts[-1]) if len(parts) > 5 else ("", parts[-1])


# -- names in the zone ------------------------------------------------------------------------------------------------


def disputed(facts: dict, documents: dict[str, typing.Any]) -> dict[str, tuple[str, dict]]:
    """Services whose private name leads to somebody else's reserved address, by name, each with that and its reservation.

    Zone and record name neither network nor region. A record that leads to no reserved address is a stale one of ours.
    """
    led = {
        str(one.get("name")).rstrip("."): [str(text) for text in one.get("rrdatas") or []]
        for one in documents.get("records") or []
        if one.get("type") == "A"
    }
    reserved: dict[str, list[dict]] = {}
    for one in documents.get("balancer_addresses") or []:
        if one.get("addressType") == "INTERNAL" and not one.get("prefixLength"):
            reserved.setdefault(str(one.get("address")), []).append(one)
    found: dict[str, tuple[str, dict]] = {}
    for service in facts["services"]:
        for address in led.get(service["host"], []):
            holders = reserved.get(address) or []
            if holders and not any(_is_ours(one, service) for one in holders):
                found[service["name"]] = (address, holders[0])
    return found


def _is_ours(address: dict, service: dict) -> bool:
    return (address.get("name"), _last(address.get("region")), _last(address.get("subnetwork"))) == (
        balancers.address_name(service),
        service["region"],
        service["subnetwork"],
    )


def name_problems(facts: dict, documents: dict[str, typing.Any]) -> typing.Iterator[Problem]:
    """Private names that another declaration of the project has."""
    hosts = {service["name"]: service["host"] for service in facts["services"]}
    for name, (address, holder) in disputed(facts, documents).items():
        where = f"{_last(holder.get('subnetwork'))} in {_last(holder.get('region'))}"
        yield Problem(
            f"services[{name}]",
            f"its private name {hosts[name]} leads to a load balancer that is not of this declaration.",
            found=f"{address}, reserved as {holder.get('name')} in subnet {where}",
            because="A private name has one address: each run would take the name from the other declaration's function.",
            fix="Set another domain, or another name for the service. Where the other one is not needed any more, remove the "
            f"record first: module dns_record_set, managed_zone: {balancers.zone_name(facts['domain'])}, "
            f"name: {hosts[name]}, type: A, state: absent.",
            docs=_DOCS,
        )


# -- at a removal -----------------------------------------------------------------------------------------------------


def accounts_of_others(facts: dict, documents: dict[str, typing.Any], unknown: typing.Container[str]) -> dict[str, str]:
    """The declaration's accounts that somebody else runs as, each with who that is.

    Args:
        facts: of the declaration that is to be removed.
        documents: as ``reads`` brought them.
        unknown: those of them that could not be read.
    """
    own_function = (facts["function"]["region"], facts["function"]["name"])
    own_gateway = (facts["gateway"]["region"], facts["gateway"]["name"])
    users: dict[str, list[str]] = {}
    for one in documents.get("functions") or []:
        if _place(one.get("name")) != own_function:
            region, name = _place(one.get("name"))
            email = (one.get("serviceConfig") or {}).get("serviceAccountEmail")
            users.setdefault(str(email), []).append(f"function {name} in {region}")
    # Below locations/, as Google writes the project now by its id and now by its number.
    served = {
        str(one.get("apiConfig")).partition("/locations/")[2]
        for one in documents.get("gateways") or []
        if _place(one.get("name")) != own_gateway
    }
    for one in documents.get("configs") or []:
        place = str(one.get("name")).partition("/locations/")[2]
        api = place.split("/")[2] if place.count("/") > 2 else ""
        # Those of the declaration's API go with it, but for what another gateway serves.
        if api != facts["gateway"]["api"] or place in served:
            users.setdefault(_last(one.get("gatewayServiceAccount")), []).append(f"config {_last(place)} of API {api}")
    missing = [name for name in OPTIONAL if name in unknown]
    found = {}
    for email in (facts["function"]["service_account"], facts["gateway"]["service_account"]):
        if users.get(email):
            found[email] = f"{', '.join(sorted(users[email]))} runs as it"
        elif missing:
            found[email] = f"{' and '.join(missing)} may not be listed, which might run as it"
    return found


def peered(documents: dict[str, typing.Any]) -> list[str]:
    """Ranges of the network that are reserved for a peering, by which a site of Apigee marks that it uses it."""
    return sorted(one["name"] for one in documents.get("addresses") or [] if one.get("purpose") == "VPC_PEERING")


def removal_warnings(facts: dict, shared: dict) -> typing.Iterator[str]:
    """What a removal leaves, and why.

    Args:
        facts: of the declaration.
        shared: ``accounts``, ``names`` and ``ranges`` as the functions above gave them.
    """
    for email, why in shared["accounts"].items():
        yield f"Service account {email} stays, because {why}."
    for name, (address, _holder) in shared["names"].items():
        yield f"The private name of service {name} stays, because it leads to {address}, which is not of this declaration."
    if shared["ranges"]:
        clusters = ", ".join(cluster["name"] for cluster in facts["clusters"])
        yield (
            f"Network {facts['network']} and clusters {clusters} stay, because range {', '.join(shared['ranges'])} is reserved "
            "in it for a peering, as apigee_gke does. If nothing needs them any more: -e api_gateway_gke_teardown_clusters=true."
        )


# -- what was renamed -------------------------------------------------------------------------------------------------


def forgotten(facts: dict, documents: dict[str, typing.Any]) -> typing.Iterator[str]:
    """Gateways and functions of this collection that serve what is declared, under names that are not."""
    gateway, function = facts["gateway"], facts["function"]
    for one in documents.get("gateways") or []:
        region, name = _place(one.get("name"))
        serves = f"/apis/{gateway['api']}/configs/" in str(one.get("apiConfig"))
        if _ours(one) and serves and (region, name) != (gateway["region"], gateway["name"]):
            yield (
                f"Gateway {name} in {region} serves API {gateway['api']} as well, and is not declared here: the same keys are good "
                "for it. Unless another declaration names it, remove it: module api_gateway_gateway, state: absent."
            )
    for one in documents.get("functions") or []:
        region, name = _place(one.get("name"))
        told = ((one.get("serviceConfig") or {}).get("environmentVariables") or {}).get("FORWARD_TO") or ""
        host = str(told).partition("://")[2].partition(":")[0].partition("/")[0]
        if not _ours(one) or not host.endswith(f".{facts['domain']}") or region != function["region"]:
            continue
        if name != function["name"]:
            yield (
                f"Function {name} in {region} passes calls on to {host}, and is not declared here. Unless another declaration "
                "names it, remove it: module cloud_function, state: absent."
            )


def _ours(document: dict) -> bool:
    return (document.get("labels") or {}).get(LABEL) == LABEL_VALUE
