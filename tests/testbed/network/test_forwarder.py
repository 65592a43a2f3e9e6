# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Bytes through a forwarder."""
from __future__ import annotations

import asyncio
import contextlib

import pytest

from testbed.network.forwarder import Forwarder
from testbed.network.namespace import listening_socket
from tests.testbed.network import echo


@pytest.fixture
async def forwarded():
    """A port that leads to a server which answers with what it got, once the client has finished sending."""
    server = await echo.serve()
    listener = listening_socket("127.0.0.1", 0)
    forwarder = Forwarder(listener, lambda: echo.connect(server))
    await forwarder.start()
    yield listener.getsockname()[1], forwarder, server
    await forwarder.stop()
    server.close()


async def test_half_closes_and_large_bodies_pass(forwarded):
    port, _forwarder, _server = forwarded
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = bytes(range(256)) * 4096
    writer.write(body)
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(-1), 5) == body
    writer.close()


async def test_a_refused_connection_is_passed_on_as_an_end(forwarded):
    port, _forwarder, server = forwarded
    server.close()
    await server.wait_closed()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_stopping_cuts_what_is_open(forwarded):
    port, forwarder, _server = forwarded
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"x")
    await writer.drain()
    await asyncio.sleep(0.05)
    await forwarder.stop()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
