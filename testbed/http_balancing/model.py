# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Application Load Balancers as the world needs them: what a forwarding rule leads to, as plain data."""
from __future__ import annotations

from dataclasses import dataclass, field

#: Statuses of redirects by Google's names for them, in URL maps and in GKE's FrontendConfig.
REDIRECT_STATUSES = {
    "MOVED_PERMANENTLY_DEFAULT": 301,
    "FOUND": 302,
    "SEE_OTHER": 303,
    "TEMPORARY_REDIRECT": 307,
    "PERMANENT_REDIRECT": 308,
}
#: Types of health checks, and the field of Google's object that says more of one.
CHECK_FIELDS = {
    "HTTP": "httpHealthCheck",
    "HTTPS": "httpsHealthCheck",
    "HTTP2": "http2HealthCheck",
    "TCP": "tcpHealthCheck",
}


@dataclass(frozen=True)
class PolicyRule:
    """A rule of a security policy. ``ranges``: of source addresses, ``*`` is everybody; ``status`` None lets in.

    A rule with ``preview`` decides nothing. A rule without ranges matches nobody: expressions are not executed.
    """

    priority: int
    ranges: tuple[str, ...]
    status: int | None = None
    preview: bool = False


@dataclass(frozen=True)
class Check:
    """A health check. ``port`` 0 is the endpoint's own; times in seconds."""

    type: str = "HTTP"
    path: str = "/"
    host: str = ""
    port: int = 0
    interval: int = 15
    timeout: int = 15
    healthy: int = 1
    unhealthy: int = 2


@dataclass(frozen=True)
class Backend:
    """A backend service with the endpoints of its groups.

    ``policy`` None: it has no security policy. ``timeout`` in seconds. ``headers`` are added to requests. ``answers``:
    it stands for pods of Google's own that say this status to everybody.
    """

    name: str
    protocol: str = "HTTP"
    endpoints: tuple[tuple[str, int], ...] = ()
    check: Check | None = None
    policy: tuple[PolicyRule, ...] | None = None
    timeout: int = 30
    headers: tuple[tuple[str, str], ...] = ()
    answers: int = 0


@dataclass(frozen=True)
class Redirect:
    """An answer of the load balancer itself: the same address with https."""

    status: int = 301


@dataclass(frozen=True)
class Host:
    """Host names and where their paths lead; ``/*`` behind a path takes what is below it, too. The longest decides."""

    names: tuple[str, ...]
    paths: tuple[tuple[str, str], ...]
    default: str


@dataclass(frozen=True)
class HttpBalancer:
    """A forwarding rule with all that it leads to.

    ``name`` is its full one. ``network``: None for one that the internet reaches, else the network of its address, and
    ``proxy`` the address in its subnet for proxies from which backends are called.
    ``default``: the backend service of what no host and path matches. ``certificates``: PEM of chain and key; without
    any it is plain HTTP. ``minimum_tls``: the oldest version that is accepted, as Envoy says it.
    """

    name: str
    address: str
    port: int
    default: str
    hosts: tuple[Host, ...] = ()
    backends: tuple[Backend, ...] = ()
    certificates: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    minimum_tls: str = "TLSv1_0"
    redirect: Redirect | None = None
    network: str | None = None
    proxy: str = ""
    region: str = ""
    global_access: bool = False
