# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The resolver of Apigee's tenant project: it knows only names below peered DNS domains.

VPC peering brings routes, not names. A name below the suffix of a peered DNS domain is asked of the resolver of the
peered network; every other one does not exist here (the testbed has no public DNS either).
"""
from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Mapping
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode

from testbed.network.namespace import Namespace

TIMEOUT = 5.0
MAX_MESSAGE = 65535
IDLE = 10.0

log = logging.getLogger("testbed.dns_peering")


def resolver_of(name: dns.name.Name, suffixes: Mapping[dns.name.Name, str]) -> str | None:
    """The resolver of the longest suffix that ``name`` is or lies below; None where none is peered."""
    found = [suffix for suffix in suffixes if name.is_subdomain(suffix)]
    return suffixes[max(found, key=len)] if found else None


class DnsPeering:
    """UDP and TCP server in Apigee's namespace that forwards permitted questions into the VPC's."""

    def __init__(self, tenant: Namespace, vpc: Namespace, address: str, port: int = 53) -> None:
        self._tenant = tenant
        self._vpc = vpc
        self._address = address
        self._port = port
        self._suffixes: dict[dns.name.Name, str] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def set_suffixes(self, suffixes: Mapping[str, str]) -> None:
        """What is peered from now on: suffixes, each with the address of its network's resolver in the VPC."""
        known = {}
        for suffix, address in suffixes.items():
            try:
                known[dns.name.from_text(suffix)] = address
            except dns.exception.DNSException as error:
                log.error("peered domain %s is left out: %s", suffix, error)
        self._suffixes = known

    async def start(self) -> None:
        """Listen. Raises OSError."""
        loop = asyncio.get_running_loop()
        datagrams = self._tenant.udp(self._address, self._port)
        self._transport, _protocol = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=datagrams)
        self._server = await asyncio.start_server(self._stream, sock=self._tenant.listen(self._address, self._port))

    async def stop(self) -> None:
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def spawn(self, answering: asyncio.Task[None]) -> None:
        """Keep a task alive until it ends."""
        self._tasks.add(answering)
        answering.add_done_callback(self._tasks.discard)

    async def answer(self, question: bytes, *, stream: bool) -> bytes | None:
        """The answer to one message, or None for what is no question at all."""
        try:
            query = dns.message.from_wire(question, ignore_trailing=True)
        except dns.exception.DNSException:
            return None
        if query.flags & dns.flags.QR or len(query.question) != 1:
            return None
        resolver = resolver_of(query.question[0].name, self._suffixes)
        if resolver is None:
            return _refusal(query, dns.rcode.NXDOMAIN)
        try:
            forward = self._forward_stream if stream else self._forward_datagram
            return await asyncio.wait_for(forward(question, resolver), TIMEOUT)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            return _refusal(query, dns.rcode.SERVFAIL)

    async def _forward_datagram(self, question: bytes, resolver: str) -> bytes:
        loop = asyncio.get_running_loop()
        with self._vpc.udp(resolver, 0) as sock:
            await loop.sock_connect(sock, (resolver, self._port))
            await loop.sock_sendall(sock, question)
            while True:
                answer = await loop.sock_recv(sock, MAX_MESSAGE)
                if answer[:2] == question[:2]:
                    return answer

    async def _forward_stream(self, question: bytes, resolver: str) -> bytes:
        sock = await self._vpc.connect(resolver, self._port)
        reader, writer = await asyncio.open_connection(sock=sock)
        try:
            writer.write(struct.pack("!H", len(question)) + question)
            await writer.drain()
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            return await reader.readexactly(length)
        finally:
            writer.close()

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # called by asyncio as a task
        self.spawn(task)
        try:
            while True:
                (length,) = struct.unpack("!H", await asyncio.wait_for(reader.readexactly(2), IDLE))
                reply = await self.answer(await reader.readexactly(length), stream=True)
                if reply is None:
                    return
                writer.write(struct.pack("!H", len(reply)) + reply)
                await writer.drain()
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, peering: DnsPeering) -> None:
        self._peering = peering
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own class for it is no subclass of the documented one.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self._peering.spawn(asyncio.get_running_loop().create_task(self._reply(data, address)))

    async def _reply(self, data: bytes, address: tuple[str, int]) -> None:
        reply = await self._peering.answer(data, stream=False)
        if reply is not None and self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(reply, address)


def _refusal(query: dns.message.Message, code: dns.rcode.Rcode) -> bytes:
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(code)
    return response.to_wire()
