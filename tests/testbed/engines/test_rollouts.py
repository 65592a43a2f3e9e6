# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollouts under load: pods are replaced while callers, who cache addresses and repeat nothing, go on.

All times of the drain formula are scaled by one factor. Several services are rolled out side by side, because what
takes time is the window, not the work. DNS and the pods around the engines are the test's own; engines, applications
and connections are real.
"""
from __future__ import annotations

import asyncio
import json
import random
import time

import pytest

from testbed.engines.application import Application
from testbed.engines.authority import client_context
from testbed.engines.client import Http1, Lost

from .client import Http2

pytestmark = pytest.mark.testbed

SCALE = 20
PROPAGATION, CACHE, IDLE = 15 / SCALE, (10 + 60) / SCALE, 60 / SCALE
# 93 / SCALE in whole seconds, and one more for HAProxy, whose reloads stand a second apart.
WINDOW = 6
SIDECAR_IDLE = 4  # 75 / SCALE
SERVICES, ROUNDS = 5, 2


class Pod:
    """A sidecar and its application."""

    def __init__(self, make, engine: str) -> None:
        self._make, self._engine = make, engine
        self.last_served = 0.0

    async def start(self) -> Pod:
        self._application = await Application().__aenter__()
        self.sidecar = self._make(self._engine, self._application.port, values={
            "drain-seconds": str(WINDOW), "idle-seconds": str(SIDECAR_IDLE), "application-idle-seconds": "1",
            "request-seconds": "3"})
        await self.sidecar.start().ready()
        return self

    async def end(self, politely: bool) -> None:
        """As the kubelet: preStop hooks together, then the application, then the native sidecar."""
        if politely:
            hook = self.sidecar.drain()
            await asyncio.sleep(WINDOW)
            await asyncio.to_thread(hook.wait)
            await self._application.stop()
            self.sidecar.terminate()
            await self.sidecar.ended(15)
        else:
            self.sidecar.terminate()
            await self._application.stop()
        self.sidecar.stop()


class Service:
    """A name with one address at a time, as callers see it through their caches."""

    def __init__(self, pod: Pod) -> None:
        self.pod = pod
        self._published = pod
        self.callers: list[asyncio.Task] = []
        self.done, self.lost = 0, []
        self._stopping = False

    async def replace(self, following: Pod, politely: bool) -> None:
        leaving, self.pod = self.pod, following
        ending = asyncio.create_task(leaving.end(politely))
        await asyncio.sleep(PROPAGATION)
        self._published = following
        await ending

    async def call(self, caller: type[Http1] | type[Http2], context, think: tuple[float, float]) -> None:
        """One connection of a gateway: its address is cached, its idle connection dropped after a while."""
        connection, resolved, since = None, None, 0.0
        while not self._stopping:
            now = time.monotonic()
            if resolved is None or now - since > CACHE:
                resolved, since = self._published, now
            if connection is not None and now - connection.used > IDLE:
                await connection.close()
                connection = None
            if connection is not None:
                await connection.look()
            if connection is None or not connection.open:
                if connection is not None:
                    await connection.close()
                connection = caller(resolved.sidecar.port, context)
            try:
                answer = await connection.request()
                if answer.status != 200:
                    raise Lost(f"status {answer.status}")
                self.done += 1
            except Lost as error:
                self.lost.append(f"{caller.__name__} {error}")
                connection = None
            await asyncio.sleep(random.uniform(*think))
        if connection is not None:
            await connection.close()

    async def stop(self) -> None:
        self._stopping = True
        await asyncio.gather(*self.callers)


async def rollouts(make, engine: str, contexts, politely: bool, rounds: int, http2: bool = True) -> Service:
    """All services, each replaced so often; their sums."""
    services = [Service(await Pod(make, engine).start()) for _ in range(SERVICES)]
    for service in services:
        kinds = [(Http1, contexts["http/1.1"], (0, 0.25))] * 4 + [(Http1, contexts["http/1.1"], (0, IDLE * 1.2))] * 4
        if http2:
            kinds += [(Http2, contexts["h2"], (0, 0.25))] * 2 + [(Http2, contexts["h2"], (0, IDLE * 1.2))]
        service.callers = [asyncio.create_task(service.call(*kind)) for kind in kinds]
    await asyncio.sleep(1)
    for _ in range(rounds):
        followers = [await Pod(make, engine).start() for _ in services]
        await asyncio.gather(*(service.replace(follower, politely)
                               for service, follower in zip(services, followers, strict=True)))
        await asyncio.sleep(0 if politely else CACHE)
    total = services[0]
    await asyncio.gather(*(service.stop() for service in services))
    for service in services[1:]:
        total.done += service.done
        total.lost += service.lost
    print(engine, json.dumps({"politely": politely, "rollouts": rounds * SERVICES, "requests": total.done,
                              "lost": len(total.lost), "first": total.lost[:3]}))
    return total


@pytest.fixture
def contexts(authority, tmp_path):
    return {alpn: client_context(authority, tmp_path, alpn=alpn) for alpn in ("http/1.1", "h2")}


@pytest.mark.parametrize("engine", ["nginx", "envoy", "haproxy"])
async def test_nothing_is_lost_in_ten_rollouts(engine, sidecar, contexts):
    total = await rollouts(sidecar, engine, contexts, politely=True, rounds=ROUNDS)
    assert total.done > 1000
    assert total.lost == []


@pytest.mark.parametrize("engine", ["nginx", "envoy", "haproxy", "apache"])
async def test_an_end_at_once_loses_requests(engine, sidecar, contexts):
    """The same measurement without the drain, which shows that it can fail."""
    total = await rollouts(sidecar, engine, contexts, politely=False, rounds=1)
    assert total.lost


async def test_apache_over_http1(sidecar, contexts):
    """Loses little or nothing where callers speak HTTP/1.1; over HTTP/2 it cannot say goodbye. Not promised."""
    total = await rollouts(sidecar, "apache", contexts, politely=True, rounds=1, http2=False)
    assert total.done > 500 and len(total.lost) <= total.done / 100
