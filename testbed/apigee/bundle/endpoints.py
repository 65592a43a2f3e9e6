# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads ProxyEndpoint and TargetEndpoint files: flows, fault rules, routes and connections."""
from __future__ import annotations

from urllib.parse import urlsplit

from testbed.apigee.bundle.health_monitors import health_monitor
from testbed.apigee.bundle.model import (
    FaultRule,
    Flow,
    LoadBalancedServer,
    LoadBalancer,
    ProxyEndpoint,
    RouteRule,
    Step,
    TargetEndpoint,
)
from testbed.apigee.bundle.ssl_info import ssl_info
from testbed.apigee.bundle.xml import Node
from testbed.apigee.conditions import Condition, ConditionError

# Endpoint properties that this runtime executes. Source: Apigee "Endpoint properties reference".
PROXY_PROPERTIES = {"request.streaming.enabled": bool, "response.streaming.enabled": bool}
TARGET_PROPERTIES = {"request.streaming.enabled": bool, "response.streaming.enabled": bool, "success.codes": str,
                     "keepalive.timeout.millis": int, "connect.timeout.millis": int, "io.timeout.millis": int}
_COMMON = ("Description", "DisplayName")
_FLOWS = ("PreFlow", "Flows", "PostFlow", "FaultRules", "DefaultFaultRule")


def condition(node: Node) -> Condition | None:
    """The Condition child of a node; a syntax error is a violation."""
    child = node.child("Condition")
    if child is None or not child.text:
        return None
    try:
        return Condition(child.text)
    except ConditionError as error:
        child.invalid(f"{error}")
        return None


def _steps(node: Node | None) -> tuple[Step, ...]:
    if node is None:
        return ()
    node.check(children=("Step",))
    return tuple(step for child in node.all("Step") if (step := _step(child)))


def shared_flow(node: Node) -> tuple[str, tuple[Step, ...]]:
    """A file of sharedflows/: its name and its steps."""
    node.check(children=("Step",), attributes=("name",), inert=_COMMON)
    return node.attribute("name") or "", tuple(step for child in node.all("Step") if (step := _step(child)))


def _step(node: Node) -> Step | None:
    node.check(children=("Name", "Condition"), inert=("DisplayName", "Description"), beyond=("FaultRules",))
    name = node.child_text("Name")
    if not name:
        node.invalid("Step without Name")
        return None
    return Step(name, condition(node))


def _flow(node: Node | None, name: str) -> Flow:
    if node is None:
        return Flow(name)
    node.check(children=("Request", "Response", "Condition"), attributes=("name",), inert=_COMMON)
    return Flow(node.attribute("name") or name, condition(node), _steps(node.child("Request")),
                _steps(node.child("Response")))


def _fault_rule(node: Node) -> FaultRule:
    node.check(children=("Step", "Condition", "AlwaysEnforce"), attributes=("name",),
               inert=_COMMON, beyond=("enabled",))
    enforce = node.boolean(node.child_text("AlwaysEnforce"), False, "AlwaysEnforce")
    steps = tuple(step for child in node.all("Step") if (step := _step(child)))
    return FaultRule(node.attribute("name") or node.tag, condition(node), steps, enforce)


def _properties(node: Node | None, executed: dict[str, type]) -> dict[str, str]:
    """Literal property values; Apigee does not expand variables here (Endpoint properties reference)."""
    found: dict[str, str] = {}
    if node is None:
        return found
    node.check(children=("Property",))
    for child in node.all("Property"):
        child.check(attributes=("name",))
        name, value = child.attribute("name") or "", child.text
        if name in found:
            child.invalid(f"property {name} is set twice")
        if "{" in value:
            child.invalid(f"property {name} must be a literal, not '{value}'")
        elif name not in executed:
            child.unsupported(f"property {name} is not executed by the testbed's Apigee runtime")
        elif executed[name] is bool:
            child.boolean(value, False, f"property {name}")
        elif executed[name] is int:
            child.integer(value, 0, f"property {name}")
        found[name] = value
    return found


def _common(node: Node, properties: dict[str, str]) -> dict:
    flows = node.child("Flows")
    rules = node.child("FaultRules")
    default = node.child("DefaultFaultRule")
    if flows is not None:
        flows.check(children=("Flow",))
    if rules is not None:
        rules.check(children=("FaultRule",))
    return {
        "name": node.attribute("name") or "",
        "pre_flow": _flow(node.child("PreFlow"), "PreFlow"),
        "flows": tuple(_flow(child, "") for child in flows.all("Flow")) if flows is not None else (),
        "post_flow": _flow(node.child("PostFlow"), "PostFlow"),
        "fault_rules": tuple(_fault_rule(child) for child in rules.all("FaultRule")) if rules is not None else (),
        "default_fault_rule": _fault_rule(default) if default is not None else None,
        "properties": properties,
    }


def proxy_endpoint(node: Node) -> ProxyEndpoint:
    """A file of proxies/."""
    node.check(children=(*_FLOWS, "HTTPProxyConnection", "RouteRule", "PostClientFlow"), attributes=("name",),
               inert=_COMMON, beyond=("EventFlow",))
    _post_client_flow(node.child("PostClientFlow"))
    connection = node.child("HTTPProxyConnection")
    if connection is None:
        node.invalid("ProxyEndpoint without HTTPProxyConnection, so it has no base path")
        return ProxyEndpoint(**_common(node, {}), base_path="")
    connection.check(children=("BasePath", "Properties"), inert=("VirtualHost",), beyond=("Authentication",))
    base_path = connection.child_text("BasePath")
    if not base_path:
        connection.invalid("no base path (element BasePath)")
    elif not base_path.startswith("/") or "?" in base_path or "#" in base_path or " " in base_path:
        connection.invalid(f"base path must start with / and be a plain path, not '{base_path}'")
    base_path = (base_path or "").rstrip("/") or ("/" if base_path else "")
    properties = _properties(connection.child("Properties"), PROXY_PROPERTIES)
    routes = tuple(_route(child) for child in node.all("RouteRule"))
    names = [route.name for route in routes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        node.invalid(f"two route rules are named '{name}'")
    return ProxyEndpoint(**_common(node, properties), base_path=base_path, route_rules=routes)


def _post_client_flow(node: Node | None) -> None:
    """Only message logging may stand there, and that is not executed here."""
    if node is None:
        return
    flow = _flow(node, "PostClientFlow")
    if flow.request or flow.response:
        node.unsupported("PostClientFlow is not executed by the testbed's Apigee runtime")


def _route(node: Node) -> RouteRule:
    node.check(children=("Condition", "TargetEndpoint", "URL"), attributes=("name",), inert=_COMMON,
               beyond=("IntegrationEndpoint",))
    target, url = node.child_text("TargetEndpoint"), node.child_text("URL")
    if target and url:
        node.invalid("a route rule has either TargetEndpoint or URL, not both")
    if url:
        _check_url(node, url)
    return RouteRule(node.attribute("name") or "", condition(node), target or None, url or None)


def _check_url(node: Node, url: str) -> None:
    if "{" in url:
        node.unsupported(f"URL with variables ('{url}') is not executed by the testbed's Apigee runtime")
        return
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        node.invalid(f"URL '{url}': {error}")
        return
    if parts.scheme not in ("http", "https") or not parts.hostname:
        node.invalid(f"URL must be http://host/... or https://host/..., not '{url}'")


def target_endpoint(node: Node) -> TargetEndpoint:
    """A file of targets/."""
    node.check(children=(*_FLOWS, "HTTPTargetConnection"), attributes=("name",), inert=_COMMON,
               beyond=("EventFlow", "LocalTargetConnection", "ScriptTarget", "HostedTarget"))
    connection = node.child("HTTPTargetConnection")
    if connection is None:
        if not any(child.tag in ("LocalTargetConnection", "ScriptTarget", "HostedTarget") for child in node):
            node.invalid("TargetEndpoint without HTTPTargetConnection")
        return TargetEndpoint(**_common(node, {}))
    connection.check(children=("URL", "LoadBalancer", "Path", "Properties", "HealthMonitor", "SSLInfo"),
                     inert=("Description",), beyond=("Authentication",))
    url, balancer = connection.child_text("URL"), connection.child("LoadBalancer")
    if bool(url) == (balancer is not None):
        connection.invalid("needs exactly one of URL and LoadBalancer")
    if url:
        _check_url(connection, url)
    path = connection.child_text("Path") or ""
    if path and url:
        connection.invalid("Path belongs to LoadBalancer, not to URL")
    if "{" in path:
        connection.unsupported("Path with variables is not executed by the testbed's Apigee runtime")
    monitor = connection.child("HealthMonitor")
    if monitor is not None and url:
        monitor.invalid("HealthMonitor belongs to LoadBalancer, not to URL")
    tls = connection.child("SSLInfo")
    if tls is not None and balancer is not None:
        tls.unsupported("beside LoadBalancer is not executed by the testbed's Apigee runtime: state sSLInfo in the "
                        "target servers")
    properties = _properties(connection.child("Properties"), TARGET_PROPERTIES)
    return TargetEndpoint(**_common(node, properties), url=url or None, path=path,
                          load_balancer=_load_balancer(balancer) if balancer is not None else None,
                          health_monitor=health_monitor(monitor) if monitor is not None else None,
                          tls=ssl_info(tls) if tls is not None else None)


def _load_balancer(node: Node) -> LoadBalancer:
    node.check(children=("Algorithm", "Server", "MaxFailures", "RetryEnabled"),
               beyond=("ServerUnhealthyResponse", "TargetDisableSecs"))
    algorithm = node.child_text("Algorithm") or "RoundRobin"
    if algorithm not in ("RoundRobin", "Weighted", "LeastConnections"):
        node.invalid(f"Algorithm must be RoundRobin, Weighted or LeastConnections, not '{algorithm}'")
    servers = []
    for child in node.all("Server"):
        child.check(children=("Weight", "IsFallback"), attributes=("name",), beyond=("IsEnabled",))
        if not child.attribute("name"):
            child.invalid("Server without name")
            continue
        servers.append(LoadBalancedServer(
            child.attribute("name") or "", child.integer(child.child_text("Weight"), 1, "Weight", 1),
            child.boolean(child.child_text("IsFallback"), False, "IsFallback")))
    if not servers:
        node.invalid("LoadBalancer without Server")
    if sum(server.fallback for server in servers) > 1:
        node.invalid("only one Server may be the fallback")
    names = [server.name for server in servers]
    if len(set(names)) != len(names):
        node.invalid("a Server is named twice")
    return LoadBalancer(algorithm, tuple(servers), node.integer(node.child_text("MaxFailures"), 0, "MaxFailures"),
                        node.boolean(node.child_text("RetryEnabled"), True, "RetryEnabled"))
