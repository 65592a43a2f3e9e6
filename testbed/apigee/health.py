# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health monitors at work: they ask target servers at intervals and tell the balancer what they found.

A check sees one host name, like any other connection, not each address behind it.
"""
from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

import aiohttp

from testbed.apigee.balancer import Balancer, TargetServer
from testbed.apigee.bundle.model import HealthMonitor
from testbed.apigee.pools import RotatingResolver
from testbed.apigee.resolver import Resolver

if TYPE_CHECKING:
    from testbed.apigee.configuration import Deployment


class HealthChecks:
    """One task for each monitored target server of each deployment in force."""

    def __init__(self, resolver: Resolver, scale: float, source: str = "") -> None:
        self._resolver = resolver
        self._scale = scale
        self._local = (source, 0) if source else None
        # By the deployment's identity as an object: an unchanged one is carried over between configurations.
        self._tasks: dict[int, tuple[Deployment, list[asyncio.Task[None]]]] = {}

    def watch(self, deployments: Iterable[Deployment]) -> None:
        """From now on exactly these deployments are monitored."""
        wanted = {id(deployment): deployment for deployment in deployments}
        for key in [key for key in self._tasks if key not in wanted]:
            for task in self._tasks.pop(key)[1]:
                task.cancel()
        for key, deployment in wanted.items():
            if key not in self._tasks:
                self._tasks[key] = deployment, self._start(deployment)

    def _start(self, deployment: Deployment) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self._monitor(deployment.balancers[name], server, target.health_monitor))
                for name, target in deployment.bundle.target_endpoints.items()
                if target.health_monitor is not None and name in deployment.balancers
                for server in deployment.balancers[name].servers() if server.enabled]

    async def _monitor(self, balancer: Balancer, server: TargetServer, monitor: HealthMonitor) -> None:
        while True:
            await asyncio.sleep(monitor.interval * self._scale)
            balancer.checked(server.name, await self.healthy(server, monitor))

    async def healthy(self, server: TargetServer, monitor: HealthMonitor) -> bool:
        port = monitor.port or server.port
        try:
            if monitor.http is None:
                answer, _ = await self._resolver.resolve(server.host)
                async with asyncio.timeout(monitor.connect_timeout * self._scale):
                    _, writer = await asyncio.open_connection(answer.take(), port, local_addr=self._local)
                writer.close()
                return True
            return await self._ask(server.host, port, monitor)
        except (OSError, aiohttp.ClientError, TimeoutError):
            return False

    async def _ask(self, host: str, port: int, monitor: HealthMonitor) -> bool:
        check = monitor.http
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=monitor.connect_timeout * self._scale,
                                        sock_read=check.read_timeout * self._scale)
        connector = aiohttp.TCPConnector(resolver=RotatingResolver(self._resolver), use_dns_cache=False,
                                         force_close=True, local_addr=self._local)
        async with (aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                    session.request(check.verb, f"http://{host}:{port}{check.path}", headers=dict(check.headers),
                                    data=check.payload or None, allow_redirects=False) as reply):
            return reply.status in check.codes and all(reply.headers.get(name) == value
                                                       for name, value in check.expected_headers)

    async def close(self) -> None:
        self.watch(())
