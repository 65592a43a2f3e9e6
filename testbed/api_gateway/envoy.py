# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accepted routes as a configuration of Envoy, the double of Google's managed gateway.

ESPv2, what Google runs, is Envoy with filters that cannot be had. This says by Envoy's own filters who gets in and
where a call goes, with Google's status codes (CODES); bodies are not Google's. Not done: path parameters as a query
where the address is constant, X-HTTP-Method-Override, fetching keys of issuers (they are given), quotas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from testbed.api_gateway.document import Issuer, Route
from testbed.envoys import downstream_tls

_TYPE = "type.googleapis.com/envoy.extensions."
_KEYS, _TOKENS = "envoy.filters.http.api_key_auth", "envoy.filters.http.jwt_authn"
#: What Envoy itself decides -> status, where Google answers otherwise (other-systems.md 3.2). A key that is good, but
#: not for this API, is 403 with both; a missing one 401.
CODES = {"unknown_api_key": 400}
USER_INFO = "X-Apigateway-Api-Userinfo"
FORWARDED = "X-Forwarded-Authorization"
#: Bytes of all headers of a request (Quotas and limits: 60 kilobytes).
HEADERS_KB = 60
NODE = {"id": "api-gateway", "cluster": "api-gateway"}


@dataclass(frozen=True)
class World:
    """What the document does not hold.

    backends: where each backend is, by the authority of its address. keys: API keys and whether each is good for this
    API. jwks: key sets by their address, as JSON. identities: tokens that the gateway shows to backends, by audience.
    trusted: file with the authority of the backends' certificates; without it they are spoken to in the clear.
    """

    backends: Mapping[str, tuple[str, int]]
    keys: Mapping[str, bool] = field(default_factory=dict)
    jwks: Mapping[str, str] = field(default_factory=dict)
    identities: Mapping[str, str] = field(default_factory=dict)
    trusted: str = ""


def configuration(routes: Sequence[Route], world: World, address: str, port: int) -> dict[str, Any]:
    """Return Envoy's static configuration. Raises KeyError for a backend, key set or identity that is not given."""
    return {
        "node": NODE,
        "static_resources": {
            "listeners": [listener(routes, world, address, port)],
            "clusters": clusters(routes, world),
        },
    }


def clusters(routes: Sequence[Route], world: World) -> list[dict[str, Any]]:
    """Return the backends of routes. Raises KeyError for one that is not given."""
    authorities = dict.fromkeys(urlsplit(route.address).netloc for route in routes)
    return [_cluster(authority, *world.backends[authority], world.trusted) for authority in authorities]


def listener(
    routes: Sequence[Route], world: World, address: str, port: int, certificate: tuple[str, str] | None = None
) -> dict[str, Any]:
    """Return a listener that serves routes. certificate: PEM of a chain and of its key; without it, plain HTTP.

    Raises KeyError for a key set or identity that is not given.
    """
    ordered = sorted(routes, key=lambda route: _specificity(route.path))
    manager = {
        "@type": f"{_TYPE}filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        "server_header_transformation": "PASS_THROUGH",
        "use_remote_address": True,
        "normalize_path": True,
        "merge_slashes": True,
        "max_request_headers_kb": HEADERS_KB,
        "local_reply_config": _replies(),
        "http_filters": [
            _named(_TOKENS, f"{_TYPE}filters.http.jwt_authn.v3.JwtAuthentication", **_tokens(routes, world)),
            _named(_KEYS, f"{_TYPE}filters.http.api_key_auth.v3.ApiKeyAuth", **_keys(world)),
            _named("envoy.filters.http.router", f"{_TYPE}filters.http.router.v3.Router", suppress_envoy_headers=True),
        ],
        "route_config": {
            "virtual_hosts": [{"name": "gateway", "domains": ["*"], "routes": _matches(ordered, world)}],
        },
    }
    chain: dict[str, Any] = {
        "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    }
    if certificate:
        chain["transport_socket"] = downstream_tls([certificate])
    return {
        "name": "gateway",
        "address": {"socket_address": {"address": address, "port_value": port}},
        "filter_chains": [chain],
    }


def _named(name: str, kind: str, **settings: Any) -> dict[str, Any]:
    return {"name": name, "typed_config": {"@type": kind, **settings}}


def _specificity(path: str) -> list[tuple[bool, str]]:
    """Paths without parameters come before those that they would match."""
    return [(part.startswith("{"), part) for part in path.split("/")]


def _pattern(path: str) -> str:
    """Return a path template as a regular expression of RE2, which must match a path wholly."""
    parts = [r"[^/]+" if part.startswith("{") else re.escape(part) for part in path.split("/")]
    return "/".join(parts)


# -- routes --------------------------------------------------------------------------------------------------------


def _matches(ordered: Sequence[Route], world: World) -> list[dict[str, Any]]:
    """Every operation, then 405 for other methods of its path, then 404."""
    found: list[dict[str, Any]] = []
    for index, route in enumerate(ordered):
        path = {"safe_regex": {"regex": _pattern(route.path)}}
        method = {"name": ":method", "string_match": {"exact": route.method}}
        found.append(
            {
                "name": route.operation,
                "match": {**path, "headers": [method]},
                "route": _action(route),
                **_headers(route, world),
                "typed_per_filter_config": _asked(route, world),
            }
        )
        if all(other.path != route.path for other in ordered[index + 1 :]):
            found.append({"match": path, **_refusal(405, "The method is not allowed for this path.")})
    return [*found, {"match": {"prefix": "/"}, **_refusal(404, "The path is not defined by this API.")}]


def _refusal(status: int, text: str) -> dict[str, Any]:
    """An answer of the gateway's own, for which nobody is asked who they are."""
    return {
        "direct_response": {"status": status, "body": {"inline_string": text}},
        "typed_per_filter_config": {_KEYS: _off(), _TOKENS: _off()},
    }


def _off() -> dict[str, Any]:
    return {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True}


def _action(route: Route) -> dict[str, Any]:
    target = urlsplit(route.address)
    action: dict[str, Any] = {
        "cluster": target.netloc,
        "timeout": f"{route.deadline:g}s",
        "host_rewrite_literal": target.netloc,
    }
    if route.constant:
        action["regex_rewrite"] = {"pattern": {"regex": "^/.*$"}, "substitution": target.path or "/"}
    elif target.path:
        action["regex_rewrite"] = {"pattern": {"regex": "^/"}, "substitution": f"{target.path}/"}
    return action


def _headers(route: Route, world: World) -> dict[str, Any]:
    """What callers may not say themselves, and the gateway's own identity in place of the caller's."""
    forged = [FORWARDED, *([] if route.issuers else [USER_INFO])]
    if not route.audience:
        return {"request_headers_to_remove": forged}
    identity = f"Bearer {world.identities[route.audience]}"
    return {
        "request_headers_to_remove": forged,
        "request_headers_to_add": [
            {"header": {"key": FORWARDED, "value": "%REQ(authorization)%"}, "append_action": _OVERWRITE},
            {"header": {"key": "Authorization", "value": identity}, "append_action": _OVERWRITE},
        ],
    }


_OVERWRITE = "OVERWRITE_IF_EXISTS_OR_ADD"


def _asked(route: Route, world: World) -> dict[str, Any]:
    """What a route asks of callers, in the words of the two filters."""
    asked: dict[str, Any] = {_KEYS: _off(), _TOKENS: _off()}
    if route.issuers:
        name = _requirement_name(route.issuers)
        asked[_TOKENS] = {"@type": f"{_TYPE}filters.http.jwt_authn.v3.PerRouteConfig", "requirement_name": name}
    if route.needs_key:
        clients = sorted({_client(good) for good in world.keys.values() if good}) or [_client(True)]
        asked[_KEYS] = {"@type": f"{_TYPE}filters.http.api_key_auth.v3.ApiKeyAuthPerRoute", "allowed_clients": clients}
    return asked


# -- who may call --------------------------------------------------------------------------------------------------


def _client(good: bool) -> str:
    return "of-this-api" if good else "of-another-api"


def _keys(world: World) -> dict[str, Any]:
    return {
        "credentials": [{"key": key, "client": _client(good)} for key, good in world.keys.items()],
        "key_sources": [{"header": "x-api-key"}, {"query": "key"}],
    }


def _requirement_name(issuers: Sequence[Issuer]) -> str:
    return "+".join(issuer.name for issuer in issuers)


def _tokens(routes: Sequence[Route], world: World) -> dict[str, Any]:
    issuers = {issuer.name: issuer for route in routes for issuer in route.issuers}
    alternatives = {_requirement_name(route.issuers): route.issuers for route in routes if route.issuers}
    return {
        "providers": {name: _provider(issuer, world) for name, issuer in issuers.items()},
        "requirement_map": {name: _requirement(names) for name, names in alternatives.items()},
    }


def _provider(issuer: Issuer, world: World) -> dict[str, Any]:
    found: dict[str, Any] = {
        "issuer": issuer.issuer,
        "local_jwks": {"inline_string": world.jwks[issuer.keys]},
        "forward": True,
        "forward_payload_header": USER_INFO,
        # Tokens must carry an end; Envoy takes none for never.
        "require_expiration": True,
    }
    if issuer.audiences:
        found["audiences"] = list(issuer.audiences)
    return found


def _requirement(issuers: Sequence[Issuer]) -> dict[str, Any]:
    names = [{"provider_name": issuer.name} for issuer in issuers]
    return names[0] if len(names) == 1 else {"requires_any": {"requirements": names}}


def _replies() -> dict[str, Any]:
    """The gateway's own answers: JSON with code and message, and Google's status codes."""
    mappers = [
        {
            "filter": {
                "extension_filter": {
                    "name": "envoy.access_loggers.extension_filters.cel",
                    "typed_config": {
                        "@type": f"{_TYPE}access_loggers.filters.cel.v3.ExpressionFilter",
                        "expression": f"response.code_details == '{reason}'",
                    },
                }
            },
            "status_code": status,
        }
        for reason, status in CODES.items()
    ]
    body = {"json_format": {"code": "%RESPONSE_CODE%", "message": "%LOCAL_REPLY_BODY%"}}
    return {"mappers": mappers, "body_format": body}


def _cluster(name: str, host: str, port: int, trusted: str) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": {"socket_address": {"address": host, "port_value": port}}}}
    found: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "3s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    if trusted:
        names = [{"san_type": "DNS", "matcher": {"exact": name}}]
        validation = {"trusted_ca": {"filename": trusted}, "match_typed_subject_alt_names": names}
        context = {"sni": name, "common_tls_context": {"validation_context": validation}}
        kind = f"{_TYPE}transport_sockets.tls.v3.UpstreamTlsContext"
        found["transport_socket"] = _named("envoy.transport_sockets.tls", kind, **context)
    return found
