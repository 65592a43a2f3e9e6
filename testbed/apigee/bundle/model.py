# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A parsed API proxy: plain immutable data, the same for the emulator (import) and the runtime (execution)."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testbed.apigee.conditions import Condition
    from testbed.apigee.policies.base import Policy
    from testbed.apigee.tls import TlsInfo


@dataclass(frozen=True)
class Step:
    """One policy attached to a flow."""

    policy: str
    condition: Condition | None = None


@dataclass(frozen=True)
class Flow:
    """PreFlow, PostFlow or a conditional flow: steps for the request and for the response."""

    name: str
    condition: Condition | None = None
    request: tuple[Step, ...] = ()
    response: tuple[Step, ...] = ()


@dataclass(frozen=True)
class FaultRule:
    """A fault rule; ``always_enforce`` only has a meaning for the default one."""

    name: str
    condition: Condition | None = None
    steps: tuple[Step, ...] = ()
    always_enforce: bool = False


@dataclass(frozen=True)
class RouteRule:
    """Where a request goes: a target endpoint, a URL, or nowhere (both None)."""

    name: str
    condition: Condition | None = None
    target_endpoint: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Endpoint:
    """What proxy and target endpoints have in common."""

    name: str
    pre_flow: Flow
    flows: tuple[Flow, ...]
    post_flow: Flow
    fault_rules: tuple[FaultRule, ...]
    default_fault_rule: FaultRule | None
    properties: Mapping[str, str]

    def steps(self) -> list[Step]:
        """Every step attached anywhere in the endpoint."""
        found = [step for flow in (self.pre_flow, *self.flows, self.post_flow) for step in flow.request + flow.response]
        rules = (*self.fault_rules, *((self.default_fault_rule,) if self.default_fault_rule else ()))
        return found + [step for rule in rules for step in rule.steps]


@dataclass(frozen=True)
class ProxyEndpoint(Endpoint):
    base_path: str = "/"
    route_rules: tuple[RouteRule, ...] = ()


@dataclass(frozen=True)
class LoadBalancedServer:
    """A target server by name, with its weight (Weighted only) and whether it is used only when all others fail."""

    name: str
    weight: int = 1
    fallback: bool = False


@dataclass(frozen=True)
class LoadBalancer:
    algorithm: str = "RoundRobin"
    servers: tuple[LoadBalancedServer, ...] = ()
    # 0 means that a server is never taken out of rotation.
    max_failures: int = 0
    retry_enabled: bool = True


@dataclass(frozen=True)
class HttpCheck:
    """The request of an HTTP health monitor and what its response must have. ``read_timeout`` in seconds."""

    verb: str
    path: str
    headers: tuple[tuple[str, str], ...]
    payload: str
    read_timeout: float
    codes: tuple[int, ...]
    expected_headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class HealthMonitor:
    """Times in seconds. ``port`` is None for the target server's own; without ``http`` a connection is enough."""

    interval: float
    connect_timeout: float
    port: int | None = None
    http: HttpCheck | None = None


@dataclass(frozen=True)
class TargetEndpoint(Endpoint):
    """Exactly one of ``url`` and ``load_balancer`` is set; ``path`` (load balancer only) precedes the path suffix."""

    url: str | None = None
    load_balancer: LoadBalancer | None = None
    path: str = ""
    health_monitor: HealthMonitor | None = None
    tls: TlsInfo | None = None


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What the bundles of API proxies and of shared flows have in common.

    ``name`` is the name in its descriptor (Apigee uses the one given at import instead), ``unsupported`` lists what
    keeps it from being deployed here, ``resources`` are the resource files by type and name (``jsc/x.js``).
    """

    name: str
    revision: str
    display_name: str
    description: str
    policies: Mapping[str, Policy]
    resources: Mapping[str, bytes]
    unsupported: tuple[str, ...] = ()
    files: tuple[str, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class SharedFlowBundle(Contents):
    """A valid bundle of a shared flow: one sequence of steps."""

    flow_name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class Bundle(Contents):
    """A valid bundle of an API proxy."""

    proxy_endpoints: Mapping[str, ProxyEndpoint]
    target_endpoints: Mapping[str, TargetEndpoint]

    @property
    def base_paths(self) -> list[str]:
        return [endpoint.base_path for endpoint in self.proxy_endpoints.values()]

    @property
    def target_servers(self) -> list[str]:
        """Names of the target servers that the bundle refers to."""
        return sorted({server.name for endpoint in self.target_endpoints.values() if endpoint.load_balancer
                       for server in endpoint.load_balancer.servers})
