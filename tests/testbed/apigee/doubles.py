# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Doubles for the tests of the runtime: a DNS server and targets, both real servers on loopback.

They stand for the VPC's resolver and for pods; nothing of the runtime itself is replaced.
"""
from __future__ import annotations

import asyncio
import http.server
import ssl
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from aiohttp import web


class DnsDouble(asyncio.DatagramProtocol):
    """Answers A questions from ``records`` (name -> (ttl, addresses)); anything else is NXDOMAIN.

    Over UDP it keeps to the size that the question allows and says so when it cut an answer; it also listens on TCP.
    """

    def __init__(self) -> None:
        self.records: dict[str, tuple[int, list[str]]] = {}
        self.questions: list[str] = []
        self.tcp_questions = 0
        self.silent = False
        self.port = 0

    async def start(self) -> None:
        # A port that is free for UDP may be taken for TCP; TCP chooses, since its ports are scarcer.
        while True:
            self._server = await asyncio.start_server(self._tcp, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]
            try:
                self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: self, local_addr=("127.0.0.1", self.port))
                return
            except OSError:
                self._server.close()

    def stop(self) -> None:
        self._transport.close()
        self._server.close()

    async def _tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        question = dns.message.from_wire(await reader.readexactly(length))
        self.tcp_questions += 1
        wire = self._reply(question).to_wire(max_size=65535)
        writer.write(len(wire).to_bytes(2, "big") + wire)
        await writer.drain()
        writer.close()

    def datagram_received(self, data: bytes, address) -> None:
        question = dns.message.from_wire(data)
        self.questions.append(_name(question))
        if self.silent:
            return
        reply = self._reply(question)
        try:
            wire = reply.to_wire(max_size=question.payload or 512)
        except dns.exception.TooBig:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
            wire = reply.to_wire()
        self._transport.sendto(wire, address)

    def _reply(self, question: dns.message.Message) -> dns.message.Message:
        name = _name(question)
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.AA
        if name in self.records:
            ttl, addresses = self.records[name]
            if addresses:
                reply.answer.append(dns.rrset.from_text(name + ".", ttl, "IN", "A", *addresses))
        else:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply


def _name(question: dns.message.Message) -> str:
    return question.question[0].name.to_text().rstrip(".").lower()


Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Target:
    """A backend on a loopback address. It records requests and answers with a JSON echo unless given a handler."""

    def __init__(self, address: str = "127.0.0.1", handler: Handler | None = None,
                 tls: ssl.SSLContext | None = None) -> None:
        self.address = address
        self.handler = handler
        self.tls = tls
        self.port = 0
        self.requests: list[dict] = []
        self.peers: set = set()

    async def start(self, port: int = 0) -> Target:
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None, keepalive_timeout=30),
                                        shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.address, port, ssl_context=self.tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read() if self.handler is None else b""
        record = {"method": request.method, "path": request.raw_path, "headers": dict(request.headers),
                  "body": body.decode("latin-1"), "address": self.address}
        self.requests.append(record)
        with suppress(AttributeError):
            self.peers.add(request.transport.get_extra_info("peername"))
            shown = request.transport.get_extra_info("peercert") or {}
            record["client"] = [value for part in shown.get("subject", ()) for _name, value in part]
        if self.handler is not None:
            return await self.handler(request)
        return web.json_response(record)


class RawTarget:
    """A TCP server that does what ``handle`` does with each connection, for backends that break HTTP."""

    def __init__(self, handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
        self._handle = handle
        self.port = 0
        self.connections = 0

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._handle(reader, writer)
        writer.close()

    async def start(self) -> RawTarget:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        self._server.close()


class AlertingTarget:
    """A TLS server on blocking sockets: unlike asyncio's it tells clients why a handshake fails, as nginx does."""

    def __init__(self, context: ssl.SSLContext) -> None:
        class Server(http.server.ThreadingHTTPServer):
            def finish_request(self, request, client_address) -> None:
                with suppress(OSError), context.wrap_socket(request, server_side=True) as connection:
                    super().finish_request(connection, client_address)

            def handle_error(self, request, client_address) -> None:
                """The other side sees it."""

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_what) -> None:
                """Nothing to tell."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    async def start(self) -> AlertingTarget:
        self._thread.start()
        return self

    async def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
