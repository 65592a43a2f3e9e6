# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callers that see everything: HTTP/1.1 and HTTP/2 over TLS on one connection each, nothing repeated or hidden."""
from __future__ import annotations

import asyncio
import ssl
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
from cryptography import x509

from .authority import NAME


class Lost(Exception):
    """A request got no answer."""


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


class Http1:
    """One connection. After an answer that says so it is closed."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self.port, self._context = port, context
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.used = 0.0

    @property
    def open(self) -> bool:
        """Whether it is open as far as a careful caller can tell."""
        return self._reader is not None and not self._reader.at_eof() and not self._writer.is_closing()

    @property
    def serial(self) -> int:
        return x509.load_der_x509_certificate(self._writer.get_extra_info("ssl_object").getpeercert(True)).serial_number

    @property
    def tls(self) -> ssl.SSLObject:
        return self._writer.get_extra_info("ssl_object")

    async def connect(self) -> None:
        try:
            self._reader, self._writer = await asyncio.wait_for(asyncio.open_connection(
                "127.0.0.1", self.port, ssl=self._context, server_hostname=NAME), 10)
        except (OSError, asyncio.TimeoutError) as error:
            raise Lost(f"connecting: {error!r}") from error

    async def request(self, method: str = "POST", path: str = "/", headers: tuple[tuple[str, str], ...] = (),
                      body: bytes = b"x") -> Answer:
        if not self.open:
            await self.connect()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {NAME}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        try:
            self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            await self._writer.drain()
            answer = await asyncio.wait_for(self._read(method), 30)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, ValueError) as error:
            await self.close()
            raise Lost(f"{method}: {error!r}") from error
        self.used = time.monotonic()
        if answer.headers.get("connection", "").lower() == "close":
            await self.close()
        return answer

    async def _read(self, method: str) -> Answer:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        if method == "HEAD" or status in (204, 304):
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await self._reader.readline(), 16):
                body += (await self._reader.readexactly(size + 2))[:-2]
            await self._reader.readline()
        elif "content-length" in headers:
            body = await self._reader.readexactly(int(headers["content-length"]))
        else:
            body = await self._reader.read()
        return Answer(status, headers, body)

    async def look(self) -> None:
        """Let the loop take in what came meanwhile, such as an end."""
        await asyncio.sleep(0)

    async def close(self) -> None:
        if self._writer:
            self._writer.close()
        self._reader = self._writer = None


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
