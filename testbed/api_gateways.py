# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Gateways of API Gateway made real: for each an Envoy that is told of changes while it serves.

Callers come to one address with TLS, and the host name that they ask for leads to the gateway. A gateway that moves to
another config goes on taking calls: Envoy answers those under way by the old routes and new ones by the new.
"""
from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from testbed import processes
from testbed.api_gateway import document, envoy
from testbed.certificates import Authority
from testbed.images import tls
from testbed.kubernetes.toolchain import BuildError
from testbed.network.namespace import listening_socket
from testbed.northbound import HelloForwarder
from testbed.state import NORTHBOUND_PORT, State, write_private
from testbed.world import Gateway, WorldError

log = logging.getLogger("testbed.api_gateways")

#: The ports of the Envoys begin here, at the address of all gateways.
FIRST_PORT = 20000
MOST_GATEWAYS = 50
START_TIMEOUT = 20.0
LISTENER, CLUSTER = "listener.v3.Listener", "cluster.v3.Cluster"
#: Seconds in which connections made under the old routes are told to end; calls under way may take this long.
DRAIN = 30
#: Nobody listens there: where a backend is that the testbed does not have.
NOWHERE = ("127.0.0.1", 9)


@dataclass
class _Envoy:
    """A running gateway; ``told`` is what it serves, ``backends`` all that it has been told of and may still use."""

    number: int
    folder: Path
    certificate: tuple[str, str]
    process: asyncio.subprocess.Process | None = None
    told: tuple[Gateway, dict[str, tuple[str, int]]] | None = None
    clusters: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: int = 0


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
        self._watches: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen at the address of all gateways. Raises OSError."""
        listener = listening_socket(self._state.api_gateway_address, NORTHBOUND_PORT)
        self._forwarder = HelloForwarder(listener, self._connect)
        await self._forwarder.start()

    async def close(self) -> None:
        if self._forwarder is not None:
            await self._forwarder.stop()
        await self.apply(())
        await asyncio.gather(*self._watches)

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
                await self._end(self._running.pop(name))
            backends = dict(self._backends()) if wanted else {}
            for gateway in wanted.values():
                await self._bring(gateway, backends)

    # -- inside -----------------------------------------------------------------------------------------------
    async def _bring(self, gateway: Gateway, backends: dict[str, tuple[str, int]]) -> None:
        running = self._running.get(gateway.name)
        alive = running is not None and running.process is not None and running.process.returncode is None
        if running is not None and not alive:
            log.error("the Envoy of %s ended and is started again", gateway.name)
            await self._end(self._running.pop(gateway.name))
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
            watch = asyncio.create_task(self._watch(gateway.name, running))
            self._watches.add(watch)
            watch.add_done_callback(self._watches.discard)

    async def _watch(self, name: str, running: _Envoy) -> None:
        """Start an Envoy again that ends though nobody wanted it to."""
        assert running.process is not None  # it serves
        await running.process.wait()
        if self._running.get(name) is not running:
            return
        try:
            await self.refresh()
        except (WorldError, OSError) as error:
            log.error("the Envoy of %s could not be started again: %s", name, error)

    def _prepare(self, gateway: Gateway) -> _Envoy:
        taken = {one.number for one in self._running.values()}
        number = next((each for each in range(MOST_GATEWAYS) if each not in taken), None)
        if number is None:
            raise WorldError(f"the testbed has room for {MOST_GATEWAYS} gateways of API Gateway")
        folder = self._state.api_gateway / str(number)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        chain, key = self._authority.issue([gateway.host])
        return _Envoy(number, folder, (chain.decode(), key.decode()))

    async def _tell(self, running: _Envoy, gateway: Gateway, backends: dict[str, tuple[str, int]]) -> None:
        """Have an Envoy serve a gateway's routes. Backends come before the routes that lead to them."""
        try:
            routes = [route for name, content in gateway.documents for route in document.read(name, content)]
        except document.Refused as error:  # accepted before, so never
            raise WorldError(f"{gateway.name}: {error}") from error
        world = _world(gateway, routes, backends, self._trusted)
        found = {one["name"]: one for one in envoy.clusters(routes, world)}
        address, port = self._state.api_gateway_address, FIRST_PORT + running.number
        served = envoy.listener(routes, world, address, port, running.certificate)
        running.version += 1
        both = list({**running.clusters, **found}.values())
        _write(running.folder / envoy.CLUSTERS, envoy.resources(CLUSTER, str(running.version), both))
        if running.process is not None:
            await self._served(running, "cluster_manager.cds")
        _write(running.folder / envoy.LISTENERS, envoy.resources(LISTENER, str(running.version), [served]))
        if running.process is None:
            await self._start(running)
        await self._served(running, "listener_manager.lds")
        running.clusters = found

    async def _start(self, running: _Envoy) -> None:
        try:
            root = await asyncio.to_thread(tls.ensure_root, "envoy")
        except BuildError as error:
            raise WorldError(f"there is no Envoy for API Gateway: {error}") from error
        bootstrap = running.folder / "envoy.json"
        # Relative: a path longer than 107 bytes is no socket address.
        _write(bootstrap, envoy.dynamic(str(running.folder), self._admin(running)))
        (self._state.home / self._admin(running)).unlink(missing_ok=True)
        argv = [str(root / "usr/local/bin/envoy"), "-c", str(bootstrap), "--concurrency", "1", "--use-dynamic-base-id",
                "--drain-time-s", str(DRAIN), "--drain-strategy", "immediate", "--log-level", "warning"]
        with (self._state.logs / "api-gateway.log").open("ab") as output:
            running.process = await asyncio.create_subprocess_exec(
                *argv, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, cwd=self._state.home)

    @staticmethod
    def _admin(running: _Envoy) -> str:
        return f"run/api-gateway-{running.number}.sock"

    async def _served(self, running: _Envoy, prefix: str) -> None:
        """Wait until an Envoy has taken the version that it was told last. Raises WorldError."""
        assert running.process is not None  # started before anybody waits
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT
        refused: int | None = None
        while asyncio.get_running_loop().time() < deadline:
            if running.process.returncode is not None:
                raise WorldError("the Envoy of a gateway ended, see testbed logs api-gateway")
            with contextlib.suppress(aiohttp.ClientError, OSError, asyncio.TimeoutError):
                said = await self._statistics(running, prefix)
                if said.get("version_text", "").strip('"') == str(running.version):
                    return
                if refused is not None and int(said.get("update_rejected", 0)) > refused:
                    raise WorldError("Envoy refuses what a gateway is to serve, see testbed logs api-gateway")
                refused = int(said.get("update_rejected", 0)) if refused is None else refused
            await asyncio.sleep(0.02)
        raise WorldError(f"a gateway did not take version {running.version} after {START_TIMEOUT:.0f} s, "
                         "see testbed logs api-gateway")

    async def _statistics(self, running: _Envoy, prefix: str) -> dict[str, str]:
        connector = aiohttp.UnixConnector(path=self._admin(running))
        timeout = aiohttp.ClientTimeout(total=5)
        async with (aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                    session.get("http://envoy/stats", params={"filter": f"^{prefix}"}) as response):
            lines = (await response.text()).splitlines()
        parts = (each.partition(": ") for each in lines)
        return {name.removeprefix(f"{prefix}."): value for name, _colon, value in parts}

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

    async def _end(self, running: _Envoy) -> None:
        if running.process is not None:
            await processes.end_child(running.process)
        (self._state.home / self._admin(running)).unlink(missing_ok=True)
        shutil.rmtree(running.folder, ignore_errors=True)


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


def _write(path: Path, content: dict[str, Any]) -> None:
    """Replace a file in one step, which is what Envoy waits for. It holds keys and tokens."""
    write_private(path, json.dumps(content))
    os.chmod(path, 0o600)
