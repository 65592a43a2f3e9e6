# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy for gcloud commands whose API has no endpoint override (service networking, in Cloud SDK 528).

gcloud is told of it by its own properties (CLOUDSDK_PROXY_*, core/custom_ca_certs_file), which no other program
reads. A tunnel to SERVICE.googleapis.com ends here, with a certificate of the testbed's authority, and its requests go
to the emulator's /SERVICE/. Nothing else is let through: a request for any other host is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from testbed.certificates import Authority
from testbed.google.connection import SERVICES

_LIMIT = 64 * 1024
_TUNNEL = re.compile(rb"CONNECT ([a-z0-9-]+)\.googleapis\.com:443 HTTP/1\.[01]\r\n")
_PLAIN = re.compile(rb"([A-Z]+) http://[^/ ]+(/[^ ]*) (HTTP/1\.[01])\r\n")
_ORIGIN = re.compile(rb"([A-Z]+) (/[^ ]*) (HTTP/1\.[01])\r\n")

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Proxy:
    """One proxy in front of one emulator."""

    def __init__(self, connect: Connect, authority: Authority, folder: Path) -> None:
        """connect opens a connection to the emulator; the proxy's certificate is kept in folder."""
        self._connect = connect
        certificate, key = authority.issue([f"{service}.googleapis.com" for service in SERVICES])
        file = folder / "gcloud-proxy.pem"
        file.touch(0o600)
        file.write_bytes(certificate + key)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(file)

    async def serve(self, host: str, port: int) -> asyncio.Server:
        """Listen at an address; returns the server, to be closed by the caller."""
        return await asyncio.start_server(self._accept, host, port, limit=_LIMIT)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._exchange(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        prefix = b""
        tunnel = _TUNNEL.match(head)
        if tunnel:
            if tunnel[1].decode() not in SERVICES:
                return await _refuse(writer, b"404 Not Found", tunnel[1] + b".googleapis.com is not emulated.")
            prefix = b"/" + tunnel[1]
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await writer.start_tls(self._tls)
            head = await reader.readuntil(b"\r\n\r\n")
        line = (_ORIGIN if tunnel else _PLAIN).match(head)
        if line is None:
            return await _refuse(
                writer, b"403 Forbidden", b"Only Google's APIs are reached through the testbed's proxy."
            )
        # One request a connection: what follows the head can then be passed on without being understood.
        fields = re.sub(rb"(?im)^(proxy-)?connection:[^\r]*\r\n", b"", head[line.end() :])
        upstream, sink = await self._connect()
        sink.write(line[1] + b" " + prefix + line[2] + b" " + line[3] + b"\r\nConnection: close\r\n" + fields)
        passing = asyncio.create_task(_pass(reader, sink))
        try:
            await _pass(upstream, writer)
        finally:
            passing.cancel()
            sink.close()
        return None


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(_LIMIT):
        sink.write(data)
        await sink.drain()


async def _refuse(writer: asyncio.StreamWriter, status: bytes, text: bytes) -> None:
    writer.write(
        b"HTTP/1.1 " + status + b"\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: "
        + str(len(text)).encode() + b"\r\n\r\n" + text
    )  # fmt: skip
    await writer.drain()


def gcloud_proxy_environment(host: str, port: int, authority_file: Path) -> dict[str, str]:
    """Return the gcloud variables that lead it through the proxy."""
    return {
        "CLOUDSDK_PROXY_TYPE": "http",
        "CLOUDSDK_PROXY_ADDRESS": host,
        "CLOUDSDK_PROXY_PORT": str(port),
        "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": str(authority_file),
    }
