# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choice among the target servers of a LoadBalancer, and what failures do to it.

Source: Apigee "Load balancing across backend servers". A server that fails MaxFailures times in a row leaves the
rotation; it comes back when a health monitor finds it well, without one only when the proxy is deployed again.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from testbed.apigee.bundle.model import LoadBalancer
from testbed.apigee.tls import TlsInfo


@dataclass(frozen=True)
class TargetServer:
    """A target server of the environment, from the Apigee API's JSON."""

    name: str
    host: str
    port: int
    enabled: bool
    protocol: str = "HTTP"
    tls: TlsInfo | None = None

    @classmethod
    def from_json(cls, server: Mapping[str, Any]) -> TargetServer:
        """Raises KeyError and ValueError when name, host or port are missing."""
        return cls(server["name"], server["host"], int(server["port"]), bool(server.get("isEnabled", True)),
                   server.get("protocol", "HTTP"), TlsInfo.from_json(server.get("sSLInfo")))


@dataclass
class _State:
    server: TargetServer
    weight: int
    fallback: bool
    failures: int = 0
    open_requests: int = 0
    credit: int = 0


class Balancer:
    """Rotation state of one target endpoint. Not thread-safe: one event loop."""

    def __init__(self, balancer: LoadBalancer, servers: Mapping[str, TargetServer]) -> None:
        self.retry_enabled = balancer.retry_enabled
        self._algorithm = balancer.algorithm
        self._max_failures = balancer.max_failures
        self._states = [_State(servers[entry.name], entry.weight, entry.fallback) for entry in balancer.servers]
        self._turn = 0

    def choose(self, tried: set[str]) -> TargetServer | None:
        """The next server for a request that has tried some already; None when there is none left."""
        active = [state for state in self._states if not state.fallback and self._active(state, tried)]
        if not active:
            active = [state for state in self._states if state.fallback and self._active(state, tried)]
        if not active:
            return None
        return self._pick(active).server

    def _active(self, state: _State, tried: set[str]) -> bool:
        removed = 0 < self._max_failures <= state.failures
        return state.server.enabled and not removed and state.server.name not in tried

    def _pick(self, active: list[_State]) -> _State:
        if self._algorithm == "LeastConnections":
            return min(active, key=lambda state: state.open_requests)
        if self._algorithm == "Weighted":
            for state in active:
                state.credit += state.weight
            chosen = max(active, key=lambda state: state.credit)
            chosen.credit -= sum(state.weight for state in active)
            return chosen
        self._turn += 1
        return active[(self._turn - 1) % len(active)]

    def _state(self, server: TargetServer) -> _State:
        return next(state for state in self._states if state.server.name == server.name)

    def began(self, server: TargetServer) -> None:
        self._state(server).open_requests += 1

    def checked(self, name: str, healthy: bool) -> None:
        """What a health monitor found: a healthy server is back in rotation, an unhealthy one has failed once more."""
        state = next(state for state in self._states if state.server.name == name)
        state.failures = 0 if healthy else state.failures + 1

    def servers(self) -> list[TargetServer]:
        return [state.server for state in self._states]

    def statistics(self) -> list[dict[str, Any]]:
        return [{"name": state.server.name, "failures": state.failures, "in_rotation": self._active(state, set()),
                 "open_requests": state.open_requests} for state in self._states]

    def ended(self, server: TargetServer, failed: bool) -> None:
        state = self._state(server)
        state.open_requests -= 1
        state.failures = state.failures + 1 if failed else 0
