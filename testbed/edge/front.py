# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the double of Apigee Edge answers in a running testbed: this machine at an address of loopback, the networks
under the names of Edge's public cloud."""
from __future__ import annotations

import asyncio
import os
import secrets
import ssl

from aiohttp import web

from testbed.certificates import Authority
from testbed.network.firewall import EDGE
from testbed.network.namespace import Namespace, listening_socket
from testbed.state import NORTHBOUND_PORT, State, write_private
from testbed.world import Zone

from .control_plane import application
from .management import Management
from .microservices import Microservices
from .organization import Organization

ORGANIZATION, ENVIRONMENT = "acme", "test"
USER = "admin@acme.example"
MICROSERVICES, MANAGEMENT = "edgemicroservices.apigee.net", "api.enterprise.apigee.com"
NAMES = ("*.apigee.net", MANAGEMENT)
#: What every network resolves, as it would the public names. Seconds.
TTL = 60
ZONES = (
    Zone("apigee-net", "apigee.net.", (("*.apigee.net.", "A", TTL, (EDGE,)),)),
    Zone("apigee-com", "enterprise.apigee.com.", ((f"{MANAGEMENT}.", "A", TTL, (EDGE,)),)),
)


class EdgeFront:
    """One organisation of Apigee Edge, empty at first. Nothing of it outlives the daemon."""

    def __init__(self, state: State, authority: Authority, router: Namespace) -> None:
        self._state = state
        self._authority = authority
        self._router = router
        self._requests: list[str] = []
        self._runner: web.AppRunner | None = None
        self._context: ssl.SSLContext | None = None
        self._parts: tuple[Management, Microservices] | None = None

    async def open(self) -> None:
        """Listen at both places. Raises OSError."""
        self._context = await asyncio.to_thread(self._certified)
        self._begin()
        await self.answer()

    async def close(self) -> None:
        """Close the listeners and every connection. What the organisation holds is there when it answers again."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def reset(self) -> None:
        """Begin with an empty organisation."""
        self._begin()
        await self.answer()

    async def answer(self) -> None:
        """Listen; where it listens already, anew."""
        await self.close()
        assert self._parts is not None  # made when it was opened
        self._runner = web.AppRunner(application(*self._parts, self._requests), access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        for listener in (listening_socket(self._state.edge_address, NORTHBOUND_PORT),
                         self._router.listen(EDGE, NORTHBOUND_PORT)):
            await web.SockSite(self._runner, listener, ssl_context=self._context).start()

    def _begin(self) -> None:
        organization, users = Organization(ORGANIZATION, (ENVIRONMENT,)), {USER: self._chosen()}
        microservices = Microservices(organization, users)
        microservices.host = MICROSERVICES
        self._requests.clear()
        self._parts = Management(organization, users), microservices

    def _chosen(self) -> str:
        """The administrator's password, the same as long as the testbed's folder is there."""
        path = self._state.edge / "password"
        if not path.exists():
            write_private(path, secrets.token_hex(16))
        return path.read_text(encoding="ascii")

    def _certified(self) -> ssl.SSLContext:
        chain, key = self._authority.issue([*NAMES, self._state.edge_address])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        folder = self._state.edge
        # From memory it cannot be loaded.
        for name, content in (("tls.crt", chain), ("tls.key", key)):
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
        context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        return context


def connection(state: State, ca_cert: str) -> dict[str, object]:
    """How clients on this machine reach it; the password is in a file."""
    url = f"https://{state.edge_address}:{NORTHBOUND_PORT}"
    return {"url": url, "microservices_url": f"{url}/edgemicro", "ca_cert": ca_cert, "user": USER,
            "password_file": str(state.edge / "password"), "organization": ORGANIZATION, "environment": ENVIRONMENT}
