# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Internal load balancers of Services on GKE: what is declared, what is wrong with it, and the objects that follow.

Private to this collection. Sources: GKE's documentation "LoadBalancer Service parameters"; ingress-gce, which acts on them.
"""

from __future__ import annotations

import ipaddress
import re
import typing

from . import manifests
from .problems import Problem, one_or_list

LOAD_BALANCER_CLASS = "networking.gke.io/l4-regional-internal"
TYPE = "networking.gke.io/load-balancer-type"
GLOBAL_ACCESS = "networking.gke.io/internal-load-balancer-allow-global-access"
ADDRESSES = "networking.gke.io/load-balancer-ip-addresses"
#: From this minor version on every cluster has subsetting, which classes and named addresses need.
SUBSETTING_SINCE = (1, 36)
CLASS_SINCE = (1, 33, 1, 1779000)
NAMES_SINCE = (1, 29)
#: What an address is said to be in check mode, before it exists.
UNKNOWN = "0.0.0.0"
RECORD_TTL = 60
#: curl's exit statuses for an address where nobody answered in time, or nothing listens.
_SILENT = (7, 28)


_DEFAULTS: dict[str, typing.Any] = {
    "namespace": "default",
    "port": 80,
    "selector": {},
    "sample": {},
    "address": "",
    "address_name": "",
    "global_access": False,
    "source_ranges": [],
    "client_regions": [],
    "host": "",
}


def declared(services: list[dict]) -> list[dict]:
    """The load balancers with the defaults of the role's specification, which Ansible checks but does not fill in."""
    return [
        {**_DEFAULTS, **{key: value for key, value in service.items() if value is not None}} for service in services
    ]


def problems(
    services: list[dict], connections: dict[str, dict], domain: str = "", clusters_missing: bool = False
) -> list[str]:
    """A paragraph for everything that is wrong with what is declared.

    Args:
        services: as role ``internal_load_balancer`` takes them.
        connections: the clusters that are known, by name.
        domain: of the private zone.
        clusters_missing: whether clusters may be unknown: those that check mode would make, or that are gone already.
    """
    found: list[Problem] = []
    seen: dict[tuple, int] = {}
    taken: dict[tuple, str] = {}
    for index, service in enumerate(services):
        path = f"internal_load_balancer_services[{index}]"
        key = (service["cluster"], service["namespace"], service["name"])
        if key in seen:
            found.append(
                Problem(
                    path,
                    "is declared twice.",
                    found=f"namespace {key[1]}, name {key[2]}, cluster {key[0]}",
                    because=f"internal_load_balancer_services[{seen[key]}] names the same Service.",
                    fix="Leave one of them out.",
                )
            )
        seen.setdefault(key, index)
        if service["cluster"] not in connections and not clusters_missing:
            found.append(
                Problem(
                    f"{path}.cluster",
                    "is a cluster that is not known.",
                    found=service["cluster"],
                    fix=f"Name {one_or_list(sorted(connections)) or 'one in internal_load_balancer_connections'}.",
                )
            )
        found += _ports(path, service)
        found += _address(path, service, taken)
        found += _sources(path, service)
        found += _regions(path, service)
        found += _host(path, service, domain)
    return [problem.as_text() for problem in found]


def _ports(path: str, service: dict) -> typing.Iterator[Problem]:
    for name in ("port", "target_port"):
        port = service.get(name)
        if port is not None and not 0 < int(port) < 65536:
            yield Problem(f"{path}.{name}", "is no port.", found=str(port), fix="Choose one from 1 to 65535.")


def _address(path: str, service: dict, taken: dict[tuple, str]) -> typing.Iterator[Problem]:
    text = service.get("address")
    if not text:
        return
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        address = None
    if address is None or not address.is_private:
        yield Problem(
            f"{path}.address",
            "is no private IPv4 address.",
            found=text,
            because="An internal load balancer has an address of its subnet.",
            fix=f"Take a free one of subnet {service['subnetwork']}, or leave it out and Google chooses one.",
        )
    other = taken.setdefault((service.get("region"), text), service["name"])
    if other != service["name"]:
        yield Problem(
            f"{path}.address",
            "belongs to another load balancer.",
            found=text,
            because=f"{other} is to have it.",
            fix="Give each its own, or leave it out.",
        )


def _sources(path: str, service: dict) -> typing.Iterator[Problem]:
    for index, text in enumerate(service.get("source_ranges") or []):
        try:
            ipaddress.IPv4Network(text)
        except ValueError as error:
            yield Problem(
                f"{path}.source_ranges[{index}]",
                "is no IPv4 range.",
                found=str(text),
                because=str(error),
                fix="Write it like 10.8.0.0/28, with the first address of the range.",
            )


def _regions(path: str, service: dict) -> typing.Iterator[Problem]:
    if service.get("global_access"):
        return
    far = [each for each in service.get("client_regions") or [] if each != service["region"]]
    if far:
        yield Problem(
            f"{path}.global_access",
            f"clients in {one_or_list(far)} would not reach it.",
            found=f"the load balancer is in {service['region']}",
            because="Without global access an internal load balancer answers clients in its own region alone.",
            fix="Set global_access: true, or move the clients.",
        )


def _host(path: str, service: dict, domain: str) -> typing.Iterator[Problem]:
    host, suffix = (text.rstrip(".").lower() for text in (service.get("host") or "", domain or ""))
    if host and not suffix:
        yield Problem(
            f"{path}.host",
            "has no zone that it could be in.",
            found=host,
            fix="Set internal_load_balancer_domain, or leave host out.",
        )
    elif host and not host.endswith(f".{suffix}"):
        yield Problem(
            f"{path}.host",
            "is not inside the zone.",
            found=host,
            because=f"internal_load_balancer_domain is {suffix}.",
            fix=f"Write a name such as {service['name']}.{suffix}.",
        )


def address_name(service: dict) -> str:
    """Name of the reserved address."""
    return service.get("address_name") or service["name"]


def zone_name(domain: str) -> str:
    """Name in Cloud DNS of the private zone of a domain."""
    return re.sub(r"[^a-z0-9-]", "-", domain.rstrip(".").lower())[:63].strip("-")


def reservations(role: dict, removal: bool = False) -> list[dict]:
    """Entries of the plural module: an address for each load balancer, and the zone for their names.

    Args:
        role: variables of the role without their prefix.
        removal: whether they are to be removed. The zone goes with the names.
    """
    result = []
    for service in role["services"]:
        entry = {
            "kind": "compute_address",
            "project": role["project"],
            "name": address_name(service),
            "region": service["region"],
            "subnetwork": service["subnetwork"],
            "address_type": "INTERNAL",
        }
        if service.get("address"):
            entry["address"] = service["address"]
        result.append(entry)
    if _named(role) and not removal:
        result.append(_zone(role))
    return result


def _zone(role: dict) -> dict:
    return {
        "kind": "dns_managed_zone",
        "project": role["project"],
        "name": zone_name(role["domain"]),
        "dns_name": role["domain"].rstrip(".") + ".",
        "networks": [role["network"]],
        # Two declarations of one project may have one domain, each for a network of its own.
        "shared": True,
    }


def records(role: dict, known: dict[str, str], removal: bool = False, preview: bool = False) -> list[dict]:
    """Entries of the plural module: the names. In check mode one may lead to ``0.0.0.0``, an address still to be chosen.

    Args:
        role: variables of the role without their prefix.
        known: addresses by name, as ``addresses`` gives them.
        removal: whether they are to be removed, for which no address is needed; the zone goes with its last name.
        preview: in check mode, in which the zone that they are in may still be to be made, and so is among them.
    """
    result = [_zone(role)] if (preview or removal) and _named(role) else []
    for service in _named(role):
        entry = {
            "kind": "dns_record_set",
            "project": role["project"],
            "managed_zone": zone_name(role["domain"]),
            "name": service["host"].rstrip(".") + ".",
            "type": "A",
        }
        result.append(entry if removal else {**entry, "ttl": RECORD_TTL, "rrdatas": [known[service["name"]]]})
    return result


def _named(role: dict) -> list[dict]:
    return [service for service in role["services"] if service.get("host")]


def addresses(services: list[dict], results: list[dict]) -> dict[str, str]:
    """The address of each load balancer by the name of its Service; ``0.0.0.0`` for one that check mode would reserve.

    Args:
        services: as the role takes them.
        results: entries that the plural module returned.
    """
    reserved = {
        (found.get("name"), str(found.get("region")).rsplit("/", maxsplit=1)[-1]): found.get("address")
        for found in (entry.get("resource") or {} for entry in results if entry.get("kind") == "compute_address")
    }
    return {
        service["name"]: service.get("address") or reserved.get((address_name(service), service["region"])) or UNKNOWN
        for service in services
    }


def definitions(
    services: list[dict], found: dict | None, known: dict[str, str] | None = None, subsetting: bool = False
) -> list[dict]:
    """Definitions of the Services of one cluster, and of the samples asked for, in an order in which they can be made.

    Args:
        services: of the cluster.
        found: what module ``internal_load_balancer_info`` returned; None or empty where there is no cluster yet.
        known: addresses by name, as ``addresses`` gives them.
        subsetting: whether a cluster of a version that does not have it by itself has subsetting.
    """
    samples = [service for service in services if service.get("sample")]
    namespaces = list(dict.fromkeys(service["namespace"] for service in samples))
    there = _by_place(found)
    version = _version((found or {}).get("server_version") or "")
    return [
        *(manifests.namespace_definition(name) for name in namespaces if name != "default"),
        *(manifests.sample_definition({**service, "port": service["target_port"]}) for service in samples),
        *(
            _service(
                service,
                there.get((service["namespace"], service["name"])) or {},
                (known or {}).get(service["name"]) or UNKNOWN,
                version,
                subsetting,
            )
            for service in services
        ),
    ]


def _version(text: str) -> tuple[int, ...]:
    """The parts of a version such as ``v1.36.2-gke.1203000``; of one that cannot be read, the newest is assumed."""
    return tuple(int(part) for part in re.findall(r"\d+", text)[:4]) or SUBSETTING_SINCE


def _service(service: dict, found: dict, address: str, version: tuple[int, ...], subsetting: bool) -> dict:
    capable = version >= SUBSETTING_SINCE or (subsetting and version >= CLASS_SINCE)
    # A class cannot be changed, nor given to a Service that has a load balancer already.
    by_class = found["load_balancer_class"] == LOAD_BALANCER_CLASS if found.get("is_load_balancer") else capable
    notes = {GLOBAL_ACCESS: "true" if service.get("global_access") else "false"}
    if not by_class:
        notes[TYPE] = "Internal"
    spec: dict = {
        "type": "LoadBalancer",
        "selector": manifests.selector(
            {"name": service["name"]} if service.get("sample") else {**service, "workload": None}
        ),
        "ports": [{"name": "http", "port": service["port"], "protocol": "TCP", "targetPort": service["target_port"]}],
    }
    if by_class:
        spec["loadBalancerClass"] = LOAD_BALANCER_CLASS
    if version >= SUBSETTING_SINCE or (subsetting and version >= NAMES_SINCE):
        notes[ADDRESSES] = address_name(service)
    else:
        spec["loadBalancerIP"] = address
    if service.get("source_ranges"):
        spec["loadBalancerSourceRanges"] = list(service["source_ranges"])
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": service["name"],
            "namespace": service["namespace"],
            "labels": manifests.labels(service),
            "annotations": notes,
        },
        "spec": spec,
    }


def places(services: list[dict], known: dict[str, str], before: dict | None = None) -> list[dict]:
    """The load balancers to wait for, as module ``internal_load_balancer_info`` takes them.

    Args:
        services: of a cluster.
        known: addresses by name, as ``addresses`` gives them.
        before: what that module returned before anything was made. What had its address and a pod then is left out.
    """
    earlier = _by_place(before)
    result = []
    for service in services:
        old = earlier.get((service["namespace"], service["name"])) or {}
        if old.get("address") != known[service["name"]] or not old.get("endpoints"):
            place = {"name": service["name"], "namespace": service["namespace"]}
            result.append({**place, "address": known[service["name"]]})
    return result


def _by_place(found: dict | None) -> dict[tuple[str, str], dict]:
    """What was found of each Service, by namespace and name."""
    return {(each["namespace"], each["name"]): each for each in (found or {}).get("services") or []}


def disputable(services: list[dict], found: dict | None) -> bool:
    """Whether an object that is to be made could be somebody else's.

    Args:
        services: of a cluster.
        found: what module ``internal_load_balancer_info`` returned.
    """
    there = _by_place(found)
    states = [(service, there.get((service["namespace"], service["name"])) or {}) for service in services]
    return any(not state.get("ours") and (state.get("exists") or service.get("sample")) for service, state in states)


def removed(services: list[dict], outcomes: list[dict], cluster: str) -> list[dict]:
    """Those of the Services that this run removed or found absent, not those of somebody else, which stay.

    Args:
        services: with ``name`` and ``namespace``.
        outcomes: what became of objects, as ``manifests.outcome`` says it.
        cluster: their cluster.
    """
    gone = {each["name"] for each in outcomes if each["kind"] == "Service" and each["action"] == "deleted"}
    return [each for each in services if f"{cluster}/{each['namespace']}/{each['name']}" in gone]


def probed(services: list[dict], found: dict, before: dict | None = None) -> list[dict]:
    """Those of the load balancers that a pod of their cluster may ask, and that have only now come to answer.

    Source ranges that leave the cluster's pods out leave the probe out as well.

    Args:
        services: of the cluster.
        found: what module ``internal_load_balancer_info`` returned after the wait.
        before: what it returned before anything was made.
    """
    there, earlier = _by_place(found), _by_place(before)
    result = []
    for service in services:
        key = (service["namespace"], service["name"])
        state, old = there.get(key) or {}, earlier.get(key) or {}
        pods = [each["address"] for each in state.get("endpoints") or []]
        new = old.get("address") != state.get("address") or not old.get("endpoints")
        if new and pods and _admitted(pods[0], service.get("source_ranges") or []):
            result.append(service)
    return result


def _admitted(address: str, ranges: list[str]) -> bool:
    return not ranges or any(ipaddress.ip_address(address) in ipaddress.ip_network(each) for each in ranges)


def probe(service: dict, address: str) -> list[dict]:
    """The request that a Job sends to a load balancer, as filter ``verification_job`` takes it."""
    return [{"url": f"http://{address}:{service['port']}/"}]


def answered(log: str, mark: str) -> bool:
    """Whether somebody answered the Job: by whatever HTTP status, or by bytes that are no HTTP."""
    told = re.search(rf"{re.escape(mark)} (\d+) [\d.]+ [\d.]+ (\d+)", log)
    return bool(told) and int(told[2]) not in _SILENT
