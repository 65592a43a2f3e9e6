# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A GKE Ingress, or a Gateway, that admits Apigee alone: what is declared, what is wrong with it, and the entries that follow.

Private to this collection. Functions take the variables of role ``cloud_armor_ingress`` without their prefix, with the
defaults that ``declared`` fills in. Sources: GKE "Ingress features", ingress-gce, Cloud Armor "security policies".
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing

from .problems import Problem, one_or_list

_DOCS = "docs/ingress.md"
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,48}[a-z0-9])?")
_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
NAT_NAME = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?")
#: Ranges from which Google's front ends call pods, and check their health. Source: Google "Firewall rules" of load balancing.
GOOGLE_RANGES = ("35.191.0.0/16", "130.211.0.0/22")
#: Seconds that Google's front ends keep an idle connection to a pod. A pod has to keep it longer.
KEEPALIVE_SECONDS = 600

_DEFAULTS: dict[str, typing.Any] = {
    "organization": "",
    "form": "ingress",
    "exposure": "external",
    "namespace": "default",
    "hosts": [],
    "services": [],
    "paths": [],
    "default_service": "",
    "certificate": {},
    "http": "",
    "ssl_policy": "",
    "protect": True,
    "policy": "",
    "sources": [],
    "nat_addresses": [],
    "preview": False,
    "address_name": "",
    "subnetwork": "",
    "network_policy": False,
    "proxy_ranges": [],
}
_SERVICE_DEFAULTS: dict[str, typing.Any] = {
    "port": 80,
    "selector": {},
    "sample": {},
    "timeout": 30,
    "drain": 30,
    "logging": False,
}
_HEALTH_DEFAULTS: dict[str, typing.Any] = {
    "type": "HTTP",
    "path": "/",
    "interval": 5,
    "timeout": 3,
    "healthy": 1,
    "unhealthy": 2,
}


def _stated(values: dict | None) -> dict:
    return {key: value for key, value in (values or {}).items() if value is not None}


def declared(role: dict) -> dict:
    """The variables with the defaults of the role's specification, which Ansible checks but does not fill in."""
    result = {**_DEFAULTS, **_stated(role)}
    result["services"] = [_service(service) for service in result["services"]]
    result["certificate"] = _stated(result["certificate"])
    names = [service["name"] for service in result["services"]]
    result["paths"] = [{"path": "/", "path_type": "Prefix", **_stated(path)} for path in result["paths"]]
    if not result["paths"] and len(names) == 1:
        result["paths"] = [{"path": "/", "path_type": "Prefix", "service": names[0]}]
    result["policy"] = result["policy"] or result["name"]
    result["address_name"] = result["address_name"] or result["name"]
    result["http"] = result["http"] or ("none" if result["certificate"] else "")
    # An internal balancer takes no global policy. Whoever is in the network reaches it.
    result["protected"] = bool(result["protect"]) and result["exposure"] == "external"
    return result


def _service(service: dict) -> dict:
    found = {**_SERVICE_DEFAULTS, **_stated(service)}
    found["health_check"] = {**_HEALTH_DEFAULTS, **_stated(service.get("health_check"))}
    sample = _stated(found["sample"])
    if sample and not (service.get("health_check") or {}).get("path"):
        found["health_check"]["path"] = sample.get("readiness_path") or "/healthz"
    found["health_check"]["port"] = found["health_check"].get("port") or found.get("target_port")
    return {**found, "sample": sample}


def empty_service(role: dict) -> str:
    """Name of the Service without pods that answers for nobody: the default backend, unless one is declared."""
    return role["default_service"] or f"{role['name']}-nothing"


# -- what is wrong -------------------------------------------------------------------------------------------------


def problems(role: dict, cluster: dict | None = None, prefix: str = "cloud_armor_ingress_") -> list[str]:
    """A paragraph for everything that is wrong with what is declared, before anything is made.

    Args:
        role: as ``declared`` gives it.
        cluster: what module ``gke_cluster_info`` says of the cluster; None where there is none yet.
        prefix: what stands before the names of the variables.
    """
    return [problem.as_text() for problem in check(role, prefix) + cluster_problems(role, cluster)]


def check(role: dict, prefix: str = "") -> list[Problem]:
    """All problems of the declaration in itself."""
    found = [
        *_names(role),
        *_services(role),
        *_paths(role),
        *_encryption(role),
        *_callers(role),
        *_inside(role),
    ]
    return [dataclasses.replace(one, path=f"{prefix}{one.path}") for one in found]


def _names(role: dict) -> typing.Iterator[Problem]:
    meaning = "1 to 50 lower-case letters, digits and hyphens, starting with a letter"
    if not _NAME.fullmatch(role.get("name") or ""):
        yield Problem(
            "name", f"must be {meaning}.", repr(role.get("name")), fix="Objects at Google are named after it."
        )
    for host in role["hosts"]:
        if not _HOST.fullmatch(host):
            yield Problem(
                "hosts",
                "must be host names in lower case without scheme, port or path.",
                repr(host),
                fix="For example shop.example.com.",
            )


def _services(role: dict) -> typing.Iterator[Problem]:
    seen: set[str] = set()
    if not role["services"]:
        yield Problem("services", "at least one is needed.", fix="[{name: shop, target_port: 8080}]")
    for index, service in enumerate(role["services"]):
        path = f"services[{service.get('name') or index}]"
        if service["name"] in seen:
            yield Problem(path, "is declared twice.", fix="Leave one of them out.")
        seen.add(service["name"])
        for option in ("port", "target_port"):
            port = service.get(option)
            if port is None or not 0 < int(port) < 65536:
                yield Problem(f"{path}.{option}", "is no port.", repr(port), fix="Choose one from 1 to 65535.")
        health = service["health_check"]
        if not str(health["path"]).startswith("/"):
            yield Problem(
                f"{path}.health_check.path", "must start with a slash.", repr(health["path"]), fix="Such as /healthz."
            )
        if int(health["timeout"]) > int(health["interval"]):
            yield Problem(
                f"{path}.health_check.timeout",
                "is longer than the interval.",
                f"{health['timeout']} s and {health['interval']} s",
                fix="Give interval more, or timeout less.",
            )


def _paths(role: dict) -> typing.Iterator[Problem]:
    names = [service["name"] for service in role["services"]]
    if not role["paths"] and len(names) > 1:
        yield Problem(
            "paths", "is needed because there are several services.", fix=f"[{{path: /, service: {names[0]}}}]"
        )
    for path in role["paths"]:
        if path.get("service") not in names:
            yield Problem(
                f"paths[{path['path']}].service",
                "is no service that is declared.",
                repr(path.get("service")),
                fix=f"Name {one_or_list(names)}.",
            )
        if not str(path["path"]).startswith("/"):
            yield Problem(f"paths[{path['path']}]", "must start with a slash.", fix=f"Write /{path['path']}.")
    if role["default_service"] and role["default_service"] not in names:
        yield Problem(
            "default_service",
            "is no service that is declared.",
            role["default_service"],
            because="A default backend that is not ours has no security policy: it would answer everybody.",
            fix=f"Name {one_or_list(names)}, or leave it out, and one that answers nobody is made.",
            docs=f"{_DOCS}#the-default-backend",
        )


def _encryption(role: dict) -> typing.Iterator[Problem]:
    certificate, http = role["certificate"], role["http"]
    kinds = [kind for kind in ("secret", "managed", "pre_shared") if certificate.get(kind)]
    if len(kinds) > 1:
        yield Problem("certificate", f"{one_or_list(kinds)} exclude each other.", fix="Keep one.")
    if certificate and not kinds:
        yield Problem(
            "certificate", "names no certificate.", fix="{secret: shop-tls}, {managed: true} or {pre_shared: shop}."
        )
    if not certificate and not http:
        yield Problem(
            "certificate",
            "is required: calls would cross the internet in plain text.",
            fix="{secret: shop-tls}, {managed: true} or {pre_shared: shop}; where that is meant, http: plain.",
        )
    if not certificate and http in ("none", "redirect"):
        yield Problem(
            "http", f"is {http}, and there is no certificate, so nothing would answer.", fix="State certificate."
        )
    if role["ssl_policy"] and not certificate:
        yield Problem("ssl_policy", "is for HTTPS, and there is no certificate.", fix="State certificate, or leave it out.")
    if role["ssl_policy"] and role["exposure"] == "internal" and role["form"] == "ingress":
        yield Problem(
            "ssl_policy",
            "an internal Ingress has none.",
            role["ssl_policy"],
            because="GKE heeds one of internal load balancers for Gateways alone, and then a regional one.",
            fix="form: gateway; or leave it out.",
            docs=f"{_DOCS}#internal",
        )
    if certificate.get("managed"):
        if role["exposure"] == "internal":
            yield Problem(
                "certificate.managed", "is for external Ingresses alone.", fix="{secret: ...} or {pre_shared: ...}."
            )
        if role["form"] == "gateway":
            yield Problem(
                "certificate.managed",
                "is for the form ingress alone.",
                because="GKE reads ManagedCertificate for Ingresses alone.",
                fix="{pre_shared: ...} with the name of a certificate of Compute Engine, which may be one that Google manages.",
            )
        if not role["hosts"] or any(host.startswith("*") for host in role["hosts"]):
            yield Problem(
                "hosts",
                "must name every host, because Google issues the certificate for them.",
                ", ".join(role["hosts"]) or "none",
                fix="Name them, without wildcards.",
            )
    if http == "redirect" and role["exposure"] == "internal" and role["form"] == "ingress":
        yield Problem("http", "an internal Ingress redirects nobody.", "redirect", fix="none or plain.")


def _callers(role: dict) -> typing.Iterator[Problem]:
    for index, text in enumerate(role["sources"]):
        try:
            network = ipaddress.ip_network(text)
        except ValueError as error:
            yield Problem(
                f"sources[{index}]",
                "is no range.",
                str(text),
                because=str(error),
                fix="Such as 203.0.113.8/32 or 2001:db8:7::/64.",
            )
            continue
        if network.prefixlen == 0:
            yield Problem(
                f"sources[{index}]",
                "is everybody.",
                str(text),
                because="A policy that admits everybody keeps nobody out.",
                fix="Name the callers' ranges; or protect: false for an Ingress without a policy.",
            )
    for index, one in enumerate(role["nat_addresses"]):
        if not NAT_NAME.fullmatch(str(one.get("name"))) or not one.get("instance"):
            yield Problem(
                f"nat_addresses[{index}]",
                "needs an instance, and a name of at most 20 lower-case letters, digits and hyphens.",
                f"{one.get('instance')}/{one.get('name')}",
                fix="{instance: europe-west1, name: shop-1}",
            )
    if role["protected"] and not role["sources"] and not role["nat_addresses"]:
        yield Problem(
            "sources",
            "nobody would be admitted.",
            because="Neither NAT addresses of an Apigee instance nor ranges are stated.",
            fix="nat_addresses for Apigee X; apigee_source_ranges for Edge, which publishes none: ask whoever runs it.",
            docs=f"{_DOCS}#whom-the-policy-admits",
        )


def _inside(role: dict) -> typing.Iterator[Problem]:
    if role["exposure"] != "internal":
        return
    if role["preview"]:
        yield Problem("preview", "is for a policy, and an internal load balancer has none.", fix="Leave it out.")
    if role["sources"] or role["nat_addresses"]:
        yield Problem(
            "exposure",
            "an internal load balancer cannot tell Apigee by its address.",
            "internal, with sources or nat_addresses",
            because="Apigee calls it through the peering, from the instance's private range, and GKE attaches no policy to it.",
            fix="Leave sources and nat_addresses out; or exposure: external.",
            docs=f"{_DOCS}#internal",
        )


def cluster_problems(role: dict, cluster: dict | None) -> list[Problem]:
    """What the cluster lacks. ``cluster``: as module ``gke_cluster_info`` gives it; None where there is none yet."""
    found = []
    add_ons = (cluster or {}).get("addons") or {}
    name = (cluster or {}).get("name") or ""
    if cluster is not None and add_ons.get("http_load_balancing") is False:
        found.append(
            Problem(
                f"cluster {name}",
                "its add-on HTTP load balancing is off, so nobody would act on the Ingress.",
                found="addonsConfig.httpLoadBalancing.disabled: true",
                fix=f"gcloud container clusters update {name} --update-addons HttpLoadBalancing=ENABLED",
                docs=f"{_DOCS}#requirements",
            )
        )
    channel = (cluster or {}).get("gateway_api_channel")
    if cluster is not None and role["form"] == "gateway" and channel != "CHANNEL_STANDARD":
        found.append(
            Problem(
                f"cluster {name}",
                "does not know the kind Gateway.",
                found=f"gateway API channel {channel or 'CHANNEL_DISABLED'}",
                fix=f"gcloud container clusters update {name} --gateway-api=standard; or form: ingress.",
                docs=f"{_DOCS}#requirements",
            )
        )
    return found


# -- entries of the plural module ----------------------------------------------------------------------------------


def reservations(role: dict) -> list[dict]:
    """Addresses of Apigee, the policy that admits them, and the balancer's own address.

    The engine brings them into order: reserved, admitted, used; given back, withdrawn.
    """
    project = role["project"]
    where = {"project": project, **({"organization": role["organization"]} if role["organization"] else {})}
    result: list[dict[str, typing.Any]] = [
        {"kind": "apigee_nat_address", **where, "instance": one["instance"], "name": one["name"], "active": True}
        for one in role["nat_addresses"]
    ]
    if role["protected"]:
        result.append(policy(role))
    return [*result, address(role)]


def policy(role: dict) -> dict:
    """The security policy: the callers, and nobody else."""
    organization = role["organization"] or role["project"]
    callers = "Apigee" if role["nat_addresses"] else "Declared ranges"
    rule: dict[str, typing.Any] = {"action": "allow", "description": callers, "source_ranges": list(role["sources"])}
    if role["nat_addresses"]:
        rule["apigee_nat_addresses"] = [
            f"organizations/{organization}/instances/{one['instance']}/natAddresses/{one['name']}"
            for one in role["nat_addresses"]
        ]
    return {
        "kind": "compute_security_policy",
        "project": role["project"],
        "name": role["policy"],
        "description": f"Who may call {role['name']}",
        "rules": [rule],
        "default_action": "deny(403)",
        "default_preview": bool(role["preview"]),
    }


def address(role: dict) -> dict:
    """The static address of the balancer: a target in Apigee that does not move."""
    entry = {"project": role["project"], "name": role["address_name"]}
    if role["exposure"] == "external":
        return {"kind": "compute_global_address", **entry, "address_type": "EXTERNAL"}
    return {
        "kind": "compute_address",
        **entry,
        "region": role["region"],
        "subnetwork": role["subnetwork"],
        "address_type": "INTERNAL",
        "purpose": "SHARED_LOADBALANCER_VIP",
    }


def reserved(results: list[dict], name: str) -> str:
    """The balancer's address among entries that the plural module returned; empty in a preview that would reserve it."""
    for entry in results:
        if entry.get("kind") in ("compute_global_address", "compute_address") and entry.get("name") == name:
            return str((entry.get("resource") or {}).get("address") or "")
    return ""


def attachment(role: dict, before: dict | None, found: dict | None, preview: bool = False) -> list[dict]:
    """What became of the policy on the balancer's backend services, in the shape in which resources are reported.

    Args:
        role: as ``declared`` gives it.
        before: what module ``gke_ingress_info`` found before anything was done.
        found: what it found in the end; in a preview the same as before.
        preview: in check mode.
    """
    if not role["protected"]:
        return []
    then = {one["name"]: one["policy"] for one in (before or {}).get("backends") or []}
    now = {one["name"]: one["policy"] for one in (found or {}).get("backends") or []}
    wanted = role["policy"]
    changed = [
        {"field": f"securityPolicy of {name}", "before": then.get(name) or None, "after": wanted}
        for name, policy_now in now.items()
        if then.get(name, "") != (wanted if preview else policy_now)
    ]
    new = not then
    action = "created" if new else "updated" if changed else "unchanged"
    return [
        {
            "kind": "policy attachment",
            "name": f"{role['cluster']}/{role['namespace']}/{role['name']}",
            "action": action,
            "changes": [] if new else changed,
            "resource": {"policy": wanted, "backends": sorted(now)},
        }
    ]
