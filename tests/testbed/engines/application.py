# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applications behind the engines that speak HTTP/2: gRPC's own server, and one on the h2 library."""
from __future__ import annotations

import asyncio
import json
from concurrent import futures

import grpc
import h2.config
import h2.connection
import h2.events


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
