# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Application Load Balancers and Apigee's ways to the internet as the world needs them, from the stored objects."""

from __future__ import annotations

import asyncio
import ipaddress
import weakref
from typing import TYPE_CHECKING, Any

from testbed.google.services.compute.common import BASE, is_for_proxies
from testbed.http_balancing.model import (
    CHECK_FIELDS,
    REDIRECT_STATUSES,
    Backend,
    Check,
    Host,
    HttpBalancer,
    PolicyRule,
    Redirect,
)

if TYPE_CHECKING:
    from testbed.google.emulator import Emulator
    from testbed.google.store import Transaction

#: What was pushed last: a world that has it need not be told so again.
_pushed: weakref.WeakKeyDictionary[Any, tuple[Any, Any]] = weakref.WeakKeyDictionary()
_turns: weakref.WeakKeyDictionary[Any, asyncio.Lock] = weakref.WeakKeyDictionary()
_NOTHING: tuple[list[HttpBalancer], dict[str, tuple[str, ...]]] = [], {}


async def push(emulator: Emulator) -> None:
    """Bring load balancers and egress to what the store holds. Raises WorldError."""
    # One after the other: what is being pushed is what the next one differs from.
    async with _turns.setdefault(emulator, asyncio.Lock()):
        tx = emulator.store.snapshot()
        picture = balancers(tx), egress(tx)
        before = _pushed.get(emulator, _NOTHING)
        if picture[0] != before[0]:
            await emulator.world.apply_balancers(picture[0])
        if picture[1] != before[1]:
            await emulator.world.apply_egress(picture[1])
        _pushed[emulator] = picture


def forget(emulator: Emulator) -> None:
    """Begin anew: the world has been emptied."""
    _pushed.pop(emulator, None)


def egress(tx: Transaction) -> dict[str, tuple[str, ...]]:
    """Return the active NAT addresses of each Apigee instance, by its host."""
    found: dict[str, list[str]] = {}
    for key, document in tx.items("apigee/organizations/"):
        parts = key.split("/")
        if len(parts) == 7 and parts[5] == "natAddresses" and document["state"] == "ACTIVE":
            instance = tx.get("/".join(parts[:5]))
            if instance is not None and instance.get("host"):
                found.setdefault(instance["host"], []).append(document["ipAddress"])
    return {host: tuple(sorted(addresses)) for host, addresses in found.items()}


def balancers(tx: Transaction) -> list[HttpBalancer]:
    """Return every forwarding rule that leads to a proxy for HTTP or HTTPS."""
    found = []
    for key, rule in tx.items("compute/projects/"):
        if key.split("/")[-2] == "forwardingRules" and "/targetHttp" in rule.get("target", ""):
            proxy = _linked(tx, rule["target"])
            map_ = _linked(tx, proxy.get("urlMap", "")) if proxy else None
            if proxy and map_:
                found.append(_balancer(tx, key.removeprefix("compute/"), rule, proxy, map_))
    return found


def _balancer(
    tx: Transaction, name: str, rule: dict[str, Any], proxy: dict[str, Any], map_: dict[str, Any]
) -> HttpBalancer:
    redirect = map_.get("defaultUrlRedirect")
    hosts, links = _hosts(map_)
    certificates = [_linked(tx, link) or {} for link in proxy.get("sslCertificates", [])]
    network = rule.get("network", "").removeprefix(BASE)
    return HttpBalancer(
        name=name,
        address=rule["IPAddress"],
        port=int(rule["portRange"].split("-")[0]),
        default=_path(map_.get("defaultService", "")),
        hosts=hosts,
        backends=tuple(_backend(tx, link) for link in links),
        certificates=tuple((one["certificate"], one["_privateKey"]) for one in certificates if "certificate" in one),
        minimum_tls=_minimum_tls(_linked(tx, proxy.get("sslPolicy", ""))),
        redirect=Redirect(REDIRECT_STATUSES[redirect["redirectResponseCode"]]) if redirect else None,
        network=network if rule["loadBalancingScheme"] == "INTERNAL_MANAGED" else None,
        proxy=_proxy(tx, rule) if rule["loadBalancingScheme"] == "INTERNAL_MANAGED" else "",
        region=rule.get("region", "").rsplit("/", 1)[-1],
        global_access=rule.get("allowGlobalAccess", False),
    )


def _minimum_tls(policy: dict[str, Any] | None) -> str:
    """Return the oldest version that is accepted, which without a policy is the oldest of all."""
    if policy is None:
        return "TLSv1_0"
    # The suites of this profile are of TLS 1.2 and later (SSL policies documentation).
    version = policy["minTlsVersion"]
    if policy["profile"] == "RESTRICTED" and version < "TLS_1_2":
        version = "TLS_1_2"
    return version.replace("TLS_", "TLSv")


def _proxy(tx: Transaction, rule: dict[str, Any]) -> str:
    """Return the address from which the proxies of a region call; empty once their subnet is gone."""
    for subnetwork in tx.children(f"compute/{_path(rule['region'])}/subnetworks"):
        if is_for_proxies(subnetwork) and subnetwork["network"] == rule["network"]:
            return str(ipaddress.ip_network(subnetwork["ipCidrRange"])[2])
    return ""


def _hosts(map_: dict[str, Any]) -> tuple[tuple[Host, ...], list[str]]:
    """Return the hosts of a URL map, and links to all backend services that it names."""
    matchers = {each["name"]: each for each in map_.get("pathMatchers", [])}
    links = [map_["defaultService"]] if "defaultService" in map_ else []
    hosts = []
    for rule in map_.get("hostRules", []):
        matcher = matchers[rule["pathMatcher"]]
        paths = tuple((path, each["service"]) for each in matcher.get("pathRules", []) for path in each["paths"])
        links += [matcher["defaultService"], *(service for _path, service in paths)]
        named = tuple((path, _path(service)) for path, service in paths)
        hosts.append(Host(tuple(rule["hosts"]), named, _path(matcher["defaultService"])))
    return tuple(hosts), list(dict.fromkeys(links))


def _backend(tx: Transaction, link: str) -> Backend:
    stored = _linked(tx, link) or {}
    groups = [_linked(tx, each["group"]) or {} for each in stored.get("backends", [])]
    check = next(iter(stored.get("healthChecks", [])), "")
    headers = (text.partition(":") for text in stored.get("customRequestHeaders", []))
    return Backend(
        name=_path(link),
        protocol=stored.get("protocol", "HTTP"),
        endpoints=tuple((address, port) for group in groups for address, port in group.get("_endpoints", [])),
        check=_check(_linked(tx, check)),
        policy=_policy(tx, stored.get("securityPolicy", "")),
        timeout=stored.get("timeoutSec", 30),
        headers=tuple((name.strip(), value.strip()) for name, _colon, value in headers),
        answers=stored.get("_answers", 0),
    )


def _check(stored: dict[str, Any] | None) -> Check | None:
    if stored is None:
        return None
    http = stored[CHECK_FIELDS[stored["type"]]]
    return Check(
        type=stored["type"],
        path=http.get("requestPath", "/"),
        host=http.get("host", ""),
        port=http.get("port", 0) if http.get("portSpecification") == "USE_FIXED_PORT" else 0,
        interval=stored["checkIntervalSec"],
        timeout=stored["timeoutSec"],
        healthy=stored["healthyThreshold"],
        unhealthy=stored["unhealthyThreshold"],
    )


def _policy(tx: Transaction, link: str) -> tuple[PolicyRule, ...] | None:
    stored = _linked(tx, link)
    if stored is None:
        return None
    return tuple(
        PolicyRule(
            priority=rule["priority"],
            ranges=tuple(rule["match"].get("config", {}).get("srcIpRanges", [])),
            status=None if rule["action"] == "allow" else int(rule["action"].removeprefix("deny(").rstrip(")")),
            preview=rule.get("preview", False),
        )
        for rule in stored["rules"]
    )


def _path(link: str) -> str:
    return link.removeprefix(BASE)


def _linked(tx: Transaction, link: str) -> dict[str, Any] | None:
    return tx.get(f"compute/{_path(link)}") if link else None
