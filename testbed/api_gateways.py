# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Gateways of API Gateway made real: for each an Envoy that is told of changes while it serves.

Callers come to one address with TLS, and the host name that they ask for leads to the gateway. A gateway that moves to
another config goes on taking calls: Envoy answers those under way by the old routes and new ones by the new.
"""
from __future__ import annotations

import asyncio
import json
import logging
import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from testbed.api_gateway import document, envoy
from testbed.certificates import Authority
from testbed.envoys import RunningEnvoy
from testbed.network.namespace import listening_socket
from testbed.northbound import HelloForwarder
from testbed.state import NORTHBOUND_PORT, State
from testbed.world import Gateway, WorldError

log = logging.getLogger("testbed.api_gateways")

#: The ports of the Envoys begin here, at the address of all gateways.
FIRST_PORT = 20000
MOST_GATEWAYS = 50
#: Nobody listens there: where a backend is that the testbed does not have.
NOWHERE = ("127.0.0.1", 9)


@dataclass
class _Envoy:
    """A running gateway; ``told`` is what it serves, and where its backends were then."""

    number: int
    certificate: tuple[str, str]
    envoy: RunningEnvoy
    told: tuple[Gateway, dict[str, tuple[str, int]]] | None = None


class ApiGateways:
    """Starts, changes and stops the Envoys. ``backends`` says where functions are, by the authority of their URL."""

    def __init__(self, state: State, authority: Authority,
                 backends: Callable[[], Mapping[str, tuple[str, int]]], trusted: Path | None = None) -> None:
        """``trusted``: the authority of the backends' certificates (PEM); without it they are spoken to in clear."""
        self._state = state
        self._authority = authority
        self._backends = backends
        self._trusted = trusted
        self._wanted: tuple[Gateway, ...] = ()
        self._running: dict[str, _Envoy] = {}
        self._forwarder: HelloForwarder | None = None
        self._step = asyncio.Lock()

    async def open(self) -> None:
        """Listen at the address of all gateways. Raises OSError."""
        listener = listening_socket(self._state.api_gateway_address, NORTHBOUND_PORT)
        self._forwarder = HelloForwarder(listener, self._connect)
        await self._forwarder.start()

    async def close(self) -> None:
        if self._forwarder is not None:
            await self._forwarder.stop()
        await self.apply(())

    def running(self) -> list[Gateway]:
        return [one.told[0] for one in self._running.values() if one.told]

    async def apply(self, gateways: Sequence[Gateway]) -> None:
        """Bring the gateways to this picture; returns when each serves it. Raises WorldError."""
        self._wanted = tuple(gateways)
        await self.refresh()

    async def refresh(self) -> None:
        """Tell the gateways where the functions are now. Raises WorldError."""
        async with self._step:
            wanted = {gateway.name: gateway for gateway in self._wanted}
            for name in [name for name in self._running if name not in wanted]:
                await self._running.pop(name).envoy.end()
            backends = dict(self._backends()) if wanted else {}
            for gateway in wanted.values():
                await self._bring(gateway, backends)

    # -- inside -----------------------------------------------------------------------------------------------
    async def _bring(self, gateway: Gateway, backends: dict[str, tuple[str, int]]) -> None:
        running = self._running.get(gateway.name)
        if running is not None and running.envoy.ended:
            log.error("the Envoy of %s ended and is started again", gateway.name)
            await self._running.pop(gateway.name).envoy.end()
            running = None
        if running is None:
            running = await asyncio.to_thread(self._prepare, gateway)
            self._running[gateway.name] = running
        elif running.told == (gateway, backends):
            return
        await self._tell(running, gateway, backends)
        fresh, running.told = running.told is None, (gateway, backends)
        if fresh:
            # One that never served is told of by who wanted it, and not tried again and again.
            running.envoy.when_it_ends(self.refresh)

    def _prepare(self, gateway: Gateway) -> _Envoy:
        taken = {one.number for one in self._running.values()}
        number = next((each for each in range(MOST_GATEWAYS) if each not in taken), None)
        if number is None:
            raise WorldError(f"the testbed has room for {MOST_GATEWAYS} gateways of API Gateway")
        folder = self._state.api_gateway / str(number)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        chain, key = self._authority.issue([gateway.host])
        running = RunningEnvoy(self._state, f"api-gateway-{number}", "api-gateway", folder)
        return _Envoy(number, (chain.decode(), key.decode()), running)

    async def _tell(self, running: _Envoy, gateway: Gateway, backends: dict[str, tuple[str, int]]) -> None:
        """Have an Envoy serve a gateway's routes."""
        try:
            routes = [route for name, content in gateway.documents for route in document.read(name, content)]
        except document.Refused as error:  # accepted before, so never
            raise WorldError(f"{gateway.name}: {error}") from error
        world = _world(gateway, routes, backends, self._trusted)
        address, port = self._state.api_gateway_address, FIRST_PORT + running.number
        served = envoy.listener(routes, world, address, port, running.certificate)
        await running.envoy.tell(envoy.clusters(routes, world), [served])

    async def _connect(self, host: str) -> socket.socket:
        for running in self._running.values():
            if running.told is not None and running.told[0].host == host:
                address = (self._state.api_gateway_address, FIRST_PORT + running.number)
                loop = asyncio.get_running_loop()
                onward = socket.socket()
                onward.setblocking(False)
                try:
                    await loop.sock_connect(onward, address)
                except BaseException:
                    onward.close()
                    raise
                return onward
        raise ConnectionRefusedError(f"no gateway has the host name {host or '(none)'}")


def _world(gateway: Gateway, routes: Sequence[document.Route],
           backends: Mapping[str, tuple[str, int]], trusted: Path | None) -> envoy.World:
    """What the routes need; a backend that is not here leads nowhere, and a key set that nobody has lets nobody in."""
    authorities = {urlsplit(route.address).netloc for route in routes}
    sets = {issuer.keys for route in routes for issuer in route.issuers}
    return envoy.World(
        backends={name: backends.get(name, NOWHERE) for name in authorities},
        keys=gateway.keys,
        jwks={address: gateway.key_sets.get(address) or _nobodys_keys() for address in sets},
        identities=gateway.identities,
        trusted=str(trusted) if trusted else "",
    )


_nobodys: list[str] = []


def _nobodys_keys() -> str:
    """A key set with one key that has been thrown away, as Envoy takes none that is empty. The same each time."""
    if not _nobodys:
        public = rsa.generate_private_key(65537, 2048).public_key()
        _nobodys.append(json.dumps({"keys": [{**json.loads(RSAAlgorithm.to_jwk(public)), "kid": "nobody"}]}))
    return _nobodys[0]
