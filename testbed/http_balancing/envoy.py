# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Application Load Balancers as a configuration of Envoy, which Google's own are made of, too.

Who gets in is decided by Envoy's RBAC filter for each backend service, as a security policy belongs to one. Paths are
passed on as they came. Statuses are Google's, texts are not. Not done: expressions of rules, rate limits, IAP, CDN.
"""
from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

from testbed.envoys import downstream_tls, typed
from testbed.http_balancing.model import Backend, Check, Host, HttpBalancer, PolicyRule
from testbed.network.internet import FRONT_END

_RBAC = "envoy.filters.http.rbac"
_KIND = "type.googleapis.com/envoy.extensions."
#: Google's probers are many; a backend is asked far more often than once in an interval. Seconds.
_INTERVAL, _TIMEOUT = 1, 2
#: The load balancers' own keep-alive to backends (Application Load Balancer documentation, HTTP keepalive timeout).
_KEEPALIVE = "600s"

#: Old versions of TLS need suites that Envoy does not offer by itself. Of Google's the ones with forward secrecy.
_CIPHERS = [f"ECDHE-{key}-{suite}" for suite in (
    "AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305", "AES128-SHA", "AES256-SHA") for key in (
        "ECDSA", "RSA")]


def clusters(balancers: Iterable[HttpBalancer]) -> list[dict[str, Any]]:
    """Every backend service once, called and asked for its health by Google's front ends or a region's proxies."""
    found = {backend.name: (backend, balancer.proxy or FRONT_END) for balancer in balancers
             for backend in balancer.backends}
    return [_cluster(backend, source) for backend, source in found.values()]


def listener(balancer: HttpBalancer) -> dict[str, Any]:
    """What takes the calls of one forwarding rule."""
    manager = {
        "@type": f"{_KIND}filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "server_header_transformation": "PASS_THROUGH",
        # The caller's address is added to X-Forwarded-For, and nothing that the caller says there is believed.
        "use_remote_address": True,
        "normalize_path": False,
        "http_filters": [
            typed(_RBAC, "filters.http.rbac.v3.RBAC"),
            typed("envoy.filters.http.router", "filters.http.router.v3.Router", suppress_envoy_headers=True),
        ],
        "local_reply_config": {"mappers": list(_mappers(balancer))},
        "route_config": {"virtual_hosts": _virtual_hosts(balancer)},
    }
    chain: dict[str, Any] = {
        "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    if balancer.certificates:
        chain["transport_socket"] = downstream_tls(balancer.certificates, {
            "tls_minimum_protocol_version": balancer.minimum_tls, "cipher_suites": _CIPHERS})
    return {
        "name": balancer.name,
        "address": {"socket_address": {"address": balancer.address, "port_value": balancer.port}},
        "filter_chains": [chain],
    }


# -- hosts and paths -----------------------------------------------------------------------------------------------


def _virtual_hosts(balancer: HttpBalancer) -> list[dict[str, Any]]:
    if balancer.redirect is not None:
        code = {301: "MOVED_PERMANENTLY", 302: "FOUND", 303: "SEE_OTHER", 307: "TEMPORARY_REDIRECT",
                308: "PERMANENT_REDIRECT"}[balancer.redirect.status]
        redirect = {"match": {"prefix": "/"}, "redirect": {"https_redirect": True, "response_code": code}}
        return [{"name": "redirect", "domains": ["*"], "routes": [redirect]}]
    backends = {backend.name: backend for backend in balancer.backends}
    found = [_virtual_host(f"host-{number}", host, backends) for number, host in enumerate(balancer.hosts)]
    if not any("*" in host.names for host in balancer.hosts):
        found.append(_virtual_host("default", Host(("*",), (), balancer.default), backends))
    return found


def _virtual_host(name: str, host: Host, backends: dict[str, Backend]) -> dict[str, Any]:
    domains = [domain for each in host.names for domain in ((each,) if each == "*" else (each, f"{each}:*"))]
    # An exact path goes before the paths below it, and the longest before the others.
    ordered = sorted(host.paths, key=lambda each: (-len(each[0].removesuffix("*")), each[0].endswith("*")))
    routes = [_route(_match(path), backends[backend]) for path, backend in ordered]
    return {"name": name, "domains": domains, "routes": [*routes, _route({"prefix": "/"}, backends[host.default])]}


def _match(path: str) -> dict[str, str]:
    return {"prefix": path.removesuffix("*")} if path.endswith("*") else {"path": path}


def _route(match: dict[str, str], backend: Backend) -> dict[str, Any]:
    headers = [("Via", "1.1 google"), *backend.headers]
    way: dict[str, Any] = {"route": {"cluster": backend.name, "timeout": f"{backend.timeout}s"}}
    if backend.answers:
        text = f"response {backend.answers} (backend NotFound), service rules for the path non-existent \n"
        way = {"direct_response": {"status": backend.answers, "body": {"inline_string": text}}}
    found: dict[str, Any] = {
        "match": match,
        **way,
        "request_headers_to_add": [
            {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for key, value in headers],
    }
    if rules := denials(backend.policy or ()):
        found["typed_per_filter_config"] = {_RBAC: {
            "@type": f"{_KIND}filters.http.rbac.v3.RBACPerRoute",
            "rbac": {"rules": {"action": "DENY", "policies": rules}}}}
    return found


# -- security policies ---------------------------------------------------------------------------------------------


def denials(policy: Sequence[PolicyRule]) -> dict[str, Any]:
    """Whom a policy keeps out, by the name of the rule: who matches it, and no rule before it.

    The first rule that matches decides (Cloud Armor documentation, rule evaluation order). The name holds the status.
    """
    found: dict[str, Any] = {}
    before: list[str] = []
    for rule in sorted(policy, key=lambda each: each.priority):
        if rule.preview or not rule.ranges:
            continue
        if rule.status is not None:
            matched = {"or_ids": {"ids": _principals(rule.ranges)}}
            earlier = [{"not_id": {"or_ids": {"ids": _principals(before)}}}] if before else []
            found[_refusal(rule)] = {"permissions": [{"any": True}],
                                     "principals": [{"and_ids": {"ids": [matched, *earlier]}}]}
        before += rule.ranges
    return found


def _refusal(rule: PolicyRule) -> str:
    return f"deny-{rule.status}-{rule.priority}"


def _principals(ranges: Sequence[str]) -> list[dict[str, Any]]:
    if "*" in ranges:
        return [{"any": True}]
    networks = [ipaddress.ip_network(each) for each in ranges]
    return [{"direct_remote_ip": {"address_prefix": str(each.network_address), "prefix_len": each.prefixlen}}
            for each in networks]


def _mappers(balancer: HttpBalancer) -> Iterable[dict[str, Any]]:
    """Google's statuses where Envoy's own differ: a backend that nobody answers for is 502, a refusal what it says."""
    for status in (404, 502):
        names = {_refusal(rule) for backend in balancer.backends for rule in backend.policy or ()
                 if rule.status == status}
        for name in sorted(names):
            yield {"filter": _said(f"rbac_access_denied_matched_policy[{name}]"), "status_code": status}
    yield {"filter": {"response_flag_filter": {"flags": ["UH", "UF", "NC"]}}, "status_code": 502}


def _said(details: str) -> dict[str, Any]:
    return {"extension_filter": typed("envoy.access_loggers.extension_filters.cel",
                                      "access_loggers.filters.cel.v3.ExpressionFilter",
                                      expression=f"response.code_details == '{details}'")}


# -- backends ------------------------------------------------------------------------------------------------------


def _cluster(backend: Backend, source: str) -> dict[str, Any]:
    check = backend.check
    endpoints = [_endpoint(address, port, check) for address, port in backend.endpoints]
    found: dict[str, Any] = {
        "name": backend.name,
        "type": "STATIC",
        "connect_timeout": "3s",
        "load_assignment": {"cluster_name": backend.name, "endpoints": [{"lb_endpoints": endpoints}]},
        # One that is not known to be healthy is not called, however few are left.
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "upstream_bind_config": {"source_address": {"address": source, "port_value": 0}},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": f"{_KIND}upstreams.http.v3.HttpProtocolOptions",
            "common_http_protocol_options": {"idle_timeout": _KEEPALIVE},
            "explicit_http_config": {"http2_protocol_options": {}} if backend.protocol == "HTTP2"
            else {"http_protocol_options": {}}}},
    }
    if check is not None:
        found["health_checks"] = [_health_check(check)]
    if backend.protocol in ("HTTPS", "HTTP2"):
        # Certificates of backends are not looked at, as at Google.
        found["transport_socket"] = typed("envoy.transport_sockets.tls",
                                          "transport_sockets.tls.v3.UpstreamTlsContext", common_tls_context={})
    return found


def _endpoint(address: str, port: int, check: Check | None) -> dict[str, Any]:
    found: dict[str, Any] = {"address": {"socket_address": {"address": address, "port_value": port}}}
    if check is not None and check.port:
        found["health_check_config"] = {"port_value": check.port}
    return {"endpoint": found}


def _health_check(check: Check) -> dict[str, Any]:
    interval = f"{min(check.interval, _INTERVAL)}s"
    found: dict[str, Any] = {
        "timeout": f"{min(check.timeout, _TIMEOUT)}s",
        "interval": interval,
        "no_traffic_interval": interval,
        "no_traffic_healthy_interval": interval,
        "healthy_threshold": check.healthy,
        "unhealthy_threshold": check.unhealthy,
    }
    if check.type == "TCP":
        return {**found, "tcp_health_check": {}}
    asked: dict[str, Any] = {"path": check.path, "host": check.host or "health-check",
                             "request_headers_to_add": [
                                 {"header": {"key": "User-Agent", "value": "GoogleHC/1.0"},
                                  "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
                             "expected_statuses": [{"start": 200, "end": 201}]}
    if check.type == "HTTP2":
        asked["codec_client_type"] = "HTTP2"
    return {**found, "http_health_check": asked}
