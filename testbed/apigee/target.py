# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The call to a target: which server, which connection, what is sent, and Apigee's fault for each way it can fail."""
from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from testbed.apigee import faults, handshakes
from testbed.apigee.bundle.model import TargetEndpoint
from testbed.apigee.conditions import text_of
from testbed.apigee.configuration import origin, settings_of
from testbed.apigee.context import Context
from testbed.apigee.messages import Message
from testbed.apigee.pools import ATTEMPT, PoolKey, Pools
from testbed.apigee.resolver import UnresolvedName
from testbed.apigee.streams import MAXIMUM_BUFFERED_BYTES, Releases, buffered
from testbed.apigee.tls import TlsInfo, TlsUnusable
from testbed.apigee.trace import Attempt

if TYPE_CHECKING:
    from testbed.apigee.balancer import TargetServer

# Headers of one connection, never passed on (RFC 9110 section 7.6.1); Expect was answered by this server already.
HOP_BY_HOP = frozenset(("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
                        "te", "trailer", "transfer-encoding", "upgrade", "expect"))
_CHUNK = 64 * 1024


class _RequestStream:
    """A body passed on as it comes; remembers whether any of it was taken, because then it cannot be sent again."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self.started = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.started = True
        async for chunk in self._source:
            yield chunk


class TargetClient:
    """Calls targets over the pools."""

    def __init__(self, pools: Pools) -> None:
        self._pools = pools

    async def call(self, context: Context, target: TargetEndpoint, releases: Releases) -> Message:
        """The target's response. Raises Fault. ``releases`` gets what must be closed when the request is over."""
        balancer = context.deployment.balancers.get(target.name) if target.load_balancer else None
        override = context.get("target.url")
        streamed = _RequestStream(context.request.stream) if context.request.stream is not None else None
        if balancer is None or override:
            url = text_of(override) if override else target.url or ""
            return await self._attempt(context, target, url, None, streamed, releases)
        tried: set[str] = set()
        fault: faults.Fault | None = None
        while True:
            server = balancer.choose(tried)
            if server is None:
                raise fault or faults.no_active_targets()
            tried.add(server.name)
            balancer.began(server)
            failed = True
            try:
                scheme = "http" if server.tls is None else "https"
                url = f"{scheme}://{_authority(server.host, server.port)}{target.path}"
                response = await self._attempt(context, target, url, server, streamed, releases)
                failed = False
                return response
            except faults.Fault as error:
                fault = error
            except asyncio.CancelledError:
                failed = False
                raise
            finally:
                balancer.ended(server, failed)
            if not balancer.retry_enabled or (streamed is not None and streamed.started):
                raise fault

    async def _attempt(self, context: Context, target: TargetEndpoint, url: str, server: TargetServer | None,
                       streamed: _RequestStream | None, releases: Releases) -> Message:
        scheme, host, port, path, query = origin(url)
        if scheme not in ("http", "https"):
            raise faults.unsupported(f"targets of scheme '{scheme}'")
        request = context.request
        path, query = _target_path(context, path, query)
        settings = settings_of(target)
        deployment = context.deployment
        context.variables.provide(target={
            "host": host, "port": port, "scheme": scheme, "basepath": path, "name": target.name,
            "url": url}, loadbalancing={"targetserver": server.name if server else None})
        attempt = Attempt(host, port, server.name if server else None)
        try:
            tls = None
            if scheme == "https":
                tls = context.keystores.settings((server.tls if server else target.tls) or TlsInfo())
            session, release = self._pools.lease(PoolKey(deployment.environment, deployment.proxy, target.name, scheme,
                                                         host, port, settings, tls))
        except TlsUnusable as error:
            attempt.error = str(error)
            context.trace.attempt(attempt)
            raise faults.handshake_failed(str(error)) from None
        # Released after the response is closed: these run last first.
        releases.add(release)
        token = ATTEMPT.set(attempt)
        began = time.monotonic()
        try:
            reply = await session.request(
                request.verb, URL.build(scheme=scheme, authority=_authority(host, port), path=path or "/",
                                        query_string=query, encoded=True),
                headers=_headers(context, scheme, host, port), data=_body(request, streamed), allow_redirects=False)
            releases.add(reply.close)
            response = Message("response", headers=_end_to_end(reply.headers), status=reply.status,
                               reason=reply.reason or "")
            attempt.status = reply.status
            if target.properties.get("response.streaming.enabled", "").lower() == "true":
                response.stream = reply.content.iter_chunked(_CHUNK)
            elif request.verb != "HEAD":
                await _read_body(response, reply)
                reply.release()
            context.variables.provide(target={"ip": (attempt.connected or "").rpartition(":")[0] or None})
            return response
        except faults.Fault as fault:
            attempt.error = fault.errorcode
            raise
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            handshake = handshakes.failure(error, attempt) if tls is not None else None
            fault = faults.handshake_failed(handshake) if handshake else _fault(error, host)
            attempt.error = handshake or _text(error)
            raise fault from None
        finally:
            ATTEMPT.reset(token)
            attempt.milliseconds = (time.monotonic() - began) * 1000
            context.trace.attempt(attempt)


async def _read_body(response: Message, reply: aiohttp.ClientResponse) -> None:
    headers = response.headers.copy()
    response.body = await buffered(reply.content, MAXIMUM_BUFFERED_BYTES, "response")
    # Content-Length was of this very body; setting a body removed it.
    response.headers = headers


def _fault(error: Exception, host: str) -> faults.Fault:
    """Apigee's fault for a failure of the client library."""
    if isinstance(error, (aiohttp.ClientConnectorDNSError, UnresolvedName)):
        return faults.unresolved_host(host)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return faults.connect_timeout()
    if isinstance(error, asyncio.TimeoutError):
        return faults.read_timeout()
    if isinstance(error, aiohttp.ClientConnectorError):
        # Refused and unreachable alike: the connection could not be made.
        return faults.connection_refused()
    return faults.unexpected_eof()


def _text(error: Exception) -> str:
    """What the operating system or the resolver said, for the trace."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return str(cause) or type(cause).__name__


def _authority(host: str, port: int) -> str:
    bracketed = f"[{host}]" if ":" in host else host
    return f"{bracketed}:{port}"


def _target_path(context: Context, path: str, query: str) -> tuple[str, str]:
    """Path suffix and query of the request are appended unless the proxy switched that off."""
    if text_of(context.get("target.copy.pathsuffix")).lower() != "false":
        path = path.rstrip("/") + context.path_suffix if context.path_suffix else path
    if text_of(context.get("target.copy.queryparams")).lower() != "false":
        query = "&".join(part for part in (query, context.request.query.encoded()) if part)
    return path, query


def _end_to_end(headers) -> CIMultiDict[str]:
    named = {name.strip().lower() for value in headers.getall("Connection", ()) for name in value.split(",")}
    return CIMultiDict((name, value) for name, value in headers.items()
                       if name.lower() not in HOP_BY_HOP and name.lower() not in named)


def _headers(context: Context, scheme: str, host: str, port: int) -> CIMultiDict[str]:
    headers = _end_to_end(context.request.headers)
    # The target's own host, unless a policy set another one than the client sent.
    if headers.get("Host") in (None, context.get("client.hostheader")):
        headers["Host"] = host if port == {"http": 80, "https": 443}[scheme] else _authority(host, port)
    return headers


def _body(request: Message, streamed: _RequestStream | None):
    if streamed is not None:
        return aiohttp.AsyncIterablePayload(streamed, headers={}) if request.verb not in ("GET", "HEAD") else None
    return request.body or None
