# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Where the proxy leads, and where it does not."""
from __future__ import annotations

import asyncio
import ipaddress
import struct

import pytest

from testbed.network.google_hosts import Socks, destination, service_of

OWN = ipaddress.IPv4Network("127.64.0.0/24")
GOOGLE = ("127.64.0.4", 443)


@pytest.mark.parametrize(("host", "port", "leads_to"), [
    ("servicenetworking.googleapis.com", 443, GOOGLE),
    ("Compute.GoogleAPIs.com", 443, GOOGLE),
    ("compute.googleapis.com", 80, None),
    ("googleapis.com.example", 443, None),
    ("127.64.0.1", 8080, ("127.64.0.1", 8080)),
    ("127.0.0.1", 8080, None),
    ("example.com", 443, None),
    ("192.0.2.1", 443, None),
])
def test_google_and_the_testbed_and_nothing_else(host: str, port: int, leads_to: tuple[str, int] | None):
    assert destination(host, port, OWN, GOOGLE) == leads_to


@pytest.mark.parametrize(("host", "service"), [
    ("dns.googleapis.com", "dns"), ("dns.googleapis.com:443", "dns"), ("www.googleapis.com", "compute"),
    ("example.com", None), ("127.0.0.1:8080", None)])
def test_the_service_is_the_first_label(host: str, service: str | None):
    assert service_of(host) == service


@pytest.fixture
async def proxy():
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(-1))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    routes = {("known.googleapis.com", 443): address, ("127.0.0.1", 9): address, ("dead", 1): ("127.0.0.1", 1)}
    socks = await asyncio.start_server(Socks(lambda host, port: routes.get((host, port))).serve, "127.0.0.1", 0)
    yield socks.sockets[0].getsockname()
    socks.close()
    server.close()


def named(host: str, port: int) -> bytes:
    return bytes([5, 1, 0, 3, len(host)]) + host.encode() + struct.pack("!H", port)


async def ask(proxy: tuple[str, int], request: bytes) -> tuple[int, bytes]:
    """The proxy's verdict, and what came back for "hello"."""
    reader, writer = await asyncio.open_connection(*proxy)
    writer.write(b"\x05\x01\x00")
    assert await reader.readexactly(2) == b"\x05\x00"
    writer.write(request)
    verdict = (await asyncio.wait_for(reader.readexactly(10), 3))[1]
    if verdict != 0:
        writer.close()
        return verdict, b""
    writer.write(b"hello")
    writer.write_eof()
    echoed = await asyncio.wait_for(reader.read(-1), 3)
    writer.close()
    return verdict, echoed


async def test_by_name_and_by_address(proxy: tuple[str, int]):
    assert await ask(proxy, named("known.googleapis.com", 443)) == (0, b"hello")
    assert await ask(proxy, bytes([5, 1, 0, 1, 127, 0, 0, 1, 0, 9])) == (0, b"hello")


async def test_other_destinations_are_not_allowed_and_dead_ones_refused(proxy: tuple[str, int]):
    assert await ask(proxy, named("example.com", 443)) == (2, b"")
    assert await ask(proxy, named("dead", 1)) == (5, b"")


async def test_other_protocols_end_without_harm(proxy: tuple[str, int]):
    for opening in (b"GET / HTTP/1.1\r\n\r\n", b"\x05\x01\x02", b""):
        reader, writer = await asyncio.open_connection(*proxy)
        writer.write(opening)
        writer.write_eof()
        await asyncio.wait_for(reader.read(-1), 3)
        writer.close()
