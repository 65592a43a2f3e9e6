# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""TCP forwarders: a listening socket here, connections opened by the caller's function wherever it likes."""
from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

CHUNK = 65536
CONNECT_TIMEOUT = 10.0

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Forwarder:
    """Accepts on one socket and copies bytes to and from a connection per client, half-closes included."""

    def __init__(self, listener: socket.socket, connect: Callable[..., Awaitable[socket.socket]]) -> None:
        self._listener = listener
        self._connect = connect
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, sock=self._listener)

    async def stop(self) -> None:
        """Stop listening and cut what is open."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # called by asyncio as a task
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            # Only stop() cancels; asyncio would log it as an error of the callback.
            pass
        finally:
            self._tasks.discard(task)

    async def open_onward(self, reader: asyncio.StreamReader) -> tuple[socket.socket, bytes]:
        """The connection for a client, and what of the client was read to choose it."""
        return await self._connect(), b""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward, begun = await asyncio.wait_for(self.open_onward(reader), CONNECT_TIMEOUT)
            far_reader, far_writer = await asyncio.open_connection(sock=onward)
            far_writer.write(begun)
        except (OSError, asyncio.TimeoutError):
            # As if nobody listened there: a reset is the nearest that a forwarder can say.
            writer.transport.abort()
            return
        await copy_both((reader, writer), (far_reader, far_writer))


async def copy_both(near: Ends, far: Ends) -> None:
    """Copy in both directions until both have ended, then close both."""
    try:
        await asyncio.gather(_copy(near[0], far[1]), _copy(far[0], near[1]))
    finally:
        for _reader, writer in (near, far):
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the sender's end; then pass the half-close on. A broken side ends both."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        with contextlib.suppress(OSError):
            writer.transport.abort()
