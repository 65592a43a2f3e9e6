# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names to addresses, with the cache of Apigee's message processor above the records' own lifetime.

An answer is used for its TTL and an extra time (60 s by default, community figure for the hosted message processor); a
failed look-up is remembered for 10 s (the JVM's negative cache). All times are multiplied by ``scale``.
"""
from __future__ import annotations

import asyncio
import ipaddress
import time
from dataclasses import dataclass, field

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

NEGATIVE_SECONDS = 10.0
# One question to the VPC's resolver, and how often it is asked before the name counts as unresolvable.
_QUERY_SECONDS = 2.0
_QUERY_TRIES = 2


class UnresolvedName(OSError):
    """The name has no address: NXDOMAIN, no data, a failure of the resolver, or no answer from it."""


@dataclass
class Answer:
    """Addresses of a name in the order received; ``take`` rotates through them, one for each new connection."""

    addresses: list[str]
    ttl: int
    expires: float
    error: str | None = None
    _next: int = field(default=0)

    def take(self) -> str:
        address = self.addresses[self._next % len(self.addresses)]
        self._next += 1
        return address


class Resolver:
    """Asks one server for A records and remembers the answers."""

    def __init__(self, server: str, port: int = 53, *, extra_seconds: float = 60.0, scale: float = 1.0) -> None:
        self._server = server
        self._port = port
        self._extra = extra_seconds
        self._scale = scale
        self._cache: dict[str, Answer] = {}
        self._asking: dict[str, asyncio.Task[Answer]] = {}
        self.queries = 0

    def clear(self) -> None:
        self._cache.clear()

    def cached(self) -> dict[str, dict]:
        """What is remembered now, for the control API."""
        now = time.monotonic()
        return {name: {"addresses": answer.addresses, "ttl": answer.ttl, "error": answer.error,
                       "expires_in": round(answer.expires - now, 3)}
                for name, answer in self._cache.items() if answer.expires > now}

    def remembered(self, host: str) -> Answer | None:
        """The last answer for a name, however old; None for a name never asked for, or one that had no address."""
        literal = _literal(host)
        answer = literal or self._cache.get(host.rstrip(".").lower())
        return answer if answer is not None and answer.error is None else None

    async def resolve(self, host: str) -> tuple[Answer, bool]:
        """The answer and whether it came from the cache. Raises UnresolvedName."""
        literal = _literal(host)
        if literal is not None:
            return literal, False
        name = host.rstrip(".").lower()
        answer = self._cache.get(name)
        if answer is not None and answer.expires > time.monotonic():
            if answer.error is not None:
                raise UnresolvedName(answer.error)
            return answer, True
        task = self._asking.get(name)
        if task is None:
            task = asyncio.create_task(self._ask(name))
            self._asking[name] = task
            task.add_done_callback(lambda _: self._asking.pop(name, None))
        # Shielded: a client that goes away must not take the answer from the others who wait for it.
        answer = await asyncio.shield(task)
        if answer.error is not None:
            raise UnresolvedName(answer.error)
        return answer, False

    async def _ask(self, name: str) -> Answer:
        self.queries += 1
        try:
            addresses, ttl = await self._query(name)
            lifetime = ttl + self._extra
            answer = Answer(addresses, ttl, time.monotonic() + lifetime * self._scale)
        except (UnresolvedName, dns.exception.DNSException, OSError, EOFError) as error:
            text = str(error) or type(error).__name__
            answer = Answer([], 0, time.monotonic() + NEGATIVE_SECONDS * self._scale, text)
        self._cache[name] = answer
        return answer

    async def _query(self, name: str) -> tuple[list[str], int]:
        # EDNS as today's stub resolvers send it; answers beyond that size are asked for again over TCP.
        question = dns.message.make_query(name + ".", dns.rdatatype.A, use_edns=0, payload=1232)
        for attempt in range(_QUERY_TRIES):
            try:
                reply, _ = await dns.asyncquery.udp_with_fallback(question, self._server, timeout=_QUERY_SECONDS,
                                                                  port=self._port)
                break
            except dns.exception.Timeout:
                if attempt == _QUERY_TRIES - 1:
                    raise UnresolvedName(f"no answer from the resolver for {name}") from None
        if reply.rcode() != dns.rcode.NOERROR:
            raise UnresolvedName(f"{dns.rcode.to_text(reply.rcode())} for {name}")
        addresses, ttls = [], []
        for records in reply.answer:
            ttls.append(records.ttl)
            if records.rdtype == dns.rdatatype.A:
                addresses.extend(record.address for record in records)
        if not addresses:
            raise UnresolvedName(f"no A record for {name}")
        return addresses, min(ttls)


def _literal(host: str) -> Answer | None:
    try:
        return Answer([str(ipaddress.ip_address(host.strip("[]")))], 0, float("inf"))
    except ValueError:
        return None
