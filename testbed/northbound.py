# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The ways in to Apigee from the host: an address for each instance, and one before them all.

An instance answers for the environments attached to it, and for no others. The address before them all is the
counterpart of a load balancer with a rule for each host name: a connection goes in turn to those instances that have
an environment of the host name's group, to any when there is none.
"""
from __future__ import annotations

import asyncio
import itertools
import socket
import ssl

from testbed.apigee_instances import ApigeeInstances
from testbed.network.forwarder import CHUNK, Forwarder
from testbed.network.namespace import listening_socket
from testbed.state import MAX_INSTANCES, NORTHBOUND_PORT, State
from testbed.world import Instance, WorldError

#: A ClientHello is one or two kilobytes; whoever sends more before its end speaks no TLS.
MOST_HELLO = 65536


class Northbound:
    """Forwarders on loopback addresses of the testbed; an instance keeps its address for as long as it is there."""

    def __init__(self, state: State, instances: ApigeeInstances) -> None:
        self._state = state
        self._instances = instances
        self._common: Forwarder | None = None
        self._own: dict[tuple[str, str], tuple[int, Forwarder]] = {}
        self._turn = itertools.count()

    async def open(self) -> None:
        """Listen at the address before all instances. Raises OSError."""
        listener = listening_socket(self._state.northbound_address, NORTHBOUND_PORT)
        self._common = HelloForwarder(listener, self._connect_by_host)
        await self._common.start()

    async def close(self) -> None:
        await self.clear()
        if self._common is not None:
            await self._common.stop()

    async def add(self, instance: Instance) -> None:
        """Listen for an instance, which refuses until it runs. Raises WorldError."""
        key = instance.organization, instance.name
        if key in self._own:
            return
        taken = {number for number, _forwarder in self._own.values()}
        number = next((each for each in range(MAX_INSTANCES) if each not in taken), None)
        if number is None:
            raise WorldError(f"the testbed has room for {MAX_INSTANCES} Apigee instances")
        address = self._state.instance_address(number)
        try:
            listener = listening_socket(address, NORTHBOUND_PORT)
        except OSError as error:
            raise WorldError(f"no address for Apigee instance {instance.name}: {address}: {error}") from error
        forwarder = Forwarder(listener, lambda: self._instances.connect(*key))
        self._own[key] = number, forwarder
        await forwarder.start()

    async def remove(self, organization: str, name: str) -> None:
        _number, forwarder = self._own.pop((organization, name), (0, None))
        if forwarder is not None:
            await forwarder.stop()

    async def clear(self) -> None:
        """Stop listening for every instance."""
        for organization, name in list(self._own):
            await self.remove(organization, name)

    def address(self, organization: str, name: str) -> str | None:
        """Where an instance answers; None when it is not there."""
        number, _forwarder = self._own.get((organization, name), (None, None))
        return None if number is None else self._state.instance_address(number)

    def way(self, host: str, path: str) -> str:
        """The address for a request: of the first instance with the environment that it is for, else the common one."""
        addresses = (self.address(*key) for key in self._instances.serving(host, path))
        return next((each for each in addresses if each), self._state.northbound_address)

    async def _connect_by_host(self, host: str) -> socket.socket:
        chosen = self._instances.serving(host) or [(each.organization, each.name) for each in self._instances.running()]
        if not chosen:
            raise ConnectionRefusedError("no Apigee instance is running")
        return await self._instances.connect(*chosen[next(self._turn) % len(chosen)])


class HelloForwarder(Forwarder):
    """A forwarder that learns which host name a TLS client asks for before it connects; nothing is decrypted."""

    async def open_onward(self, reader: asyncio.StreamReader) -> tuple[socket.socket, bytes]:
        host, begun = await hello(reader)
        return await self._connect(host), begun


async def hello(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """The host name in a client's first message, "" where it gives none, and all that was read for it."""
    names: list[str] = []

    def look(_connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int:
        names.append(name or "")
        return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE  # the handshake is the instance's

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = look
    incoming = ssl.MemoryBIO()
    listening = context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True)
    begun = b""
    while len(begun) < MOST_HELLO:
        data = await reader.read(CHUNK)
        if not data:
            break
        begun += data
        incoming.write(data)
        try:
            listening.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError:
            break
    return names[0] if names else "", begun
