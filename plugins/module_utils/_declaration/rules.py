# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the parts of a declaration fit together. Offline: needs nothing but the declaration and the user's bundles.

Private to this collection.
"""

from __future__ import annotations

import difflib
import typing

from .._sidecar.settings import SYSTEM_NAMESPACES
from . import addresses, range_rules
from .problems import Problem, one_or_list

# Google's default and reserved zones; a peered suffix above them would send Google's own names astray.
_RESERVED_SUFFIXES = ("google.internal", "googleapis.com", "cluster.local")
_SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")


class Bundle(typing.NamedTuple):
    """What is known of a user's own bundle: its base paths, the target servers it names, and what is wrong with it."""

    base_paths: list[str]
    target_servers: list[str]
    violations: list[str]


def check(declaration: dict, site: dict, inspect: typing.Callable[[str], Bundle] | None = None) -> list[Problem]:
    """All problems between the parts.

    Args:
        declaration: as ``shape.read`` returns it; parts that were wrong may be missing.
        site: what ``derive`` made of it.
        inspect: reads a bundle by its path; None leaves bundles unchecked.
    """
    return [
        *_clusters(declaration, site),
        *range_rules.check(declaration, site),
        *environments(declaration),
        *_services(declaration, site),
        *proxies(declaration, site, inspect),
    ]


def shared(declaration: dict, site: dict, further: typing.Iterable[tuple[str, str]] = ()) -> list[Problem]:
    """Problems of what every kind of site has: clusters and ranges. ``further``: other ranges, by where they stand."""
    return [*_clusters(declaration, site), *range_rules.check(declaration, site, further)]


def near(name: str, known: list[str]) -> str:
    """The remedy for a reference to something that is not declared."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"Did you mean {near[0]}? "
    return f"Declared are: {', '.join(known)}. " if known else "None are declared. "


def _clusters(declaration: dict, site: dict) -> typing.Iterator[Problem]:
    declared = declaration.get("clusters") or {}
    if declared == {} and isinstance(declaration.get("clusters"), dict):
        yield Problem("clusters", "at least one cluster is needed.", fix="clusters: {shop: {}} is enough.")
    if any(not cluster.get("suffix") for cluster in declared.values()):
        yield from _suffix("domain", site["domain"])
    suffixes: dict[str, str] = {}
    for cluster in site["clusters"]:
        name, path = cluster["name"], f"clusters.{cluster['name']}"
        given = declared[name]
        if cluster["mode"] == "autopilot" and cluster["dns"] == "vpc_scope":
            yield Problem(
                f"{path}.dns",
                "vpc_scope is not possible on an Autopilot cluster.",
                because="Autopilot offers additive publishing only, chosen when the cluster is made.",
                fix="Write dns: additive, or mode: standard.",
                docs="docs/dns.md#autopilot",
            )
        if cluster["mode"] == "autopilot" and given.get("node_pools"):
            yield Problem(
                f"{path}.node_pools",
                "an Autopilot cluster has no node pools of yours.",
                fix="Leave it out, or write mode: standard.",
            )
        if cluster["mode"] == "autopilot" and cluster["location"] != cluster["region"]:
            yield Problem(
                f"{path}.location",
                "an Autopilot cluster is always regional.",
                cluster["location"],
                fix=f"Write {cluster['region']}, or leave it out.",
            )
        for network, text in (given.get("authorized_networks") or {}).items():
            if text and addresses.parse(text) is None:
                yield range_rules.not_a_range(f"{path}.authorized_networks.{network}", text)
        for pool, settings in (given.get("node_pools") or {}).items():
            yield from _node_pool(f"{path}.node_pools.{pool}", settings)
        if given.get("suffix"):
            yield from _suffix(f"{path}.suffix", cluster["suffix"])
        for other, owner in suffixes.items():
            if _nested(cluster["suffix"], other):
                yield Problem(
                    f"{path}.suffix",
                    f"its suffix and that of cluster {owner} are the same or lie inside each other.",
                    found=f"{cluster['suffix']} and {other}",
                    because="A name must lead to one cluster only.",
                    fix="Give each cluster its own label under the domain, or leave suffix out.",
                )
        suffixes[cluster["suffix"]] = name


def _node_pool(path: str, settings: dict) -> typing.Iterator[Problem]:
    low, high = settings.get("min_nodes"), settings.get("max_nodes")
    if (low is None) != (high is None):
        yield Problem(
            path, "autoscaling needs both min_nodes and max_nodes.", fix="Give both, or nodes alone for a fixed size."
        )
    elif low is not None and low > high:
        yield Problem(path, "min_nodes is larger than max_nodes.", found=f"{low} and {high}", fix="Swap them.")


def _nested(first: str, second: str) -> bool:
    return first == second or first.endswith(f".{second}") or second.endswith(f".{first}")


def _suffix(path: str, suffix: str) -> typing.Iterator[Problem]:
    if suffix == "local" or suffix.endswith(".local"):
        yield Problem(
            path,
            "a suffix under .local cannot be published.",
            found=suffix,
            because=".local belongs to multicast DNS, and Google refuses or misroutes it.",
            fix="Use a domain that the company owns: domain: gke.example.com",
            docs="docs/dns.md#suffix",
        )
    for reserved in _RESERVED_SUFFIXES:
        if suffix != reserved and not suffix.endswith(f".{reserved}") and not reserved.endswith(f".{suffix}"):
            continue
        if not suffix.endswith(".local"):
            yield Problem(
                path,
                f"the suffix would cover names of {reserved}.",
                suffix,
                fix="Use a domain that the company owns: domain: gke.example.com",
            )


def environments(declaration: dict) -> typing.Iterator[Problem]:
    """Problems of environments and their host names."""
    declared = declaration.get("environments")
    if isinstance(declared, dict) and not declared:
        yield Problem(
            "environments",
            "at least one environment is needed.",
            fix="environments: {prod: {hostnames: [api.example.com]}}",
        )
    owners: dict[str, tuple[str, str]] = {}
    for name, settings in (declared or {}).items():
        group = settings.get("group") or name
        hostnames = settings.get("hostnames") or []
        if settings.get("hostnames") == []:
            yield Problem(
                f"environments.{name}.hostnames",
                "at least one host name is needed.",
                fix="hostnames: [api.example.com]",
            )
        for host in hostnames:
            other = owners.get(host)
            if hostnames.count(host) > 1 and other and other[0] == name:
                continue
            if other and other[1] != group:
                yield Problem(
                    f"environments.{name}.hostnames",
                    f"{host} belongs to environment {other[0]} already.",
                    because="A host name leads to one environment group.",
                    fix=f"Use another name, or put both environments into one group: group: {other[1]}",
                )
            owners.setdefault(host, (name, group))


def placed(path: str, cluster: str | None, clusters: list[str]) -> typing.Iterator[Problem]:
    """Problems of the cluster of what stands at ``path``: one that is not declared, or none where there are several."""
    if cluster and cluster not in clusters:
        yield Problem(f"{path}.cluster", f"no cluster {cluster} is declared.", fix=near(cluster, clusters))
    elif not cluster and len(clusters) > 1:
        yield Problem(
            f"{path}.cluster",
            "is needed because there are several clusters.",
            fix=f"Name one: {one_or_list(clusters)}.",
        )


def _services(declaration: dict, site: dict) -> typing.Iterator[Problem]:
    clusters = [cluster["name"] for cluster in site["clusters"]]
    seen: set[str] = set()
    for service in declaration.get("services") or []:
        name = service.get("name")
        if not name:
            continue
        path = f"services[{name}]"
        if name in seen:
            yield Problem(
                path,
                "is declared twice.",
                because="Its target server has this name too.",
                fix="Rename one and keep its workload: workload: " + name,
            )
        seen.add(name)
        yield from placed(path, service.get("cluster"), clusters)
        if service.get("publish_not_ready_addresses"):
            yield Problem(
                f"{path}.publish_not_ready_addresses",
                "is refused.",
                because="Pods that drain or are not ready would stay in DNS, and requests sent to them be lost.",
                fix="Leave it out.",
                docs="docs/dns.md#ready-pods",
            )
        if service.get("namespace") in _SYSTEM_NAMESPACES:
            yield Problem(
                f"{path}.namespace",
                "a namespace of Kubernetes itself is not published.",
                service["namespace"],
                fix="Use a namespace of yours.",
            )
        yield from _tls(path, service, site)


def _tls(path: str, service: dict, site: dict) -> typing.Iterator[Problem]:
    """What only shows when a pod is refused, or started without its sidecar, long after other things were changed."""
    derived = next((entry for entry in site["services"] if entry["name"] == service["name"]), None)
    if derived is None or derived["tls"] is None:
        return
    if derived["tls"]["port"] == derived["port"]:
        yield Problem(
            f"{path}.tls.port",
            "is the port on which the application listens.",
            found=str(derived["port"]),
            because="Sidecar and application share the pod's address.",
            fix="Take another one, such as 8443; or write tls: false for an application that ends TLS itself.",
        )
    if derived["namespace"] in set(SYSTEM_NAMESPACES) - set(_SYSTEM_NAMESPACES):
        yield Problem(
            f"{path}.namespace",
            "no pod of this namespace gets a sidecar.",
            derived["namespace"],
            because="The cluster, or the injector itself, needs its pods.",
            fix="Run the workload in a namespace of yours, or write tls: false.",
        )


def proxies(declaration: dict, site: dict, inspect) -> typing.Iterator[Problem]:
    """Problems of proxies, their environments, base paths and bundles."""
    services = [service["name"] for service in declaration.get("services") or [] if service.get("name")]
    known = list(declaration.get("environments") or {})
    derived = {proxy["name"]: proxy for proxy in site["proxies"]}
    seen: set[str] = set()
    for proxy in declaration.get("proxies") or []:
        name = proxy.get("name")
        if not name:
            continue
        path = f"proxies[{name}]"
        if name in seen:
            yield Problem(path, "is declared twice.", fix="Give each proxy a name of its own.")
        seen.add(name)
        service = proxy.get("service")
        if service and service not in services:
            yield Problem(f"{path}.service", f"no service {service} is declared.", fix=near(service, services))
        if not proxy.get("bundle") and not service:
            yield Problem(
                path,
                "needs a service to call, or a bundle of yours.",
                fix="service: NAME with base_path: /PATH, or bundle: ./FOLDER",
            )
        if not proxy.get("bundle") and not proxy.get("base_path"):
            yield Problem(f"{path}.base_path", "is needed for a proxy made for you.", fix=f"base_path: /{name}")
        for environment in proxy.get("environments") or []:
            if environment not in known:
                yield Problem(
                    f"{path}.environments",
                    f"no environment {environment} is declared.",
                    fix=near(environment, known),
                )
        if not proxy.get("environments") and len(known) > 1:
            yield Problem(
                f"{path}.environments",
                "is needed because there are several environments.",
                fix=f"environments: [{known[0]}]",
            )
        if proxy.get("bundle") and inspect:
            yield from _bundle(path, proxy, inspect(proxy["bundle"]), services)
    yield from _base_paths(site, derived)


def _bundle(path: str, proxy: dict, bundle: Bundle, services: list[str]) -> typing.Iterator[Problem]:
    for violation in bundle.violations:
        yield Problem(
            f"{path}.bundle", violation, proxy["bundle"], fix="Correct the bundle; nothing has been sent to Apigee."
        )
    if bundle.violations:
        return
    if proxy.get("base_path") and proxy["base_path"] not in bundle.base_paths:
        yield Problem(
            f"{path}.base_path",
            "differs from the base path in the bundle.",
            found=f"{proxy['base_path']}, and {', '.join(bundle.base_paths)} in the bundle",
            fix="Leave base_path out: the bundle states it.",
        )
    for server in bundle.target_servers:
        if server in services and proxy.get("service") != server:
            yield Problem(
                f"{path}.service",
                f"the bundle calls target server {server}, which is made only where a proxy names the service.",
                fix=f"service: {server}",
            )


def _base_paths(site: dict, derived: dict[str, dict]) -> typing.Iterator[Problem]:
    owners: dict[tuple[str, str], str] = {}
    groups = {environment["name"]: environment["group"] for environment in site["environments"]}
    for name, proxy in derived.items():
        for group in sorted({groups[environment] for environment in proxy["environments"]}):
            for base_path in proxy["base_paths"]:
                key = (group, base_path.rstrip("/") or "/")
                other = owners.setdefault(key, name)
                if other != name:
                    yield Problem(
                        f"proxies[{name}].base_path",
                        f"{base_path} is taken by proxy {other} in environment group {group}.",
                        because="A request can be answered by one proxy only.",
                        fix="Give one of them another base path or group.",
                    )
