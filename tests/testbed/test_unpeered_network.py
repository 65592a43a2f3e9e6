# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""An organisation without VPC peering, made real: names through a zone, and one way in through an accepted endpoint."""
from __future__ import annotations

import asyncio
import dataclasses

import dns.message
import dns.rcode
import pytest

from testbed import leftovers
from testbed.kubernetes import build
from testbed.network.firewall import RESOLVER
from testbed.network.namespace import Namespace
from testbed.real_world import RealWorld
from testbed.state import State
from testbed.world import Endpoint, Network, PeeredDomain, Zone

pytestmark = pytest.mark.testbed

HOST, TARGET, PORT = "172.31.247.1", "10.10.0.80", 8443
CORP = Zone("corp", "corp.example.", (("orders.corp.example.", "A", 30, (HOST,)),))
ALONE = Network("shop-vpc", zones=(CORP,))
ASKED = dataclasses.replace(ALONE, apigee_zones=(PeeredDomain("shop", "corp.example.", "shop-vpc"),))
REACHED = dataclasses.replace(ASKED, endpoints=(Endpoint("orders", HOST, TARGET, (PORT,)),))


@pytest.fixture
async def world(tmp_path, monkeypatch):
    state = State(tmp_path / "home", tmp_path)
    state.prepare()
    monkeypatch.chdir(state.home)
    made = RealWorld(state, build.ensure_binaries(), lambda _token: None, (), asyncio.Event().set)
    try:
        await made.open()
        made.tenant, made.router = Namespace(state.namespace("apigee")), Namespace(state.namespace("vpc"))
        yield made
        await made.close()
        assert leftovers.namespaces(state) == []
    finally:
        leftovers.clean(state)


async def resolve(world: RealWorld, name: str) -> list[str]:
    loop = asyncio.get_running_loop()
    with world.tenant.udp("0.0.0.0", 0) as sock:
        await loop.sock_connect(sock, (RESOLVER, 53))
        await loop.sock_sendall(sock, dns.message.make_query(name, "A").to_wire())
        reply = dns.message.from_wire(await asyncio.wait_for(loop.sock_recv(sock, 4096), 6))
    assert reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
    return [item.address for rrset in reply.answer for item in rrset]


async def ask(world: RealWorld, host: str) -> bytes:
    """What Apigee gets from a host. Raises OSError or TimeoutError."""
    sock = await world.tenant.connect(host, PORT, 1.0)
    reader, writer = await asyncio.open_connection(sock=sock)
    answer = await asyncio.wait_for(reader.read(100), 2)
    writer.close()
    return answer


async def test_names_come_through_the_zone_and_requests_through_the_endpoint(world):
    await world.apply_network([ALONE])
    assert await resolve(world, "orders.corp.example.") == []
    await world.apply_network([ASKED])
    assert await resolve(world, "orders.corp.example.") == [HOST]
    # A load balancer: something in the network that has the forwarding rule's address.
    world.router.run(["ip", "address", "add", f"{TARGET}/32", "dev", "lo"])

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"orders")
        writer.close()

    server = await asyncio.start_server(greet, sock=world.router.listen(TARGET, PORT))
    # Known by name, but nobody has accepted: packets vanish. The address behind it is no way either.
    for host in (HOST, TARGET):
        with pytest.raises((OSError, TimeoutError)):
            await ask(world, host)
    await world.apply_network([REACHED])
    assert await ask(world, HOST) == b"orders"
    with pytest.raises((OSError, TimeoutError)):
        await ask(world, TARGET)
    await world.apply_network([REACHED])
    assert await ask(world, HOST) == b"orders"
    await world.apply_network([ASKED])
    with pytest.raises((OSError, TimeoutError)):
        await ask(world, HOST)
    server.close()
