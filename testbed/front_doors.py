# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Further ways in to the emulator, for clients that cannot be told ``<emulator>/<service>/``.

``gcloud apigee`` keeps only the host of an endpoint override and asks for /v1/... at its root. Other gcloud commands
know no override at all for some services and are led here by the proxy of google_hosts.py, with Google's own names
over TLS.
"""
from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path

import aiohttp
from aiohttp import web

from testbed.certificates import Authority
from testbed.network import google_hosts
from testbed.network.namespace import listening_socket
from testbed.state import EMULATOR_PORT, SERVICES, State

#: Last bytes of the loopback addresses.
APIGEE_AT_ROOT, GOOGLE_HOSTS = 3, 4
TLS_PORT, SOCKS_PORT = 443, 1080
HOP_BY_HOP = {"host", "connection", "transfer-encoding", "content-length", "keep-alive"}


async def serve(stack: contextlib.AsyncExitStack, state: State, authority: Authority) -> None:
    """Serve until the stack unwinds. Raises OSError."""
    session = await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
    await _site(stack, _forwarding(session, lambda _host: f"{state.emulator_url}/apigee"),
                (state.address(APIGEE_AT_ROOT), EMULATOR_PORT), None)

    def by_host(host: str) -> str | None:
        service = google_hosts.service_of(host)
        return f"{state.emulator_url}/{service}" if service in SERVICES else None

    google = (state.address(GOOGLE_HOSTS), TLS_PORT)
    await _site(stack, _forwarding(session, by_host), google, _tls(authority))
    own = ipaddress.IPv4Network(f"{state.address(1)}/24", strict=False)
    socks = google_hosts.Socks(lambda host, port: google_hosts.destination(host, port, own, google))
    server = await asyncio.start_server(
        socks.serve, sock=listening_socket(state.address(GOOGLE_HOSTS), SOCKS_PORT))
    stack.callback(server.close)


async def _site(stack: contextlib.AsyncExitStack, app: web.Application, address: tuple[str, int],
                tls: ssl.SSLContext | None) -> None:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.SockSite(runner, listening_socket(*address), ssl_context=tls).start()


def _tls(authority: Authority) -> ssl.SSLContext:
    chain, key = authority.issue([f"{service}{google_hosts.DOMAIN}" for service in (*SERVICES, "www")])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The ssl module reads from files only.
    with tempfile.TemporaryDirectory(dir=authority.folder) as folder:
        for name, content in (("chain", chain), ("key", key)):
            Path(folder, name).write_bytes(content)
        context.load_cert_chain(Path(folder, "chain"), Path(folder, "key"))
    return context


def _forwarding(session: aiohttp.ClientSession, base: Callable[[str], str | None]) -> web.Application:
    """Pass every request on to the URL that ``base`` gives for its host, path and query as they came."""

    async def forward(request: web.Request) -> web.Response:
        onward = base(request.host)
        if onward is None:
            raise web.HTTPNotFound(text=f"{request.host} is not emulated")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        async with session.request(request.method, f"{onward}{request.raw_path}", headers=headers,
                                   data=await request.read()) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())

    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_route("*", "/{tail:.*}", forward)
    return app
