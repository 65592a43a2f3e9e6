# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A caller that sees everything: HTTP/1.1 on one connection, over TLS or in clear, nothing repeated or hidden."""
from __future__ import annotations

import asyncio
import ssl
import time

from cryptography import x509

from .authority import NAME


class Lost(Exception):
    """A request got no answer."""


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


class Http1:
    """One connection. After an answer that says so it is closed."""

    def __init__(self, port: int, context: ssl.SSLContext | None) -> None:
        self.port, self._context = port, context
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.tls: ssl.SSLObject | None = None
        self.used = 0.0

    @property
    def open(self) -> bool:
        """Whether it is open as far as a careful caller can tell."""
        return self._reader is not None and not self._reader.at_eof() and not self._writer.is_closing()

    @property
    def serial(self) -> int:
        """The serial number of the server's certificate, of the newest connection, be it open or ended."""
        return x509.load_der_x509_certificate(self.tls.getpeercert(True)).serial_number

    async def connect(self) -> None:
        try:
            self._reader, self._writer = await asyncio.wait_for(asyncio.open_connection(
                "127.0.0.1", self.port, ssl=self._context, server_hostname=NAME if self._context else None), 10)
        except (OSError, asyncio.TimeoutError) as error:
            raise Lost(f"connecting: {error!r}") from error
        self.tls = self._writer.get_extra_info("ssl_object")

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
