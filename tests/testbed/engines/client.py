# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller for HTTP/2; that for HTTP/1.1 is the testbed's."""
from __future__ import annotations

import asyncio
import ssl
import time

import h2.config
import h2.connection
import h2.errors
import h2.events

from testbed.engines.authority import NAME
from testbed.engines.client import Answer, Lost


class Http2:
    """One connection with one request at a time. Opens a new one after GOAWAY, as RFC 9113 asks."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self.port, self._context = port, context
        self._writer: asyncio.StreamWriter | None = None
        self.goaways = 0
        self.used = 0.0

    @property
    def open(self) -> bool:
        if self._writer is None or self._gone:
            return False
        return not self._writer.is_closing() and not self._reader.at_eof()

    async def connect(self) -> None:
        self._gone, self._buffer = False, b""
        try:
            self._reader, self._writer = await asyncio.wait_for(asyncio.open_connection(
                "127.0.0.1", self.port, ssl=self._context, server_hostname=NAME), 10)
        except (OSError, asyncio.TimeoutError) as error:
            raise Lost(f"connecting: {error!r}") from error
        if self._writer.get_extra_info("ssl_object").selected_alpn_protocol() != "h2":
            raise Lost("no HTTP/2 offered")
        self._connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._connection.initiate_connection()
        self._writer.write(self._connection.data_to_send())

    async def look(self) -> None:
        """Take in what came while nothing was asked, such as GOAWAY."""
        while self.open:
            try:
                data = await asyncio.wait_for(self._reader.read(65536), 0.001)
            except (asyncio.TimeoutError, OSError):
                return
            if not data:
                return
            self._take(data)

    def _take(self, data: bytes) -> list:
        """Events of whole frames. GOAWAY is taken here: the library would refuse what is still to come after it."""
        self._buffer += data
        events = []
        while len(self._buffer) >= 9 and len(self._buffer) >= (size := 9 + int.from_bytes(self._buffer[:3], "big")):
            frame, self._buffer = self._buffer[:size], self._buffer[size:]
            if frame[3] == 7:
                self.goaways += 1
                self._gone, self._last = True, int.from_bytes(frame[9:13], "big") & 0x7FFFFFFF
            else:
                events += self._connection.receive_data(frame)
        self._writer.write(self._connection.data_to_send())
        return events

    async def request(self, method: str = "POST", path: str = "/", headers: tuple[tuple[str, str], ...] = (),
                      body: bytes = b"x") -> Answer:
        await self.look()
        if not self.open:
            await self.close()
            await self.connect()
        try:
            return await asyncio.wait_for(self._ask(method, path, headers, body), 30)
        except (OSError, asyncio.TimeoutError, h2.exceptions.ProtocolError) as error:
            await self.close()
            raise Lost(f"{method}: {error!r}") from error

    async def _ask(self, method, path, headers, body) -> Answer:
        stream = self._connection.get_next_available_stream_id()
        self._connection.send_headers(stream, [
            (":method", method), (":scheme", "https"), (":authority", NAME), (":path", path),
            ("content-length", str(len(body))), *headers])
        self._connection.send_data(stream, body, end_stream=True)
        self._writer.write(self._connection.data_to_send())
        status, found, content = 0, {}, b""
        while True:
            data = await self._reader.read(65536)
            if not data:
                if self._gone and self._last < stream:
                    # Not looked at, says the server (RFC 9113, 6.8): to be sent again is not to be lost.
                    await self.close()
                    return await self.request(method, path, headers, body)
                raise Lost("the connection ended")
            gone_before = self._gone
            for event in self._take(data):
                number = getattr(event, "stream_id", None)
                if isinstance(event, h2.events.ResponseReceived) and number == stream:
                    found = dict(event.headers)
                    status = int(found[":status"])
                elif isinstance(event, h2.events.DataReceived) and number == stream:
                    content += event.data
                    self._connection.acknowledge_received_data(event.flow_controlled_length, stream)
                elif isinstance(event, h2.events.StreamReset) and number == stream:
                    if event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM:
                        # Nothing was done with it (RFC 9113, 8.7): it may be sent again, and callers do.
                        await self.close()
                        return await self.request(method, path, headers, body)
                    raise Lost(f"stream reset with {event.error_code}")
                elif isinstance(event, h2.events.StreamEnded) and number == stream:
                    self.used = time.monotonic()
                    return Answer(status, found, content)
            if self._gone and not gone_before and self._last < stream:
                await self.close()
                return await self.request(method, path, headers, body)

    async def close(self) -> None:
        if self._writer:
            self._writer.close()
        self._writer = None
