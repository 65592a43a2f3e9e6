# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The VPC's CoreDNS itself: answers, takes new zones without losing a question, ends. Needs root."""
from __future__ import annotations

import asyncio
import os
from pathlib import Path

import dns.message
import dns.rcode
import pytest

from testbed import processes
from testbed.kubernetes import build
from testbed.network.firewall import RESOLVER
from testbed.network.namespace import Namespace
from testbed.network.resolver import Resolver, View
from testbed.world import WorldError, Zone

pytestmark = pytest.mark.testbed

VIEW, OTHER_VIEW = "169.254.171.1", "169.254.171.2"


@pytest.fixture
async def resolver(tmp_path: Path):
    namespace = Namespace(f"tbt{os.getpid()}-dns")
    namespace.create()
    for address in (RESOLVER, VIEW, OTHER_VIEW):
        namespace.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"])
    made = Resolver(namespace, build.ensure_binaries() / "coredns", tmp_path / "resolver", tmp_path / "resolver.log")
    made.namespace = namespace
    try:
        yield made
    finally:
        await made.stop()
        left = processes.inside([namespace.path])
        namespace.delete()
        assert left == []


async def ask(namespace: Namespace, name: str, address: str = VIEW) -> dns.message.Message:
    loop = asyncio.get_running_loop()
    with namespace.udp("0.0.0.0", 0) as sock:
        await loop.sock_connect(sock, (address, 53))
        await loop.sock_sendall(sock, dns.message.make_query(name, "A").to_wire())
        return dns.message.from_wire(await asyncio.wait_for(loop.sock_recv(sock, 4096), 2))


def zone(address: str, name: str = "corp.example.") -> Zone:
    return Zone("z", name, ((f"a.{name}", "A", 30, (address,)),))


def views(*zones: Zone) -> list[View]:
    return [View(VIEW, zones)]


async def test_networks_do_not_see_each_others_names(resolver: Resolver):
    await resolver.apply([View(VIEW, (zone("10.0.0.1"),)), View(OTHER_VIEW, (zone("10.0.0.2"),))])
    for address, expected in ((VIEW, "10.0.0.1"), (OTHER_VIEW, "10.0.0.2")):
        assert (await ask(resolver.namespace, "a.corp.example.", address)).answer[0][0].address == expected
    assert (await ask(resolver.namespace, "a.corp.example.", RESOLVER)).rcode() == dns.rcode.NXDOMAIN


async def test_zones_come_change_and_go(resolver: Resolver):
    await resolver.apply(views())
    assert (await ask(resolver.namespace, "a.corp.example.")).rcode() == dns.rcode.NXDOMAIN
    await resolver.apply(views(zone("10.0.0.1")))
    assert (await ask(resolver.namespace, "a.corp.example.")).answer[0][0].address == "10.0.0.1"
    await resolver.apply(views(zone("10.0.0.2")))
    assert (await ask(resolver.namespace, "a.corp.example.")).answer[0][0].address == "10.0.0.2"
    await resolver.apply(views())
    assert (await ask(resolver.namespace, "a.corp.example.")).rcode() == dns.rcode.NXDOMAIN


async def test_no_question_is_lost_while_it_takes_new_zones(resolver: Resolver):
    await resolver.apply(views(zone("10.0.0.1")))
    done = asyncio.Event()
    answers = 0

    async def keep_asking() -> None:
        nonlocal answers
        while not done.is_set():
            assert (await ask(resolver.namespace, "a.corp.example.")).answer
            answers += 1

    asking = asyncio.create_task(keep_asking())
    for number in range(5):
        await resolver.apply(views(zone("10.0.0.1"), zone("10.0.0.3", f"zone{number}.example.")))
    done.set()
    await asking
    assert answers


async def test_what_it_refuses_is_said_and_the_old_zones_serve(resolver: Resolver, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("testbed.network.resolver.READY_TIMEOUT", 1.5)
    await resolver.apply(views(zone("10.0.0.1")))
    with pytest.raises(WorldError):
        # An address that the router does not have.
        await resolver.apply([View("192.0.2.1", (zone("10.0.0.2"),))])
    assert (await ask(resolver.namespace, "a.corp.example.")).answer[0][0].address == "10.0.0.1"
    await resolver.apply(views(zone("10.0.0.2")))
    assert (await ask(resolver.namespace, "a.corp.example.")).answer[0][0].address == "10.0.0.2"
