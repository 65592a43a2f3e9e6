# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The double of Edge in a testbed: at an address of this machine, and in the VPC by the names of the public cloud."""
from __future__ import annotations

import asyncio
import base64
import http.client
import json
import socket
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.certificates import Authority
from testbed.edge import front
from testbed.network.firewall import EDGE, render
from testbed.network.namespace import Namespace
from testbed.state import State


@pytest.fixture
def state() -> Iterator[State]:
    with tempfile.TemporaryDirectory(prefix="tb-", dir="/tmp") as folder:
        made = State(Path(folder), Path(folder))
        made.prepare()
        yield made


@pytest.fixture
def router(state: State) -> Iterator[Namespace]:
    made = Namespace(state.namespace("vpc"))
    made.create()
    made.run(["ip", "address", "replace", f"{EDGE}/32", "dev", "lo"])
    yield made
    made.delete()


def ask(state: State, authority: Authority, path: str, name: str = "", within: Namespace | None = None,
        method: str = "GET", body: Any = None) -> tuple[int, Any]:
    """A request over TLS whose certificate is checked against the name, as the administrator."""
    address = EDGE if within else state.edge_address
    context = ssl.create_default_context(cafile=authority.certificate_file)

    def connect() -> socket.socket:
        return socket.create_connection((address, 443), 10)

    plain = within.inside(connect) if within else connect()
    connection = http.client.HTTPSConnection(name or address, timeout=10, context=context)
    connection.sock = context.wrap_socket(plain, server_hostname=name or address)
    user = base64.b64encode(f"{front.USER}:{(state.edge / 'password').read_text()}".encode()).decode()
    headers = {"Authorization": f"Basic {user}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read().decode()
        return answer.status, json.loads(content) if content.startswith(("{", "[")) else content
    finally:
        connection.close()


def test_one_organisation_at_both_places_and_an_empty_one_after_a_reset(state: State, router: Namespace) -> None:
    authority = Authority.load_or_create(state.certificates)
    developers = "/v1/organizations/acme/developers"
    ann = {"email": "ann@partner.example", "firstName": "Ann", "lastName": "Partner", "userName": "ann"}

    async def scene() -> None:
        double = front.EdgeFront(state, authority, router)
        await double.open()
        try:
            def outside(path: str, **how: Any) -> Any:
                return asyncio.to_thread(ask, state, authority, path, **how)

            assert (await outside(developers, method="POST", body=ann))[0] == 201
            assert await outside(developers, name=front.MANAGEMENT, within=router) == (200, ["ann@partner.example"])
            # The host name tells organisation and environment.
            keys = "/edgemicro-auth/publicKey"
            assert (await outside(keys, name="acme-test.apigee.net", within=router))[0] == 200
            assert (await outside(keys, name="acme-other.apigee.net", within=router))[0] == 404
            # Down and up again, it is the same.
            await double.close()
            with pytest.raises(ConnectionRefusedError):
                await outside(developers)
            await double.answer()
            assert await outside(developers) == (200, ["ann@partner.example"])
            await double.reset()
            assert await outside(developers) == (200, [])
        finally:
            await double.close()

    asyncio.run(scene())
    assert (state.edge / "password").stat().st_mode & 0o077 == 0
    assert (state.edge / "tls.key").stat().st_mode & 0o077 == 0


def test_rules_for_what_leaves_hold_on_the_way_there() -> None:
    lines = [line.strip() for line in render([], [], {}).splitlines() if EDGE in line]
    assert lines == [line for link in ("node*", "function*") for line in (
        f'iifname "{link}" ip daddr {EDGE} tcp dport 443 jump egress',
        f'iifname "{link}" ip daddr {EDGE} tcp dport 443 accept')]
