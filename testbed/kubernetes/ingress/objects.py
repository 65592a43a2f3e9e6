# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an Ingress asks of Google, as GKE reads it (ingress-gce, ``pkg/controller/translator``)."""
from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from testbed.http_balancing.asked import (
    DEFAULT_BACKEND,
    EXTERNAL,
    INTERNAL,
    REGIONAL,
    AskedBackend,
    AskedBalancer,
    AskedHost,
    Key,
)
from testbed.http_balancing.model import REDIRECT_STATUSES, Redirect

from .backends import Item, Seen, Untranslatable, backend
from .gateways import certificate

CLASS = "kubernetes.io/ingress.class"
SCHEMES = {"gce": EXTERNAL, "gce-internal": INTERNAL, "gce-regional-external": REGIONAL}
GLOBAL_ADDRESS = "kubernetes.io/ingress.global-static-ip-name"
REGIONAL_ADDRESS = "kubernetes.io/ingress.regional-static-ip-name"
ALLOW_HTTP = "kubernetes.io/ingress.allow-http"
PRE_SHARED = "ingress.gcp.kubernetes.io/pre-shared-cert"
FRONTEND_CONFIG = "networking.gke.io/v1beta1.FrontendConfig"
MANAGED = "networking.gke.io/managed-certificates"
FINALIZER = "networking.gke.io/ingress-finalizer-V2"
#: Annotations that tell what was made.
STATUS_PREFIX = "ingress.kubernetes.io/"
_MANAGED_NAME = "mcrt-"


def scheme_of(ingress: Item) -> str | None:
    """Which load balancer an Ingress asks for, or None where it is not GKE's.

    Without a class it is; with ``spec.ingressClassName`` alone it is not (ingress-gce, ``pkg/utils``, IsGCEIngress).
    """
    annotations = annotations_of(ingress)
    if CLASS not in annotations:
        return EXTERNAL if not ingress["spec"].get("ingressClassName") else None
    return SCHEMES.get(annotations[CLASS]) if annotations[CLASS] else EXTERNAL


def annotations_of(item: Item) -> Mapping[str, str]:
    return item["metadata"].get("annotations") or {}


def asked(ingress: Item, seen: Seen, frontends: Mapping[tuple[str, str], Item],
          secret: Callable[[str, str], Item | None], cluster: tuple[str, str, str], cluster_uid: str,
          known_managed: Mapping[tuple[str, str], Item] | None = None) -> AskedBalancer:
    """What is asked of Google for an Ingress that is GKE's. Raises Untranslatable.

    ``known_managed``: the ManagedCertificates of the cluster.
    """
    metadata, spec, annotations = ingress["metadata"], ingress["spec"], annotations_of(ingress)
    namespace = metadata["namespace"]
    scheme = scheme_of(ingress) or EXTERNAL
    backends: dict[Key, AskedBackend] = {}

    def known(said: Mapping[str, Any]) -> Key:
        service = said.get("service")
        if service is None:
            raise Untranslatable("a backend of an Ingress is a Service")
        found = backend(seen, namespace, service["name"], service["port"])
        backends[found.key] = found
        return found.key

    if spec.get("defaultBackend"):
        default = known(spec["defaultBackend"])
    else:
        default = DEFAULT_BACKEND
        backends[default] = AskedBackend(*default)
    hosts = _hosts(spec.get("rules") or [], known, default)
    managed = tuple((certificate_name(each), tuple(each["spec"]["domains"]))
                    for each in managed_of(ingress, known_managed))
    if managed and scheme != EXTERNAL:
        raise Untranslatable("managed certificates are for external Ingresses")
    # Those that are managed stand there as well, once they have been made.
    named = tuple(each for each in names_in(annotations.get(PRE_SHARED, "")) if not each.startswith(_MANAGED_NAME))
    certificates = () if named or managed else tuple(
        certificate(secret, namespace, each.get("secretName", "")) for each in spec.get("tls") or [])
    http = annotations.get(ALLOW_HTTP, "true") != "false"
    if not http and not named and not managed and not certificates:
        raise Untranslatable("cannot turn off HTTP without certificates: there is no other way in")
    frontend = _frontend(annotations, frontends, namespace)
    redirect = frontend.get("redirectToHttps") or {}
    return AskedBalancer(
        cluster=cluster, cluster_uid=cluster_uid, namespace=namespace, name=metadata["name"], scheme=scheme,
        backends=tuple(backends[key] for key in sorted(backends)), default=default, hosts=hosts,
        address_name=annotations.get(GLOBAL_ADDRESS if scheme == EXTERNAL else REGIONAL_ADDRESS, ""), http=http,
        certificates=certificates, named_certificates=named, managed_certificates=managed,
        redirect=Redirect(_code(redirect)) if redirect.get("enabled") else None,
        ssl_policy=frontend.get("sslPolicy") or "")


def names_in(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def managed_of(ingress: Item, known_managed: Mapping[tuple[str, str], Item] | None) -> list[Item]:
    """The ManagedCertificates that an Ingress names. Raises Untranslatable where there is none of that name."""
    found = []
    for name in names_in(annotations_of(ingress).get(MANAGED, "")):
        item = (known_managed or {}).get((ingress["metadata"]["namespace"], name))
        if item is None:
            raise Untranslatable(f"ManagedCertificate \"{name}\" does not exist")
        found.append(item)
    return found


def certificate_name(managed: Item) -> str:
    """What Google's certificate is called; another one when the domains change (gke-managed-certs)."""
    domains = ",".join(managed["spec"]["domains"])
    return f"{_MANAGED_NAME}{uuid.uuid5(uuid.UUID(managed['metadata']['uid']), domains)}"


def _hosts(rules: list[Mapping[str, Any]], known: Callable[[Mapping[str, Any]], Key], default: Key
           ) -> tuple[AskedHost, ...]:
    hosts: dict[str, list[tuple[str, Key]]] = {}
    for rule in rules:
        paths = hosts.setdefault(rule.get("host") or "*", [])
        for each in (rule.get("http") or {}).get("paths") or []:
            key = known(each["backend"])
            paths += [(path, key) for path in _paths(each.get("path") or "/*", each["pathType"])]
    found = []
    for name, paths in hosts.items():
        # What takes all paths of a host is its default (ingress-gce, pkg/translator, ToCompositeURLMap).
        everything = next((key for path, key in paths if path == "/*"), default)
        found.append(AskedHost((name,), tuple((path, key) for path, key in paths if path != "/*"), everything))
    return tuple(found)


def _paths(path: str, kind: str) -> list[str]:
    """An Ingress's path as paths of a URL map, where ``/*`` alone stands for what is below."""
    if kind == "Exact":
        if "*" in path:
            raise Untranslatable(f"failed to validate exact path {path} due to invalid wildcard")
        return [path]
    if kind == "Prefix":
        if "*" in path:
            raise Untranslatable(f"failed to validate prefix path {path} due to invalid wildcard")
        bare = path.rstrip("/")
        return [bare, f"{bare}/*"] if bare else ["/*"]
    # ImplementationSpecific: as it is; a path without a wildcard is an exact one.
    return [path]


def _frontend(annotations: Mapping[str, str], frontends: Mapping[tuple[str, str], Item], namespace: str
              ) -> Mapping[str, Any]:
    name = annotations.get(FRONTEND_CONFIG)
    if not name:
        return {}
    found = frontends.get((namespace, name))
    if found is None:
        raise Untranslatable(f"FrontendConfig \"{namespace}/{name}\" does not exist")
    return found.get("spec") or {}


def _code(redirect: Mapping[str, Any]) -> int:
    name = redirect.get("responseCodeName") or "MOVED_PERMANENTLY_DEFAULT"
    if name not in REDIRECT_STATUSES:
        known = ", ".join(sorted(REDIRECT_STATUSES))
        raise Untranslatable(f"invalid redirect response code name {name}: it is none of {known}")
    return REDIRECT_STATUSES[name]
