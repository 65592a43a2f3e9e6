# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kubernetes objects of a GKE Ingress or Gateway that admits Apigee alone, in an order in which GKE heeds all of them.

A policy that a Service names when its Ingress is there already may have no effect for a long time (ingress-gce 1503), so
what is named comes before what names it. Private to this collection; takes what ``ingress.declared`` gives.
"""

from __future__ import annotations

import json
import typing

from . import ingress, manifests, ownership

CLASSES = {"external": "gce", "internal": "gce-internal"}
GATEWAY_CLASSES = {"external": "gke-l7-global-external-managed", "internal": "gke-l7-rilb"}
_FRONTEND = "networking.gke.io/v1beta1.FrontendConfig"
BACKEND_CONFIG = "cloud.google.com/backend-config"
NEG = "cloud.google.com/neg"
#: Whoever changes it makes GKE look at the Ingress again.
SYNC = "gatewayops.apigee-gke/looked-at"
#: Kinds of which GKE makes a load balancer, those that name others first; and kinds that both forms use.
_FRONTS = ("Ingress", "HTTPRoute", "Gateway")
_SHARED = ("Service", "Deployment", "NetworkPolicy")


def definitions(role: dict) -> list[dict]:
    """All objects, those that others name first."""
    samples = [service for service in role["services"] if service["sample"]]
    head = [manifests.namespace_definition(role["namespace"])] if samples and role["namespace"] != "default" else []
    head += [_sample(role, one) for one in samples]
    head += [_network_policy(role, one) for one in role["services"] if role["network_policy"]]
    return [*head, *(_gateway_form(role) if role["form"] == "gateway" else _ingress_form(role))]


def fronts(role: dict, form: str) -> list[dict]:
    """What of one form takes calls, by what names it. It goes first, and alone: as long as Google's load balancer is there
    it needs the rest, above all the policies that keep others out."""
    return [one for one in _removed(role, form) if one["kind"] in _FRONTS]


def behind(role: dict) -> list[dict]:
    """Everything else of both forms, by what names it: for when no load balancer uses any of it any more."""
    made = [one for form in ("ingress", "gateway") for one in _removed(role, form) if one["kind"] not in _FRONTS]
    return [one for number, one in enumerate(made) if one not in made[:number]]


def other_form(role: dict) -> list[dict]:
    """What goes when the form is changed, after the fronts: what the other one alone has, by what names it."""
    other = "ingress" if role["form"] == "gateway" else "gateway"
    return [one for one in _removed(role, other) if one["kind"] not in (*_FRONTS, *_SHARED)]


def _removed(role: dict, form: str) -> list[dict]:
    """The objects of one form, with whatever was ever optional, by what names them: whoever uses others first."""
    all_of_it = {
        **role,
        "form": form,
        "http": "redirect",
        "ssl_policy": "any",
        "hosts": role["hosts"] or ["any.example"],
    }
    made = (
        _gateway_form(all_of_it)
        if form == "gateway"
        else _ingress_form({**all_of_it, "certificate": {"managed": True}})
    )
    made += [_network_policy(role, one) for one in role["services"]]
    made += [_sample(role, one) for one in role["services"] if one["sample"]]
    order = (*_FRONTS, "Service")
    made.sort(key=lambda one: order.index(one["kind"]) if one["kind"] in order else len(order))
    return ownership.identities(made)


def _sample(role: dict, service: dict) -> dict:
    return manifests.sample_definition({**service, "namespace": role["namespace"], "port": service["target_port"]})


def _object(role: dict, api_version: str, kind: str, name: str, spec: dict, notes: dict | None = None) -> dict:
    metadata: dict[str, typing.Any] = {
        "name": name,
        "namespace": role["namespace"],
        "labels": manifests.labels({"name": role["name"]}),
    }
    if notes:
        metadata["annotations"] = notes
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def _all_services(role: dict) -> list[dict]:
    """Services with their settings: those declared, and the one that answers nobody."""
    if role["default_service"]:
        return list(role["services"])
    # No pod has this name, which it selects, so the balancer has nothing to pass on to.
    return [*role["services"], {**role["services"][0], "name": ingress.empty_service(role), "selector": {}}]


def _services(role: dict) -> list[dict]:
    """The Services: container-native, and each with its settings."""
    return [_service(role, service) for service in _all_services(role)]


def _service(role: dict, service: dict) -> dict:
    # A Gateway makes groups of its own, and takes its settings from policies.
    notes = {}
    if role["form"] == "ingress":
        notes = {NEG: json.dumps({"ingress": True}), BACKEND_CONFIG: json.dumps({"default": service["name"]})}
    spec = {
        "type": "ClusterIP",
        "selector": service["selector"] or {manifests.NAME_LABEL: service["name"]},
        "ports": [{"name": "http", "port": service["port"], "protocol": "TCP", "targetPort": service["target_port"]}],
    }
    return _object(role, "v1", "Service", service["name"], spec, notes)


# -- Ingress -------------------------------------------------------------------------------------------------------


def _ingress_form(role: dict) -> list[dict]:
    result = [_backend_config(role, service) for service in _all_services(role)]
    frontend = _frontend_config(role)
    managed = bool(role["certificate"].get("managed"))
    if frontend:
        result.append(_object(role, "networking.gke.io/v1beta1", "FrontendConfig", role["name"], frontend))
    if managed:
        domains = {"domains": list(role["hosts"])}
        result.append(_object(role, "networking.gke.io/v1", "ManagedCertificate", role["name"], domains))
    return [*result, *_services(role), _ingress(role, bool(frontend), managed)]


def _backend_config(role: dict, service: dict) -> dict:
    health = service["health_check"]
    spec: dict[str, typing.Any] = {
        # Stated in full: GKE looks at a readiness probe once, when the balancer is made, and never again.
        "healthCheck": {
            "type": health["type"],
            "requestPath": health["path"],
            "port": health["port"],
            "checkIntervalSec": health["interval"],
            "timeoutSec": health["timeout"],
            "healthyThreshold": health["healthy"],
            "unhealthyThreshold": health["unhealthy"],
        },
        "timeoutSec": service["timeout"],
        "connectionDraining": {"drainingTimeoutSec": service["drain"]},
        "logging": {"enable": bool(service["logging"]), **({"sampleRate": 1.0} if service["logging"] else {})},
    }
    if role["exposure"] == "external":
        # An empty name takes a policy away. Left out, the balancer would keep the one that it has.
        spec["securityPolicy"] = {"name": role["policy"] if role["protected"] else ""}
    return _object(role, "cloud.google.com/v1", "BackendConfig", service["name"], spec)


def _frontend_config(role: dict) -> dict:
    spec: dict[str, typing.Any] = {}
    if role["ssl_policy"]:
        spec["sslPolicy"] = role["ssl_policy"]
    if role["http"] == "redirect":
        spec["redirectToHttps"] = {"enabled": True, "responseCodeName": "PERMANENT_REDIRECT"}
    return spec


def _ingress(role: dict, frontend: bool, managed: bool) -> dict:
    external, certificate = role["exposure"] == "external", role["certificate"]
    address = "global-static-ip-name" if external else "regional-static-ip-name"
    notes = {
        # The field spec.ingressClassName alone makes GKE pass the Ingress over.
        "kubernetes.io/ingress.class": CLASSES[role["exposure"]],
        f"kubernetes.io/ingress.{address}": role["address_name"],
        "kubernetes.io/ingress.allow-http": "false" if role["http"] == "none" else "true",
    }
    if frontend:
        notes[_FRONTEND] = role["name"]
    if managed:
        notes["networking.gke.io/managed-certificates"] = role["name"]
    if certificate.get("pre_shared"):
        notes["ingress.gcp.kubernetes.io/pre-shared-cert"] = certificate["pre_shared"]
    ports = {service["name"]: service["port"] for service in _all_services(role)}

    def backend(name: str) -> dict:
        return {"service": {"name": name, "port": {"number": ports[name]}}}

    paths = {
        "paths": [
            {"path": one["path"], "pathType": one["path_type"], "backend": backend(one["service"])}
            for one in role["paths"]
        ]
    }
    # Without one, GKE's own would answer what no rule matches, outside of the policy.
    spec: dict[str, typing.Any] = {"defaultBackend": backend(ingress.empty_service(role))}
    spec["rules"] = [{"host": host, "http": paths} for host in role["hosts"]] or [{"http": paths}]
    if certificate.get("secret"):
        spec["tls"] = [{"secretName": certificate["secret"]}]
    return _object(role, "networking.k8s.io/v1", "Ingress", role["name"], spec, notes)


# -- Gateway -------------------------------------------------------------------------------------------------------


def _gateway_form(role: dict) -> list[dict]:
    result = _services(role)
    for service in _all_services(role):
        target = {"targetRef": {"group": "", "kind": "Service", "name": service["name"]}}
        health, kind = service["health_check"], service["health_check"]["type"]
        field = {"HTTP": "httpHealthCheck", "HTTPS": "httpsHealthCheck", "HTTP2": "http2HealthCheck"}[kind]
        check = {
            "checkIntervalSec": health["interval"],
            "timeoutSec": health["timeout"],
            "healthyThreshold": health["healthy"],
            "unhealthyThreshold": health["unhealthy"],
            "config": {"type": kind, field: {"port": health["port"], "requestPath": health["path"]}},
        }
        settings: dict[str, typing.Any] = {
            "timeoutSec": service["timeout"],
            "connectionDraining": {"drainingTimeoutSec": service["drain"]},
            "logging": {"enabled": bool(service["logging"])},
        }
        if role["protected"]:
            settings["securityPolicy"] = role["policy"]
        name = service["name"]
        result.append(_object(role, "networking.gke.io/v1", "HealthCheckPolicy", name, {"default": check, **target}))
        result.append(_object(role, "networking.gke.io/v1", "GCPBackendPolicy", name, {"default": settings, **target}))
    if role["ssl_policy"]:
        group = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": role["name"]}
        spec = {"default": {"sslPolicy": role["ssl_policy"]}, "targetRef": group}
        result.append(_object(role, "networking.gke.io/v1", "GCPGatewayPolicy", role["name"], spec))
    return [*result, _gateway(role), *_routes(role)]


def _gateway(role: dict) -> dict:
    certificate = role["certificate"]
    listeners: list[dict[str, typing.Any]] = []
    routes = {"kinds": [{"kind": "HTTPRoute"}], "namespaces": {"from": "Same"}}
    if certificate:
        tls: dict[str, typing.Any] = {"mode": "Terminate"}
        if certificate.get("secret"):
            tls["certificateRefs"] = [{"group": "", "kind": "Secret", "name": certificate["secret"]}]
        else:
            tls["options"] = {"networking.gke.io/pre-shared-certs": certificate.get("pre_shared") or ""}
        listeners.append({"name": "https", "protocol": "HTTPS", "port": 443, "tls": tls, "allowedRoutes": routes})
    if role["http"] != "none":
        listeners.append({"name": "http", "protocol": "HTTP", "port": 80, "allowedRoutes": routes})
    spec = {
        "gatewayClassName": GATEWAY_CLASSES[role["exposure"]],
        "addresses": [{"type": "NamedAddress", "value": role["address_name"]}],
        "listeners": listeners,
    }
    return _object(role, "gateway.networking.k8s.io/v1", "Gateway", role["name"], spec)


def _routes(role: dict) -> list[dict]:
    ports = {service["name"]: service["port"] for service in _all_services(role)}
    section = "http" if role["http"] == "plain" and not role["certificate"] else "https"

    def parent(name: str) -> list[dict]:
        return [{"kind": "Gateway", "name": role["name"], "sectionName": name}]

    def rule(path: str, exact: bool, service: str) -> dict:
        kind = "Exact" if exact else "PathPrefix"
        return {
            "matches": [{"path": {"type": kind, "value": path}}],
            "backendRefs": [{"name": service, "port": ports[service]}],
        }

    both = parent(section) + (parent("http") if role["http"] == "plain" and section != "http" else [])
    main: dict[str, typing.Any] = {"parentRefs": both}
    if role["hosts"]:
        main["hostnames"] = list(role["hosts"])
    main["rules"] = [rule(one["path"], one["path_type"] == "Exact", one["service"]) for one in role["paths"]]
    # What no route matches would be answered by a backend of Google's own, outside of the policy.
    others = {"parentRefs": both, "rules": [rule("/", False, ingress.empty_service(role))]}
    if not role["hosts"] and not any(one["path"] == "/" and one["path_type"] != "Exact" for one in role["paths"]):
        main["rules"] += others["rules"]
    version = "gateway.networking.k8s.io/v1"
    result = [_object(role, version, "HTTPRoute", role["name"], main)]
    if role["hosts"]:
        result.append(_object(role, version, "HTTPRoute", f"{role['name']}-others", others))
    if role["http"] == "redirect":
        redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
        spec = {"parentRefs": parent("http"), "rules": [{"filters": [redirect]}]}
        result.append(_object(role, version, "HTTPRoute", f"{role['name']}-redirect", spec))
    return result


# -- pods ----------------------------------------------------------------------------------------------------------


def _network_policy(role: dict, service: dict) -> dict:
    """Pods answer Google's front ends and health checks, and nobody else: there is no way around the balancer."""
    ranges = list(ingress.GOOGLE_RANGES)
    if role["exposure"] == "internal":
        # Health checks come from Google's ranges, calls from the subnet for proxies.
        ranges += list(role["proxy_ranges"])
    ports = sorted({int(service["target_port"]), int(service["health_check"]["port"])})
    spec = {
        "podSelector": {"matchLabels": service["selector"] or {manifests.NAME_LABEL: service["name"]}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"ipBlock": {"cidr": cidr}} for cidr in ranges],
                "ports": [{"protocol": "TCP", "port": port} for port in ports],
            }
        ],
    }
    return _object(role, "networking.k8s.io/v1", "NetworkPolicy", f"{service['name']}-balancer", spec)


def touch(role: dict, moment: str) -> dict:
    """A merge patch of the Ingress, or the Gateway, after which GKE looks at all of it again."""
    kind, version = (
        ("Gateway", "gateway.networking.k8s.io/v1")
        if role["form"] == "gateway"
        else ("Ingress", "networking.k8s.io/v1")
    )
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": role["name"], "namespace": role["namespace"], "annotations": {SYNC: moment}},
    }
