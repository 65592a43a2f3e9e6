# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy for gcloud commands whose API has no endpoint override (service networking, in Cloud SDK 528).

gcloud is told of it by its own properties (CLOUDSDK_PROXY_*, core/custom_ca_certs_file), which no other program
reads. A tunnel to SERVICE.googleapis.com ends here, with a certificate of the testbed's authority, and its requests go
to the emulator's /SERVICE/. Requests for the emulator itself pass; those for any other host are refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from pathlib import Path

from testbed.certificates import Authority
from testbed.google.connection import SERVICES
from testbed.state import write_private

_LIMIT = 64 * 1024
_TUNNEL = re.compile(rb"CONNECT ([a-z0-9-]+)\.googleapis\.com:443 HTTP/1\.[01]\r\n")
_PLAIN = re.compile(rb"([A-Z]+) http://([^/ ]+)(/[^ ]*) (HTTP/1\.[01])\r\n")
_ORIGIN = re.compile(rb"([A-Z]+) ()(/[^ ]*) (HTTP/1\.[01])\r\n")
#: First label of a host name to the emulator's service; www serves Compute Engine below its old address.
_HOSTS = {**{service: service for service in SERVICES}, "www": "compute"}


class Proxy:
    """One proxy in front of one emulator."""

    def __init__(self, emulator: tuple[str, int], authority: Authority, folder: Path) -> None:
        """emulator: host and port. The proxy's certificate is kept in folder."""
        self._emulator = emulator
        certificate, key = authority.issue([f"{host}.googleapis.com" for host in _HOSTS])
        file = folder / "gcloud-proxy.pem"
        write_private(file, (certificate + key).decode("ascii"))
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(file)

    async def serve(self, sock: socket.socket) -> asyncio.Server:
        """Take connections from a listening socket; returns the server, to be closed by the caller."""
        return await asyncio.start_server(self._accept, sock=sock, limit=_LIMIT)

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
            service = _HOSTS.get(tunnel[1].decode())
            if service is None:
                return await _refuse(writer, b"404 Not Found", tunnel[1] + b".googleapis.com is not emulated.")
            prefix = b"/" + service.encode()
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await writer.start_tls(self._tls)
            head = await reader.readuntil(b"\r\n\r\n")
        line = (_ORIGIN if tunnel else _PLAIN).match(head)
        own = "{}:{}".format(*self._emulator).encode()
        if line is None or line[2] not in (b"", own):
            return await _refuse(
                writer, b"403 Forbidden", b"Only Google's APIs are reached through the testbed's proxy."
            )
        # One request a connection: what follows the head can then be passed on without being understood.
        fields = re.sub(rb"(?im)^(proxy-)?connection:[^\r]*\r\n", b"", head[line.end() :])
        upstream, sink = await asyncio.open_connection(*self._emulator)
        sink.write(line[1] + b" " + prefix + line[3] + b" " + line[4] + b"\r\nConnection: close\r\n" + fields)
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
