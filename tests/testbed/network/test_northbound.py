# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Reading the host name that a TLS client asks for, and passing everything on."""
from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from testbed.network.namespace import listening_socket
from testbed.northbound import MOST_HELLO, HelloForwarder, hello
from tests.testbed.network import echo


def client_hello(host: str | None) -> bytes:
    """The first message of OpenSSL as a client."""
    context = ssl.create_default_context()
    context.check_hostname = False
    said = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), said, server_hostname=host).do_handshake()
    return said.read()


@pytest.mark.parametrize("host", ["api.acme.example", "xn--bcher-kva.example", None])
@pytest.mark.parametrize("step", [1, 100, 100_000])
async def test_the_host_name_is_read_whatever_the_pieces(host: str | None, step: int):
    reader, message = asyncio.StreamReader(), client_hello(host)

    async def send() -> None:
        for start in range(0, len(message), step):
            reader.feed_data(message[start:start + step])
            await asyncio.sleep(0)

    sending = asyncio.create_task(send())
    assert await asyncio.wait_for(hello(reader), 5) == (host or "", message)
    await sending


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"", b"\x16\x03\x01", b"\x16\x03\x01" + bytes(MOST_HELLO)])
async def test_what_is_no_tls_has_no_host_name(said: bytes):
    reader = asyncio.StreamReader()
    reader.feed_data(said)
    reader.feed_eof()
    host, begun = await asyncio.wait_for(hello(reader), 5)
    assert host == "" and said.startswith(begun)


async def test_the_chosen_server_gets_every_byte():
    server = await echo.serve()
    asked = []

    async def connect(host: str) -> socket.socket:
        asked.append(host)
        return await echo.connect(server)

    listener = listening_socket("127.0.0.1", 0)
    forwarder = HelloForwarder(listener, connect)
    await forwarder.start()
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    message = client_hello("api.acme.example")
    writer.write(message)
    await writer.drain()
    writer.write(b"more")
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(-1), 5) == message + b"more"
    assert asked == ["api.acme.example"]
    writer.close()
    await forwarder.stop()
    server.close()
