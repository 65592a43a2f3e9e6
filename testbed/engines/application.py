# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application behind the engines: a real server, aiohttp. Run as a module it prints its port."""
from __future__ import annotations

import asyncio

from aiohttp import web


class Application:
    """HTTP/1.1 in clear on loopback; closes connections that were idle for ``idle`` seconds."""

    def __init__(self, name: str = "application", idle: float = 30) -> None:
        self.name, self._idle, self.requests, self.port = name, idle, 0, 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Application:
        application = web.Application(client_max_size=2**31)
        application.router.add_route("*", "/events", self._events)
        application.router.add_route("*", "/socket", self._socket)
        application.router.add_route("*", "/slow", self._slow)
        application.router.add_route("*", "/count", self._count)
        application.router.add_route("*", "/{anything:.*}", self._echo)
        self._runner = web.AppRunner(application, keepalive_timeout=self._idle, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._runner.server.connections)

    async def _echo(self, request: web.Request) -> web.Response:
        self.requests += 1
        body = await request.read()
        return web.json_response({
            "name": self.name, "method": request.method, "path": request.raw_path,
            "headers": list(request.headers.items()), "body": body.decode(errors="replace")[:1000]},
            headers={"X-Large": "x" * int(request.query.get("large", 0))})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(4):
            await response.write(f"data: {number}\n\n".encode())
            await asyncio.sleep(0.3)
        return response

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        async for message in response:
            await response.send_str(f"echo {message.data}")
        return response

    async def _slow(self, request: web.Request) -> web.Response:
        await asyncio.sleep(float(request.query["seconds"]))
        return web.Response(text="slow")

    async def _count(self, request: web.Request) -> web.Response:
        total = 0
        async for chunk in request.content.iter_any():
            total += len(chunk)
        return web.Response(text=str(total))


async def main() -> None:
    """Serve until the process is ended."""
    async with Application() as running:
        print(running.port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
