# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Gateway with its routes and policies asks of Google, as GKE's controller reads it."""
from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from testbed.http_balancing.asked import (
    GLOBAL,
    INTERNAL,
    REGIONAL,
    SERVE_404,
    AskedBackend,
    AskedBalancer,
    AskedHost,
    Key,
)
from testbed.http_balancing.model import CHECK_FIELDS, REDIRECT_STATUSES, Check, Redirect

from .backends import Item, Untranslatable, endpoints, port_of

FINALIZER = "gateway.finalizer.networking.gke.io"
CONTROLLER = "networking.gke.io/gateway"
SCHEMES = {"gke-l7-global-external-managed": GLOBAL, "gke-l7-regional-external-managed": REGIONAL,
           "gke-l7-rilb": INTERNAL}
PRE_SHARED = "networking.gke.io/pre-shared-certs"


@dataclasses.dataclass(frozen=True)
class Seen:
    """What the controller sees of a cluster. ``policies`` and ``checks`` are GKE's, of all Services, and
    ``gateway_policies`` of all Gateways."""

    services: Mapping[tuple[str, str], Item]
    slices: Iterable[Item]
    routes: Iterable[Item]
    policies: Iterable[Item]
    checks: Iterable[Item]
    gateway_policies: Iterable[Item] = ()


def scheme_of(gateway: Item) -> str | None:
    """Which load balancer a Gateway asks for, or None where its class is of somebody else."""
    return SCHEMES.get(gateway["spec"]["gatewayClassName"])


def routes_of(gateway: Item, routes: Iterable[Item]) -> list[Item]:
    """The routes that name a Gateway and may, the oldest first."""
    metadata = gateway["metadata"]
    found = []
    for route in routes:
        for parent in route["spec"].get("parentRefs") or []:
            namespace = parent.get("namespace") or route["metadata"]["namespace"]
            listeners = [each for each in gateway["spec"]["listeners"]
                         if parent.get("sectionName") in (None, each["name"])]
            if (namespace, parent["name"]) == (metadata["namespace"], metadata["name"]) and any(
                    _admits(each, route, metadata["namespace"]) for each in listeners):
                found.append(route)
                break
    return sorted(found, key=lambda each: (each["metadata"]["creationTimestamp"], each["metadata"]["name"]))


def _admits(listener: Mapping[str, Any], route: Item, own: str) -> bool:
    where = ((listener.get("allowedRoutes") or {}).get("namespaces") or {}).get("from", "Same")
    return where == "All" or route["metadata"]["namespace"] == own


def policy_of(policies: Iterable[Item], namespace: str, name: str, kind: str = "Service") -> Item | None:
    """The policy of a Service, or a Gateway: the oldest of those that name it (GKE documentation, conflicts)."""
    own = [each for each in policies if each["metadata"]["namespace"] == namespace
           and each["spec"]["targetRef"]["kind"] == kind and each["spec"]["targetRef"]["name"] == name]
    return min(own, key=lambda each: (each["metadata"]["creationTimestamp"], each["metadata"]["name"]), default=None)


def asked(gateway: Item, seen: Seen, secret: Callable[[str, str], Item | None], cluster: tuple[str, str, str],
          cluster_uid: str) -> AskedBalancer:
    """What is asked of Google for a Gateway that is GKE's. Raises Untranslatable."""
    metadata, spec = gateway["metadata"], gateway["spec"]
    backends: dict[Key, AskedBackend] = {SERVE_404: AskedBackend(*SERVE_404)}
    hosts: dict[str, dict[str, Key]] = {}
    redirect: Redirect | None = None
    for route in routes_of(gateway, seen.routes):
        for rule in route["spec"].get("rules") or []:
            redirected = _redirect(rule)
            if redirected is not None:
                redirect = redirected
                continue
            key = _backend(route, rule, seen, backends)
            for host in route["spec"].get("hostnames") or ["*"]:
                for path in _paths(rule):
                    # Of two that say the same the older one decides.
                    hosts.setdefault(host, {}).setdefault(path, key)
    http, named, certificates = _listeners(gateway, secret)
    policy = policy_of(seen.gateway_policies, metadata["namespace"], metadata["name"], "Gateway")
    return AskedBalancer(
        cluster=cluster, cluster_uid=cluster_uid, namespace=metadata["namespace"], name=metadata["name"],
        scheme=scheme_of(gateway) or GLOBAL, gateway=True, default=SERVE_404,
        backends=tuple(backends[key] for key in sorted(backends)),
        hosts=tuple(AskedHost((host,), tuple((path, key) for path, key in sorted(paths.items()) if path != "/*"),
                              paths.get("/*", SERVE_404)) for host, paths in sorted(hosts.items())),
        address_name=_address(spec), http=http, certificates=certificates, named_certificates=named,
        redirect=redirect, ssl_policy=((policy or {}).get("spec", {}).get("default") or {}).get("sslPolicy") or "")


def _redirect(rule: Mapping[str, Any]) -> Redirect | None:
    for each in rule.get("filters") or []:
        if each["type"] != "RequestRedirect":
            raise Untranslatable(f"the testbed has no filters of type {each['type']}, RequestRedirect alone")
        said = each["requestRedirect"]
        if said.get("scheme") != "https" or set(said) - {"scheme", "statusCode"}:
            raise Untranslatable("the testbed redirects to https alone, with the same host and path")
        if said.get("statusCode", 302) not in REDIRECT_STATUSES.values():
            raise Untranslatable(f"a redirect has no status {said['statusCode']}")
        return Redirect(said.get("statusCode", 302))
    return None


def _backend(route: Item, rule: Mapping[str, Any], seen: Seen, backends: dict[Key, AskedBackend]) -> Key:
    references = rule.get("backendRefs") or []
    if not references:
        return SERVE_404
    if len(references) > 1:
        raise Untranslatable("the testbed sends all calls of a rule to one Service, not by weight to several")
    (reference,) = references
    namespace = route["metadata"]["namespace"]
    if reference.get("namespace") not in (None, namespace):
        raise Untranslatable(f"the testbed has no ReferenceGrant: Service \"{reference['name']}\" must be in the "
                             f"namespace of route \"{namespace}/{route['metadata']['name']}\"")
    service = seen.services.get((namespace, reference["name"]))
    if service is None:
        raise Untranslatable(f"could not find service \"{namespace}/{reference['name']}\"")
    port = port_of(service, {"number": reference.get("port")})
    found = AskedBackend(namespace=namespace, service=reference["name"], port=port["port"],
                         endpoints=endpoints(seen.slices, service, port), policy="")
    found = _limited(found, policy_of(seen.policies, namespace, reference["name"]))
    check = policy_of(seen.checks, namespace, reference["name"])
    if check is not None:
        found = dataclasses.replace(found, check=_check(check["spec"].get("default") or {}))
    backends[found.key] = found
    return found.key


def _limited(backend: AskedBackend, policy: Item | None) -> AskedBackend:
    """What a GCPBackendPolicy says; what it does not say any more goes, unlike with a BackendConfig."""
    said = (policy or {}).get("spec", {}).get("default") or {}
    logging = said.get("logging") or {}
    return dataclasses.replace(
        backend, policy=said.get("securityPolicy", ""), timeout=said.get("timeoutSec") or backend.timeout,
        draining=(said.get("connectionDraining") or {}).get("drainingTimeoutSec", 0),
        logging=(bool(logging.get("enabled")), logging.get("sampleRate", 1_000_000) / 1_000_000) if logging else None)


def _check(said: Mapping[str, Any]) -> Check:
    config = said.get("config") or {}
    kind = config.get("type", "HTTP")
    if kind not in CHECK_FIELDS:
        raise Untranslatable(f"HealthCheckPolicy config.type {kind} is none of {', '.join(CHECK_FIELDS)}")
    http = config.get(CHECK_FIELDS[kind]) or {}
    # Times that are not given are those of the API for load balancers of Gateways (GKE documentation, health checks).
    return Check(type=kind, path=http.get("requestPath") or "/", host=http.get("host") or "",
                 port=http.get("port") or 0, interval=said.get("checkIntervalSec") or 15,
                 timeout=said.get("timeoutSec") or 15,
                 healthy=said.get("healthyThreshold") or 1, unhealthy=said.get("unhealthyThreshold") or 2)


def _paths(rule: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for match in rule.get("matches") or [{}]:
        if match.get("headers") or match.get("method"):
            raise Untranslatable("the testbed matches hosts and paths alone, not headers or methods")
        path = match.get("path") or {}
        value, kind = path.get("value", "/"), path.get("type", "PathPrefix")
        if kind == "Exact":
            found.append(value)
        elif kind == "PathPrefix":
            bare = value.rstrip("/")
            found += [bare, f"{bare}/*"] if bare else ["/*"]
        else:
            raise Untranslatable(f"path match type {kind} is none of Exact, PathPrefix")
    return found


def _listeners(gateway: Item, secret: Callable[[str, str], Item | None]
               ) -> tuple[bool, tuple[str, ...], tuple[tuple[str, str, str], ...]]:
    """Whether there is plain HTTP, Google's certificates by name, and those of Secrets."""
    http = False
    named: list[str] = []
    certificates: list[tuple[str, str, str]] = []
    for each in gateway["spec"]["listeners"]:
        if (each["protocol"], each["port"]) == ("HTTP", 80):
            http = True
        elif (each["protocol"], each["port"]) == ("HTTPS", 443):
            tls = each.get("tls") or {}
            shared = (tls.get("options") or {}).get(PRE_SHARED, "")
            named += [name.strip() for name in shared.split(",") if name.strip()]
            for reference in tls.get("certificateRefs") or []:
                certificates.append(certificate(secret, gateway["metadata"]["namespace"], reference["name"]))
            if not named and not certificates:
                raise Untranslatable(f"listener {each['name']} has no certificate")
        else:
            raise Untranslatable(f"listener {each['name']}: the testbed has HTTP on port 80 and HTTPS on port 443, not "
                                 f"{each['protocol']} on {each['port']}")
    return http, tuple(named), tuple(certificates)


def certificate(secret: Callable[[str, str], Item | None], namespace: str, name: str) -> tuple[str, str, str]:
    """Where a certificate is from, its chain and its key, as PEM. Raises Untranslatable."""
    found = secret(namespace, name)
    if found is None:
        raise Untranslatable(f"secret \"{namespace}/{name}\" does not exist")
    data = found.get("data") or {}
    try:
        return (f"{namespace}/{name}", base64.b64decode(data["tls.crt"]).decode(),
                base64.b64decode(data["tls.key"]).decode())
    except (KeyError, ValueError) as error:
        raise Untranslatable(f"secret \"{namespace}/{name}\" has no 'tls.crt' and 'tls.key'") from error


def _address(spec: Mapping[str, Any]) -> str:
    addresses = spec.get("addresses") or []
    if not addresses:
        return ""
    if len(addresses) > 1 or addresses[0].get("type") != "NamedAddress":
        raise Untranslatable("a Gateway has one address of type NamedAddress, or none")
    return addresses[0]["value"]
