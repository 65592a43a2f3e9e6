# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Real namespaces, routes and rules of a small VPC. Needs root, iproute2 and nftables."""
from __future__ import annotations

import asyncio
import errno
import os
import socket
from pathlib import Path

import pytest

from testbed.network.firewall import Machine, render
from testbed.network.namespace import NETNS_FOLDER, Namespace
from testbed.network.vpc import Vpc
from testbed.world import FirewallRule, Network

pytestmark = pytest.mark.testbed

MACHINE = Machine("shop-vpc", "10.10.0.2", "10.10.0.0/24", "10.20.0.0/16", ("gke-shop",))
RULE = FirewallRule("apigee-to-pods", "shop-vpc", allow=(("tcp", ("8080",)),), source_ranges=("10.30.0.0/22",),
                    target_tags=("gke-shop",))
INSTANCE = "10.30.0.2"
POD = "10.20.0.9"


class Place:
    """A VPC with a node (its pod address on a bridge) and an Apigee instance."""

    def __init__(self, prefix: str) -> None:
        self.router, self.tenant = Namespace(f"{prefix}-vpc"), Namespace(f"{prefix}-apigee")
        self.node = Namespace(f"{prefix}-node-0")
        self.vpc = Vpc(self.router, self.tenant)

    def build(self) -> None:
        self.vpc.create()
        self.vpc.attach_node(0, self.node, MACHINE.node_ip, "10.10.0.1", MACHINE.pod_range)
        self.vpc.set_instances([INSTANCE])

    def picture(self, *rules: FirewallRule, peered: bool = True) -> None:
        network = Network("shop-vpc", firewall_rules=rules, peered_to_apigee=peered)
        self.vpc.set_firewall(render([network], [MACHINE], {"shop-vpc": ["10.30.0.0/22"]}))
        self.vpc.peer(["10.30.0.0/22"] if peered else [])

    def remove(self) -> None:
        self.vpc.detach_node(0, self.node)
        self.vpc.delete()


@pytest.fixture
def place():
    made = Place(f"tbt{os.getpid()}")
    try:
        made.build()
        made.node.run(["ip", "-batch", "-"], input="link add cni0 type bridge\n"
                      f"address add {POD}/24 dev cni0\nlink set cni0 up\n")
        yield made
    finally:
        made.remove()


@pytest.fixture
async def pod(place: Place):
    """A listener on the pod's address."""
    listener = place.node.listen(POD, 8080)
    yield listener
    listener.close()


async def reaches(source: Namespace, host: str = POD, port: int = 8080) -> bool:
    """Whether a new connection opens. False only for silence: a refusal is an error of the test."""
    try:
        (await source.connect(host, port, 0.4)).close()
    except asyncio.TimeoutError:
        return False
    return True


async def test_the_rule_lets_apigee_in_and_the_pod_sees_its_address(place: Place, pod):
    place.picture(RULE)
    opened = await place.tenant.connect(POD, 8080, 2)
    seen, (address, _port) = await asyncio.get_running_loop().sock_accept(pod)
    assert address == INSTANCE
    opened.close()
    seen.close()


@pytest.mark.parametrize(("rules", "peered"), [
    ((), True),
    ((RULE,), False),
    ((FirewallRule("other-tag", "shop-vpc", allow=RULE.allow, target_tags=("bastion",)),), True),
    ((FirewallRule("other-port", "shop-vpc", allow=(("tcp", ("80",)),)),), True),
    ((FirewallRule("off", "shop-vpc", allow=RULE.allow, disabled=True),), True),
    ((RULE, FirewallRule("deny", "shop-vpc", priority=900, deny=(("all", ()),))), True),
])
async def test_without_it_a_connection_times_out(place: Place, pod, rules: tuple[FirewallRule, ...], peered: bool):
    place.picture(*rules, peered=peered)
    assert not await reaches(place.tenant)


async def test_rules_are_replaced_whole_and_open_connections_live_on(place: Place, pod):
    place.picture(RULE)
    opened = await place.tenant.connect(POD, 8080, 2)
    accepted, _ = await asyncio.get_running_loop().sock_accept(pod)
    place.picture()
    assert not await reaches(place.tenant)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(opened, b"still here")
    assert await asyncio.wait_for(loop.sock_recv(accepted, 100), 2) == b"still here"
    opened.close()
    accepted.close()


async def test_the_network_reaches_apigee_while_peered(place: Place):
    with place.tenant.listen(INSTANCE, 443):
        place.picture()
        assert await reaches(place.node, INSTANCE, 443)
        place.picture(peered=False)
        # Without the route the router itself says so.
        with pytest.raises(OSError) as raised:
            await place.node.connect(INSTANCE, 443, 2)
        assert raised.value.errno == errno.ENETUNREACH


async def test_there_is_no_way_out(place: Place):
    place.picture(RULE)
    for source in (place.node, place.tenant):
        with pytest.raises((OSError, asyncio.TimeoutError)):
            (await source.connect("192.0.2.1", 80, 0.4)).close()


def test_everything_can_be_said_twice(place: Place):
    place.build()
    place.picture(RULE)
    before = place.router.run(["nft", "list", "ruleset"])
    place.build()
    place.picture(RULE)
    assert place.router.run(["nft", "list", "ruleset"]) == before


def test_removal_leaves_nothing_and_can_be_said_twice():
    gone = Place(f"tbt{os.getpid()}g")
    gone.build()
    assert gone.router.exists()
    gone.remove()
    gone.remove()
    assert not list(NETNS_FOLDER.glob(f"tbt{os.getpid()}g*"))
    assert f"tbt{os.getpid()}g" not in Path("/proc/self/mountinfo").read_text(encoding="utf-8")


def test_a_socket_belongs_to_its_namespace(place: Place):
    with place.node.listen("127.0.0.1", 8099), place.tenant.listen("127.0.0.1", 8099) as other:
        assert other.getsockname()[1] == 8099


def test_a_failed_command_says_what_it_said(place: Place):
    with pytest.raises(OSError, match="no-such-link"):
        place.router.run(["ip", "link", "show", "no-such-link"])


async def test_an_instance_that_comes_after_the_last_one_went(place: Place, pod: socket.socket) -> None:
    place.vpc.set_instances([])
    place.vpc.set_instances([INSTANCE])
    place.picture(RULE)
    assert await reaches(place.tenant)
