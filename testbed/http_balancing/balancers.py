# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Application Load Balancers made real: an Envoy among Google's front ends and one for the proxies of internal load
balancers, told of changes while they serve."""
from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Sequence

import aiohttp

from testbed.envoys import RunningEnvoy
from testbed.http_balancing import envoy
from testbed.http_balancing.model import HttpBalancer
from testbed.network.namespace import Namespace
from testbed.state import State

log = logging.getLogger("testbed.http_balancing")


class HttpBalancers:
    """External load balancers are served in the internet, internal ones among the proxies beside the VPC."""

    def __init__(self, state: State, internet: Namespace, proxies: Namespace) -> None:
        self._external = _Served(state, "http-balancers", "external", internet)
        self._internal = _Served(state, "internal-balancers", "internal", proxies)

    async def apply(self, balancers: Sequence[HttpBalancer]) -> None:
        """Bring them to this picture; returns when they serve it. The addresses of internal ones must be there.

        Raises WorldError.
        """
        await self._external.apply(tuple(each for each in balancers if each.network is None))
        await self._internal.apply(tuple(each for each in balancers if each.network is not None))

    async def health(self) -> dict[str, dict[tuple[str, int], bool]]:
        """By backend service, whether each endpoint passes its health check; one that was not asked yet is not there.

        A backend service that its Envoy does not have yet is not there, either.
        """
        return {**await self._external.health(), **await self._internal.health()}

    async def close(self) -> None:
        await self._external.close()
        await self._internal.close()


class _Served:
    """One Envoy: started with its first load balancer, ended after its last one."""

    def __init__(self, state: State, node: str, folder: str, namespace: Namespace) -> None:
        self._state = state
        self._node = node
        self._folder = folder
        self._namespace = namespace
        self._envoy: RunningEnvoy | None = None
        self._told: tuple[HttpBalancer, ...] = ()
        self._step = asyncio.Lock()

    async def apply(self, wanted: tuple[HttpBalancer, ...]) -> None:
        async with self._step:
            if self._envoy is not None and self._envoy.ended:
                log.error("the Envoy of the load balancers ended and is started again")
                await self._end()
            if not wanted:
                await self._end()
            elif wanted != self._told:
                fresh = self._envoy is None
                if self._envoy is None:
                    folder = self._state.http_balancing / self._folder
                    folder.mkdir(parents=True, exist_ok=True)
                    self._envoy = RunningEnvoy(self._state, self._node, self._node, folder, self._namespace.entering)
                await self._envoy.tell(envoy.clusters(wanted), [envoy.listener(each) for each in wanted])
                self._told = wanted
                if fresh:
                    self._envoy.when_it_ends(self._again)

    async def _again(self) -> None:
        await self.apply(self._told)

    async def health(self) -> dict[str, dict[tuple[str, int], bool]]:
        running = self._envoy
        if running is None or running.ended:
            return {}
        with contextlib.suppress(aiohttp.ClientError, OSError, asyncio.TimeoutError, ValueError):
            return _health(json.loads(await running.ask("/clusters", format="json")))
        return {}

    async def close(self) -> None:
        async with self._step:
            await self._end()

    async def _end(self) -> None:
        if self._envoy is not None:
            await self._envoy.end()
        self._envoy, self._told = None, ()


def _health(said: dict) -> dict[str, dict[tuple[str, int], bool]]:
    found: dict[str, dict[tuple[str, int], bool]] = {}
    for cluster in said.get("cluster_statuses", []):
        hosts = found.setdefault(cluster["name"], {})
        for host in cluster.get("host_statuses", []):
            address, status = host["address"]["socket_address"], host.get("health_status", {})
            if not status.get("pending_active_hc"):
                place = (address["address"], int(address["port_value"]))
                hosts[place] = not status.get("failed_active_health_check", False)
    return found
