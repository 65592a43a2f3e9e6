# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""What an Ingress or a Gateway of a cluster asks of Google, with everything resolved, and what it is told."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from testbed.http_balancing.model import Check, Redirect

#: Which load balancer: GKE's classes of Ingress, as `gce`, `gce-internal` and `gce-regional-external`.
EXTERNAL, INTERNAL, REGIONAL = "external", "internal", "regional-external"
#: And the one of a global external Gateway, which differs from the first in Google's name for it alone.
GLOBAL = "global-external-managed"
#: What answers where an Ingress names no default backend: pods that Google runs.
DEFAULT_BACKEND = ("kube-system", "default-http-backend", 80)
#: The same for what no route of a Gateway takes.
SERVE_404 = ("kube-system", "gw-serve404", 80)


@dataclass(frozen=True)
class AskedBackend:
    """A port of a Service. ``policy``: name of a security policy, empty for none, None where nothing is said of it.

    ``endpoints`` are the pods that are to be called. ``timeout`` and ``draining`` in seconds.
    """

    namespace: str
    service: str
    port: int
    protocol: str = "HTTP"
    endpoints: tuple[tuple[str, int], ...] = ()
    check: Check = field(default_factory=Check)
    policy: str | None = None
    timeout: int = 30
    draining: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    logging: tuple[bool, float] | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        return self.namespace, self.service, self.port


Key = tuple[str, str, int]


@dataclass(frozen=True)
class AskedHost:
    """Host names (``*``: any), the backends of their paths and that of all other paths."""

    names: tuple[str, ...]
    paths: tuple[tuple[str, Key], ...]
    default: Key


@dataclass(frozen=True)
class AskedBalancer:
    """An Ingress or a Gateway. ``cluster_uid``: uid of kube-system, by which names tell clusters apart.

    ``gateway``: it is one, and its objects are named accordingly. ``address_name``: a reserved address.
    ``certificates``: PEM of chain and key by the name of what they are from; ``named_certificates`` are Google's;
    ``managed_certificates`` Google makes: name and domains.
    """

    cluster: tuple[str, str, str]
    cluster_uid: str
    namespace: str
    name: str
    scheme: str
    backends: tuple[AskedBackend, ...]
    default: Key
    hosts: tuple[AskedHost, ...] = ()
    gateway: bool = False
    address_name: str = ""
    http: bool = True
    certificates: tuple[tuple[str, str, str], ...] = field(default=(), repr=False)
    named_certificates: tuple[str, ...] = ()
    managed_certificates: tuple[tuple[str, tuple[str, ...]], ...] = ()
    redirect: Redirect | None = None
    ssl_policy: str = ""


@dataclass(frozen=True)
class MadeBalancer:
    """``address``; the names of what was made, by the end of GKE's annotation; ``backends``: name of each's service."""

    address: str
    names: Mapping[str, str]
    backends: Mapping[Key, str]


class BalancerMaker(Protocol):
    """Who makes the Google objects: what clusters ask of the emulator."""

    async def ensure(self, asked: AskedBalancer) -> MadeBalancer:
        """Bring them to what is asked; returns when it is served. Raises WorldError with Google's refusal."""

    async def remove(self, asked: AskedBalancer) -> None:
        """Remove them; nothing happens when there are none."""

    async def health(self, made: MadeBalancer, asked: AskedBalancer) -> Mapping[str, str]:
        """The state of each backend service as GKE shows it: HEALTHY, UNHEALTHY or Unknown."""
