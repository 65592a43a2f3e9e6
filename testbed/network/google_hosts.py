# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Google's host names for clients that cannot be given another endpoint.

gcloud has no endpoint override for service networking (SDK 528), but it takes a proxy. This one (SOCKS 5, RFC 1928,
no authentication) leads ``<service>.googleapis.com`` to the emulator and the testbed's own addresses to themselves;
every other destination is refused, so that nothing leaves the machine by mistake.
"""
from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import struct
from collections.abc import Callable

from testbed.network.forwarder import copy_both

DOMAIN = ".googleapis.com"
VERSION, NO_AUTHENTICATION, CONNECT = 5, 0, 1
IPV4, NAME = 1, 3
SUCCEEDED, NOT_ALLOWED, REFUSED = 0, 2, 5
HANDSHAKE_TIMEOUT = 10.0

Address = tuple[str, int]


def destination(host: str, port: int, own: ipaddress.IPv4Network, google: Address) -> Address | None:
    """Where a connection goes: Google's names over TLS to ``google``, addresses of the testbed to themselves."""
    if host.lower().endswith(DOMAIN) and port == 443:
        return google
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host) in own:
            return host, port
    return None


def service_of(host: str) -> str | None:
    """``compute`` of ``compute.googleapis.com``; www serves Compute Engine below its old address."""
    name = host.rpartition(":")[0] or host
    if not name.lower().endswith(DOMAIN):
        return None
    service = name.lower().removesuffix(DOMAIN)
    return "compute" if service == "www" else service


class Socks:
    """The connection handler: ``asyncio.start_server(Socks(...).serve)``."""

    def __init__(self, route: Callable[[str, int], Address | None]) -> None:
        self._route = route

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            wanted = await asyncio.wait_for(_handshake(reader, writer), HANDSHAKE_TIMEOUT)
            target = self._route(*wanted) if wanted else None
            if target is None:
                await _reply(writer, NOT_ALLOWED)
                return
            try:
                far_reader, far_writer = await asyncio.open_connection(*target)
            except OSError:
                await _reply(writer, REFUSED)
                return
            await _reply(writer, SUCCEEDED)
            await copy_both((reader, writer), (far_reader, far_writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, UnicodeDecodeError):
            return
        finally:
            writer.close()


async def _handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Address | None:
    """Host and port that the client wants, None for what is not spoken here."""
    version, methods = await reader.readexactly(2)
    if version != VERSION or NO_AUTHENTICATION not in await reader.readexactly(methods):
        return None
    writer.write(bytes([VERSION, NO_AUTHENTICATION]))
    await writer.drain()
    version, command, _reserved, kind = await reader.readexactly(4)
    if version != VERSION or command != CONNECT:
        return None
    if kind == IPV4:
        host = str(ipaddress.IPv4Address(await reader.readexactly(4)))
    elif kind == NAME:
        (length,) = await reader.readexactly(1)
        host = (await reader.readexactly(length)).decode("ascii")
    else:
        return None
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    return host, port


async def _reply(writer: asyncio.StreamWriter, code: int) -> None:
    writer.write(bytes([VERSION, code, 0, IPV4]) + bytes(6))
    await writer.drain()
