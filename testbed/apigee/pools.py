# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to targets, pooled as Apigee does: kept until idle for keepalive.timeout.millis, never re-resolved."""
from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from testbed.apigee import handshakes
from testbed.apigee.resolver import Resolver
from testbed.apigee.tls import TlsSettings
from testbed.apigee.trace import Attempt

# The attempt for which a connection is being made or taken from the pool, for the trace.
ATTEMPT: contextvars.ContextVar[Attempt | None] = contextvars.ContextVar("attempt", default=None)


@dataclass(frozen=True)
class TargetSettings:
    """Times in milliseconds, Apigee's defaults. Source: Apigee "Endpoint properties reference"."""

    connect_timeout: int = 3000
    io_timeout: int = 55000
    keepalive_timeout: int = 60000


@dataclass(frozen=True)
class PoolKey:
    """Which connections may be shared: those of one target endpoint to one host and port with the same settings.

    ``tls`` is what references lead to now, so that a reference turned elsewhere is a pool of its own.
    """

    environment: str
    proxy: str
    target_endpoint: str
    scheme: str
    host: str
    port: int
    settings: TargetSettings
    tls: TlsSettings | None = None


class RotatingResolver(AbstractResolver):
    """Gives aiohttp one address for each new connection: the next one of the cached answer."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        answer, from_cache = await self._resolver.resolve(host)
        address = answer.take()
        attempt = ATTEMPT.get()
        if attempt is not None:
            attempt.addresses, attempt.ttl, attempt.from_cache = list(answer.addresses), answer.ttl, from_cache
            attempt.connected = f"{address}:{port}"
        return [ResolveResult(hostname=host, host=address, port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        """The resolver outlives its pools."""


class _TracingConnector(aiohttp.TCPConnector):
    """Tells the attempt which connection it got, and refuses certificates for other hosts."""

    def __init__(self, tls: TlsSettings | None, **how) -> None:
        super().__init__(**how)
        self._tls = tls
        # What was agreed on each open connection: the TLS object itself is not to be had from a pooled one.
        self._agreed: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()

    async def connect(self, req, traces, timeout):
        connection = await super().connect(req, traces, timeout)
        attempt = ATTEMPT.get()
        if attempt is not None and connection.transport is not None:
            peer = connection.transport.get_extra_info("peername")
            local = connection.transport.get_extra_info("sockname")
            attempt.connected = f"{peer[0]}:{peer[1]}" if peer else None
            attempt.local = f"{local[0]}:{local[1]}" if local else None
            attempt.certificate, attempt.tls = self._agreed.get(connection.protocol, (None, None))
        return connection


    async def _wrap_create_connection(self, *args, req, **kwargs):
        transport, protocol = await super()._wrap_create_connection(*args, req=req, **kwargs)
        if self._tls is not None:
            attempt = ATTEMPT.get() or Attempt(req.url.host or "", req.url.port or 443)
            try:
                handshakes.accept(attempt, transport.get_extra_info("ssl_object"), req.url.host, self._tls.info)
            except handshakes.HandshakeFailed as error:
                transport.abort()
                raise aiohttp.ClientConnectorSSLError(req.connection_key, error) from error
            self._agreed[protocol] = attempt.certificate, attempt.tls
        return transport, protocol


async def _created(_session, _context, _parameters) -> None:
    if (attempt := ATTEMPT.get()) is not None:
        attempt.pooled = False


@dataclass
class _Pool:
    session: aiohttp.ClientSession
    leases: int = 0
    retired: bool = False


class Pools:
    """All target pools. A request leases one; a pool that is no longer wanted closes when its last lease ends."""

    def __init__(self, resolver: Resolver, scale: float = 1.0, source: str = "") -> None:
        self._resolver = resolver
        self._scale = scale
        self._source = source
        self._pools: dict[PoolKey, _Pool] = {}

    def lease(self, key: PoolKey) -> tuple[aiohttp.ClientSession, Callable[[], Awaitable[None]]]:
        """A session, and what to call when the request and its response are done with it. Raises TlsUnusable."""
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = _Pool(self._open(key.settings, key.tls))
        pool.leases += 1

        async def release() -> None:
            pool.leases -= 1
            if pool.retired and pool.leases == 0:
                await pool.session.close()
        return pool.session, release

    def _open(self, settings: TargetSettings, tls: TlsSettings | None) -> aiohttp.ClientSession:
        idle = settings.keepalive_timeout / 1000 * self._scale
        # limit=0: the message processor opens as many connections as requests need.
        keep: dict[str, Any] = {"keepalive_timeout": idle} if settings.keepalive_timeout else {"force_close": True}
        if self._source:
            keep["local_addr"] = (self._source, 0)
        if tls is not None:
            keep["ssl"] = tls.context()
            handshakes.watch(keep["ssl"], ATTEMPT.get)
        connector = _TracingConnector(tls, resolver=RotatingResolver(self._resolver), use_dns_cache=False, limit=0,
                                      **keep)
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_reuseconn.append(self._reused)
        tracing.on_connection_create_end.append(_created)
        session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False,
            trace_configs=[tracing], requote_redirect_url=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_timeout / 1000 * self._scale,
                                          sock_read=settings.io_timeout / 1000 * self._scale))
        # aiohttp repeats an idempotent request once when a pooled connection turns out closed. Apigee reports
        # UnexpectedEOFAtTarget then (its playbook), and hiding that would hide what this project has to prevent.
        session._retry_connection = False
        return session

    async def _reused(self, _session, _context, _parameters) -> None:
        attempt = ATTEMPT.get()
        if attempt is None:
            return
        attempt.pooled = True
        # Nothing was asked for this request; the trace still says what the name stands for.
        if (answer := self._resolver.remembered(attempt.host)) is not None:
            attempt.addresses, attempt.ttl, attempt.from_cache = list(answer.addresses), answer.ttl, True

    async def prune(self, keep) -> None:
        """Retires every pool for which ``keep(key)`` is false; new requests get a new one."""
        gone = [self._pools.pop(key) for key in list(self._pools) if not keep(key)]
        for pool in gone:
            pool.retired = True
        await asyncio.gather(*(pool.session.close() for pool in gone if pool.leases == 0))

    async def close(self) -> None:
        """Retires all pools."""
        await self.prune(lambda _: False)

    def statistics(self) -> list[dict]:
        return [{"environment": key.environment, "proxy": key.proxy, "target_endpoint": key.target_endpoint,
                 "host": key.host, "port": key.port, "in_use": pool.leases} for key, pool in self._pools.items()]
