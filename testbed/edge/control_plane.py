# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A double of Apigee Edge's control plane for one organisation, as a server on loopback.

Every answer carries a header that says that it is a double. It does what gateways and ``edgemicro configure`` need, by
what is published and by what the engine was seen to rely on; it is no Edge and proves nothing about one.
"""
from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping

from aiohttp import web

from .management import Management
from .microservices import Microservices
from .organization import Organization

SAYS = ("X-Testbed-Double", "Apigee Edge control plane")


def application(management: Management, microservices: Microservices, log: list[str]) -> web.Application:
    """All routes. ``log`` gets method and path of every request."""

    @web.middleware
    async def observe(request: web.Request, handler: web.RequestHandler) -> web.StreamResponse:
        log.append(f"{request.method} {request.path}")
        try:
            answer = await handler(request)
        except web.HTTPException as refusal:
            refusal.headers[SAYS[0]] = SAYS[1]
            raise
        answer.headers[SAYS[0]] = SAYS[1]
        return answer

    made = web.Application(middlewares=[observe], client_max_size=20 * 1024 * 1024)
    made.add_routes([*microservices.routes(), *management.routes()])
    return made


class ControlPlane:
    """The double as a server with a thread of its own; it can be stopped and started again at the same address."""

    def __init__(self, organization: Organization, users: Mapping[str, str]) -> None:
        """``users``: name -> password of those who may use the management API and register gateways."""
        self.organization = organization
        self.requests: list[str] = []
        self._microservices = Microservices(organization, users)
        self._application = lambda: application(Management(organization, users), self._microservices, self.requests)
        self._port = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """Base of the management API."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def microservices(self) -> str:
        """Base of the service ``edgemicro``."""
        return f"{self.url}/edgemicro"

    def auth(self, environment: str) -> str:
        """Base of the proxy ``edgemicro-auth``."""
        return f"{self.url}/{self.organization.name}-{environment}/edgemicro-auth"

    def start(self) -> None:
        """Listen. Raises RuntimeError when that does not come about."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise RuntimeError("the double of Edge does not listen")

    def stop(self) -> None:
        """Close the listener and every connection."""
        if self._loop and self._stopping and self._thread:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
            self._thread = None

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(self._application(), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._port)
        await site.start()
        self._port = runner.addresses[0][1]
        self._microservices.host = f"127.0.0.1:{self._port}"
        ready.set()
        await self._stopping.wait()
        await runner.cleanup()
