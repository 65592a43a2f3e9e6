# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applications behind the engines. Real servers: aiohttp for HTTP/1.1, gRPC's own, and one on the h2 library."""
from __future__ import annotations

import asyncio
import json
from concurrent import futures

import grpc
import h2.config
import h2.connection
import h2.events
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


class Http2Application(asyncio.Protocol):
    """HTTP/2 in clear with prior knowledge: answers each request with its headers as JSON."""

    def __init__(self) -> None:
        self._connection = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self._headers: dict[int, list] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._connection.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        for event in self._connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self._headers[event.stream_id] = list(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self._connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                body = json.dumps({"headers": self._headers.pop(event.stream_id)}).encode()
                self._connection.send_headers(event.stream_id, [
                    (":status", "200"), ("content-type", "application/json"), ("content-length", str(len(body)))])
                self._connection.send_data(event.stream_id, body, end_stream=True)
        self._flush()

    def _flush(self) -> None:
        self._transport.write(self._connection.data_to_send())

    @classmethod
    async def serve(cls) -> tuple[asyncio.Server, int]:
        server = await asyncio.get_running_loop().create_server(cls, "127.0.0.1", 0)
        return server, server.sockets[0].getsockname()[1]


class _Echo(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/test.Echo/Say":
            return grpc.unary_unary_rpc_method_handler(self._say)
        return grpc.stream_stream_rpc_method_handler(self._chat) if details.method == "/test.Echo/Chat" else None

    @staticmethod
    def _say(request: bytes, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata((("x-trailer", "kept"),))
        if request == b"fail":
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "as asked")
        return b"said " + request

    @staticmethod
    def _chat(requests, _context):
        for request in requests:
            yield b"heard " + request


def grpc_server() -> tuple[grpc.Server, int]:
    """gRPC in clear: test.Echo with Say (unary, a trailer, a failure on demand) and Chat (both ways at once)."""
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((_Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port
