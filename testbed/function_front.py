# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""What stands before functions, as Cloud Run's own front does: TLS, who may invoke, deadlines, sizes. A double.

Source: Cloud Run documentation, "Authenticating service-to-service" (403 without a token, 401 for a bad one; the
signature is taken away before the service sees it), "Request timeout" (504), "Quotas" (32 MiB over HTTP/1.1), "Restrict
network ingress" (404). Bodies of its refusals are not Google's; X-Serverless-Authorization is not read.
"""
from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from testbed.certificates import Authority
from testbed.functions import PORT, Functions, Revision
from testbed.network.namespace import listening_socket
from testbed.state import NORTHBOUND_PORT, State
from testbed.world import Function, WorldError

#: Google's certificates of these names are wildcards too.
NAMES = ("*.a.run.app", "*.cloudfunctions.net")
MOST_BODY = 32 * 1024 * 1024
#: Below the two seconds after which gunicorn closes an idle connection.
KEEP = 1.0
_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
        "upgrade", "content-length"}

#: (service, token or "", audiences) -> 200, 401 or 403.
Judge = Callable[[str, str, Sequence[str]], Awaitable[int]]


class FunctionFront:
    """One address for all functions, which are told apart by host name, and below cloudfunctions.net by path."""

    def __init__(self, state: State, authority: Authority, functions: Functions, judge: Judge) -> None:
        self._state = state
        self._authority = authority
        self._functions = functions
        self._judge = judge
        self._runner: web.ServerRunner | None = None
        self._sessions: dict[int, tuple[Revision, aiohttp.ClientSession]] = {}

    async def open(self) -> None:
        """Listen. Raises OSError."""
        context = await asyncio.to_thread(self._context)
        # The gateway keeps its connections for an hour: who closes first must not be here.
        server = web.Server(self._answer, keepalive_timeout=7200, access_log=None, max_line_size=65536,
                            max_field_size=65536)
        self._runner = web.ServerRunner(server, shutdown_timeout=2.0)
        await self._runner.setup()
        listener = listening_socket(self._state.function_address, NORTHBOUND_PORT)
        await web.SockSite(self._runner, listener, ssl_context=context).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        for _revision, session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def backends(self) -> dict[str, tuple[str, int]]:
        """Where the functions are, by the authority of their URLs."""
        place = (self._state.function_address, NORTHBOUND_PORT)
        return {urlsplit(url).netloc: place for revision in self._functions.running() for url in revision.function.urls}

    def _context(self) -> ssl.SSLContext:
        chain, key = self._authority.issue(NAMES)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # From memory it cannot be loaded.
        for name, content in (("tls.crt", chain), ("tls.key", key)):
            path = self._state.functions / name
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
        context.load_cert_chain(self._state.functions / "tls.crt", self._state.functions / "tls.key")
        return context

    # -- requests ---------------------------------------------------------------------------------------------
    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        found = self._found(request.host.lower(), request.raw_path)
        if found is None or found[0].ingress != "ALLOW_ALL":
            return web.Response(status=404, text="The requested URL was not found on this server.")
        function, target = found
        started, status = time.monotonic(), 500
        try:
            answer = await self._invoke(request, function, target)
            status = answer.status
            return answer
        finally:
            # No query and no headers: they hold keys.
            line = f"request {request.method} {target.partition('?')[0]} {status} {time.monotonic() - started:.3f}\n"
            with self._functions.log_file(function).open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(line)

    def _found(self, host: str, target: str) -> tuple[Function, str] | None:
        """The function of a URL, and the target that it sees."""
        for revision in self._functions.running():
            for url in map(urlsplit, revision.function.urls):
                if url.netloc != host:
                    continue
                path, mark, query = target.partition("?")
                if path == url.path or path.startswith(url.path.rstrip("/") + "/"):
                    return revision.function, (path[len(url.path.rstrip("/")):] or "/") + mark + query
        return None

    async def _invoke(self, request: web.BaseRequest, function: Function, target: str) -> web.Response:
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        allowed = await self._judge(function.service, token, function.urls)
        if allowed != 200:
            return web.Response(status=allowed, text="Your client does not have permission to get this URL.")
        body = await _read(request)
        if body is None:
            return web.Response(status=413, text="The request is larger than 32 MiB.")
        try:
            async with asyncio.timeout(function.seconds):
                revision = await self._functions.revive(function.name)
                if revision is None:
                    return web.Response(status=503, text="Service Unavailable")
                async with revision.slots:
                    return await self._forward(request, revision, target, body, token)
        except TimeoutError:
            return web.Response(status=504, text="upstream request timeout")
        except (aiohttp.ClientError, OSError, WorldError):
            return web.Response(status=503, text="Service Unavailable")

    async def _forward(self, request: web.BaseRequest, revision: Revision, target: str, body: bytes,
                       token: str) -> web.Response:
        headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in _HOP)
        if token:
            kept = token.rpartition(".")[0] or token
            headers["Authorization"] = f"Bearer {kept}.SIGNATURE_REMOVED_BY_GOOGLE"
        before = headers.get("X-Forwarded-For")
        headers["X-Forwarded-For"] = f"{before},{request.remote}" if before else str(request.remote)
        headers["X-Forwarded-Proto"] = "https"
        headers.setdefault("X-Cloud-Trace-Context", f"{secrets.token_hex(16)}/1")
        url = URL(f"http://127.0.0.1:{PORT}{target}", encoded=True)
        revision.answering += 1
        revision.idle.clear()
        try:
            async with self._session(revision).request(
                    request.method, url, headers=headers, data=body or None, allow_redirects=False) as answer:
                content = await answer.read()
                kept_headers = CIMultiDict((name, value) for name, value in answer.headers.items()
                                           if name.lower() not in _HOP)
                return web.Response(status=answer.status, headers=kept_headers, body=content)
        finally:
            revision.answering -= 1
            if not revision.answering:
                revision.idle.set()

    def _session(self, revision: Revision) -> aiohttp.ClientSession:
        """Connections into one revision's namespace; those of revisions that are gone are closed."""
        living = {each.number: each for each in self._functions.running()}
        for number, (known, session) in list(self._sessions.items()):
            if known.answering == 0 and living.get(number) is not known:
                del self._sessions[number]
                asyncio.ensure_future(session.close())
        found = self._sessions.get(revision.number)
        if found is not None and found[0] is revision:
            return found[1]

        def inside(_address: object) -> socket.socket:
            return revision.namespace.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))

        connector = aiohttp.TCPConnector(socket_factory=inside, limit=0, keepalive_timeout=KEEP)
        session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"))
        self._sessions[revision.number] = revision, session
        return session


async def _read(request: web.BaseRequest) -> bytes | None:
    """The body, None when there is more than Cloud Run takes."""
    pieces, size = [], 0
    with contextlib.suppress(aiohttp.ClientPayloadError):
        async for piece in request.content.iter_chunked(65536):
            pieces.append(piece)
            size += len(piece)
            if size > MOST_BODY:
                return None
    return b"".join(pieces)


