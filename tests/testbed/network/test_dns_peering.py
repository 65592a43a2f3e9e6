# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Which names Apigee's tenant project can resolve."""
from __future__ import annotations

import asyncio
import socket
import struct

import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest

from testbed.network.dns_peering import DnsPeering, resolver_of


@pytest.mark.parametrize(("name", "peered"), [
    ("orders.shop.svc.gke.acme.internal.", True),
    ("gke.acme.internal.", True),
    ("ORDERS.GKE.ACME.INTERNAL.", True),
    ("acme.internal.", False),
    ("notgke.acme.internal.", False),
    ("gke.acme.internal.example.", False),
    ("example.com.", False),
])
def test_only_the_suffix_and_what_is_below_it(name: str, peered: bool):
    found = resolver_of(dns.name.from_text(name), {dns.name.from_text("gke.acme.internal."): "169.254.171.1"})
    assert found == ("169.254.171.1" if peered else None)


def test_nothing_is_peered_without_a_domain():
    assert resolver_of(dns.name.from_text("gke.acme.internal."), {}) is None


def test_the_longest_suffix_decides_whose_resolver_is_asked():
    suffixes = {dns.name.from_text("acme.internal."): "one", dns.name.from_text("gke.acme.internal."): "two"}
    assert resolver_of(dns.name.from_text("a.gke.acme.internal."), suffixes) == "two"
    assert resolver_of(dns.name.from_text("a.acme.internal."), suffixes) == "one"


class Here:
    """Stands for a namespace: sockets of this one, with ports moved so that no root is needed."""

    def __init__(self, port: int) -> None:
        self.port = port

    def udp(self, host: str, port: int) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        made.bind((host, port and self.port))
        return made

    def listen(self, host: str, port: int) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, self.port))
        made.listen()
        return made

    async def connect(self, host: str, port: int) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        await asyncio.get_running_loop().sock_connect(made, (host, port))
        return made


def answer(question: bytes) -> bytes:
    query = dns.message.from_wire(question)
    reply = dns.message.make_response(query)
    reply.answer.append(dns.rrset.from_text(query.question[0].name, 10, "IN", "A", "10.20.0.9"))
    return reply.to_wire()


class Resolver(asyncio.DatagramProtocol):
    """The VPC's resolver, which remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.asked.append(dns.message.from_wire(data).question[0].name.to_text())
        self.transport.sendto(answer(data), address)

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        reply = answer(await reader.readexactly(length))
        writer.write(struct.pack("!H", len(reply)) + reply)
        await writer.drain()
        writer.close()


@pytest.fixture
async def peering():
    resolver = Resolver()
    loop = asyncio.get_running_loop()
    # One port for both protocols: take TCP's, then UDP's of the same number.
    server = await asyncio.start_server(resolver.stream, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(lambda: resolver, local_addr=("127.0.0.1", port))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        own = probe.getsockname()[1]
    made = DnsPeering(Here(own), Here(port), "127.0.0.1", port)
    await made.start()
    made.set_suffixes({"gke.acme.internal.": "127.0.0.1"})
    made.own, made.upstream = own, resolver
    yield made
    await made.stop()
    transport.close()
    server.close()


async def ask(port: int, name: str) -> dns.message.Message:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await loop.sock_sendall(sock, dns.message.make_query(name, "A").to_wire())
        return dns.message.from_wire(await asyncio.wait_for(loop.sock_recv(sock, 4096), 3))


async def test_a_peered_name_is_asked_in_the_vpc(peering: DnsPeering):
    reply = await ask(peering.own, "orders.shop.svc.gke.acme.internal.")
    assert reply.answer[0].ttl == 10
    assert peering.upstream.asked == ["orders.shop.svc.gke.acme.internal."]


async def test_any_other_name_does_not_exist_and_is_not_asked_for(peering: DnsPeering):
    reply = await ask(peering.own, "orders.shop.svc.cluster.local.")
    assert reply.rcode() == dns.rcode.NXDOMAIN
    assert peering.upstream.asked == []


async def test_a_withdrawn_domain_stops_at_once(peering: DnsPeering):
    peering.set_suffixes({})
    assert (await ask(peering.own, "orders.gke.acme.internal.")).rcode() == dns.rcode.NXDOMAIN


async def test_a_suffix_that_is_no_name_harms_no_other(peering: DnsPeering):
    peering.set_suffixes({"a..b.": "127.0.0.1", "gke.acme.internal.": "127.0.0.1"})
    assert (await ask(peering.own, "orders.gke.acme.internal.")).answer


async def test_tcp_goes_the_same_way(peering: DnsPeering):
    reader, writer = await asyncio.open_connection("127.0.0.1", peering.own)
    for name, code in (("a.gke.acme.internal.", dns.rcode.NOERROR), ("b.example.", dns.rcode.NXDOMAIN)):
        question = dns.message.make_query(name, "A").to_wire()
        writer.write(struct.pack("!H", len(question)) + question)
        (length,) = struct.unpack("!H", await asyncio.wait_for(reader.readexactly(2), 3))
        assert dns.message.from_wire(await reader.readexactly(length)).rcode() == code
    writer.close()


async def test_what_is_no_question_gets_no_answer(peering: DnsPeering):
    assert await peering.answer(b"nonsense", stream=False) is None
    assert await peering.answer(answer(dns.message.make_query("a.example.", "A").to_wire()), stream=False) is None
