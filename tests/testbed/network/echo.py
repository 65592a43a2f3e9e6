# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""A server that answers with what it got, once the client has finished sending."""
from __future__ import annotations

import asyncio
import socket


async def serve() -> asyncio.Server:
    """Listen on a free port of the loopback device."""
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(-1))
        await writer.drain()
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


async def connect(server: asyncio.Server) -> socket.socket:
    """A connected, non-blocking socket, as forwarders want one. Raises OSError."""
    address = server.sockets[0].getsockname() if server.sockets else ("127.0.0.1", 1)
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    await asyncio.get_running_loop().sock_connect(made, address)
    return made
